// SPDX-License-Identifier: Apache-2.0
// The four kinds of simulated things: state, and one step of plain arithmetic that moves it on and
// gives a reading. No clock, no network: the same seed gives the same readings for ever.
#pragma once
#include "domain/twin/input.hpp"
#include "tools/pollux/sim_dice.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::tools {

/// What was done to a thing on purpose, for judging the alerts that should follow.
struct sim_fault {
  std::string_view name;      ///< bearing_wear, spike, ...
  std::string_view telemetry; ///< which value shows it
  std::string_view rule = {}; ///< of the shipped model, which should fire; empty: none must
};

/// Where a thing stands in the fault it is having.
struct sim_fault_state {
  int kind = -1; ///< -1: healthy
  int step = 0;  ///< readings since it began
};

/// A motor: vibration (mm/s), temperature (deg C), current (A). It wears, runs hot, is repaired.
struct sim_motor {
  double base_temperature = 50, base_current = 10, load = 0.7;
  sim_fault_state fault;
};

/// A building's zone: first-order thermal model, pulled to the setpoint by HVAC and to the outside
/// temperature by its walls.
struct sim_building {
  double zone_temperature = 20, setpoint = 21, outside = 8, occupancy = 0, humidity = 45;
  sim_fault_state fault;
};

/// A vehicle on a closed route; burns fuel (0 empty, 1 full), stops at its waypoints, is refuelled.
struct sim_vehicle {
  std::vector<double> route; ///< lat, lon of each waypoint in turn
  std::size_t leg = 0;
  double along_m = 0, speed_kmh = 0, fuel_level = 0.8, standing_s = 0;
  sim_fault_state fault;
};

/// A room sensor: temperature (deg C), humidity (%).
struct sim_device {
  double base_temperature = 21, base_humidity = 45;
  sim_fault_state fault;
};

[[nodiscard]] sim_motor make_motor(sim_dice& dice);
[[nodiscard]] sim_building make_building(sim_dice& dice);
[[nodiscard]] sim_vehicle make_vehicle(sim_dice& dice);
[[nodiscard]] sim_device make_device(sim_dice& dice);

/// Moves a thing on by `seconds` and appends its values to `out`. Names are literals.
void step(sim_motor& motor, double seconds, sim_dice& dice, std::vector<domain::field>& out);
void step(sim_building& building, double seconds, sim_dice& dice, std::vector<domain::field>& out);
void step(sim_vehicle& vehicle, double seconds, sim_dice& dice, std::vector<domain::field>& out);
void step(sim_device& device, double seconds, sim_dice& dice, std::vector<domain::field>& out);

/// Starts one of the kind's faults, chosen by `dice` (the first one when `typical`); healthy only.
[[nodiscard]] sim_fault begin_fault(sim_motor& motor, bool typical, sim_dice& dice);
[[nodiscard]] sim_fault begin_fault(sim_building& building, bool typical, sim_dice& dice);
[[nodiscard]] sim_fault begin_fault(sim_vehicle& vehicle, bool typical, sim_dice& dice);
[[nodiscard]] sim_fault begin_fault(sim_device& device, bool typical, sim_dice& dice);

} // namespace pollux::tools
