// SPDX-License-Identifier: Apache-2.0
// Reading numbers over event time, stretch by stretch. A stretch ends where enough readings lie
// before it, so memory is bounded however long the interval is.
#include "persistence/series.hpp"
#include "persistence/tail_view.hpp"
#include <algorithm>
#include <cmath>
#include <map>

namespace pollux::persistence {

namespace {

constexpr std::uint64_t readings_a_stretch = 300'000;

/// Points of all wanted telemetries, in the order in which they were journaled.
class point_collector {
public:
  explicit point_collector(std::vector<std::string> telemetry) : wanted_(std::move(telemetry)) {}

  void take(const domain::input& in, series_interval within) {
    if (in.kind != domain::input_kind::readings) return;
    for (const auto& r : in.readings) {
      if (r.event_time_ns < within.from_ns || r.event_time_ns > within.to_ns) continue;
      for (std::size_t i = r.first; i < r.first + r.count; ++i) {
        const auto& f = in.fields[i];
        const auto number = number_of(f.value);
        if (!std::isfinite(number)) continue;
        if (auto* into = points_of(f.name)) into->push_back({r.event_time_ns, number});
      }
    }
  }

  /// Those of `other` within the interval, as journaled after all that is here.
  void take(const point_collector& other, series_interval within) {
    for (const auto& [name, points] : other.points_)
      for (const auto& p : points)
        if (p.time_ns >= within.from_ns && p.time_ns <= within.to_ns) points_[name].push_back(p);
  }

  void forget() {
    for (auto& [name, points] : points_) points.clear();
  }

  void hand_over(const stretch_visit& visit) {
    for (auto& [name, points] : points_) {
      if (points.empty()) continue;
      const auto earlier = [](const point& a, const point& b) { return a.time_ns < b.time_ns; };
      if (!std::is_sorted(points.begin(), points.end(), earlier))
        std::stable_sort(points.begin(), points.end(), earlier);
      std::size_t kept = 0; // of one instant the newest holds
      for (std::size_t i = 0; i < points.size(); ++i)
        if (i + 1 == points.size() || points[i + 1].time_ns != points[i].time_ns)
          points[kept++] = points[i];
      visit(name, {points.data(), kept});
      points.clear();
    }
  }

  [[nodiscard]] series_interval extent() const {
    series_interval out{never, no_time};
    for (const auto& [name, points] : points_)
      for (const auto& p : points) {
        out.from_ns = std::min(out.from_ns, p.time_ns);
        out.to_ns = std::max(out.to_ns, p.time_ns);
      }
    return out;
  }
  [[nodiscard]] bool empty() const {
    return std::all_of(points_.begin(), points_.end(),
                       [](const auto& entry) { return entry.second.empty(); });
  }

private:
  static double number_of(const domain::value_view& v) {
    switch (v.kind) {
    case domain::value_kind::f64: return v.f64;
    case domain::value_kind::i64: return static_cast<double>(v.i64);
    case domain::value_kind::boolean: return v.boolean ? 1 : 0;
    case domain::value_kind::none:
    case domain::value_kind::text:
    case domain::value_kind::samples_f32:
    case domain::value_kind::samples_i16: break;
    }
    return std::nan("");
  }

  std::vector<point>* points_of(std::string_view name) {
    if (last_ != nullptr && last_name_ == name) return last_;
    auto found = points_.find(name);
    if (found == points_.end()) {
      if (!wanted_.empty() && std::find(wanted_.begin(), wanted_.end(), name) == wanted_.end())
        return nullptr;
      found = points_.emplace(std::string(name), std::vector<point>{}).first;
    }
    last_name_ = found->first;
    last_ = &found->second;
    return last_;
  }

  std::vector<std::string> wanted_;
  std::map<std::string, std::vector<point>, std::less<>> points_;
  std::string_view last_name_;
  std::vector<point>* last_ = nullptr;
};

bool overlaps(const block_info& b, series_interval what) {
  return b.least_event_time_ns <= what.to_ns && b.greatest_event_time_ns >= what.from_ns;
}

class stretch_reader {
public:
  stretch_reader(const store& blocks, const series_place& twin,
                 const std::vector<std::string>& telemetry, series_interval what,
                 series_origin& origin)
      : blocks_(blocks), twin_(twin), what_(what), origin_(origin), unsealed_(telemetry),
        points_(telemetry) {}

