// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/z_score.hpp"
#include "domain/alert/window_evidence.hpp"
#include "domain/alert/wording.hpp"
#include "domain/model/registry.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {
namespace {

double stddev(const z_score_rule& rule, const window_statistics& s) {
  return rule.population ? s.population_stddev() : s.sample_stddev();
}

bool usable(const z_score_rule& rule, const window_statistics& s, double sd) {
  return s.count >= rule.min_samples && sd > 0 && sd >= rule.min_stddev;
}

// The newest 63 readings of the baseline and the tested one: enough to redraw the verdict's
// picture, bounded however long the window is.
std::vector<std::int64_t> event_times(const series* readings, const window_statistics& base,
                                      std::int64_t tested) {
  constexpr std::uint64_t most = 63;
  std::vector<std::int64_t> times;
  if (readings != nullptr && base.count > 0) {
    times.reserve(static_cast<std::size_t>(std::min(base.count, most)) + 1);
    std::uint64_t inside = 0;
    const std::int64_t from = base.from_ns - 1; // from_ns is a reading's time, so above no_time
    readings->each(from, base.to_ns, [&](std::int64_t, double) { ++inside; });
    std::uint64_t skip = inside > most ? inside - most : 0;
    readings->each(from, base.to_ns, [&](std::int64_t t, double) {
      if (skip > 0)
        --skip;
      else
        times.push_back(t);
    });
  }
  times.push_back(tested);
  return times;
}

} // namespace

std::optional<z_score_finding> judge(const z_score_rule& rule, const window_statistics& baseline,
                                     double value) {
  const double sd = stddev(rule, baseline);
  if (!usable(rule, baseline, sd)) return std::nullopt;
  const double deviation = value - baseline.mean;
  const double most = rule.limit * sd;
  verdict side = verdict::none;
  if (deviation > most && rule.sides != z_sides::lower) side = verdict::upper;
  if (-deviation > most && rule.sides != z_sides::upper) side = verdict::lower;
  return z_score_finding{side, deviation / sd, sd};
}

window_statistics z_score_operator::baseline(const twin_state::body& twin, std::int64_t t) const {
  if (rule_.poison == z_poison::include) return window_.before(twin, t);
  const auto* state = static_cast<const outliers*>(state_of(twin));
  if (state == nullptr || state->spans.empty()) return window_.before(twin, t);
  const auto* readings = twin.series_of(window_.slot());
  if (readings == nullptr) return {};
  return over_without(*readings, saturating_add(t, -window_.span_ns()), t, state->spans,
                      rule_.poison == z_poison::winsorise);
}

void z_score_operator::judge(row& reading) const {
  if (!reading.fresh(window_.slot())) return;
  const std::int64_t t = reading.event_time_ns();
  const auto base = baseline(reading.twin(), t);
  const auto found = domain::judge(rule_, base, reading.value(window_.slot()));
  if (rule_.poison != z_poison::include) remember(reading, found, base);
  if (!found) return; // no verdict: an active alert stays until there is one
  reading.find(index(), found->side);
  if (found->side == verdict::none) {
    if (!rule_.each && active(reading.twin()) != nullptr)
      clear(reading.at(), t, prove(reading, *found, base));
  } else if (rule_.each) {
    emit(reading.at(), t, prove(reading, *found, base));
  } else if (active(reading.twin()) == nullptr) {
    raise(reading.at(), t, prove(reading, *found, base));
  } else if (graded()) {
    grade(reading.at(), t, prove(reading, *found, base));
  }
}

void z_score_operator::remember(row& reading, const std::optional<z_score_finding>& found,
                                const window_statistics& base) const {
  auto& slot = state_of(reading.twin());
  const bool outlier = found && found->side != verdict::none;
  if (!slot && !outlier) return;
  if (!slot) slot = std::make_unique<outliers>();
  auto& state = static_cast<outliers&>(*slot);
  const std::int64_t t = reading.event_time_ns();
  state.forget(saturating_add(t, -window_.span_ns()));
  if (!outlier) {
    state.open = false;
    if (found) state.alerting_since_ns = no_time;
    if (state.idle()) slot.reset();
    return;
  }
  if (state.alerting_since_ns == no_time) state.alerting_since_ns = t;
  if (elapsed_ns(t, state.alerting_since_ns) >= rule_.relearn_after_ns) {
    state.readmit_since(state.alerting_since_ns);
  } else if (rule_.poison == z_poison::exclude_while_alerting) {
    state.exclude(t);
  } else {
    const double most = rule_.limit * found->sd;
    state.replace(t, base.mean + (found->side == verdict::upper ? most : -most));
  }
}

