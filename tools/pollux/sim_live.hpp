// SPDX-License-Identifier: Apache-2.0
// A simulated fleet let loose on a broker: readings leave when they are due, commands are answered.
#pragma once
#include "tools/pollux/sim_fleet.hpp"
#include "tools/pollux/sim_payload.hpp"
#include "tools/pollux/sim_publisher.hpp"
#include <deque>
#include <functional>
#include <ostream>
#include <string>

namespace pollux::tools {

struct live_options {
  fleet_plan plan; ///< start_ns and faults_from_ns are set by run_fleet
  /// Of each kind, as in sim_kinds: in command topics and the ground truth. As config/pollux.toml.
  std::array<std::string, 4> name_spaces = {"plant1", "site1", "fleet1", "lab1"};
  double speed = 1; ///< event seconds per second; 0: as fast as the window lets it
  std::int64_t history_ns = 60'000'000'000; ///< readings of the past sent at once at the start
  std::int64_t duration_ns = 0;             ///< event time after the history; 0: until stopped
  std::uint32_t batch = 1;                  ///< readings of one thing in one message
  bool sequence = false;                    ///< number the readings of each thing from 1
  bool mute = false;                        ///< take commands and never answer
  sim_format format = sim_format::json;
};

struct live_counts {
  std::uint64_t readings = 0, commands = 0, refused = 0, faults = 0;
};

/// A command as it arrives: topic twins/<ns>/<name>/commands/<command>/request, JSON
/// {"id":..,"arguments":{..}}. The answer goes to the response topic of the request, else to
/// .../response: {"id":..,"ok":true,"reported":{"setpoint":21}} or
/// {"id":..,"ok":false,"detail":".."}. A command id seen before gets its first answer again and is
/// not carried out twice.
class command_desk {
public:
  explicit command_desk(fleet& fleet) : fleet_(fleet) {}
  struct reply {
    std::string topic, payload, correlation_data;
  };
  /// Empty when the message is no command for this fleet.
  std::optional<reply> handle(const received_message& message,
                              const std::array<std::string, 4>& name_spaces, live_counts& counts);

private:
  fleet& fleet_;
  std::deque<std::pair<std::string, std::string>> seen_; ///< the last 1,000 of id, payload
};

/// Runs until the duration is over or `stop` is true, then waits for acknowledgements. Ground truth
/// goes to `truth` (may be null), line by line, flushed. `now_ns` is the time it starts at.
/// Errors: unavailable.
status run_fleet(const live_options& options, std::int64_t now_ns, sim_publisher& to,
                 std::ostream* truth, live_counts& counts, const std::function<bool()>& stop);

} // namespace pollux::tools
