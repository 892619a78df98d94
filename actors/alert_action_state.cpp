// SPDX-License-Identifier: Apache-2.0
#include "actors/alert_action_state.hpp"
#include "domain/base/time.hpp"
#include "domain/twin/value.hpp"
#include <algorithm>
#include <array>

namespace pollux::actors {

using domain::alert_verb;
using messages::alert_action;
using nlohmann::json;

namespace {

struct named_verb {
  const char* name;
  alert_verb verb;
};
constexpr std::array<named_verb, 9> verbs = {{{"clear", alert_verb::clear},
                                              {"reset", alert_verb::reset},
                                              {"snooze", alert_verb::snooze},
                                              {"shelve", alert_verb::shelve},
                                              {"unshelve", alert_verb::unshelve},
                                              {"assign", alert_verb::assign},
                                              {"comment", alert_verb::comment},
                                              {"start_maintenance", alert_verb::start_maintenance},
                                              {"stop_maintenance", alert_verb::stop_maintenance}}};

// The member of the array twin[list] whose `key` is `wanted`, or nullptr.
const json* entry(const json& twin, const char* list, const char* key, const std::string& wanted) {
  if (!twin.is_object() || !twin.contains(list) || !twin[list].is_array()) return nullptr;
  for (const auto& one : twin[list])
    if (one.is_object() && one.value(key, "") == wanted) return &one;
  return nullptr;
}

const json* incident(const json& twin, const alert_action& a) {
  return entry(twin, "alerts", "incident", a.incident);
}

std::string until(const alert_action& a) { return format_rfc3339(a.until_ns); }

bool on_rule(alert_verb verb) { return verb == alert_verb::shelve || verb == alert_verb::unshelve; }

bool of_twin(alert_verb verb) {
  return verb == alert_verb::start_maintenance || verb == alert_verb::stop_maintenance;
}

} // namespace

result<alert_verb> parse_alert_verb(const std::string& name) {
  std::string all;
  for (const auto& v : verbs) {
    if (name == v.name) return v.verb;
    all += std::string(all.empty() ? "" : ", ") + v.name;
  }
  return failure{errc::invalid_argument, "no action \"" + name + "\" on alerts; there are " + all};
}

status check_words(alert_verb verb, const alert_action& a, std::int64_t now_ns) {
  const auto refuse = [](const char* why) -> status {
    return failure{errc::invalid_argument, why};
  };
  if (a.by.size() > 128 || a.rule.size() > 128 || a.incident.size() > 64)
    return refuse("by, rule or incident is too long");
  if (a.detail.size() > domain::max_text_bytes) return refuse("more than 1 KB of words");
  const bool timed = verb == alert_verb::snooze || verb == alert_verb::shelve ||
                     verb == alert_verb::start_maintenance;
  if (timed && (a.until_ns <= now_ns || a.until_ns == never))
    return refuse("the end of a silence must lie ahead");
  if (on_rule(verb) && a.rule.empty() == a.incident.empty())
    return refuse("name a rule or an incident");
  if (!on_rule(verb) && !of_twin(verb) && a.incident.empty()) return refuse("name an incident");
  if (verb == alert_verb::comment && a.detail.empty()) return refuse("a comment has words");
  return {};
}

std::string rule_of(const alert_action& a, const json& twin) {
  if (!a.rule.empty()) return a.rule;
  const auto* alert = incident(twin, a);
  return alert != nullptr ? alert->value("rule", "") : std::string{};
}

status can_be_done(alert_verb verb, const alert_action& a, const json& twin) {
  if (verb == alert_verb::start_maintenance) return {};
  if (verb == alert_verb::stop_maintenance) {
    if (a.incident.empty() || entry(twin, "maintenance", "id", a.incident) != nullptr) return {};
    return failure{errc::not_found, "no maintenance " + a.incident + " of twin " + a.twin};
  }
  if (!a.rule.empty()) {
    if (entry(twin, "rules", "name", a.rule) != nullptr) return {};
    return failure{errc::not_found, "no rule " + a.rule + " of twin " + a.twin};
  }
  const auto* alert = incident(twin, a);
  if (alert == nullptr)
    return failure{errc::not_found, "no active alert " + a.incident + " of twin " + a.twin};
  if (verb == alert_verb::reset && !alert->value("latched", false))
    return failure{errc::conflict, "alert " + a.incident + " is " + alert->value("state", "") +
                                       ", not latched: its condition must be gone first"};
  return {};
}

bool is_done(alert_verb verb, const alert_action& a, const json& before, const json& twin) {
  const auto* alert = incident(twin, a);
  switch (verb) {
  case alert_verb::clear:
  case alert_verb::reset: return alert == nullptr;
  case alert_verb::snooze: return alert != nullptr && alert->value("snoozed_until", "") == until(a);
  case alert_verb::assign: return alert != nullptr && alert->value("assigned_to", "") == a.detail;
  case alert_verb::comment: {
    const auto* old = incident(before, a);
    return alert == nullptr ||
           (old != nullptr && alert->value("transitions", 0) > old->value("transitions", 0));
  }
  case alert_verb::shelve: {
    const auto* shelf = entry(twin, "shelved", "rule", rule_of(a, before));
    return shelf != nullptr && shelf->value("until", "") == until(a);
  }
  case alert_verb::unshelve: return entry(twin, "shelved", "rule", rule_of(a, before)) == nullptr;
  case alert_verb::start_maintenance: {
    if (!twin.contains("maintenance")) return false;
    const auto& all = twin["maintenance"];
    return std::any_of(all.begin(), all.end(), [&](const json& w) {
      return w.value("until", "") == until(a) && w.value("reason", "") == a.detail;
    });
  }
  case alert_verb::stop_maintenance:
    return a.incident.empty() ? !twin.contains("maintenance")
                              : entry(twin, "maintenance", "id", a.incident) == nullptr;
  case alert_verb::none: break;
  }
  return false;
}

} // namespace pollux::actors
