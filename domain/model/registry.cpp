// SPDX-License-Identifier: Apache-2.0
#include "domain/model/registry.hpp"
#include "domain/alert/absence.hpp"
#include "domain/alert/cusum.hpp"
#include "domain/alert/ewma.hpp"
#include "domain/alert/robust.hpp"
#include "domain/alert/seasonal.hpp"
#include "domain/alert/threshold.hpp"
#include "domain/alert/z_score.hpp"
#include "domain/anomaly/multivariate.hpp"
#include "domain/anomaly/nearest.hpp"
#include "domain/machine/state_machine.hpp"
#include "domain/model/crash_probe.hpp"
#include "domain/pattern/pattern_operator.hpp"
#include "domain/pattern/rise_then_spike.hpp"
#include "domain/window/as_of.hpp"
#include "domain/window/window_operator.hpp"

namespace pollux::domain {

// The one place that knows all operators. Names and revisions are part of model hashes.
const std::vector<operator_type>& operator_types() {
  static const std::vector<operator_type> types = {
      {"window", 2, read_window},               //
      {"threshold", 2, read_threshold},         //
      {"z_score", 2, read_z_score},             //
      {"sequence", 1, read_rise_then_spike},    //
      {"pattern", 2, read_pattern},             //
      {"ewma", 2, read_ewma},                   //
      {"cusum", 1, read_cusum},                 //
      {"seasonal", 2, read_seasonal},           //
      {"robust", 1, read_robust},               //
      {"absence", 1, read_absence},             //
      {"as_of", 1, read_as_of},                 //
      {"nearest", 2, read_nearest},             //
      {"multivariate", 1, read_multivariate},   //
      {"machine_alert", 1, read_machine_alert}, //
      {"state_machine", 1, read_state_machine}, //
      {"crash_probe", 1, read_crash_probe},     //
  };
  return types;
}

int model_scope::telemetry(object_reader& in, std::string_view key) {
  const auto* node = in.require(key, config_node::type::text);
  if (node == nullptr) return -1;
  const int slot = model_.telemetry_slot(node->text);
  if (slot < 0) {
    std::vector<std::string_view> known;
    for (const auto& t : model_.telemetry) known.push_back(t.name);
    unknown(in, *node, "telemetry", known);
  }
  return slot;
}

int model_scope::numeric_telemetry(object_reader& in, std::string_view key) {
  const int slot = telemetry(in, key);
  if (slot < 0) return slot;
  const auto type = model_.telemetry[static_cast<std::size_t>(slot)].type;
  if (type != telemetry_type::text && type != telemetry_type::samples) return slot;
  if (const auto* node = in.optional(key, config_node::type::text))
    in.fail(*node, "\"" + node->text + "\" is not a number: windows and rules need one");
  return -1;
}

void model_scope::want_series(int slot, std::int64_t span_ns, std::size_t max_entries) {
  auto& span = model_.series_span_ns[static_cast<std::size_t>(slot)];
  auto& entries = model_.series_entries[static_cast<std::size_t>(slot)];
  span = std::max(span, span_ns);
  entries = std::max(entries, max_entries);
}

void model_scope::depends_on(const twin_operator& op) {
  dependencies_ += " <- ";
  dependencies_ += op.identity().type;
  dependencies_ += '@' + std::to_string(op.identity().revision);
  dependencies_ += op.identity().definition;
}

void model_scope::unknown(object_reader& in, const config_node& at, std::string_view what,
                          const std::vector<std::string_view>& known) {
  std::string why = "no " + std::string(what) + " \"" + at.text + "\"";
  if (what != "telemetry") why += " above this operator";
  const auto close = nearest(at.text, known);
  if (!close.empty()) why += "; did you mean \"" + std::string(close) + "\"?";
  in.fail(at, why);
}

} // namespace pollux::domain
