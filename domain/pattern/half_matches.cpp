// SPDX-License-Identifier: Apache-2.0
// The canonical form: each kept event once, by id; each path as a list of (event, position). How
// paths share memory takes no part; load() shares again what neighbours have in common.
#include "domain/pattern/half_matches.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace pollux::domain {
namespace {

constexpr std::size_t bytes_of_step = 6; // of a saved path

void save_counts(const pattern_counts& c, byte_writer& out) {
  for (const auto n : {c.matches, c.timed_out, c.evicted, c.too_long, c.late, c.merged}) out.u64(n);
}

class reader {
public:
  reader(byte_reader& in, half_matches& into, const pattern_graph& graph,
         const pattern_bounds& most, std::size_t values)
      : in_(in), into_(into), graph_(graph), most_(most), values_(values) {}
  bool run() {
    auto& c = into_.counts;
    for (auto* n : {&c.matches, &c.timed_out, &c.evicted, &c.too_long, &c.late, &c.merged})
      *n = in_.u64();
    const bool fine = events() && halves() && founds() && in_.ok();
    for (const auto n : paths_) into_.paths.drop(n);
    return fine && std::all_of(events_.begin(), events_.end(),
                               [&](std::uint32_t e) { return into_.paths.event(e).uses > 0; });
  }

private:
  bool events() {
    const auto count = in_.u32();
    if (count > in_.remaining() / (16 + 8 * values_)) return false;
    std::vector<double> values(values_ + 1);
    std::uint64_t last = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto id = in_.u64();
      const auto time = in_.i64();
      for (std::size_t v = 0; v < values_; ++v) {
        const double x = in_.f64();
        values[v] = std::isfinite(x) ? x : std::numeric_limits<double>::quiet_NaN();
      }
      if (id <= last) return false;
      last = id;
      events_.push_back(into_.paths.add_event(id, time, values.data(), values_));
    }
    return true;
  }
  // The path's last node, the caller's; no_node on damage.
  std::uint32_t path() {
    const auto length = in_.u16();
    if (length == 0 || length > most_.max_events || length > in_.remaining() / bytes_of_step)
      return no_node;
    std::uint32_t node = no_node;
    bool as_before = true; // as far as the path read before goes the same way
    for (std::size_t i = 0; i < length; ++i) {
      const auto event = in_.u32();
      const auto position = in_.u16();
      if (event >= events_.size() || position >= graph_.positions.size()) return no_node;
      if (node != no_node && into_.paths.event(events_[event]).id <= into_.paths.event_of(node).id)
        return no_node;
      as_before = as_before && i < paths_.size() &&
                  into_.paths.node(paths_[i]).event == events_[event] &&
                  into_.paths.node(paths_[i]).position == position;
      if (!as_before) {
        while (paths_.size() > i) {
          into_.paths.drop(paths_.back());
          paths_.pop_back();
        }
        paths_.push_back(into_.paths.extend(node, events_[event], position));
      }
      node = paths_[i];
    }
    into_.paths.keep(node);
    return node;
  }
  bool halves() {
    const auto count = in_.u32();
    if (count > most_.max_partial || count > in_.remaining() / 11) return false;
    for (std::uint32_t i = 0; i < count; ++i) {
      half_match h;
      const auto flags = in_.u8();
      h.alive = in_.u64();
      h.node = path();
      if (h.node == no_node) return false;
      into_.partial.push_back(h); // from here on it owns its path
      auto& kept = into_.partial.back();
      kept.position = into_.paths.node(h.node).position;
      kept.untouched = (flags & 1) != 0;
      kept.waiting = (flags & 2) != 0;
      kept.was_match = (flags & 4) != 0;
      if (flags > 7 || (h.alive & ~graph_.positions[kept.position].all_edges) != 0) return false;
      begin_of(h.node, kept.start_id, kept.start_ns);
      if (i > 0 && kept.start_id < into_.partial[i - 1].start_id) return false;
    }
    return true;
  }
  bool founds() {
    const auto count = in_.u32();
    if (count > most_.max_partial || count > in_.remaining() / 18) return false;
    for (std::uint32_t i = 0; i < count; ++i) {
      found_match f;
      f.end_id = in_.u64();
      f.end_ns = in_.i64();
      f.node = path();
      if (f.node == no_node) return false;
      std::int64_t begun = 0;
      begin_of(f.node, f.start_id, begun);
      into_.held.push_back(f);
      if (i > 0 && f.start_id < into_.held[i - 1].start_id) return false;
    }
    return true;
  }
  void begin_of(std::uint32_t node, std::uint64_t& id, std::int64_t& time_ns) const {
    while (into_.paths.node(node).parent != no_node) node = into_.paths.node(node).parent;
    id = into_.paths.event_of(node).id;
    time_ns = into_.paths.event_of(node).time_ns;
  }

  byte_reader& in_;
  half_matches& into_;
  const pattern_graph& graph_;
  const pattern_bounds& most_;
  std::size_t values_;
  std::vector<std::uint32_t> events_;
  std::vector<std::uint32_t> paths_; // nodes of the path read last, each kept once
};

} // namespace

void half_matches::save(byte_writer& out, std::size_t values) const {
  save_counts(counts, out);
  std::vector<std::uint32_t> used, nodes;
  const auto note = [&](std::uint32_t n) {
    for (; n != no_node; n = paths.node(n).parent) used.push_back(paths.node(n).event);
  };
  for (const auto& h : partial) note(h.node);
  for (const auto& f : held) note(f.node);
  const auto by_id = [&](std::uint32_t a, std::uint32_t b) {
    return paths.event(a).id < paths.event(b).id;
  };
  std::sort(used.begin(), used.end(), by_id);
  used.erase(std::unique(used.begin(), used.end()), used.end());
  out.u32(static_cast<std::uint32_t>(used.size()));
  for (const auto e : used) {
    out.u64(paths.event(e).id);
    out.i64(paths.event(e).time_ns);
    for (std::size_t v = 0; v < values; ++v) out.f64(paths.values(e, values)[v]);
  }
  const auto path = [&](std::uint32_t node) {
    paths.path(node, nodes);
    out.u16(static_cast<std::uint16_t>(nodes.size()));
    for (const auto n : nodes) {
      const auto at = std::lower_bound(used.begin(), used.end(), paths.node(n).event, by_id);
      out.u32(static_cast<std::uint32_t>(at - used.begin()));
      out.u16(paths.node(n).position);
    }
  };
  out.u32(static_cast<std::uint32_t>(partial.size()));
  for (const auto& h : partial) {
    out.u8(static_cast<std::uint8_t>((h.untouched ? 1 : 0) | (h.waiting ? 2 : 0) |
                                     (h.was_match ? 4 : 0)));
    out.u64(h.alive);
    path(h.node);
  }
  out.u32(static_cast<std::uint32_t>(held.size()));
  for (const auto& f : held) {
    out.u64(f.end_id);
    out.i64(f.end_ns);
    path(f.node);
  }
}

bool half_matches::load(byte_reader& in, const pattern_graph& graph, const pattern_bounds& most,
                        std::size_t values) {
  return reader(in, *this, graph, most, values).run();
}

std::size_t half_matches::heap_bytes() const noexcept {
  return partial.capacity() * sizeof(half_match) + next.capacity() * sizeof(half_match) +
         (held.capacity() + done.capacity()) * sizeof(found_match) + paths.heap_bytes();
}

} // namespace pollux::domain
