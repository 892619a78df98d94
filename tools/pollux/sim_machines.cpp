// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/sim_machines.hpp"
#include <algorithm>
#include <cmath>
#include <iterator>

namespace pollux::tools {

namespace {

constexpr double metres_per_degree = 111'320.0; // of latitude

/// Rounded as a real device would send it, so that JSON and Protobuf carry the same number.
double rounded(double value, double per_unit) { return std::round(value * per_unit) / per_unit; }

void put(std::vector<domain::field>& out, std::string_view name, double value,
         double per_unit = 1000.0) {
  out.push_back({name, domain::value_view::of(rounded(value, per_unit))});
}

/// How far a first-order system gets in `seconds`, as a share of the way; the implicit form is
/// stable for any step.
double approach(double seconds, double time_constant_s) {
  return seconds / (seconds + time_constant_s);
}

template <std::size_t N>
sim_fault begin(sim_fault_state& state, const sim_fault (&faults)[N], bool typical,
                sim_dice& dice) {
  state.kind = typical ? 0 : static_cast<int>(dice.next() % N);
  state.step = 0;
  return faults[state.kind];
}

/// Counts the reading; the fault is over after `length` of them.
void advance(sim_fault_state& state, int length) {
  if (state.kind >= 0 && ++state.step >= length) state = {};
}

// rules as in config/models; the first of each kind is its typical one
constexpr sim_fault motor_faults[] = {{"bearing_wear", "vibration", "wear_then_spike"},
                                      {"overheating", "temperature", "temperature_spike"},
                                      {"short_knock", "vibration"}};
constexpr sim_fault building_faults[] = {{"hvac_failure", "zone_temperature", "hvac_idle"},
                                         {"window_open", "humidity", "humidity_jump"}};
constexpr sim_fault vehicle_faults[] = {
    {"fuel_theft", "fuel_level", "fuel_drop"},
    {"engine_overheating", "engine_temperature", "overheating"}};
constexpr sim_fault device_faults[] = {{"temperature_spike", "temperature", "temperature_spike"},
                                       {"humidity_spike", "humidity", "humidity_jump"}};

} // namespace

sim_motor make_motor(sim_dice& dice) {
  sim_motor motor;
  motor.base_temperature = dice.between(42, 58);
  motor.base_current = dice.between(8, 12);
  motor.load = dice.between(0.5, 0.9);
  return motor;
}

sim_building make_building(sim_dice& dice) {
  sim_building building;
  building.outside = dice.between(4, 12);
  building.zone_temperature = building.setpoint + dice.between(-0.3, 0.3);
  building.occupancy = std::floor(dice.between(2, 30));
  building.humidity = dice.between(38, 52);
  return building;
}

sim_vehicle make_vehicle(sim_dice& dice) {
  sim_vehicle vehicle;
  vehicle.fuel_level = dice.between(0.60, 0.95);
  const double lat = dice.between(52.40, 52.60), lon = dice.between(13.20, 13.60);
  // a ring of eight waypoints, some 2 km across
  constexpr double ring[] = {1, 0, 0.7, 0.7, 0, 1, -0.7, 0.7, -1, 0, -0.7, -0.7, 0, -1, 0.7, -0.7};
  for (std::size_t i = 0; i + 1 < std::size(ring); i += 2) {
    vehicle.route.push_back(lat + ring[i] * dice.between(0.006, 0.012));
    vehicle.route.push_back(lon + ring[i + 1] * dice.between(0.010, 0.020));
  }
  return vehicle;
}

sim_device make_device(sim_dice& dice) {
  sim_device device;
  device.base_temperature = dice.between(19, 24);
  device.base_humidity = dice.between(38, 55);
  return device;
}

void step(sim_motor& motor, double seconds, sim_dice& dice, std::vector<domain::field>& out) {
  motor.load = std::clamp(motor.load + 0.002 * seconds * dice.noise(), 0.4, 1.0);
  double vibration = 2.0 + 0.05 * dice.noise();
  double temperature = motor.base_temperature + 0.4 * dice.noise();
  double current = motor.base_current * (0.9 + 0.1 * motor.load) + 0.1 * dice.noise();
  const int at = motor.fault.step;
  switch (motor.fault.kind) {
  case 0: // the bearing goes: vibration climbs for eight readings, then it runs hot, then it is
          // mended
    vibration = 4.3 + 0.4 * std::min(at, 8) + 0.05 * dice.unit();
    current += 0.15 * std::min(at, 8);
    if (at >= 8) temperature += 18;
    break;
  case 1: temperature += 16; break;
  case 2: vibration = 4.3 + 0.4 * std::min(at, 1); break;
  default: break;
  }
  constexpr int lengths[] = {12, 2, 2};
  if (motor.fault.kind >= 0) advance(motor.fault, lengths[motor.fault.kind]);
  put(out, "vibration", vibration);
  put(out, "temperature", temperature);
  put(out, "current", current);
}

void step(sim_building& building, double seconds, sim_dice& dice, std::vector<domain::field>& out) {
  const bool failed = building.fault.kind == 0, open = building.fault.kind == 1;
  auto& zone = building.zone_temperature;
  // hours for the walls, a minute or two for the air handler: a demonstration shows it move
  // (a failure counts in readings, so that it shows at any rate of them)
  zone += (building.outside - zone) * (failed ? 1.0 / 150 : approach(seconds, open ? 900 : 7200));
  const double wanted = building.setpoint - zone;
  if (!failed) zone += wanted * approach(seconds, 20);
  building.occupancy = std::clamp(building.occupancy + std::round(0.4 * dice.noise()), 0.0, 60.0);
  building.humidity += (45 - building.humidity) * approach(seconds, 600);
  building.humidity = std::clamp(building.humidity + 0.1 * dice.noise(), 20.0, 90.0);
  const double power =
      failed ? 1.5 : 4 + 0.05 * building.occupancy + 12 * std::min(std::fabs(wanted), 2.0);
  if (building.fault.kind >= 0) advance(building.fault, failed ? 30 : 3);
  put(out, "zone_temperature", zone + 0.05 * dice.noise());
  put(out, "setpoint", building.setpoint);
  put(out, "humidity", building.humidity + (open ? 25 : 0));
  put(out, "occupancy", building.occupancy, 1);
  put(out, "energy_kw", power + 0.1 * dice.noise());
}

namespace {

/// Drives along the route; stands for some seconds at each waypoint.
void drive(sim_vehicle& vehicle, double seconds, sim_dice& dice, double& lat, double& lon) {
  const auto points = vehicle.route.size() / 2;
  const auto from = vehicle.leg * 2, to = (vehicle.leg + 1) % points * 2;
  const double dlat = vehicle.route[to] - vehicle.route[from];
  const double dlon = vehicle.route[to + 1] - vehicle.route[from + 1];
  // 0.61 = cos(52.5 deg), the latitude of every route here
  const double length = metres_per_degree * std::sqrt(dlat * dlat + 0.61 * 0.61 * dlon * dlon);
  if (vehicle.standing_s > 0) {
    vehicle.standing_s -= seconds;
    vehicle.speed_kmh = 0;
  } else {
    const double wanted = 45 + 4 * dice.noise();
    vehicle.speed_kmh += (wanted - vehicle.speed_kmh) * approach(seconds, 3);
    vehicle.along_m += vehicle.speed_kmh / 3.6 * seconds;
  }
  const double share = std::min(vehicle.along_m / length, 1.0);
  lat = vehicle.route[from] + share * dlat + 0.00001 * dice.noise();
  lon = vehicle.route[from + 1] + share * dlon + 0.00001 * dice.noise();
  if (vehicle.along_m >= length) {
    vehicle.along_m = 0;
    vehicle.leg = (vehicle.leg + 1) % points;
    vehicle.standing_s = dice.between(5, 20);
  }
}

} // namespace

void step(sim_vehicle& vehicle, double seconds, sim_dice& dice, std::vector<domain::field>& out) {
  double lat = 0, lon = 0;
  drive(vehicle, seconds, dice, lat, lon);
  vehicle.fuel_level -= (0.4 + 0.04 * vehicle.speed_kmh) * 1e-5 * seconds;
  if (vehicle.fuel_level < 0.22) vehicle.fuel_level = 0.95; // at the pump
  double engine = 88 + 0.05 * vehicle.speed_kmh + 0.4 * dice.noise();
  if (vehicle.fault.kind == 0 && vehicle.fault.step == 0)
    vehicle.fuel_level = std::max(vehicle.fuel_level - 0.25, 0.02);
  if (vehicle.fault.kind == 1) engine += 8.0 * std::min(vehicle.fault.step + 1, 4);
  if (vehicle.fault.kind >= 0) advance(vehicle.fault, vehicle.fault.kind == 0 ? 1 : 8);
  put(out, "lat", lat, 1e6);
  put(out, "lon", lon, 1e6);
  put(out, "speed", vehicle.speed_kmh);
  put(out, "fuel_level", vehicle.fuel_level + 0.0005 * dice.noise(), 1e4);
  put(out, "engine_temperature", engine);
}

void step(sim_device& device, double, sim_dice& dice, std::vector<domain::field>& out) {
  double temperature = device.base_temperature + 0.2 * dice.noise();
  double humidity = device.base_humidity + 0.8 * dice.noise();
  if (device.fault.kind == 0) temperature += 12;
  if (device.fault.kind == 1) humidity += 25;
  if (device.fault.kind >= 0) advance(device.fault, 2);
  put(out, "temperature", temperature);
  put(out, "humidity", humidity);
}

sim_fault begin_fault(sim_motor& motor, bool typical, sim_dice& dice) {
  return begin(motor.fault, motor_faults, typical, dice);
}
sim_fault begin_fault(sim_building& building, bool typical, sim_dice& dice) {
  return begin(building.fault, building_faults, typical, dice);
}
sim_fault begin_fault(sim_vehicle& vehicle, bool typical, sim_dice& dice) {
  return begin(vehicle.fault, vehicle_faults, typical, dice);
}
sim_fault begin_fault(sim_device& device, bool typical, sim_dice& dice) {
  return begin(device.fault, device_faults, typical, dice);
}

} // namespace pollux::tools
