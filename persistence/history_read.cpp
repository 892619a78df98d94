// SPDX-License-Identifier: Apache-2.0
// Reading history back: a twin's inputs in order, and its values by event time. The tail is read
// before the blocks: sealing moves inputs from the one to the other, so nothing is missed, and what
// is seen twice is known by its id.
#include "persistence/history.hpp"
#include "persistence/shard_wide_inputs.hpp"
#include "persistence/tail_view.hpp"
#include <algorithm>
#include <tuple>

namespace pollux::persistence {

status each_input(const log& tail, const store& blocks, std::uint32_t shard, std::uint32_t row,
                  std::string_view id, domain::input_id after,
                  const std::function<bool(const domain::input&)>& visit) {
  tail_view unsealed{std::string(id)};
  if (auto s = unsealed.refresh(tail, shard); !s) return s;
  shard_wide_inputs wide;
  if (auto s = wide.load(blocks, unsealed, shard, after); !s) return s;
  bool go_on = true;
  auto last = after;
  const auto feed = [&](const domain::input& in) {
    if (!go_on || in.id <= last) return;
    last = in.id;
    while (go_on) {
      const auto* w = wide.next_before(in.id);
      if (w == nullptr) break;
      go_on = visit(*w);
    }
    if (go_on) go_on = visit(in);
  };
  status damage;
  auto s = blocks.each_block(shard, row, after, [&](std::string_view block) {
    damage = decode_any_block(block, feed);
    return damage.ok() && go_on;
  });
  if (!s) return s;
  if (!damage) return damage.error().within("history of " + std::string(id));
  unsealed.each(id, feed);
  while (go_on) {
    const auto* w = wide.next();
    if (w == nullptr) break;
    go_on = visit(*w);
  }
  return {};
}

namespace {

domain::owned_value owned(const domain::value_view& v) {
  switch (v.kind) {
  case domain::value_kind::f64: return v.f64;
  case domain::value_kind::i64: return v.i64;
  case domain::value_kind::boolean: return v.boolean;
  case domain::value_kind::text: return std::string(v.bytes);
  case domain::value_kind::none:
  case domain::value_kind::samples_f32:
  case domain::value_kind::samples_i16: break;
  }
  return std::monostate{};
}

/// Collects the values that were asked for; keeps no more than it has to.
class value_collector {
public:
  value_collector(std::string_view telemetry, std::int64_t from_ns, std::int64_t to_ns,
                  std::size_t limit)
      : telemetry_(telemetry), from_ns_(from_ns), to_ns_(to_ns), limit_(limit) {}

  /// True when something of it was kept.
  bool take(const domain::input& in) {
    if (in.kind != domain::input_kind::readings) return false;
    const auto before = found_.size();
    for (const auto& r : in.readings) {
      if (r.event_time_ns < from_ns_ || r.event_time_ns > to_ns_) continue;
      for (std::size_t i = r.first; i < r.first + r.count; ++i) {
        const auto& f = in.fields[i];
        if (!telemetry_.empty() && f.name != telemetry_) continue;
        found_.push_back(
            {{r.event_time_ns, in.ingest_time_ns, std::string(f.name), owned(f.value)}, in.id, i});
      }
    }
    const bool some = found_.size() > before;
    if (found_.size() > 4 * limit_ + 4096) cut();
    return some;
  }

  /// True when nothing from `event_time_ns` on can still be among the oldest `limit`.
  [[nodiscard]] bool closed_before(std::int64_t event_time_ns) {
    if (found_.size() < limit_) return false;
    cut();
    return found_.size() >= limit_ && found_.back().value.event_time_ns < event_time_ns;
  }

  [[nodiscard]] std::vector<history_value> finish() {
    cut();
    std::vector<history_value> out;
    out.reserve(found_.size());
    for (auto& f : found_) out.push_back(std::move(f.value));
    return out;
  }

private:
  struct found_value {
    history_value value;
    domain::input_id from;
    std::size_t field = 0;
  };

