// SPDX-License-Identifier: Apache-2.0
// A model: what a kind of twin measures, which commands it takes, and the operators that judge it.
// Compiled once from a config tree, immutable, shared by all twins of that model version.
#pragma once
#include "domain/base/result.hpp"
#include "domain/model/config_node.hpp"
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain {

class twin_operator; // domain/model/operator.hpp

enum class telemetry_type : std::uint8_t { number, integer, boolean, text, samples };

struct telemetry_spec {
  std::string name;
  std::string unit;
  telemetry_type type = telemetry_type::number;
  double min, max; ///< readings outside are quarantined by the bridge; -inf, +inf where not given
};

/// Interlocks of one command with one numeric argument (the setpoint); further arguments pass through.
struct command_spec {
  std::string name;
  std::string argument;                 ///< name of the guarded numeric argument, empty = none
  double min, max;                      ///< inclusive
  double max_step;                      ///< largest change against the last confirmed value; +inf = any
  std::int64_t min_interval_ns = 0;     ///< between two dispatched commands (rate)
  std::int64_t default_ttl_ns = 0;      ///< how long an answer is awaited, when the request names no expiry
};

struct model {
  std::string name;  ///< "motor"
  std::string kind;  ///< device, vehicle, building, motor, ...
  std::string hash;  ///< content hash, 32 hex digits, set by the codec (decision 23)
  std::vector<telemetry_spec> telemetry; ///< slot = index
  std::vector<command_spec> commands;
  std::vector<std::unique_ptr<const twin_operator>> operators; ///< in evaluation order

  // What the operators together need, gathered by compile():
  std::vector<std::int64_t> series_span_ns; ///< per telemetry slot: the longest window, 0 = no series

  model();
  model(model&&) noexcept;
  ~model();

  [[nodiscard]] int telemetry_slot(std::string_view name) const noexcept; ///< -1 when undeclared
  [[nodiscard]] const command_spec* find_command(std::string_view name) const noexcept;
};

/// Compiles a config tree. Errors: invalid_argument "line:column: ..." naming the nearest valid key.
[[nodiscard]] result<model> compile(const config_node& root);

/// "window@1 threshold@1 ...": operator types with the revision of their code; enters the model's
/// hash, so a corrected operator is a new model version (decision 23).
[[nodiscard]] std::string operator_revisions(const model& m);

} // namespace pollux::domain
