// SPDX-License-Identifier: Apache-2.0
#include "domain/model/retention.hpp"
#include "domain/model/config_node.hpp"
#include <string>

namespace pollux::domain {

namespace {

constexpr std::int64_t day_ns = 86'400'000'000'000;
constexpr std::int32_t most_days = 36'500;

std::int64_t day_of(std::int64_t t_ns) noexcept {
  return t_ns / day_ns - (t_ns % day_ns < 0 ? 1 : 0);
}

std::int32_t read_days(object_reader& in, std::string_view key, std::int32_t fallback) {
  const auto* node = in.optional(key, config_node::type::number);
  if (node == nullptr) return fallback;
  const auto days =
      static_cast<std::int32_t>(node->number >= 0 && node->number <= most_days ? node->number : -1);
  if (days >= 0 && static_cast<double>(days) == node->number) return days;
  in.fail(*node, "\"" + std::string(key) + "\" is a whole number of days, 0 to 36500");
  return fallback;
}

} // namespace

retention_rule read_retention(object_reader& in) {
  const retention_rule standard;
  retention_rule out;
  out.hot_days = read_days(in, "hot_days", standard.hot_days);
  out.warm_days = read_days(in, "warm_days", standard.warm_days);
  out.keep_days = read_days(in, "keep_days", standard.keep_days);
  if (out.warm_days < out.hot_days)
    if (const auto* at = in.optional("warm_days", config_node::type::number); at != nullptr)
      in.fail(*at, "\"warm_days\" is below \"hot_days\": what is older than warm is cold");
  if (out.warm_days < out.hot_days)
    if (const auto* at = in.optional("hot_days", config_node::type::number); at != nullptr)
      in.fail(*at, "\"hot_days\" is above \"warm_days\" (365 where not given)");
  return out;
}

std::int64_t age_in_days(std::int64_t then_ns, std::int64_t now_ns) noexcept {
  return day_of(now_ns) - day_of(then_ns);
}

} // namespace pollux::domain
