// SPDX-License-Identifier: Apache-2.0
// What a twin keeps about event time, when its model has an event_time block: the watermark, how
// readings stood to it, and, unless late readings are kept out of verdicts, all that is needed to
// go back and forward again: readings, checkpoints, and the verdicts told so far.
#pragma once
#include "domain/alert/alert_table.hpp"
#include "domain/base/time.hpp"
#include "domain/model/event_time.hpp"
#include "domain/twin/lane_counts.hpp"
#include "domain/twin/row_buffer.hpp"
#include "domain/twin/told_verdict.hpp"
#include "domain/twin/twin_state.hpp"
#include <array>
#include <string>
#include <vector>

namespace pollux::domain {

/// The timer of event time: idle time-out and postponed re-runs. Every other is an operator's
/// index, or the one of commands or alerts.
inline constexpr std::uint32_t event_timer = command_timer - 2;

/// Smallest (ingest time - event time) over the last one to two periods: a device whose clock is
/// right is never early, so what is left of the delay is its clock's error plus the shortest way.
class skew_estimate {
public:
  void note(std::int64_t ingest_ns, std::int64_t event_ns) noexcept;
  /// no_time while unknown.
  [[nodiscard]] std::int64_t value() const noexcept;
  void save(byte_writer& out) const;
  void load(byte_reader& in);

private:
  std::int64_t period_ = no_time; ///< number of the current one
  std::int64_t now_ = no_time, before_ = no_time;
};

/// The state after all readings up to and including `time_ns`, as far as late readings undo it.
struct checkpoint {
  std::int64_t time_ns = no_time;
  std::uint64_t rows = 0; ///< gone through up to here, in event-time order
  std::int64_t watermark_ns = no_time;
  std::int64_t newest_ns = no_time;
  std::vector<active_alert> alerts; ///< of rules that late readings undo
  std::string bytes;                ///< latest values and operators' states
};

/// Something other than a reading that happened between readings, and happens there again.
struct time_mark {
  std::int64_t place_ns = 0;     ///< after readings up to here
  std::int64_t watermark_ns = 0; ///< the idle time-out moved the watermark
  std::int32_t cleared = -1;     ///< not -1: somebody ended the alert of this rule
};

struct timeline {
  // The clock.
  std::int64_t watermark_ns = no_time;
  std::int64_t newest_ns = no_time; ///< largest event time accepted
  std::int64_t heard_ns = no_time;  ///< ingest time of the last accepted reading
  std::uint8_t idle_ticks = 0;      ///< since then
  bool by_idle = false;             ///< the watermark stands where the idle time-out moved it
  lane_counts lanes;
  skew_estimate skew;

  // Going back.
  row_buffer rows; ///< after the first checkpoint
  std::vector<checkpoint> checkpoints;
  std::vector<time_mark> marks;
  std::vector<told_verdict> told;
  std::vector<active_alert> touched; ///< alerts as people left them
  std::uint64_t gone_through = 0;    ///< rows, in event-time order, of the present state
  /// Two for each row that may be gone through once more right now; each reading earns three. Were
  /// it no more than one row for a reading, a re-run that grows by every reading would never come.
  std::uint32_t credit = 1024;
  // A re-run that is due: from the oldest reading not yet worked in.
  std::int64_t pending_from_ns = no_time;  ///< no_time: none
  std::int64_t pending_since_ns = no_time; ///< ingest time of the last reading
  bool pending_late = false;               ///< one of them was behind the watermark

  // No state: the reading at work, and from where on series keep readings, per telemetry slot.
  std::vector<measured> scratch;
  std::vector<std::int64_t> keep_after;

  [[nodiscard]] bool pending() const noexcept { return pending_from_ns != no_time; }
  /// Readings after this are in order.
  [[nodiscard]] std::int64_t head_ns() const noexcept;
  /// Readings up to here cannot be worked in any more.
  [[nodiscard]] std::int64_t base_ns() const noexcept;
  /// Ingest time at which fall_due() is to be called.
  [[nodiscard]] std::int64_t due_ns(const twin_state::body& twin) const noexcept;
  [[nodiscard]] std::int64_t idle_due_ns(const twin_state::body& twin) const noexcept;
  [[nodiscard]] std::size_t heap_bytes() const noexcept;
  void save(byte_writer& out) const;
  /// False on damage. `m`: the model that rules.
  [[nodiscard]] bool load(byte_reader& in, const model& m);
};

/// What was told is bounded like the readings.
inline constexpr std::size_t max_told_verdicts = 8192;
inline constexpr std::size_t max_row_text_bytes = 256 * 1024;
inline constexpr std::size_t max_checkpoints = 512;
inline constexpr std::size_t max_touched = 64; ///< alerts remembered as people left them
inline constexpr std::uint32_t max_credit = 8192;
/// A postponed re-run is done when no reading came for so long (ingest time).
inline constexpr std::int64_t longest_wait_ns = 2 * ns_per_s;

} // namespace pollux::domain
