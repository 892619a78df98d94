// SPDX-License-Identifier: Apache-2.0
// A twin as people ask for it: values with age, windows, alerts, commands, and for every rule why
// it does or does not alert. Plain data; messages/ turns it into JSON.
#pragma once
#include "domain/twin/effect.hpp"
#include "domain/window/series.hpp"
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pollux::domain {

using owned_value = std::variant<std::monostate, double, std::int64_t, bool, std::string>;

struct described_telemetry {
  std::string name, unit;
  bool declared = true;
  owned_value value;
  std::int64_t event_time_ns = no_time;
  std::uint64_t readings = 0;
};
struct described_window {
  std::string name, telemetry;
  std::int64_t span_ns = 0;
  window_statistics statistics; ///< ends at the newest reading, which is inside
};
/// A number an operator offers to expressions, as in "drift.score".
struct described_output {
  std::string name;
  std::optional<double> value; ///< nothing: not known yet
};
struct described_rule {
  std::string name, type;
  std::string state;       ///< "ok", "alerting", "warming up", "in grace", "no data", "armed", ...
  std::string explanation; ///< why there is, or is not, an alert: "12 of 30 samples"
};
struct described_alert {
  std::string incident, rule, message;
  severity level = severity::warning;
  std::int64_t raised_at_ns = 0; ///< event time
  bool acknowledged = false;
  std::string acknowledged_by;
  std::string state; ///< active, acknowledged, latched, snoozed, shelved, suppressed, ...
  std::string assignee;
  std::int64_t snoozed_until_ns = no_time; ///< ingest time
  std::uint32_t effects = 0;
  bool latched = false;             ///< its condition is gone, whatever else it is
  std::vector<std::string> members; ///< "<twin> <incident>", of an incident for twins below
};
/// A rule that is shelved (with its name), or maintenance of the whole twin (without).
struct described_silence {
  std::string id, rule, by, reason;
  std::int64_t until_ns = 0; ///< ingest time
};
struct described_command {
  std::string id, name;
  command_phase phase = command_phase::dispatched;
  std::int64_t requested_at_ns = 0, expires_at_ns = 0;
  std::string detail;
};
/// Only with an event_time block.
struct described_event_time {
  bool configured = false;
  std::string late; ///< "amend", "drop", "keep"
  std::int64_t watermark_ns = no_time;
  bool by_idle = false;                 ///< the idle time-out moved it there
  std::int64_t clock_skew_ns = no_time; ///< smallest ingest time - event time lately; below 0 the
                                        ///< device's clock is fast by at least that
  std::uint64_t on_time = 0, reordered = 0, late_amended = 0, late_kept = 0, late_dropped = 0,
                too_late = 0, future = 0;
  bool pending = false;          ///< readings wait to be worked in
  std::size_t kept_readings = 0; ///< to go back by
  std::size_t bytes = 0;         ///< of the state, for all this
};
struct twin_description {
  std::string id, kind, model_name, model_hash;
  std::uint32_t incarnation = 0;
  input_id revision; ///< the last input applied
  std::uint64_t readings = 0, late = 0, duplicates = 0, corrections = 0;
  std::uint64_t missing = 0; ///< running numbers of the device that were never seen
  std::int64_t last_event_time_ns = no_time, last_ingest_time_ns = no_time;
  bool connected = true;
  std::int64_t next_wakeup_ns = never;
  described_event_time event_time;
  std::size_t state_bytes = 0;  ///< heap bytes of the state, windows included
  std::size_t window_bytes = 0; ///< of these, windows
  std::vector<described_telemetry> telemetry;
  std::vector<described_window> windows;
  std::vector<described_output> outputs;
  std::vector<described_rule> rules;
  std::vector<described_alert> alerts; ///< active ones
  std::vector<described_silence> shelved, maintenance;
  std::string parent;                    ///< the twin that hears of this one's alerts; empty: none
  std::string properties;                ///< JSON object; empty: none
  std::uint64_t properties_revision = 0; ///< changes of them so far
  std::vector<described_command> commands; ///< pending and lately finished
};

} // namespace pollux::domain
