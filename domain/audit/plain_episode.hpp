// SPDX-License-Identifier: Apache-2.0
// When a score makes an alert and when the alert ends (docs/models.md, "nearest": limit, clear,
// recovery, repeat, quiet), from the list of all scores so far.
#pragma once
#include "domain/audit/plain_rules.hpp"
#include <algorithm>

namespace pollux::domain::audit {

class plain_episode {
public:
  plain_episode(const config_node& rule, double limit)
      : limit_(number_of(rule, "limit", limit)), clear_(number_of(rule, "clear", limit_)),
        recovery_(number_of(rule, "recovery", 0)), repeat_(number_of(rule, "repeat", 1)),
        quiet_(number_of(rule, "quiet", 1)) {}

  enum class turn { none, raise, clear };
  /// Takes the next score: whether an alert begins or ends with it.
  turn next(double score) {
    largest_ = score <= clear_ ? 0 : std::max(largest_, score);
    // An echo of the largest score is quiet, however far above the limit it is.
    const bool quiet = score <= clear_ || score <= recovery_ * largest_;
    const bool loud = score > limit_ && !(score <= recovery_ * largest_);
    in_row_ = (active_ ? quiet : loud) ? in_row_ + 1 : 0;
    if (in_row_ < (active_ ? quiet_ : repeat_)) return turn::none;
    in_row_ = 0;
    active_ = !active_;
    return active_ ? turn::raise : turn::clear;
  }
  [[nodiscard]] bool active() const { return active_; }
  [[nodiscard]] std::map<std::string, double> numbers() const {
    return {{"limit", limit_}, {"clear", clear_}, {"peak", largest_}};
  }

private:
  double limit_, clear_, recovery_, repeat_, quiet_;
  double largest_ = 0; ///< since the last score at or below `clear`
  double in_row_ = 0;
  bool active_ = false;
};

/// The keys of every rule that has such scores.
inline keys with_episode_keys(keys known) {
  known.insert({"limit", "clear", "recovery", "repeat", "quiet"});
  return known;
}

/// What the alert says against the turn at its row.
inline void answer_turn(const rule_case& at, plain_episode::turn turn, rule_answer& out) {
  const auto wanted = raises(at.alert) ? plain_episode::turn::raise : plain_episode::turn::clear;
  out.agrees = turn == wanted;
  out.what = turn == plain_episode::turn::raise   ? "the score makes an alert there"
             : turn == plain_episode::turn::clear ? "the score ends the alert there"
                                                  : "the score neither makes nor ends an alert";
}

} // namespace pollux::domain::audit
