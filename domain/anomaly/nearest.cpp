// SPDX-License-Identifier: Apache-2.0
#include "domain/anomaly/nearest.hpp"
#include "domain/alert/wording.hpp"
#include "domain/anomaly/nearest_state.hpp"
#include "domain/model/registry.hpp"
#include <algorithm>

namespace pollux::domain {

namespace {

const nearest_state& as_nearest(const operator_state& state) {
  return static_cast<const nearest_state&>(state);
}

evidence prove(const nearest_rule& rule, const nearest_state& state, const nearest_finding& finding,
               const std::string& field, double value, std::int64_t t) {
  const double score = state.score().value_or(0);
  evidence proof;
  proof.field = field;
  proof.numbers = {{"value", value},
                   {"score", score},
                   {"limit", rule.alert.limit},
                   {"clear", rule.alert.clear},
                   {"peak", state.alert.peak()},
                   {"distance", finding.distance},
                   {"median_distance", finding.median},
                   {"usual_distance", finding.usual},
                   {"n", static_cast<double>(finding.known)}};
  proof.event_times_ns = {t};
  proof.explanation = "the last " + std::to_string(rule.longest()) + " readings of " + field +
                      " score " + brief(score) + " for being unlike any of the " +
                      std::to_string(finding.known) + " before (limit " + brief(rule.alert.limit) +
                      ")";
  return proof;
}

} // namespace

void nearest_operator::observe(row& reading) const {
  if (!reading.fresh(slot_)) return;
  auto& slot = state_of(reading.twin());
  if (!slot) slot = std::make_unique<nearest_state>(rule_);
  auto& state = static_cast<nearest_state&>(*slot);
  const double value = reading.value(slot_);
  const auto finding = state.add(rule_, value);
  if (!state.score()) return;
  const bool was = active(reading.twin()) != nullptr;
  const auto turn = state.alert.next(rule_.alert, *state.score(), was);
  if (turn == episode::turn::none && !(was && graded())) return;
  const std::int64_t t = reading.event_time_ns();
  auto proof = prove(rule_, state, finding, field_, value, t);
  if (turn == episode::turn::raise)
    raise(reading.at(), t, std::move(proof));
  else if (turn == episode::turn::none)
    grade(reading.at(), t, std::move(proof));
  else
    clear(reading.at(), t, std::move(proof));
}

std::vector<operator_output> nearest_operator::outputs() const {
  return {{"score", slot_}, {"distance", slot_}};
}

std::optional<double> nearest_operator::output(const twin_state::body& twin,
                                               std::uint32_t which) const {
  const auto* state = state_of(twin);
  if (state == nullptr) return std::nullopt;
  return which == 0 ? as_nearest(*state).score() : as_nearest(*state).distance();
}

void nearest_operator::save(const operator_state& state, byte_writer& out) const {
  as_nearest(state).save(out);
}

std::unique_ptr<operator_state> nearest_operator::load(byte_reader& in) const {
  auto state = std::make_unique<nearest_state>(rule_);
  if (!state->load(rule_, in)) in.fail();
  return state;
}

std::size_t nearest_operator::state_bytes(const operator_state& state) const {
  return sizeof(nearest_state) + as_nearest(state).heap_bytes();
}

described_rule nearest_operator::explain(const twin_state::body& twin, std::int64_t) const {
  const auto* state = state_of(twin);
  if (state == nullptr) return {name(), "nearest", "no data", "no reading of " + field_ + " yet"};
  const auto& known = as_nearest(*state);
  if (const auto* alert = active(twin); alert != nullptr)
    return {name(), "nearest", "alerting", alert->message};
  if (!known.score()) {
    const auto least = 2 * rule_.longest() + rule_.neighbours + rule_.min_samples;
    return {name(), "nearest", "warming up",
            std::to_string(known.size()) + " readings, needs about " + std::to_string(least)};
  }
  return {name(), "nearest", "ok",
          "score " + brief(*known.score()) + ", fires above " + brief(rule_.alert.limit)};
}

namespace {

// A whole number of `what`, from `least` to `most`.
std::uint32_t count_or(object_reader& in, const char* key, std::uint32_t fallback, double least,
                       double most) {
  const double n = in.number_or(key, fallback);
  if (n >= least && n <= most && n == static_cast<std::uint32_t>(n))
    return static_cast<std::uint32_t>(n);
  if (const auto* node = in.optional(key, config_node::type::number))
    in.fail(*node, std::string(key) + " is a whole number, " + brief(least) + " to " + brief(most));
  return fallback;
}

void read_lengths(object_reader& in, nearest_rule& rule) {
  constexpr double longest = 1024;
  const auto* list = in.optional("lengths", config_node::type::array);
  if (list == nullptr) {
    rule.lengths = {8, 48};
    rule.length_count = 2;
    return;
  }
  const auto& items = list->members;
  if (items.empty() || items.size() > most_lengths)
    return in.fail(*list, "lengths has 1 to " + std::to_string(most_lengths) + " numbers");
  double before = 0;
  for (const auto& [key, item] : items) {
    const double n = item.kind == config_node::type::number ? item.number : 0;
    if (!(n >= 1 && n <= longest && n == static_cast<std::uint32_t>(n)))
      return in.fail(item, "a length is a whole number of readings, 1 to " + brief(longest));
    if (!(n > before)) return in.fail(item, "lengths stand in ascending order");
    before = n;
    rule.lengths[rule.length_count++] = static_cast<std::uint32_t>(n);
  }
}

} // namespace

std::unique_ptr<twin_operator> read_nearest(object_reader& in, model_scope& scope) {
  nearest_rule rule;
  const int slot = scope.numeric_telemetry(in, "of");
  read_lengths(in, rule);
  rule.neighbours = count_or(in, "neighbours", rule.neighbours, 1, most_neighbours);
  rule.history = count_or(in, "history", rule.history, 32, 100'000);
  rule.min_samples = count_or(in, "min_samples", rule.min_samples, 1, 100'000);
  rule.quantile = in.number_or("quantile", rule.quantile);
  rule.alert = read_episode(in, 1);
  auto keys = read_alert_keys(in);
  if (!(rule.quantile > 0.5 && rule.quantile <= 1))
    if (const auto* node = in.optional("quantile", config_node::type::number))
      in.fail(*node, "quantile lies above 0.5 and at most at 1");
  if (slot < 0 || rule.length_count == 0) return nullptr;
  const auto need = 2 * rule.longest() + rule.neighbours;
  if (rule.history < need || rule.history < rule.min_samples) {
    const auto* node = in.optional("history", config_node::type::number);
    if (node == nullptr) node = in.optional("lengths", config_node::type::array);
    if (node == nullptr) node = in.optional("min_samples", config_node::type::number);
    if (node != nullptr)
      in.fail(*node,
              "history must hold min_samples, and twice the longest length and neighbours: " +
                  std::to_string(std::max(need, rule.min_samples)) + " readings");
    return nullptr;
  }
  const auto& field = scope.so_far().telemetry[static_cast<std::size_t>(slot)].name;
  return std::make_unique<nearest_operator>(rule, slot, field, std::move(keys));
}

} // namespace pollux::domain
