// SPDX-License-Identifier: Apache-2.0
#include "domain/audit/plain_schedule.hpp"
#include "domain/audit/plain_rules.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <array>
#include <charconv>

namespace pollux::domain::audit {
namespace {

// "08:30" in minutes.
int minutes_of(const std::string& clock) {
  int hours = 0, minutes = 0;
  const auto* text = clock.data();
  std::from_chars(text, text + std::min<std::size_t>(2, clock.size()), hours);
  if (clock.size() == 5) std::from_chars(text + 3, text + 5, minutes);
  return hours * 60 + minutes;
}

} // namespace

plain_hours::plain_hours(const config_node& rule) {
  const auto* active = key(rule, "active");
  if (active == nullptr) return;
  given_ = true;
  constexpr std::array names{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  const auto* listed = key(*active, "days");
  for (int day = 0; day < 7; ++day) {
    bool is_listed = listed == nullptr;
    if (listed != nullptr)
      for (const auto& [index, name] : listed->members)
        is_listed = is_listed || name.text == names[static_cast<std::size_t>(day)];
    if (is_listed) days_.insert(day);
  }
  from_ = minutes_of(text_of(*active, "from", "00:00"));
  to_ = minutes_of(text_of(*active, "to", "24:00"));
  if (auto zone = time_zone::parse(text_of(*active, "zone", "UTC"))) zone_ = std::move(*zone);
}

bool plain_hours::on(std::int64_t t) const {
  if (!given_) return true;
  const auto wall = zone_.local(t);
  const int today = wall.weekday(), yesterday = (today + 6) % 7;
  const int minute = wall.second_of_day / 60;
  if (from_ < to_) return days_.contains(today) && from_ <= minute && minute < to_;
  // Over midnight: what began today, and what began yesterday and still lasts.
  return (days_.contains(today) && minute >= from_) || (days_.contains(yesterday) && minute < to_);
}

std::int64_t plain_hours::end_after(std::int64_t t) const {
  constexpr std::int64_t longest = 15 * 86'400 * ns_per_s;
  if (!given_) return never;
  for (auto at = t; at - t < longest;) {
    if (!on(at)) return at;
    // To the next whole minute on the wall, or to where its clock is set anew.
    const auto fraction = ((at % ns_per_s) + ns_per_s) % ns_per_s;
    const auto minute = (60 - zone_.local(at).second_of_day % 60) * ns_per_s - fraction;
    at = std::min(saturating_add(at, minute), zone_.next_change_ns(at));
  }
  return never;
}

bool plain_hours::end_the_alert(const effect& alert) const {
  const auto& said = alert.alert;
  const bool says_so = std::any_of(said.proof.times.begin(), said.proof.times.end(), [&](auto& t) {
    return t.name == "schedule_end" && t.time_ns == said.event_time_ns;
  });
  return says_so && !raises(alert) && on(said.event_time_ns - 1) && !on(said.event_time_ns);
}

} // namespace pollux::domain::audit
