// SPDX-License-Identifier: Apache-2.0
// Patterns a second time (docs/patterns.md): read from the model's text, and taken one event after
// another through explicit half matches. Each half match is its whole path and the list of what
// may come next; there is no automaton, and nothing is shared with domain/pattern.
#pragma once
#include "domain/audit/plain_names.hpp"
#include "domain/audit/plain_rules.hpp"
#include <functional>
#include <memory>

namespace pollux::domain::audit {

/// A stage, a group, or what must not come.
struct pattern_step {
  std::string name;  ///< of a stage; groups have none
  std::string where; ///< empty: every event
  std::string until;
  std::vector<pattern_step> members; ///< of a group
  bool negative = false, optional = false, greedy = false;
  char before = 't', inside = 't'; ///< x next, t then, a thenAny
  std::size_t least = 1, most = 1; ///< most 0: without end
  std::int64_t step_ns = 0;        ///< since the event before it; 0: no bound
};

struct plain_pattern {
  std::vector<pattern_step> steps;
  std::vector<std::string> stages;  ///< as they are written
  std::set<std::string> conditions; ///< all of them
  std::int64_t within_ns = 0;
  std::string skip = "past_last", skip_to;
  std::size_t max_partial = 64, max_events = 64;
};

/// Either written form. nullopt: it is not read here (the model's own reader has refused what is
/// wrong, so this does not say what).
[[nodiscard]] std::optional<plain_pattern> read_plain_pattern(const config_node& rule);
[[nodiscard]] bool read_pattern_words(std::string_view text, plain_pattern& into);

/// One event of the pattern: what was known at it, of the telemetry the pattern names.
struct pattern_moment {
  std::int64_t time_ns = 0;
  std::map<std::string, double> values;
};

/// An event that a stage took.
struct taken_event {
  std::size_t event = 0, stage = 0;
  auto operator<=>(const taken_event&) const = default;
};
using taken_path = std::vector<taken_event>;

/// What a pattern's conditions see.
class pattern_view {
public:
  pattern_view(const rule_case& at, const plain_pattern& pattern);
  /// Takes the row in. True when it is an event; then it is the newest of events().
  bool learn(const row& r, std::size_t number);
  [[nodiscard]] bool holds(const std::string& condition, const taken_path& path);
  [[nodiscard]] const std::vector<pattern_moment>& events() const noexcept { return events_; }
  std::string why_not; ///< something in the conditions is not worked out here

private:
  using arguments = std::vector<std::string>;
  struct mention {
    std::set<std::string> telemetry; ///< a row with one of these may make it true
    bool always = false;             ///< any row may
    bool looks_back = false;
  };
  void read(const std::string& condition);
  void note(mention& into, std::string_view name);
  void note_call(mention& into, const std::string& function, const arguments& given);
  void keep(mention& into, std::string telemetry);
  void ask(mention& into, const std::string& function, const std::string& op);
  [[nodiscard]] bool is_telemetry(std::string_view name) const;
  [[nodiscard]] bool is_output(std::string_view name) const;
  [[nodiscard]] std::optional<double> value(std::string_view name);
  [[nodiscard]] std::optional<double> call(const std::string& function, const arguments& given);
  [[nodiscard]] std::optional<double> look_back(const std::string& function,
                                                const std::string& of) const;
  [[nodiscard]] bool rising(const arguments& given, bool up) const;
  [[nodiscard]] bool spike(const arguments& given, bool up) const;
  [[nodiscard]] std::optional<std::size_t> stage_of(std::string_view dotted) const;

  const rule_case& at_;
  const plain_pattern& pattern_;
  named_values names_;
  std::map<std::string, mention> mentions_;
  std::set<std::string> kept_;
  std::map<std::string, std::vector<double>> heard_; // of events, oldest first
  std::map<std::string, std::vector<int>> fired_;    // of operators above, for each row
  std::vector<pattern_moment> events_;
  std::map<std::string, bool> known_; // of conditions that do not look back, at this event
  const taken_path* path_ = nullptr;
  std::size_t number_ = 0;
  std::int64_t now_ns_;
};

/// A match, or a half match whose time ran out.
struct told_path {
  taken_path path;
  std::int64_t at_ns = 0;  ///< when it became a match, or could no more
  std::size_t row = 0;     ///< while which row of the case it was found
  bool by_reading = false; ///< with the reading itself, not with the time passing behind it
};

struct pattern_story {
  std::vector<told_path> matches, time_outs;
  std::vector<pattern_moment> events;
  bool crowded = false; ///< there were more than max_partial: some may have given way
  std::string why_not;
};

/// All rows of the case through the pattern `rule` (which may be another one than the case's).
[[nodiscard]] pattern_story walk_pattern(const rule_case& at, const config_node& rule,
                                         const plain_pattern& pattern);

/// For each row of the case: 1 or -1 when the z-score `rule` found it above or below, else 0.
/// nullopt: the plain z-score does not know it.
[[nodiscard]] std::optional<std::vector<int>> z_score_sides(const rule_case& at,
                                                            const config_node& rule);

} // namespace pollux::domain::audit
