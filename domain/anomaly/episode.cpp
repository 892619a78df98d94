// SPDX-License-Identifier: Apache-2.0
#include "domain/anomaly/episode.hpp"
#include "domain/model/config_node.hpp"
#include <algorithm>

namespace pollux::domain {

episode::turn episode::next(const episode_rule& rule, double score, bool active) noexcept {
  peak_ = score <= rule.clear ? 0 : std::max(peak_, score);
  const double echo = rule.recovery * peak_;
  const bool counts = active ? score <= std::max(rule.clear, echo) //
                             : score > std::max(rule.limit, echo);
  if (!counts) {
    in_row_ = 0;
    return turn::none;
  }
  if (++in_row_ < (active ? rule.quiet : rule.repeat)) return turn::none;
  in_row_ = 0;
  return active ? turn::clear : turn::raise;
}

void episode::save(byte_writer& out) const {
  out.f64(peak_);
  out.u32(in_row_);
}

void episode::load(byte_reader& in) {
  peak_ = in.f64();
  in_row_ = in.u32();
  if (!(peak_ >= 0) || !(peak_ - peak_ == 0)) in.fail();
}

episode_rule read_episode(object_reader& in, double limit) {
  constexpr double most_readings = 1'000'000;
  episode_rule rule;
  const auto refuse = [&](const char* key, const char* why) {
    if (const auto* node = in.optional(key, config_node::type::number)) in.fail(*node, why);
  };
  const auto readings = [&](const char* key) {
    const double n = in.number_or(key, 1);
    if (n >= 1 && n <= most_readings && n == static_cast<std::uint32_t>(n))
      return static_cast<std::uint32_t>(n);
    refuse(key, "a whole number of readings, 1 to 1000000");
    return std::uint32_t{1};
  };
  rule.limit = in.number_or("limit", limit);
  rule.clear = in.number_or("clear", rule.limit);
  rule.recovery = in.number_or("recovery", 0);
  rule.repeat = readings("repeat");
  rule.quiet = readings("quiet");
  if (!(rule.limit > 0)) refuse("limit", "limit must be above 0");
  if (!(rule.clear > 0 && rule.clear <= rule.limit))
    refuse("clear", "clear lies above 0 and not above the limit");
  if (!(rule.recovery >= 0 && rule.recovery < 1))
    refuse("recovery", "recovery is a share: 0, or above it and below 1");
  return rule;
}

} // namespace pollux::domain
