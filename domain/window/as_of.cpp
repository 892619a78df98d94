// SPDX-License-Identifier: Apache-2.0
#include "domain/window/as_of.hpp"
#include "domain/alert/wording.hpp"
#include "domain/model/registry.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {
namespace {

struct as_of_state final : operator_state {
  std::int64_t at_ns = no_time; ///< event time of the reading that is joined with
  double value = 0;             ///< of it
  struct joined {
    std::int64_t time_ns = no_time; ///< no_time: none within the tolerance
    double value = 0;
  };
  std::vector<joined> with;
};

} // namespace

as_of_operator::as_of_operator(const model& rules, int of, std::vector<int> with,
                               std::int64_t tolerance_ns)
    : of_(of), with_(std::move(with)), tolerance_ns_(tolerance_ns),
      field_(rules.telemetry[static_cast<std::size_t>(of)].name) {
  for (const int slot : with_) {
    const auto& telemetry = rules.telemetry[static_cast<std::size_t>(slot)].name;
    names_.push_back(telemetry);
    names_.push_back(telemetry + "_age_s");
  }
  names_.push_back(field_);
  names_.push_back("matched");
}

void as_of_operator::observe(row& reading) const {
  auto& twin = reading.twin();
  const bool next = reading.fresh(of_);
  auto& held = state_of(twin);
  if (!held && !next) return;
  if (!held) held = std::make_unique<as_of_state>();
  auto& state = static_cast<as_of_state&>(*held);
  if (next) {
    state.at_ns = reading.event_time_ns();
    state.value = reading.value(of_);
    state.with.assign(with_.size(), {});
  }
  for (std::size_t i = 0; i < with_.size(); ++i) {
    if (!next && !reading.arrived(with_[i])) continue;
    const auto* readings = twin.series_of(with_[i]);
    const auto found = readings == nullptr ? std::nullopt : readings->last_at(state.at_ns);
    if (!found || elapsed_ns(state.at_ns, found->event_time_ns) > tolerance_ns_ ||
        found->event_time_ns < state.with[i].time_ns)
      continue;
    state.with[i] = {found->event_time_ns, found->value};
  }
}

std::vector<operator_output> as_of_operator::outputs() const {
  std::vector<operator_output> out;
  // A joined value may change with a reading of either side.
  for (const auto& n : names_) out.push_back({n, -1});
  return out;
}

std::optional<double> as_of_operator::output(const twin_state::body& twin,
                                             std::uint32_t which) const {
  const auto* state = static_cast<const as_of_state*>(state_of(twin));
  if (state == nullptr) return std::nullopt;
  const std::size_t pairs = 2 * with_.size();
  if (which < pairs) {
    const auto& j = state->with[which / 2];
    if (j.time_ns == no_time) return std::nullopt;
    if (which % 2 == 0) return j.value;
    return static_cast<double>(elapsed_ns(state->at_ns, j.time_ns)) / static_cast<double>(ns_per_s);
  }
  if (which == pairs) return state->value;
  return static_cast<double>(std::count_if(state->with.begin(), state->with.end(),
                                           [](const auto& j) { return j.time_ns != no_time; }));
}

void as_of_operator::save(const operator_state& held, byte_writer& out) const {
  const auto& state = static_cast<const as_of_state&>(held);
  out.i64(state.at_ns);
  out.f64(state.value);
  for (const auto& j : state.with) {
    out.i64(j.time_ns);
    out.f64(j.value);
  }
}

std::unique_ptr<operator_state> as_of_operator::load(byte_reader& in) const {
  auto state = std::make_unique<as_of_state>();
  state->at_ns = in.i64();
  state->value = in.f64();
  bool good = std::isfinite(state->value);
  for (std::size_t i = 0; i < with_.size(); ++i) {
    const as_of_state::joined j{in.i64(), in.f64()};
    good = good && std::isfinite(j.value) && j.time_ns <= state->at_ns;
    state->with.push_back(j);
  }
  if (good && in.ok()) return state;
  in.fail();
  return nullptr;
}

std::size_t as_of_operator::state_bytes(const operator_state& held) const {
  const auto& state = static_cast<const as_of_state&>(held);
  return sizeof(state) + state.with.capacity() * sizeof(as_of_state::joined);
}

described_rule as_of_operator::explain(const twin_state::body& twin, std::int64_t) const {
  const auto* state = static_cast<const as_of_state*>(state_of(twin));
  if (state == nullptr) return {name(), "as_of", "no data", "no reading of " + field_ + " yet"};
  std::string text =
      "at " + format_rfc3339(state->at_ns) + ": " + field_ + " " + brief(state->value);
  for (std::size_t i = 0; i < with_.size(); ++i) {
    const auto& j = state->with[i];
    text += ", " + names_[2 * i] + " " + (j.time_ns == no_time ? "unknown" : brief(j.value));
  }
  return {name(), "as_of", "ok", text};
}

std::unique_ptr<twin_operator> read_as_of(object_reader& in, model_scope& scope) {
  const int of = scope.numeric_telemetry(in, "of");
  const auto* list = in.require("with", config_node::type::array);
  const auto tolerance = in.duration_ns("tolerance");
  if (of < 0 || list == nullptr || tolerance <= 0) return nullptr;
  const auto refuse = [&](const config_node& at, std::string why) {
    in.fail(at, std::move(why));
    return nullptr;
  };
  if (list->members.empty() || list->members.size() > as_of_operator::max_joined)
    return refuse(*list, "with names 1 to 16 telemetries");
  std::vector<int> with;
  for (const auto& [key, node] : list->members) {
    const auto& all = scope.so_far().telemetry;
    const int slot =
        node.kind == config_node::type::text ? scope.so_far().telemetry_slot(node.text) : -1;
    if (slot < 0) {
      std::vector<std::string_view> known;
      for (const auto& t : all) known.push_back(t.name);
      model_scope::unknown(in, node, "telemetry", known);
      return nullptr;
    }
    const auto type = all[static_cast<std::size_t>(slot)].type;
    if (type == telemetry_type::text || type == telemetry_type::samples)
      return refuse(node, "\"" + node.text + "\" is not a number");
    if (slot == of || std::find(with.begin(), with.end(), slot) != with.end())
      return refuse(node, "\"" + node.text + "\" stands in the join already");
    with.push_back(slot);
  }
  // Twice the tolerance: the other side may be ahead by as much.
  for (const int slot : with)
    scope.want_series(slot, saturating_add(tolerance, tolerance), 200'000);
  return std::make_unique<as_of_operator>(scope.so_far(), of, std::move(with), tolerance);
}

} // namespace pollux::domain