evidence z_score_operator::prove(const row& reading, const z_score_finding& found,
                                 const window_statistics& base) const {
  const double value = reading.value(window_.slot());
  evidence proof;
  proof.field = field_;
  proof.numbers = {{"value", value},
                   {"mean", base.mean},
                   {"sd", found.sd},
                   {"z", found.z},
                   {"n", static_cast<double>(base.count)},
                   {"min", base.min},
                   {"max", base.max},
                   {"limit", rule_.limit}};
  proof.times = {{"window_from", base.from_ns}, {"window_to", base.to_ns}};
  proof.windows = {digest_of(window_.name(), base)};
  proof.event_times_ns =
      event_times(reading.twin().series_of(window_.slot()), base, reading.event_time_ns());
  proof.explanation = field_ + " " + brief(value) + " is " + brief(std::fabs(found.z)) +
                      " standard deviations " + (found.z < 0 ? "below" : "above") + " the mean " +
                      brief(base.mean) + " of " + std::to_string(base.count) + " readings (limit " +
                      brief(rule_.limit) + ")";
  return proof;
}

std::vector<operator_output> z_score_operator::outputs() const {
  const int of = slot();
  return {{"mean", of}, {"sd", of}, {"lower", of}, {"upper", of}, {"score", of}};
}

std::optional<double> z_score_operator::output(const twin_state::body& twin,
                                               std::uint32_t which) const {
  const auto& newest = twin.latest[static_cast<std::size_t>(slot())];
  const auto value = newest.number();
  if (!value) return std::nullopt;
  const auto base = baseline(twin, newest.event_time_ns);
  const auto found = domain::judge(rule_, base, *value);
  if (!found) return std::nullopt;
  switch (which) {
  case 0: return base.mean;
  case 1: return found->sd;
  case 2: return base.mean - rule_.limit * found->sd;
  case 3: return base.mean + rule_.limit * found->sd;
  default: return found->z;
  }
}

void z_score_operator::save(const operator_state& state, byte_writer& out) const {
  static_cast<const outliers&>(state).save(out);
}

std::unique_ptr<operator_state> z_score_operator::load(byte_reader& in) const {
  auto state = std::make_unique<outliers>();
  if (!state->load(in)) in.fail();
  return state;
}

std::size_t z_score_operator::state_bytes(const operator_state& state) const {
  return sizeof(outliers) +
         static_cast<const outliers&>(state).spans.capacity() * sizeof(outlier_span);
}

described_rule z_score_operator::explain(const twin_state::body& twin, std::int64_t) const {
  const auto* readings = twin.series_of(window_.slot());
  if (readings == nullptr || readings->size() == 0)
    return {name(), "z_score", "no data", "no reading of " + field_ + " yet"};
  // What the next reading would be judged against, if it came right now.
  const auto base = baseline(twin, saturating_add(readings->newest_ns(), 1));
  const double sd = stddev(rule_, base);
  const auto* alert = active(twin);
  if (alert != nullptr) return {name(), "z_score", "alerting", alert->message};
  if (base.count < rule_.min_samples)
    return {name(), "z_score", "warming up",
            std::to_string(base.count) + " of " + std::to_string(rule_.min_samples) + " samples"};
  if (!usable(rule_, base, sd))
    return {name(), "z_score", "flat",
            "the baseline's standard deviation " + brief(sd) + " is too small to judge by"};
  const double most = rule_.limit * sd;
  std::string why = "fires";
  if (rule_.sides != z_sides::upper) why += " below " + brief(base.mean - most);
  if (rule_.sides == z_sides::both) why += " and";
  if (rule_.sides != z_sides::lower) why += " above " + brief(base.mean + most);
  return {name(), "z_score", "ok", why + ", from " + std::to_string(base.count) + " readings"};
}

std::unique_ptr<twin_operator> read_z_score(object_reader& in, model_scope& scope) {
  const auto* window = scope.earlier<window_operator>(in, "window", "window");
  z_score_rule rule;
  rule.limit = in.number_or("limit", rule.limit);
  rule.sides = static_cast<z_sides>(in.choice_or("sides", {"upper", "lower", "both"}, 0));
  rule.population = in.choice_or("sd", {"sample", "population"}, 0) == 1;
  const double samples = in.number_or("min_samples", 30);
  rule.min_stddev = in.number_or("min_stddev", rule.min_stddev);
  rule.each = in.choice_or("emit", {"transition", "each"}, 0) == 1;
  rule.poison = static_cast<z_poison>(
      in.choice_or("poison", {"exclude_while_alerting", "include", "winsorise"}, 0));
  rule.relearn_after_ns = in.duration_ns_or("relearn_after", rule.relearn_after_ns);
  const auto keys = read_alert_keys(in);
  const auto refuse = [&](std::string_view key, const char* why) {
    if (const auto* node = in.optional(key, config_node::type::number)) in.fail(*node, why);
    return nullptr;
  };
  if (!(rule.limit > 0)) return refuse("limit", "limit must be above 0");
  if (!(samples >= 2 && samples <= 1e7))
    return refuse("min_samples", "min_samples lies between 2 and 10000000");
  if (!(rule.min_stddev >= 0)) return refuse("min_stddev", "min_stddev must not be negative");
  if (window == nullptr) return nullptr;
  rule.min_samples = static_cast<std::size_t>(samples);
  const auto& field = scope.so_far().telemetry[static_cast<std::size_t>(window->slot())].name;
  return std::make_unique<z_score_operator>(rule, *window, field, keys);
}

} // namespace pollux::domain
