// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/hold.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace pollux::domain {
namespace {

// In the count of `met`: judged values follow. States from before they were kept have none.
constexpr std::uint8_t judged_follow = 0x80;

std::int64_t wanted_ns(const hold_rule& rule, bool raising) noexcept {
  return raising ? rule.for_ns : rule.clear_for_ns;
}
std::uint32_t wanted_times(const hold_rule& rule, bool raising) noexcept {
  return raising ? rule.times : 1;
}

} // namespace

bool hold_state::note(const hold_rule& rule, bool raising, bool speaks, std::int64_t t) {
  if (raising && rule.within_ns > 0) {
    if (!speaks) return false;
    // A newer value of one telemetry may have an older time than another's: still in order of time.
    met.insert(std::upper_bound(met.begin(), met.end(), t), t);
    const auto old =
        saturating_add(met.back(), -rule.within_ns); // exactly so long ago still counts
    met.erase(met.begin(), std::lower_bound(met.begin(), met.end(), old));
    if (met.size() > max_hold_times) met.erase(met.begin());
    since_ns = met.front();
    last_ns = met.back();
    return met.size() >= rule.times;
  }
  if (!speaks) {
    start_over();
    return false;
  }
  if (since_ns == no_time) since_ns = t;
  last_ns = t;
  count = std::min(count + 1, wanted_times(rule, raising));
  return count == wanted_times(rule, raising) &&
         t >= saturating_add(since_ns, wanted_ns(rule, raising));
}

std::int64_t hold_state::due_ns(const hold_rule& rule, bool raising) const noexcept {
  if (since_ns == no_time || count < wanted_times(rule, raising)) return never;
  return saturating_add(since_ns, wanted_ns(rule, raising));
}

void hold_state::start_over() noexcept {
  since_ns = last_ns = no_time;
  count = 0;
  met.clear();
  judged.clear();
}

void hold_state::save(byte_writer& out) const {
  out.i64(since_ns);
  out.i64(last_ns);
  out.u32(count);
  out.i64(off_ns);
  out.u8(static_cast<std::uint8_t>(met.size() | (judged.empty() ? 0U : judged_follow)));
  for (const auto t : met) out.i64(t);
  if (judged.empty()) return;
  out.u16(static_cast<std::uint16_t>(judged.size()));
  for (const auto v : judged) out.f64(v);
}

bool hold_state::load_judged(byte_reader& in) {
  const std::size_t size = in.u16();
  if (!in.ok() || size == 0 || size * 8 > in.remaining() || since_ns == no_time) return false;
  for (std::size_t i = 0; i < size; ++i) {
    const auto v = in.f64();
    judged.push_back(std::isnan(v) ? std::numeric_limits<double>::quiet_NaN() : v);
  }
  return std::isfinite(judged.front());
}

bool hold_state::load(byte_reader& in) {
  since_ns = in.i64();
  last_ns = in.i64();
  count = in.u32();
  off_ns = in.i64();
  const auto sizes = in.u8();
  const std::size_t size = sizes & ~judged_follow;
  if (!in.ok() || size > max_hold_times || count > max_hold_times || size * 8 > in.remaining())
    return false;
  for (std::size_t i = 0; i < size; ++i) met.push_back(in.i64());
  if (!in.ok() || !std::is_sorted(met.begin(), met.end())) return false;
  return (sizes & judged_follow) == 0 || load_judged(in);
}

} // namespace pollux::domain