  /// Sorts by event time, then journal order; drops repetitions and what is beyond the limit.
  void cut() {
    const auto order = [](const found_value& a, const found_value& b) {
      return std::tie(a.value.event_time_ns, a.from, a.field) <
             std::tie(b.value.event_time_ns, b.from, b.field);
    };
    std::sort(found_.begin(), found_.end(), order);
    std::vector<found_value> kept;
    kept.reserve(std::min(found_.size(), limit_));
    for (auto& f : found_) {
      if (kept.size() == limit_) break;
      bool repeated = false;
      for (auto k = kept.rbegin(); k != kept.rend() && !repeated; ++k) {
        if (k->value.event_time_ns != f.value.event_time_ns) break;
        repeated = k->value.name == f.value.name && k->value.value == f.value.value &&
                   !std::holds_alternative<std::monostate>(f.value.value);
      }
      if (!repeated) kept.push_back(std::move(f));
    }
    found_ = std::move(kept);
  }

  std::string telemetry_;
  std::int64_t from_ns_, to_ns_;
  std::size_t limit_;
  std::vector<found_value> found_;
};

} // namespace

void series_origin::add(tier kept) noexcept {
  ++blocks;
  switch (kept) {
  case tier::hot: hot = true; break;
  case tier::warm: warm = true; break;
  case tier::cold: cold = true; break;
  }
}

std::vector<std::string> series_origin::names() const {
  std::vector<std::string> out;
  if (cold) out.emplace_back("cold");
  if (warm) out.emplace_back("warm");
  if (hot) out.emplace_back("hot");
  if (tail) out.emplace_back("tail");
  return out;
}

namespace {

/// One try of values_between. Errors: not_found when a block was moved meanwhile.
result<std::vector<history_value>> read_values(const tail_view& unsealed, const store& blocks,
                                               const verify_target& twin, value_collector values,
                                               std::int64_t from_ns, std::int64_t to_ns,
                                               series_origin& origin) {
  std::vector<block_info> wanted;
  domain::input_id sealed_upto;
  auto s = blocks.each_block_info(twin.shard, twin.row, false, [&](const block_info& b) {
    sealed_upto = b.last;
    if (b.least_event_time_ns <= to_ns && b.greatest_event_time_ns >= from_ns) wanted.push_back(b);
    return true;
  });
  if (!s) return s.error();
  std::sort(wanted.begin(), wanted.end(), [](const block_info& a, const block_info& b) {
    return a.least_event_time_ns < b.least_event_time_ns;
  });
  unsealed.each(twin.id, [&](const domain::input& in) {
    if (in.id > sealed_upto) origin.tail = values.take(in) || origin.tail;
  });
  for (const auto& b : wanted) {
    if (values.closed_before(b.least_event_time_ns)) break;
    const auto bytes = blocks.block(twin.shard, twin.row, b.first);
    if (!bytes) return bytes.error();
    origin.add(b.kept);
    auto read = decode_any_block(*bytes, [&](const domain::input& in) { values.take(in); });
    if (!read) return read.error();
  }
  return values.finish();
}

} // namespace

result<std::vector<history_value>> values_between(const log& tail, const store& blocks,
                                                  std::uint32_t shard, std::uint32_t row,
                                                  std::string_view id, std::string_view telemetry,
                                                  std::int64_t from_ns, std::int64_t to_ns,
                                                  std::size_t limit, series_origin* origin) {
  if (limit == 0 || from_ns > to_ns) return std::vector<history_value>{};
  const verify_target twin{shard, row, std::string(id)};
  tail_view unsealed{twin.id};
  if (auto s = unsealed.refresh(tail, shard); !s) return s.error();
  // A move between tiers may take a block away while it is looked for: the index names another.
  for (int tries = 0;; ++tries) {
    series_origin found;
    auto values = read_values(unsealed, blocks, twin, {telemetry, from_ns, to_ns, limit}, from_ns,
                              to_ns, found);
    if (!values && values.error().code == errc::not_found && tries < 3) continue;
    if (!values) return values.error().within("history of " + twin.id);
    if (origin != nullptr) *origin = found;
    return values;
  }
}

} // namespace pollux::persistence
