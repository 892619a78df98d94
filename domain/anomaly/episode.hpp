// SPDX-License-Identifier: Apache-2.0
// When a score makes an alert and when the alert ends: hysteresis against trembling, a number of
// quiet readings against one event that rings many times, and recovery against an alert that goes
// on because the event was large and its echo fades slowly.
#pragma once
#include "domain/base/bytes.hpp"
#include <cstdint>

namespace pollux::domain {

class object_reader;

struct episode_rule {
  double limit = 1;         ///< raised when the score is above it; exactly there it is not
  double clear = 1;         ///< quiet: the score is at or below it
  double recovery = 0;      ///< quiet as well: at or below this share of the largest score since it
                            ///< was last at or below `clear`
  std::uint32_t repeat = 1; ///< raised after so many scores above the limit in a row
  std::uint32_t quiet = 1;  ///< cleared after so many quiet scores in a row
};

class episode {
public:
  enum class turn : std::uint8_t { none, raise, clear };
  /// Takes the next score. `active`: an alert is raised now. Cost: O(1).
  [[nodiscard]] turn next(const episode_rule& rule, double score, bool active) noexcept;
  [[nodiscard]] double peak() const noexcept { return peak_; }

  void save(byte_writer& out) const;
  void load(byte_reader& in); ///< whether it went well, `in` knows
  static constexpr std::size_t saved_bytes = 12;

private:
  double peak_ = 0;          // since the score was last at or below `clear`
  std::uint32_t in_row_ = 0; // loud scores before the alert, quiet ones while it lasts
};

/// Keys: limit (default `limit`), clear (default: the limit), recovery (0), repeat (1), quiet (1).
[[nodiscard]] episode_rule read_episode(object_reader& in, double limit);

} // namespace pollux::domain
