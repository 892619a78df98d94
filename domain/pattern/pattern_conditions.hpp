// SPDX-License-Identifier: Apache-2.0
// The conditions of a pattern: expressions over telemetry and operators above, as everywhere, and
// functions of their own. They look back at the events of the half match (last(a.temperature),
// count(a)), at the readings before (rising, changed), at a window (spike), or ask for the verdict
// of an operator above (fired). docs/patterns.md lists them.
#pragma once
#include "domain/alert/operands.hpp"
#include "domain/pattern/matcher.hpp"
#include <array>
#include <span>

namespace pollux::domain {

class model_scope;

inline constexpr std::size_t max_kept_values = 32; ///< telemetry names in one pattern
inline constexpr std::size_t max_trackers = 16;
inline constexpr std::uint64_t spike_min_samples = 10; ///< no spike from a shorter baseline

/// Marks an operand of an expression as an index into pattern_conditions::functions. Apart from
/// the bits that domain/alert/operands.cpp uses.
inline constexpr std::uint32_t pattern_function_bit = 0x20000000;

/// What is remembered of the readings of one telemetry for rising, falling, prev and changed.
struct tracker_state {
  double value = 0, before = 0; ///< of the newest reading and the one before it
  std::uint8_t seen = 0;        ///< 0, 1, 2 = both are known
  std::uint32_t run = 0;        ///< readings in a row that rise (or fall), up to `count`
};

struct tracker {
  enum class kind : std::uint8_t { previous, rising, falling };
  int slot = 0;
  kind what = kind::previous;
  std::uint32_t count = 1;
  double limit = 0; ///< of rising: each rise lies above it; of falling: below
  bool operator==(const tracker&) const = default;
  void note(tracker_state& state, double value) const noexcept;
};

/// A function of a pattern's conditions with its arguments.
struct pattern_function {
  enum class kind : std::uint8_t {
    first,
    last,
    lowest,
    highest,
    sum,
    mean,
    count,
    since, // of a stage's events
    previous,
    changed,
    run, // of a tracker
    spike,
    dip, // of a window
    fired,
    active // of an operator
  };
  kind what = kind::count;
  std::uint16_t stage = 0;
  std::uint16_t value = 0; ///< which kept value
  std::uint16_t tracker = 0;
  int slot = -1;
  double limit = 0;
  std::int64_t span_ns = 0;
  verdict side = verdict::none; ///< none: both
  const twin_operator* op = nullptr;
};

struct pattern_condition {
  std::string text;
  std::optional<expression> test;
  std::vector<int> slots; ///< it can hold when a reading brings one of these
  bool always = false;    ///< any reading may make it true
  bool looks_back = false;
};

struct pattern_conditions {
  std::vector<pattern_condition> all;
  std::vector<pattern_function> functions;
  std::vector<tracker> trackers;
  std::vector<int> kept;      ///< telemetry whose values are kept with an event
  std::uint32_t referred = 0; ///< stages that some condition looks back at, one bit each
  std::vector<int> waking;    ///< a reading with one of these is an event
  bool all_wake = false;      ///< every reading is

  [[nodiscard]] bool is_event(const row& reading) const noexcept;
};

/// Reads conditions one after another. Stages must be named before a condition refers to them.
class condition_reader {
public:
  condition_reader(model_scope& scope, pattern_conditions& into,
                   const std::vector<std::string>& stages)
      : scope_(scope), into_(into), stages_(stages) {}
  /// Errors: invalid_argument, "at character N: ..."
  [[nodiscard]] result<condition_id> read(std::string_view text);
  /// Stages that take no event: nobody can look back at them.
  void note_negative(std::uint16_t stage) { negatives_ |= 1U << stage; }

private:
  using arguments = std::vector<std::string_view>;
  using function_id = std::optional<result<std::uint32_t>>;
  function_id call(std::string_view name, const arguments& given);
  function_id look_back(pattern_function::kind what, const arguments& given);
  function_id track(std::string_view name, const arguments& given);
  function_id spike(std::string_view name, const arguments& given);
  function_id ask(std::string_view name, const arguments& given);
  std::optional<std::uint32_t> name(std::string_view name);
  result<int> numeric_slot(std::string_view name) const;
  result<std::uint16_t> keep(int slot);
  std::uint32_t add(const pattern_function& f);
  void wakes(int slot);
  model_scope& scope_;
  pattern_conditions& into_;
  const std::vector<std::string>& stages_;
  std::uint32_t negatives_ = 0;
  pattern_condition* current_ = nullptr;
};

/// Judges one reading by the conditions; each that does not look back is evaluated once.
class row_judge final : public event_judge, private operand_source {
public:
  row_judge(const pattern_conditions& conditions, const pattern_graph& graph, const row& reading,
            std::span<const tracker_state> trackers)
      : conditions_(conditions), graph_(graph), row_(reading), trackers_(trackers),
        twin_(reading.twin()) {}
  [[nodiscard]] bool holds(condition_id condition, const path_store& paths,
                           std::uint32_t path) override;
  [[nodiscard]] const double* values() override;

private:
  [[nodiscard]] std::optional<double> operand(std::uint32_t id) const override;
  [[nodiscard]] std::optional<double> look_back(const pattern_function& f) const;
  [[nodiscard]] bool beyond(const pattern_function& f) const;
  const pattern_conditions& conditions_;
  const pattern_graph& graph_;
  const row& row_;
  std::span<const tracker_state> trackers_;
  twin_operands twin_;
  const path_store* paths_ = nullptr;
  std::uint32_t path_ = no_node;
  std::array<std::uint8_t, max_pattern_conditions> known_{}; // 0: not yet, 1: no, 2: yes
  std::array<double, max_kept_values> values_;               // filled by values()
};

} // namespace pollux::domain