  /// The tail first: sealing moves inputs from it into blocks, so nothing is missed, and what is
  /// seen twice is one instant's newest value all the same.
  [[nodiscard]] status open(const log& tail) {
    tail_view view{twin_.id};
    if (auto s = view.refresh(tail, twin_.shard); !s) return s;
    if (auto s = find_blocks(); !s) return s;
    view.each(twin_.id, [&](const domain::input& in) {
      if (in.id > newest_sealed_) unsealed_.take(in, what_);
    });
    return {};
  }

  [[nodiscard]] series_interval extent() const {
    auto out = unsealed_.extent();
    for (const auto& b : wanted_) {
      out.from_ns = std::min(out.from_ns, std::max(b.least_event_time_ns, what_.from_ns));
      out.to_ns = std::max(out.to_ns, std::min(b.greatest_event_time_ns, what_.to_ns));
    }
    return out;
  }

  [[nodiscard]] status visit_all(const stretch_visit& visit) {
    origin_.tail = !unsealed_.empty();
    auto begins = wanted_;
    std::sort(begins.begin(), begins.end(), [](const block_info& a, const block_info& b) {
      return a.least_event_time_ns < b.least_event_time_ns;
    });
    std::uint64_t readings = 0;
    series_interval here{what_.from_ns, what_.to_ns};
    for (const auto& b : begins) {
      if (readings >= readings_a_stretch && b.least_event_time_ns > here.from_ns) {
        here.to_ns = b.least_event_time_ns - 1;
        if (auto s = visit_one(here, visit); !s) return s;
        here = {b.least_event_time_ns, what_.to_ns};
        readings = 0;
      }
      readings += std::max(b.readings, b.inputs);
    }
    return visit_one(here, visit);
  }

private:
  /// A move between tiers may take a block away while it is looked for: its values stand in
  /// another then, which the index names.
  [[nodiscard]] status visit_one(series_interval here, const stretch_visit& visit) {
    auto read = collect(here);
    for (int again = 0; !read && read.error().code == errc::not_found && again < 3; ++again) {
      points_.forget();
      wanted_.clear();
      if (auto s = find_blocks(); !s) return s;
      read = collect(here);
    }
    if (!read) return read.error().within("history of " + twin_.id);
    points_.take(unsealed_, here);
    points_.hand_over(visit);
    return {};
  }

  [[nodiscard]] status collect(series_interval here) {
    for (const auto& b : wanted_) { // in the order of the journal
      if (!overlaps(b, here)) continue;
      const auto bytes = blocks_.block(twin_.shard, twin_.row, b.first);
      if (!bytes) return bytes.error();
      origin_.add(b.kept);
      auto read =
          decode_any_block(*bytes, [&](const domain::input& in) { points_.take(in, here); });
      if (!read) return read;
    }
    return {};
  }

  [[nodiscard]] status find_blocks() {
    return blocks_.each_block_info(twin_.shard, twin_.row, false, [&](const block_info& b) {
      newest_sealed_ = b.last;
      if (overlaps(b, what_)) wanted_.push_back(b);
      return true;
    });
  }

  const store& blocks_;
  const series_place& twin_;
  series_interval what_;
  series_origin& origin_;
  domain::input_id newest_sealed_;
  std::vector<block_info> wanted_;
  point_collector unsealed_, points_;
};

} // namespace

status each_stretch(const log& tail, const store& blocks, const series_place& twin,
                    const std::vector<std::string>& telemetry, series_interval what,
                    series_origin& origin, const stretch_visit& visit) {
  if (what.from_ns > what.to_ns) return {};
  stretch_reader reader(blocks, twin, telemetry, what, origin);
  if (auto s = reader.open(tail); !s) return s;
  return reader.visit_all(visit);
}

result<series_interval> extent_of(const log& tail, const store& blocks, const series_place& twin,
                                  series_interval what) {
  series_origin unused;
  stretch_reader reader(blocks, twin, {}, what, unused);
  if (auto s = reader.open(tail); !s) return s.error();
  return reader.extent();
}

} // namespace pollux::persistence
