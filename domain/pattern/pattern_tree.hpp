// SPDX-License-Identifier: Apache-2.0
// A pattern as it is written: stages and groups in a row, each with how it follows what stands
// before it and how often it may come. Both written forms (JSON, text) end in this tree, and
// pattern_graph makes the automaton of it. docs/patterns.md says what everything means.
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain {

/// May other events come in between?
///   strict   none
///   relaxed  those that the next stage would not take: the first that fits is taken
///   any      every one: each that fits makes a match of its own
enum class contiguity : std::uint8_t { strict, relaxed, any };

/// What a match does to the others: docs/patterns.md#skip
enum class skip_strategy : std::uint8_t { none, to_next, past_last, to_first, to_last };

inline constexpr std::size_t max_pattern_stages = 32;
inline constexpr std::size_t max_pattern_depth = 8;        ///< of groups in groups
inline constexpr std::uint32_t max_pattern_times = 256;    ///< of one stage or group
inline constexpr std::size_t max_pattern_positions = 512;  ///< stages after repeating them
inline constexpr std::size_t max_pattern_followers = 64;   ///< of one position
inline constexpr std::size_t max_pattern_conditions = 128; ///< where and until
inline constexpr std::uint32_t without_end = std::numeric_limits<std::uint32_t>::max();

/// Index into pattern_conditions.
using condition_id = std::uint16_t;
inline constexpr condition_id no_condition = 0xffff; ///< holds for every event

/// Where something stands in the text it was read from.
struct source_place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct pattern_element {
  enum class kind : std::uint8_t { stage, group, negative };
  kind what = kind::stage;
  std::uint16_t stage = 0;              ///< in pattern_tree::stages; not of a group
  condition_id where = no_condition;    ///< not of a group
  std::vector<pattern_element> members; ///< of a group
  contiguity before =
      contiguity::relaxed; ///< of a negative: strict = not next, relaxed = not until
  contiguity inside = contiguity::relaxed; ///< between its own repetitions
  std::uint32_t least = 1;
  std::uint32_t most = 1; ///< or without_end
  bool optional = false;
  bool greedy = false;
  condition_id until = no_condition; ///< ends the repetitions
  std::int64_t step_ns = 0; ///< at most since the event before it; 0: only the pattern's bound
  source_place at;
};

struct pattern_tree {
  std::vector<std::string> stages; ///< names, in the order they are written
  std::vector<pattern_element> sequence;
  std::int64_t within_ns = 0; ///< first to last event of a match, inclusive; 0: no bound
  skip_strategy skip = skip_strategy::past_last;
  std::uint16_t skip_stage = 0; ///< of to_first and to_last
};

/// Why a pattern is refused, and where.
struct pattern_error {
  std::string what;
  source_place at;
};

/// What is wrong with an element by itself, or nullptr.
[[nodiscard]] const char* fault_of(const pattern_element& e) noexcept;

/// Letters, digits and _, not beginning with a digit.
[[nodiscard]] bool is_stage_name(std::string_view name) noexcept;

} // namespace pollux::domain
