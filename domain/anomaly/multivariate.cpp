// SPDX-License-Identifier: Apache-2.0
#include "domain/anomaly/multivariate.hpp"
#include "domain/alert/wording.hpp"
#include "domain/anomaly/multivariate_state.hpp"
#include "domain/model/registry.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {

namespace {
const multivariate_state& as_multivariate(const operator_state& state) {
  return static_cast<const multivariate_state&>(state);
}
} // namespace

void multivariate_operator::observe(row& reading) const {
  constexpr double largest = 1e100; // beyond it products would overflow
  double values[most_dimensions];
  for (std::size_t i = 0; i < rule_.slots.size(); ++i) {
    if (!reading.fresh(rule_.slots[i])) return;
    values[i] = reading.value(rule_.slots[i]);
    if (!(std::fabs(values[i]) <= largest)) return;
  }
  auto& slot = state_of(reading.twin());
  if (!slot) slot = std::make_unique<multivariate_state>(rule_.slots.size());
  auto& state = static_cast<multivariate_state&>(*slot);
  state.add(rule_, values);
  if (state.score) judge_row(reading, state);
}

void multivariate_operator::judge_row(row& reading, multivariate_state& state) const {
  const std::int64_t t = reading.event_time_ns();
  const bool was = active(reading.twin()) != nullptr;
  const auto turn = state.alert.next(rule_.alert, *state.score, was);
  if (turn == episode::turn::raise) {
    state.alerting_since_ns = t;
    raise(reading.at(), t, prove(state, t));
  } else if (turn == episode::turn::clear) {
    state.alerting_since_ns = no_time;
    clear(reading.at(), t, prove(state, t));
  } else if (was && rule_.relearn_after_ns > 0 && state.alerting_since_ns != no_time &&
             elapsed_ns(t, state.alerting_since_ns) >= rule_.relearn_after_ns) {
    auto proof = prove(state, t);
    proof.explanation = "taken for normal after " + brief_duration(rule_.relearn_after_ns) +
                        ": learning anew; " + proof.explanation;
    clear(reading.at(), t, std::move(proof));
    state.begin_anew();
  } else if (was && graded()) {
    grade(reading.at(), t, prove(state, t));
  }
}

evidence multivariate_operator::prove(const multivariate_state& state, std::int64_t t) const {
  evidence proof;
  const double score = state.score.value_or(0);
  proof.numbers = {{"score", score},
                   {"limit", rule_.alert.limit},
                   {"clear", rule_.alert.clear},
                   {"peak", state.alert.peak()},
                   {"t2", score * static_cast<double>(rule_.slots.size())},
                   {"n", static_cast<double>(state.learnt.count())}};
  std::size_t farthest = 0;
  for (std::size_t i = 0; i < rule_.fields.size(); ++i) {
    proof.numbers.push_back({"z." + rule_.fields[i], state.deviation(i)});
    if (std::fabs(state.deviation(i)) > std::fabs(state.deviation(farthest))) farthest = i;
  }
  proof.event_times_ns = {t};
  const double z = state.deviation(farthest);
  proof.explanation = "together the telemetry scores " + brief(score) + " against what was learnt" +
                      " (limit " + brief(rule_.alert.limit) + "); farthest is " +
                      rule_.fields[farthest] + ", " + brief(std::fabs(z)) +
                      " standard deviations " + (z < 0 ? "below" : "above") + " its mean";
  return proof;
}

std::vector<operator_output> multivariate_operator::outputs() const {
  return {{"score", -1}, {"t2", -1}};
}

std::optional<double> multivariate_operator::output(const twin_state::body& twin,
                                                    std::uint32_t which) const {
  const auto* state = state_of(twin);
  if (state == nullptr || !as_multivariate(*state).score) return std::nullopt;
  const double score = *as_multivariate(*state).score;
  return which == 0 ? score : score * static_cast<double>(rule_.slots.size());
}

void multivariate_operator::save(const operator_state& state, byte_writer& out) const {
  as_multivariate(state).save(out);
}

