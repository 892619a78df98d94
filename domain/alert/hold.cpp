// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/hold.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

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
    const auto old = saturating_add(t, -rule.within_ns); // exactly so long ago still counts
    met.erase(met.begin(), std::find_if(met.begin(), met.end(), [&](auto m) { return m >= old; }));
    if (met.size() == max_hold_times) met.erase(met.begin());
    met.push_back(t);
    since_ns = met.front();
    last_ns = t;
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
}

void hold_state::save(byte_writer& out) const {
  out.i64(since_ns);
  out.i64(last_ns);
  out.u32(count);
  out.i64(off_ns);
  out.u8(static_cast<std::uint8_t>(met.size()));
  for (const auto t : met) out.i64(t);
}

bool hold_state::load(byte_reader& in) {
  since_ns = in.i64();
  last_ns = in.i64();
  count = in.u32();
  off_ns = in.i64();
  const std::size_t size = in.u8();
  if (!in.ok() || size > max_hold_times || count > max_hold_times || size * 8 > in.remaining())
    return false;
  for (std::size_t i = 0; i < size; ++i) met.push_back(in.i64());
  return in.ok() && std::is_sorted(met.begin(), met.end());
}

} // namespace pollux::domain
