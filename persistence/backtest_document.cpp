// SPDX-License-Identifier: Apache-2.0
// A back-test told as JSON. Keys in one order, twins and rules by name, times in RFC 3339: the same
// journal and order give the same bytes, whatever the number of threads.
#include "messages/documents.hpp"
#include "persistence/backtest.hpp"
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace pollux::persistence {

namespace {

using json = nlohmann::ordered_json;

constexpr std::int64_t ns_per_day = 24 * 3600 * ns_per_s;
constexpr std::size_t most_twins_told = 10'000;
constexpr std::size_t most_days_told = 400;

json time_or_null(std::int64_t t) {
  return t == no_time || t == never ? json(nullptr) : json(format_rfc3339(t));
}
double seconds(std::int64_t ns) { return static_cast<double>(ns) / static_cast<double>(ns_per_s); }

json counts_json(const backtest_counts& c) {
  return {{"ruling", c.ruling()}, {"candidate", c.candidate()}, {"same", c.same},
          {"moved", c.moved},     {"gained", c.gained},         {"lost", c.lost},
          {"changed", c.changed}};
}

json with(json first, const backtest_counts& c) {
  first.update(counts_json(c));
  return first;
}

json warm_up_json(const backtest_order& order, const backtest_result& found) {
  const bool all = order.warm_up_ns == warm_up_all;
  const auto memory = memory_of(*order.candidate);
  return {
      {"kind", all ? "all" : "span"},
      {"span", all ? json(nullptr) : json(format_duration(order.warm_up_ns))},
      {"from",
       all ? json(nullptr) : time_or_null(saturating_add(order.from_ns, -order.warm_up_ns))},
      {"exact", all && found.twins_began_empty == 0},
      {"twins_without_beginning", found.twins_began_empty},
      {"longest_memory",
       memory.longest_ns == 0 ? json(nullptr) : json(format_duration(memory.longest_ns))},
      {"longest_memory_of", memory.longest_of.empty() ? json(nullptr) : json(memory.longest_of)},
      {"rules_without_bound", memory.unbounded}};
}

// Below 0 the candidate is later. The outer steps are open.
json histogram_json(const std::vector<std::int64_t>& leads_ns) {
  static constexpr std::array<std::int64_t, 11> edges_s = {-86400, -3600, -600, -60,  -10,  0,
                                                           10,     60,    600,  3600, 86400};
  json out = json::array();
  for (std::size_t i = 0; i <= edges_s.size(); ++i) {
    const auto low =
        i == 0 ? leads_ns.begin()
               : std::lower_bound(leads_ns.begin(), leads_ns.end(), edges_s[i - 1] * ns_per_s);
    const auto high = i == edges_s.size() ? leads_ns.end()
                                          : std::lower_bound(leads_ns.begin(), leads_ns.end(),
                                                             edges_s[i] * ns_per_s);
    out.push_back({{"from_s", i == 0 ? json(nullptr) : json(edges_s[i - 1])},
                   {"to_s", i == edges_s.size() ? json(nullptr) : json(edges_s[i])},
                   {"count", high - low}});
  }
  return out;
}

json lead_json(const std::vector<std::int64_t>& leads_ns) {
  json out = {{"count", leads_ns.size()}};
  if (leads_ns.empty()) return out;
  const auto later = std::lower_bound(leads_ns.begin(), leads_ns.end(), 0) - leads_ns.begin();
  out["earlier"] = leads_ns.size() - static_cast<std::size_t>(later);
  out["later"] = later;
  out["median"] = seconds(leads_ns[leads_ns.size() / 2]);
  out["least"] = seconds(leads_ns.front());
  out["greatest"] = seconds(leads_ns.back());
  out["histogram"] = histogram_json(leads_ns);
  return out;
}

json alert_json(const std::string& twin, const told_alert& a, bool stored) {
  json out = {{"event_time", time_or_null(a.event_ns)},
              {"end", a.single ? json(nullptr) : time_or_null(a.end_ns)},
              {"lasting", !a.single},
              {"severity", domain::to_string(a.level)},
              {"published", a.published},
              {"message", a.message}};
  if (stored) {
    out["incident"] = domain::to_string(a.incident);
    out["show"] =
        "pollux alert show " + twin.substr(0, twin.find('#')) + " " + domain::to_string(a.incident);
  }
  out["evidence"] = nullptr;
  if (!a.why) return out;
  const auto told = json::parse(messages::alert_document(twin, {*a.why}), nullptr, false);
  if (told.is_object() && told.contains("transitions") && !told["transitions"].empty())
    out["evidence"] = told["transitions"][0].value("evidence", json(nullptr));
  return out;
}

const char* name_of(difference_kind kind) {
  switch (kind) {
  case difference_kind::gained: return "gained";
  case difference_kind::lost: return "lost";
  case difference_kind::moved: break;
  }
  return "moved";
}

json difference_json(const backtest_difference& d) {
  json out = {{"twin", d.twin},
              {"rule", d.ruling ? d.ruling->rule : d.candidate->rule},
              {"kind", name_of(d.kind)}};
  if (d.ruling && d.candidate) out["lead_s"] = seconds(d.ruling->event_ns - d.candidate->event_ns);
  if (d.ruling) out["ruling"] = alert_json(d.twin, *d.ruling, true);
  if (d.candidate) out["candidate"] = alert_json(d.twin, *d.candidate, false);
  return out;
}

// Days where there are few; wider steps for long intervals.
json days_json(const std::map<std::int64_t, backtest_counts>& days) {
  json out = json::array();
  if (days.empty()) return out;
  const auto span = static_cast<std::size_t>(days.rbegin()->first - days.begin()->first) + 1;
  const auto step = static_cast<std::int64_t>((span + most_days_told - 1) / most_days_told);
  std::map<std::int64_t, backtest_counts> steps;
  for (const auto& [day, c] : days) {
    const auto first = days.begin()->first;
    steps[first + (day - first) / step * step].add(c);
  }
  for (const auto& [day, c] : steps)
    out.push_back(
        with({{"day", format_rfc3339(day * ns_per_day).substr(0, 10)}, {"days", step}}, c));
  return out;
}

json twins_json(const backtest_result& found) {
  json out = json::array();
  for (const auto& [twin, c] : found.twins) {
    if (out.size() == most_twins_told) break;
    out.push_back(with({{"twin", twin}}, c));
  }
  return out;
}

} // namespace

std::string backtest_document(const backtest_order& order, const backtest_result& found) {
  json rules = json::array(), differences = json::array(), failures = json::array();
  for (const auto& [rule, c] : found.rules) rules.push_back(with({{"rule", rule}}, c));
  for (const auto& d : found.differences) differences.push_back(difference_json(d));
  for (const auto& [twin, what] : found.failures)
    failures.push_back({{"twin", twin}, {"what", what}});
  const auto all = found.total();
  json document = {
      {"format", 1},
      {"state", found.cancelled ? "cancelled" : "complete"},
      {"model",
       {{"name", order.candidate->name},
        {"candidate", order.candidate->hash},
        {"ruling", found.ruling_models}}},
      {"interval", {{"from", time_or_null(order.from_ns)}, {"to", time_or_null(order.to_ns)}}},
      {"warm_up", warm_up_json(order, found)},
      {"tolerance", format_duration(order.tolerance_ns)},
      {"twins",
       {{"asked", found.twins_asked},
        {"done", found.twins_done},
        {"compared", found.twins_compared},
        {"of_other_models", found.twins_of_other_models},
        {"failed", found.twins_failed}}},
      {"inputs", found.inputs},
      {"readings", found.readings},
      {"alerts", counts_json(all)},
      {"retracted", {{"ruling", found.retracted_ruling}, {"candidate", found.retracted_candidate}}},
      {"lead_s", lead_json(found.leads_ns)},
      {"commands", {{"ruling", found.commands_ruling}, {"candidate", found.commands_candidate}}},
      {"actions_left_out", found.actions_left_out},
      {"rules", std::move(rules)},
      {"days", days_json(found.days)},
      {"twins_with_alerts", found.twins.size()},
      {"per_twin", twins_json(found)},
      {"differences_total", all.moved + all.gained + all.lost},
      {"differences", std::move(differences)},
      {"failures", std::move(failures)}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace pollux::persistence
