// SPDX-License-Identifier: Apache-2.0
#include "domain/model/event_time.hpp"
#include "domain/base/time.hpp"
#include "domain/model/config_node.hpp"
#include <algorithm>
#include <array>

namespace pollux::domain {
namespace {

constexpr std::int64_t most_ns = 30LL * 24 * 3600 * ns_per_s;

// "0s" is a duration here: no disorder at all.
std::int64_t duration_or_zero(object_reader& in, std::string_view key, std::int64_t fallback) {
  const auto* node = in.optional(key, config_node::type::text);
  if (node != nullptr && (node->text == "0" || node->text == "0s")) return 0;
  const auto value = in.duration_ns_or(key, fallback);
  if (value <= most_ns) return value;
  if (node != nullptr) in.fail(*node, "\"" + std::string(key) + "\" is at most 30 days");
  return 0;
}

} // namespace

std::int64_t event_time_rule::reach_ns() const noexcept {
  return orders() ? disorder_ns + lateness_ns : 0;
}

std::int64_t event_time_rule::stride_ns() const noexcept {
  return std::max(reach_ns() / 4, 10 * ns_per_s);
}

event_time_rule read_event_time(object_reader& in) {
  event_time_rule out;
  out.configured = true;
  out.late = std::array{late_policy::amend, late_policy::drop,
                        late_policy::keep}[in.choice_or("late", {"amend", "drop", "keep"}, 0)];
  out.disorder_ns = duration_or_zero(in, "disorder", 0);
  const auto* lateness = in.optional("lateness", config_node::type::text);
  out.lateness_ns = duration_or_zero(in, "lateness", 60 * ns_per_s);
  if (out.late != late_policy::amend) {
    if (lateness != nullptr) in.fail(*lateness, "lateness goes with \"late\": \"amend\" only");
    out.lateness_ns = 0;
  }
  out.idle_ns = duration_or_zero(in, "idle", 0);
  if (const auto* idle = in.optional("idle", config_node::type::text))
    if (out.idle_ns != 0 && out.idle_ns < ns_per_s) in.fail(*idle, "idle is at least 1s");
  out.future_ns = duration_or_zero(in, "future", 0);
  const double rows = in.number_or("max_rows", 20'000);
  const auto* node = in.optional("max_rows", config_node::type::number);
  if (!(rows >= 64 && rows <= 1'000'000)) {
    if (node != nullptr) in.fail(*node, "max_rows lies between 64 and 1000000");
    return out;
  }
  out.max_rows = static_cast<std::size_t>(rows);
  return out;
}

} // namespace pollux::domain
