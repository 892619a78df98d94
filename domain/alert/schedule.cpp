// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/schedule.hpp"
#include <algorithm>
#include <array>

namespace pollux::domain {
namespace {

constexpr std::int32_t day_s = 86'400;
constexpr std::int32_t week_s = 7 * day_s;
constexpr std::array<std::string_view, 7> day_names{"mon", "tue", "wed", "thu",
                                                    "fri", "sat", "sun"};

std::int32_t week_second(const time_zone& zone, std::int64_t time_ns) noexcept {
  const auto local = zone.local(time_ns);
  return local.weekday() * day_s + local.second_of_day;
}

/// Seconds of "HH:MM", up to 24:00; -1 for anything else.
std::int32_t clock_time(std::string_view text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
    return -1;
  const int hours = (text[0] - '0') * 10 + (text[1] - '0');
  const int minutes = (text[3] - '0') * 10 + (text[4] - '0');
  if (minutes > 59 || hours * 60 + minutes > 24 * 60) return -1;
  return hours * 3600 + minutes * 60;
}

std::int32_t read_clock(object_reader& in, std::string_view key, std::int32_t fallback) {
  const auto* node = in.optional(key, config_node::type::text);
  if (node == nullptr) return fallback;
  const auto seconds = clock_time(node->text);
  if (seconds < 0)
    in.fail(*node, "\"" + std::string(key) + "\" is a time of day as 08:00, to 24:00");
  return std::max(seconds, 0);
}

std::array<bool, 7> read_days(object_reader& in) {
  std::array<bool, 7> days{};
  const auto* list = in.optional("days", config_node::type::array);
  if (list == nullptr) {
    days.fill(true);
    return days;
  }
  if (list->members.empty()) in.fail(*list, "no day at all: the rule would never be on");
  for (const auto& [key, node] : list->members) {
    const auto found = std::find(day_names.begin(), day_names.end(), node.text);
    if (node.kind != config_node::type::text || found == day_names.end()) {
      in.fail(node, "a day is one of mon, tue, wed, thu, fri, sat, sun");
      return days;
    }
    days[static_cast<std::size_t>(found - day_names.begin())] = true;
  }
  return days;
}

std::string shown(std::int32_t seconds) {
  const auto two = [](int n) { return std::string(n < 10 ? "0" : "") + std::to_string(n); };
  return two(seconds / 3600) + ":" + two(seconds / 60 % 60);
}

} // namespace

schedule::schedule(std::vector<interval> parts, time_zone zone, std::string text)
    : zone_(std::move(zone)), text_(std::move(text)) {
  std::sort(parts.begin(), parts.end(),
            [](const interval& a, const interval& b) { return a.first < b.first; });
  for (const auto& p : parts) {
    if (!parts_.empty() && p.first <= parts_.back().second)
      parts_.back().second = std::max(parts_.back().second, p.second);
    else
      parts_.push_back(p);
  }
}

std::int64_t schedule::left_s(std::int32_t second) const noexcept {
  for (const auto& p : parts_) {
    if (second < p.first) return 0;
    if (second >= p.second) continue;
    std::int64_t left = p.second - second;
    // Over the end of the week into its first part.
    if (p.second == week_s && parts_.front().first == 0) left += parts_.front().second;
    return left;
  }
  return 0;
}

bool schedule::on(std::int64_t time_ns) const noexcept {
  return left_s(week_second(zone_, time_ns)) > 0;
}

std::int64_t schedule::off_after(std::int64_t time_ns) const noexcept {
  if (parts_.size() == 1 && parts_[0].first == 0 && parts_[0].second == week_s) return never;
  // The local clock runs evenly until the zone's next change; there it has to be read again. An
  // interval shorter than a week holds one change, rules that change more often are none.
  std::int64_t at = time_ns;
  for (int changes = 0; changes < 16; ++changes) {
    const auto left = left_s(week_second(zone_, at));
    if (left == 0) return at;
    const std::int64_t fraction = ((at % ns_per_s) + ns_per_s) % ns_per_s;
    const std::int64_t end = saturating_add(saturating_add(at, -fraction), left * ns_per_s);
    const std::int64_t change = zone_.next_change_ns(at);
    if (end < change) return end;
    at = change;
  }
  return at;
}

time_zone read_zone(object_reader& in) {
  const auto* node = in.optional("zone", config_node::type::text);
  if (node == nullptr) return {};
  auto zone = time_zone::parse(node->text);
  if (zone) return std::move(*zone);
  in.fail(*node, zone.error().what +
                     "; a zone is the name of one in the database of the machine that reads "
                     "the model file, or a POSIX TZ text as CET-1CEST,M3.5.0,M10.5.0/3");
  return {};
}

schedule read_schedule(object_reader& outer, const config_node& node) {
  object_reader in(node, "schedule");
  const auto days = read_days(in);
  const auto from = read_clock(in, "from", 0);
  const auto to = read_clock(in, "to", day_s);
  auto zone = read_zone(in);
  if (from == to || from == day_s)
    in.fail(node, "from and to leave no time between them; for all day leave both away");
  if (auto read = in.finish(); !read) outer.fail(config_node{}, read.error().what);
  const std::int32_t length = to > from ? to - from : to + day_s - from;
  std::vector<schedule::interval> parts;
  std::string text;
  for (std::int32_t day = 0; day < 7; ++day) {
    if (!days[static_cast<std::size_t>(day)]) continue;
    text += std::string(day_names[static_cast<std::size_t>(day)]) + ' ';
    const std::int32_t start = day * day_s + from;
    const std::int32_t end = start + length;
    parts.push_back({start, std::min(end, week_s)});
    if (end > week_s) parts.push_back({0, end - week_s});
  }
  text += shown(from) + "-" + shown(to) + " " + zone.text();
  return {std::move(parts), std::move(zone), std::move(text)};
}

} // namespace pollux::domain
