// SPDX-License-Identifier: Apache-2.0
#include "domain/window/window_operator.hpp"
#include "domain/alert/wording.hpp"
#include "domain/model/registry.hpp"

namespace pollux::domain {

namespace {
enum class statistic : std::uint32_t { count, mean, sd, psd, min, max };
}

std::vector<operator_output> window_operator::outputs() const {
  return {{"count", slot_}, {"mean", slot_}, {"sd", slot_},
          {"psd", slot_},   {"min", slot_},  {"max", slot_}};
}

std::optional<double> window_operator::output(const twin_state::body& twin,
                                              std::uint32_t which) const {
  return pick(now(twin), which);
}

std::optional<double> window_operator::pick(const window_statistics& s, std::uint32_t which) {
  const auto asked = static_cast<statistic>(which);
  if (asked == statistic::count) return static_cast<double>(s.count);
  if (s.count < (asked == statistic::sd ? 2U : 1U)) return std::nullopt;
  switch (asked) {
  case statistic::mean: return s.mean;
  case statistic::sd: return s.sample_stddev();
  case statistic::psd: return s.population_stddev();
  case statistic::min: return s.min;
  case statistic::max: return s.max;
  case statistic::count: break;
  }
  return std::nullopt;
}

// The latest value's time, not the series' newest: while late readings are worked in, the twin
// stands at an earlier time than its newest reading.
window_statistics window_operator::now(const twin_state::body& twin) const {
  const auto* s = twin.series_of(slot_);
  if (s == nullptr || s->size() == 0) return {};
  const auto end = twin.latest[static_cast<std::size_t>(slot_)].event_time_ns;
  return s->over(saturating_add(end, -span_ns_), end, false);
}

window_statistics window_operator::before(const twin_state::body& twin, std::int64_t t) const {
  const auto* s = twin.series_of(slot_);
  return s == nullptr ? window_statistics{} : s->over(saturating_add(t, -span_ns_), t, true);
}

described_rule window_operator::explain(const twin_state::body& twin, std::int64_t) const {
  const auto count = now(twin).count;
  return {name(), "window", count == 0 ? "no data" : "ok",
          std::to_string(count) + " readings within " + brief_duration(span_ns_)};
}

std::unique_ptr<twin_operator> read_window(object_reader& in, model_scope& scope) {
  constexpr double most_entries = 10'000'000;
  const int slot = scope.numeric_telemetry(in, "of");
  const auto span = in.duration_ns("span");
  const double entries = in.number_or("max_entries", 200'000);
  if (!(entries >= 2 && entries <= most_entries)) {
    if (const auto* node = in.optional("max_entries", config_node::type::number))
      in.fail(*node, "max_entries lies between 2 and 10000000");
    return nullptr;
  }
  if (slot < 0 || span <= 0) return nullptr;
  scope.want_series(slot, span, static_cast<std::size_t>(entries));
  return std::make_unique<window_operator>(slot, span);
}

} // namespace pollux::domain
