// SPDX-License-Identifier: Apache-2.0
#include "domain/window/window_operator.hpp"
#include "domain/alert/wording.hpp"
#include "domain/window/fold.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {

namespace {

enum class statistic : std::uint32_t { count, mean, sd, psd, min, max };

bool by_order(aggregate_kind kind) {
  return kind == aggregate_kind::quantile || kind == aggregate_kind::distinct;
}
bool by_ends(aggregate_kind kind) {
  using k = aggregate_kind;
  return kind == k::first || kind == k::last || kind == k::delta || kind == k::rate ||
         kind == k::range;
}

} // namespace

window_operator::window_operator(int slot, std::int64_t span_ns, const aggregate_plan& plan)
    : slot_(slot), span_ns_(span_ns) {
  aggregate_plan folded;
  folded.half_life_ns = plan.half_life_ns;
  for (const auto& a : plan.chosen) {
    if (a.kind <= aggregate_kind::max) continue;
    further_.push_back(a);
    if (!by_ends(a.kind) && !by_order(a.kind)) folded.choose(a);
  }
  folded_ = folded;
}

std::vector<operator_output> window_operator::outputs() const {
  std::vector<operator_output> out = {{"count", slot_}, {"mean", slot_}, {"sd", slot_},
                                      {"psd", slot_},   {"min", slot_},  {"max", slot_}};
  for (const auto& a : further_) out.push_back({a.name, slot_});
  return out;
}

std::optional<double> window_operator::output(const twin_state::body& twin,
                                              std::uint32_t which) const {
  if (which >= basic_aggregates) return further(twin, further_[which - basic_aggregates]);
  return pick(now(twin), which);
}

std::optional<double> window_operator::further(const twin_state::body& twin,
                                               const aggregate& asked) const {
  const auto* readings = twin.series_of(slot_);
  if (readings == nullptr || readings->size() == 0) return std::nullopt;
  const auto to = twin.latest[static_cast<std::size_t>(slot_)].event_time_ns;
  const auto from = saturating_add(to, -span_ns_);
  if (by_ends(asked.kind)) return from_ends(*readings, from, to, asked);
  if (asked.kind == aggregate_kind::quantile)
    return readings->quantile(asked.permille, span_ns_, from, to);
  if (asked.kind == aggregate_kind::distinct) return readings->distinct(span_ns_, from, to);
  return readings->folded(folded_, from, to).value(asked, to);
}

std::optional<double> window_operator::from_ends(const series& readings, std::int64_t from_ns,
                                                 std::int64_t to_ns, const aggregate& asked) const {
  using k = aggregate_kind;
  const auto s = readings.over(from_ns, to_ns, false);
  if (s.count == 0) return std::nullopt;
  std::optional<double> out;
  if (asked.kind == k::range) {
    out = s.max - s.min;
  } else {
    const double first = readings.last_at(s.from_ns)->value,
                 last = readings.last_at(s.to_ns)->value;
    const double lasted = static_cast<double>(elapsed_ns(s.to_ns, s.from_ns)) / ns_per_s;
    if (asked.kind == k::first) out = first;
    if (asked.kind == k::last) out = last;
    if (asked.kind == k::delta) out = last - first;
    if (asked.kind == k::rate && lasted > 0) out = (last - first) / lasted;
  }
  return out && std::isfinite(*out) ? out : std::nullopt;
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

} // namespace pollux::domain