std::unique_ptr<operator_state> multivariate_operator::load(byte_reader& in) const {
  auto state = std::make_unique<multivariate_state>(rule_.slots.size());
  if (!state->load(rule_, in)) in.fail();
  return state;
}

std::size_t multivariate_operator::state_bytes(const operator_state& state) const {
  return sizeof(multivariate_state) + as_multivariate(state).heap_bytes();
}

described_rule multivariate_operator::explain(const twin_state::body& twin, std::int64_t) const {
  const auto* state = state_of(twin);
  if (state == nullptr)
    return {name(), "multivariate", "no data", "no row with all its telemetry yet"};
  const auto& known = as_multivariate(*state);
  if (const auto* alert = active(twin); alert != nullptr)
    return {name(), "multivariate", "alerting", alert->message};
  if (!known.factor)
    return {name(), "multivariate", "learning",
            std::to_string(known.learnt.count()) + " of " + std::to_string(rule_.learn) + " rows"};
  return {name(), "multivariate", "ok",
          (known.score ? "score " + brief(*known.score) : std::string("all is learnt")) +
              ", fires above " + brief(rule_.alert.limit)};
}

namespace {

bool read_fields(object_reader& in, const model& so_far, multivariate_rule& rule) {
  const auto* list = in.require("of", config_node::type::array);
  if (list == nullptr) return false;
  std::vector<std::string_view> known;
  for (const auto& t : so_far.telemetry) known.push_back(t.name);
  for (const auto& [key, item] : list->members) {
    const int slot = item.kind == config_node::type::text ? so_far.telemetry_slot(item.text) : -1;
    if (item.kind != config_node::type::text) {
      in.fail(item, "of is a list of telemetry names");
    } else if (slot < 0) {
      model_scope::unknown(in, item, "telemetry", known);
    } else if (const auto type = so_far.telemetry[static_cast<std::size_t>(slot)].type;
               type == telemetry_type::text || type == telemetry_type::samples) {
      in.fail(item, "\"" + item.text + "\" is not a number");
    } else if (std::find(rule.slots.begin(), rule.slots.end(), slot) != rule.slots.end()) {
      in.fail(item, "\"" + item.text + "\" stands twice");
    } else {
      rule.slots.push_back(slot);
      rule.fields.push_back(item.text);
      continue;
    }
    return false;
  }
  if (rule.slots.size() >= 2 && rule.slots.size() <= most_dimensions) return true;
  in.fail(*list, "of names 2 to " + std::to_string(most_dimensions) + " telemetries");
  return false;
}

std::uint32_t rows_or(object_reader& in, const char* key, std::uint32_t fallback, double least) {
  constexpr double most = 1'000'000;
  const double n = in.number_or(key, fallback);
  if (n >= least && n <= most && n == static_cast<std::uint32_t>(n))
    return static_cast<std::uint32_t>(n);
  if (const auto* node = in.optional(key, config_node::type::number))
    in.fail(*node,
            std::string(key) + " is a whole number of rows, " + brief(least) + " to 1000000");
  return fallback;
}

} // namespace

std::unique_ptr<twin_operator> read_multivariate(object_reader& in, model_scope& scope) {
  multivariate_rule rule;
  const bool sound = read_fields(in, scope.so_far(), rule);
  rule.learn = rows_or(in, "learn", rule.learn, 10);
  rule.smoothing = rows_or(in, "smoothing", rule.smoothing, 1);
  rule.shrinkage = in.number_or("shrinkage", rule.shrinkage);
  rule.relearn_after_ns = in.duration_ns_or("relearn_after", 0);
  rule.alert = read_episode(in, 10);
  auto keys = read_alert_keys(in);
  const auto* shrinkage = in.optional("shrinkage", config_node::type::number);
  if (shrinkage != nullptr && !(rule.shrinkage >= 0.001 && rule.shrinkage <= 1))
    in.fail(*shrinkage, "shrinkage lies between 0.001 and 1");
  if (!sound) return nullptr;
  return std::make_unique<multivariate_operator>(std::move(rule), std::move(keys));
}

} // namespace pollux::domain
