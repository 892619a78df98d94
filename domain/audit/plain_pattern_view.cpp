// SPDX-License-Identifier: Apache-2.0
// What a pattern's conditions say of an event (docs/patterns.md, "Conditions").
#include "domain/audit/plain_expression.hpp"
#include "domain/audit/plain_pattern.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cstdlib>

namespace pollux::domain::audit {
namespace {

constexpr std::int64_t five_minutes_ns = 300 * ns_per_s;
const std::set<std::string, std::less<>> of_stages = {"first", "last",  "sum", "avg", "mean",
                                                      "count", "since", "min", "max"};

std::string unquoted(const std::string& name) {
  return name.size() > 1 && name.front() == '\'' ? name.substr(1, name.size() - 2) : name;
}

double as_number(const std::vector<std::string>& given, std::size_t i, double otherwise) {
  return i < given.size() ? std::strtod(given[i].c_str(), nullptr) : otherwise;
}

} // namespace

pattern_view::pattern_view(const rule_case& at, const plain_pattern& pattern)
    : at_(at), pattern_(pattern), names_(at.model), now_ns_(no_time) {
  for (const auto& c : pattern.conditions) read(c);
}

bool pattern_view::is_telemetry(std::string_view name) const {
  const auto* all = key(at_.model, "telemetry");
  return all != nullptr && key(*all, name) != nullptr;
}

bool pattern_view::is_output(std::string_view name) const {
  const auto dot = name.rfind('.');
  return dot != name.npos && find_operator(at_.model, name.substr(0, dot)) != nullptr;
}

std::optional<std::size_t> pattern_view::stage_of(std::string_view dotted) const {
  const auto& all = pattern_.stages;
  const auto found = std::find(all.begin(), all.end(), dotted.substr(0, dotted.find('.')));
  if (found == all.end()) return std::nullopt;
  return static_cast<std::size_t>(found - all.begin());
}

// ---- what a condition names, once for each ------------------------------------------------------

void pattern_view::read(const std::string& condition) {
  mention m;
  const auto result = evaluate(
      condition,
      [&](std::string_view name) {
        note(m, name);
        return std::optional(1.0);
      },
      [&](const std::string& function, const arguments& given) {
        const bool own = function != "abs" && function != "sqrt" &&
                         !((function == "min" || function == "max") && given.size() > 1);
        if (own) note_call(m, function, given);
        return plain_result{own, 1.0};
      });
  if (!result.understood) why_not = "the plain check does not know the condition " + condition;
  m.always = m.always || m.telemetry.empty();
  mentions_[condition] = std::move(m);
}

void pattern_view::note(mention& into, std::string_view name) {
  const std::string whole(name);
  if (is_telemetry(name)) return keep(into, whole);
  if (!is_output(name)) return note_call(into, "last", {whole});
  names_.beyond.clear();
  (void)names_(name);
  if (!names_.beyond.empty()) why_not = "the plain check does not know " + names_.beyond;
  const auto* op = find_operator(at_.model, name.substr(0, name.rfind('.')));
  const auto kind = text_of(*op, "kind", "sliding");
  if (kind == "sliding" && key(*op, "by") == nullptr)
    into.telemetry.insert(text_of(*op, "of", ""));
  else // the newest reading of a `count` window, what closed of another
    kind == "count" ? void(into.telemetry.insert(text_of(*op, "of", "")))
                    : void(into.always = true);
}

void pattern_view::keep(mention& into, std::string telemetry) {
  into.telemetry.insert(telemetry);
  kept_.insert(std::move(telemetry));
}

void pattern_view::note_call(mention& into, const std::string& function, const arguments& given) {
  if (function == "by_timer" || given.empty() || given[0].empty()) return;
  if (of_stages.contains(function)) {
    into.looks_back = true;
    if (!stage_of(given[0])) why_not = "the plain check does not know " + given[0];
    if (const auto dot = given[0].find('.'); dot != given[0].npos)
      kept_.insert(unquoted(given[0].substr(dot + 1)));
    return;
  }
  const auto name = unquoted(given[0]);
  if (function == "fired" || function == "upper" || function == "lower")
    return ask(into, function, name);
  if (function == "active")
    why_not = "the plain check does not know whether another rule's alert is active";
  else
    keep(into, name);
}

void pattern_view::ask(mention& into, const std::string& function, const std::string& op) {
  const auto* rule = find_operator(at_.model, op);
  const auto type = rule == nullptr ? "" : text_of(*rule, "type", "");
  if (type == "z_score") {
    if (const auto* window = find_operator(at_.model, text_of(*rule, "window", "")))
      keep(into, text_of(*window, "of", ""));
    if (fired_.contains(op)) return;
    if (auto sides = z_score_sides(at_, *rule))
      fired_[op] = std::move(*sides);
    else
      why_not = "the plain check does not know when " + op + " fires";
    return;
  }
  into.always = true;
  const auto other = type == "pattern" ? read_plain_pattern(*rule) : std::nullopt;
  if (!other) {
    why_not = "the plain check does not know " + function + "() of " + op;
    return;
  }
  if (fired_.contains(op)) return;
  const auto story = walk_pattern(at_, *rule, *other);
  if (!story.why_not.empty()) why_not = story.why_not;
  if (story.crowded) why_not = op + " may have given up half matches";
  auto& sides = fired_[op];
  sides.resize(at_.rows.size());
  for (const auto& match : story.matches)
    if (match.by_reading) sides[match.row] = 1;
}

// ---- what it says of an event -------------------------------------------------------------------

bool pattern_view::learn(const row& r, std::size_t number) {
  names_.learn(r);
  if (!r.judged || !r.brings()) return false;
  number_ = number;
  bool event = false;
  for (const auto& [text, m] : mentions_)
    event = event || m.always || std::any_of(m.telemetry.begin(), m.telemetry.end(), [&](auto& t) {
              return names_.known().fresh(t);
            });
  if (!event || r.event_ns < now_ns_) return false;
  now_ns_ = r.event_ns;
  known_.clear();
  pattern_moment moment{r.event_ns, {}};
  for (const auto& telemetry : kept_) {
    if (const auto value = names_.known().latest(telemetry)) moment.values[telemetry] = *value;
    if (names_.known().fresh(telemetry)) heard_[telemetry].push_back(moment.values[telemetry]);
  }
  events_.push_back(std::move(moment));
  return true;
}

bool pattern_view::holds(const std::string& condition, const taken_path& path) {
  if (condition.empty()) return true;
  const auto& m = mentions_.at(condition);
  if (!m.always && std::none_of(m.telemetry.begin(), m.telemetry.end(),
                                [&](auto& t) { return names_.known().fresh(t); }))
    return false;
  if (const auto known = known_.find(condition); known != known_.end()) return known->second;
  path_ = &path;
  const auto result = evaluate(
      condition, [&](std::string_view name) { return value(name); },
      [&](const std::string& function, const arguments& given) {
        const bool own = function != "abs" && function != "sqrt" &&
                         !((function == "min" || function == "max") && given.size() > 1);
        return own ? plain_result{true, call(function, given)} : plain_result{};
      });
  const bool yes = result.value && *result.value != 0;
  if (!m.looks_back) known_[condition] = yes;
  return yes;
}

std::optional<double> pattern_view::value(std::string_view name) {
  if (is_telemetry(name) || is_output(name)) return names_(name);
  return look_back("last", std::string(name));
}

std::optional<double> pattern_view::call(const std::string& function, const arguments& given) {
  if (of_stages.contains(function)) return look_back(function, given[0]);
  const auto name = unquoted(given[0]);
  const bool fresh = names_.known().fresh(name);
  if (function == "prev" || function == "changed") {
    const auto& heard = heard_[name];
    if (heard.size() < 2) return std::nullopt;
    const double before = heard[heard.size() - 2];
    if (function == "prev") return before;
    return fresh && heard.back() != before ? 1 : 0;
  }
  if (function == "rising" || function == "falling")
    return fresh && rising(given, function == "rising") ? 1 : 0;
  if (function == "spike" || function == "dip")
    return fresh && spike(given, function == "spike") ? 1 : 0;
  const auto found = fired_.find(name);
  if (found == fired_.end()) return std::nullopt;
  const int side = found->second[number_];
  return (function == "fired" ? side != 0 : side == (function == "upper" ? 1 : -1)) ? 1 : 0;
}

bool pattern_view::rising(const arguments& given, bool up) const {
  const auto found = heard_.find(unquoted(given[0]));
  const auto wanted = static_cast<std::size_t>(as_number(given, 1, 2));
  if (found == heard_.end() || found->second.size() <= wanted) return false;
  const auto& heard = found->second;
  for (std::size_t i = heard.size() - wanted; i < heard.size(); ++i) {
    if (up ? heard[i] <= heard[i - 1] : heard[i] >= heard[i - 1]) return false;
    if (given.size() < 3) continue;
    const double limit = as_number(given, 2, 0);
    if (up ? heard[i] <= limit : heard[i] >= limit) return false;
  }
  return true;
}

bool pattern_view::spike(const arguments& given, bool up) const {
  const auto name = unquoted(given[0]);
  const auto read = given.size() > 2 ? parse_duration(given[2]) : five_minutes_ns;
  const auto span = read ? *read : five_minutes_ns;
  std::vector<double> values;
  for (const auto& [time, value] :
       names_.known().between(name, saturating_add(now_ns_, -span), now_ns_, false))
    values.push_back(value);
  const auto s = add_up(values);
  if (s.n < 10 || s.sd <= 0) return false;
  const double away = *names_.known().latest(name) - s.mean;
  return (up ? away : -away) > as_number(given, 1, 3) * s.sd;
}

std::optional<double> pattern_view::look_back(const std::string& function,
                                              const std::string& of) const {
  const auto stage = stage_of(of);
  if (!stage) return std::nullopt;
  std::vector<std::size_t> taken;
  for (const auto& t : *path_)
    if (t.stage == *stage) taken.push_back(t.event);
  if (function == "count") return static_cast<double>(taken.size());
  if (function == "since") {
    if (taken.empty()) return std::nullopt;
    return static_cast<double>(now_ns_ - events_[taken.back()].time_ns) / 1e9;
  }
  const auto telemetry = unquoted(of.substr(of.find('.') + 1));
  std::vector<double> values;
  for (const auto i : taken)
    if (const auto v = events_[i].values.find(telemetry); v != events_[i].values.end())
      values.push_back(v->second);
  double sum = 0; // newest first, as every sum of a few numbers it depends on the order a little
  for (auto v = values.rbegin(); v != values.rend(); ++v) sum += *v;
  if (function == "sum") return sum;
  if (values.empty()) return std::nullopt;
  if (function == "first") return values.front();
  if (function == "last") return values.back();
  if (function == "min") return *std::min_element(values.begin(), values.end());
  if (function == "max") return *std::max_element(values.begin(), values.end());
  return sum / static_cast<double>(values.size());
}

} // namespace pollux::domain::audit
