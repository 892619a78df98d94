// SPDX-License-Identifier: Apache-2.0
// The inside of a twin, for domain/ only. Kept small, because there are a million of them: a twin
// under job J's model holds its windows and about 600 bytes. What most twins never have (alerts,
// commands, texts, undeclared names) sits behind one pointer.
#pragma once
#include "domain/alert/alert_table.hpp"
#include "domain/base/time.hpp"
#include "domain/command/command_book.hpp"
#include "domain/model/operator_state.hpp"
#include "domain/twin/twin.hpp"
#include "domain/window/series.hpp"
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pollux::domain {

inline constexpr std::size_t max_properties_bytes = 64 * 1024;
inline constexpr std::size_t max_undeclared = 256; ///< names a twin keeps beyond its model's
/// The timers that belong to pending commands and to alerts; every other is an operator's index.
inline constexpr std::uint32_t command_timer = std::numeric_limits<std::uint32_t>::max();

inline constexpr std::uint32_t alert_timer = command_timer - 1;

/// The newest value of one telemetry. Text lies in rare_parts; samples are not kept, only noted.
struct latest_value {
  std::int64_t event_time_ns = no_time; ///< no_time: never seen
  union {
    double f64 = 0;
    std::int64_t i64;
    bool boolean;
  };
  std::uint64_t kind : 8 = 0; ///< value_kind
  std::uint64_t readings : 56 = 0;

  [[nodiscard]] value_kind type() const noexcept { return static_cast<value_kind>(kind); }
  [[nodiscard]] std::optional<double> number() const noexcept;
  void set(const value_view& value) noexcept; ///< text and samples: the kind only
};

struct undeclared_value {
  std::string name;
  latest_value latest;
  std::string text;
};

struct rare_parts {
  alert_table alerts;
  command_book commands;
  std::vector<undeclared_value> undeclared; ///< sorted by name
  std::vector<std::string> texts;           ///< per telemetry slot; empty until the first text
  std::string properties;                   ///< JSON object; empty: none
  std::uint64_t properties_revision = 0;    ///< changes of them so far
};

struct timeline; // domain/twin/timeline.hpp
struct timeline_deleter {
  void operator()(timeline* t) const noexcept;
};

struct twin_state::body {
  std::string id;
  std::shared_ptr<const model> rules; ///< nullptr before twin_created
  input_id last_applied;

  std::uint64_t readings = 0;    ///< accepted ones: neither duplicate nor without a usable field
  std::uint32_t late = 0;        ///< of these, older than the newest of the same telemetry
  std::uint32_t corrections = 0; ///< of these, the same time again with another value
  std::uint32_t duplicates = 0;  ///< dropped: seen before
  std::uint32_t too_old = 0;     ///< accepted, but older than every window

  std::int64_t last_event_ns = no_time;   ///< largest event time accepted
  std::int64_t last_ingest_ns = no_time;  ///< largest ingest time of any input: the twin's "now"
  std::int64_t last_heard_ns = no_time;   ///< ingest time of the last accepted reading
  std::int64_t created_ns = no_time;      ///< ingest time of twin_created
  std::int64_t node_started_ns = no_time; ///< ingest time of the last node_started

  std::int64_t wakeup_ns = never;
  std::uint64_t generation = 0;
  std::uint32_t timer = 0;
  std::uint32_t incarnation = 0;

  std::uint64_t top_sequence = 0;      ///< largest running number seen from the device, 0 = none
  std::uint64_t seen_sequences = 0;    ///< bit i: top_sequence - i was seen
  std::uint64_t missing_sequences = 0; ///< numbers that were never seen (device_sequence.hpp)
  std::uint8_t expected_sequences = 0;
  bool connected = true;
  bool deleted = false;

  std::unique_ptr<latest_value[]> latest;              ///< per telemetry slot of `rules`
  std::vector<series> windows;                         ///< per model::series_index
  std::vector<std::unique_ptr<operator_state>> states; ///< per operator_identity::state
  std::unique_ptr<rare_parts> rare;
  std::unique_ptr<timeline, timeline_deleter> line; ///< only with an event_time block

  [[nodiscard]] const model& ruling() const noexcept; ///< an empty model before twin_created
  [[nodiscard]] rare_parts& rarely();                 ///< makes it when it is not there
  [[nodiscard]] const series* series_of(int slot) const noexcept;
  [[nodiscard]] series* series_of(int slot) noexcept;
  /// Makes latest, windows and states for `next`, all empty, as from ingest time `now_ns`.
  void come_under(std::shared_ptr<const model> next, std::int64_t now_ns);
  [[nodiscard]] std::size_t window_bytes() const noexcept;
  [[nodiscard]] std::size_t heap_bytes() const noexcept; ///< windows included
};

/// a - b, held at the ends of int64.
[[nodiscard]] std::int64_t elapsed_ns(std::int64_t later, std::int64_t earlier) noexcept;

} // namespace pollux::domain
