// SPDX-License-Identifier: Apache-2.0
// A simulated fleet: which things there are, whose reading comes next, and which faults were put
// in. Pure: what it gives depends on the plan and on the commands carried out, on nothing else.
#pragma once
#include "tools/pollux/sim_machines.hpp"
#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pollux::tools {

/// In this order everywhere: the name of a kind is also a part of its topics.
inline constexpr std::array<std::string_view, 4> sim_kinds = {"motor", "building", "vehicle",
                                                              "device"};

struct fleet_plan {
  std::uint64_t seed = 1;
  std::array<std::uint32_t, 4> count = {4, 2, 3, 6}; ///< of each kind, as in sim_kinds
  double rate_hz = 1;                                ///< readings of one thing in a second, > 0
  std::int64_t start_ns = 0;                         ///< event time of the first readings
  std::int64_t faults_from_ns = 0;                   ///< no fault begins before this event time
  std::int64_t fault_every_ns = 60'000'000'000;      ///< mean healthy time of a thing; 0: no faults
  double refuse_share = 0; ///< of the commands, which a device refuses without cause of its own
};

/// The next reading: of thing `index`, its values in `fields` (names and numbers only).
struct sim_reading {
  std::uint32_t index = 0;
  std::int64_t event_time_ns = 0;
  std::uint64_t sequence = 0; ///< from 1, without gaps
  std::vector<domain::field> fields;
};

struct injected_fault {
  std::uint32_t index = 0;
  std::int64_t event_time_ns = 0; ///< of the first reading that shows it
  sim_fault fault;
};

/// What a device answers to a command.
struct sim_answer {
  bool accepted = false;
  std::string detail;   ///< why it was refused
  std::string reported; ///< name of the property that now holds `value`
  double value = 0;
};

class fleet {
public:
  explicit fleet(const fleet_plan& plan);

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(things_.size()); }
  /// "motor-1"
  [[nodiscard]] const std::string& name(std::uint32_t index) const { return things_[index].name; }
  [[nodiscard]] std::string_view kind(std::uint32_t index) const {
    return sim_kinds[things_[index].body.index()];
  }
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name) const;

  /// The next reading in the order of event time, over the whole fleet. There is no last one.
  /// Precondition: the fleet is not empty.
  void next(sim_reading& out);

  /// The faults begun since the last call, in the order of event time.
  std::vector<injected_fault> take_faults();

  /// Carries a command out, or refuses it. Buildings know set_setpoint (12 to 30 deg C).
  sim_answer command(std::uint32_t index, std::string_view command, std::optional<double> value);

private:
  struct thing {
    std::string name;
    std::variant<sim_motor, sim_building, sim_vehicle, sim_device> body;
    sim_dice dice;
    std::int64_t phase_ns = 0; ///< after the start of each round
    std::int64_t next_fault_ns = 0;
    std::uint64_t sequence = 0;
    bool had_fault = false;
  };
  template <class Machine>
  void add(std::uint32_t count, std::size_t kind, Machine (*make)(sim_dice&));
  void begin_fault_if_due(std::uint32_t index, std::int64_t now_ns);

  fleet_plan plan_;
  std::int64_t period_ns_;
  std::vector<thing> things_;
  std::vector<std::uint32_t> order_; ///< by phase
  sim_dice whims_;                   ///< which commands are refused
  std::size_t place_ = 0;            ///< in order_
  std::int64_t round_ = 0;
  std::vector<injected_fault> faults_;
};

/// One line of the ground truth, without the newline.
[[nodiscard]] std::string truth_line(const fleet& fleet, std::string_view name_space,
                                     const injected_fault& fault);

} // namespace pollux::tools
