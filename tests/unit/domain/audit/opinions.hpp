// SPDX-License-Identifier: Apache-2.0
// The second opinion on whole random lives: every alert is confirmed, and none that was changed.
#pragma once
#include "tests/unit/domain/audit/random_life.hpp"
#include <set>

namespace pollux::domain::testing {

/// How often what was seen, by "rule transition" or "rule number".
using sightings = std::map<std::string, int>;

inline bool says_verdict(const effect& e) {
  const auto t = e.alert.transition;
  // What late readings took back has no evidence.
  const bool taken_back = e.alert.proof.numbers.empty() && e.alert.proof.times.empty();
  return e.alert.type != "window" && t != alert_transition::retracted && !taken_back;
}

/// Every alert of one life is confirmed.
inline void confirm_life(std::string_view text, const life& l, sightings& seen) {
  const auto model = model_text::read(text);
  for (const auto& alert : l.alerts) {
    if (!says_verdict(alert)) continue;
    const auto says = judge_again(model, l.journal, alert);
    CAPTURE(alert.alert.rule);
    CAPTURE(to_string(alert.id));
    CAPTURE(std::string(to_string(alert.alert.transition)));
    CAPTURE(format_rfc3339(alert.alert.event_time_ns));
    CAPTURE(alert.alert.proof.explanation);
    REQUIRE_MESSAGE(says.says == opinion::confirmed, told(says));
    ++seen[alert.alert.rule + ' ' + to_string(alert.alert.transition)];
  }
}

/// Every number that was worked out again, the time and the verdict, each changed by itself: at
/// most `most` alerts of each kind.
inline void contradict_life(std::string_view text, const life& l, int most, sightings& seen) {
  const auto model = model_text::read(text);
  sightings tried;
  for (const auto& alert : l.alerts) {
    const auto kind = alert.alert.rule + ' ' + to_string(alert.alert.transition);
    if (!says_verdict(alert) || ++tried[kind] > most) continue;
    CAPTURE(kind);
    CAPTURE(to_string(alert.id));
    const auto before = judge_again(model, l.journal, alert);
    REQUIRE_MESSAGE(before.says == opinion::confirmed, told(before));
    const auto refuse = [&](const effect& wrong, const std::string& how) {
      const auto says = judge_again(model, l.journal, wrong);
      CHECK_MESSAGE(says.says == opinion::contradicted, how, told(says));
      ++seen[alert.alert.rule + ' ' + how];
    };
    for (std::size_t i = 0; i < alert.alert.proof.numbers.size(); ++i) {
      const auto& n = alert.alert.proof.numbers[i];
      if (told(before).find("+ " + n.name + " is ") == std::string::npos) continue;
      auto wrong = alert;
      wrong.alert.proof.numbers[i].value += 0.001 * std::max(1.0, std::fabs(n.value));
      refuse(wrong, n.name);
    }
    auto wrong = alert;
    wrong.alert.event_time_ns += 1;
    refuse(wrong, "moved");
    wrong = alert;
    const bool ends = alert.alert.transition == alert_transition::cleared ||
                      alert.alert.transition == alert_transition::latched;
    wrong.alert.transition = ends ? alert_transition::raised : alert_transition::cleared;
    refuse(wrong, "flipped");
  }
}

/// Each rule came and went often enough for the confirmations to mean something.
inline void check_seen(const sightings& seen, const std::vector<std::string>& rules,
                       const std::vector<std::string>& how, int least) {
  for (const auto& rule : rules)
    for (const auto& what : how) {
      const auto found = seen.find(rule + ' ' + what);
      CHECK_MESSAGE((found != seen.end() && found->second >= least), (rule + ' ' + what));
    }
}

/// The same model, readings out of order worked in at their place.
inline std::string worked_in(std::string_view model, std::string_view block) {
  std::string text{model};
  return text.insert(text.find("\"telemetry\""), "\"event_time\": " + std::string(block) + ", ");
}

} // namespace pollux::domain::testing
