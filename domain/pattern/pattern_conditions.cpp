// SPDX-License-Identifier: Apache-2.0
// Evaluating the conditions of a pattern.
#include "domain/pattern/pattern_conditions.hpp"
#include "domain/alert/alert_rule.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <limits>

namespace pollux::domain {

void tracker::note(tracker_state& state, double value) const noexcept {
  state.before = state.value;
  state.value = value;
  if (state.seen < 2) ++state.seen;
  const bool grew = state.seen == 2 && value > state.before && value > limit;
  const bool shrank = state.seen == 2 && value < state.before && value < limit;
  const bool goes_on = what == kind::rising ? grew : what == kind::falling && shrank;
  state.run = goes_on ? std::min(state.run + 1, count) : 0;
}

bool pattern_conditions::is_event(const row& reading) const noexcept {
  return all_wake ||
         std::any_of(waking.begin(), waking.end(), [&](int slot) { return reading.fresh(slot); });
}

bool row_judge::holds(condition_id id, const path_store& paths, std::uint32_t path) {
  auto& known = known_[id];
  if (known != 0) return known == 2;
  const auto& c = conditions_.all[id];
  const bool concerned = c.always || std::any_of(c.slots.begin(), c.slots.end(),
                                                 [&](int slot) { return row_.fresh(slot); });
  bool yes = false;
  if (concerned) {
    paths_ = &paths;
    path_ = path;
    const auto value = c.test->evaluate(*this);
    yes = value && *value != 0;
  }
  if (!c.looks_back || !concerned) known = yes ? 2 : 1;
  return yes;
}

const double* row_judge::values() {
  for (std::size_t i = 0; i < conditions_.kept.size(); ++i)
    values_[i] =
        row_.twin().latest[static_cast<std::size_t>(conditions_.kept[i])].number().value_or(
            std::numeric_limits<double>::quiet_NaN());
  return values_.data();
}

std::optional<double> row_judge::operand(std::uint32_t id) const {
  if ((id & pattern_function_bit) == 0) return twin_.operand(id);
  const auto& f = conditions_.functions[id & ~pattern_function_bit];
  using kind = pattern_function::kind;
  const auto truth = [](bool yes) { return yes ? 1.0 : 0.0; };
  switch (f.what) {
  case kind::previous:
  case kind::changed: {
    const auto& t = trackers_[f.tracker];
    if (t.seen < 2) return std::nullopt;
    return f.what == kind::previous ? t.before : truth(row_.fresh(f.slot) && t.value != t.before);
  }
  case kind::run:
    return truth(row_.fresh(f.slot) &&
                 trackers_[f.tracker].run >= conditions_.trackers[f.tracker].count);
  case kind::spike:
  case kind::dip: return truth(row_.fresh(f.slot) && beyond(f));
  case kind::fired: {
    const auto found = row_.found(f.op->index());
    return truth(found != verdict::none && (f.side == verdict::none || found == f.side));
  }
  case kind::active:
    return truth(static_cast<const alert_rule*>(f.op)->active(row_.twin()) != nullptr);
  default: return look_back(f);
  }
}

bool row_judge::beyond(const pattern_function& f) const {
  const auto* readings = row_.twin().series_of(f.slot);
  if (readings == nullptr) return false;
  const auto t = row_.event_time_ns();
  const auto s = readings->over(saturating_add(t, -f.span_ns), t, true);
  const double sd = s.sample_stddev();
  if (s.count < spike_min_samples || !(sd > 0)) return false;
  const double deviation = row_.value(f.slot) - s.mean;
  return (f.what == pattern_function::kind::spike ? deviation : -deviation) > f.limit * sd;
}

// Over the events of one stage in the half match, newest first. Values that were not known then are
// left out.
std::optional<double> row_judge::look_back(const pattern_function& f) const {
  using kind = pattern_function::kind;
  double count = 0, sum = 0, result = 0;
  for (auto n = path_; n != no_node; n = paths_->node(n).parent) {
    const auto& node = paths_->node(n);
    if (graph_.positions[node.position].stage != f.stage) continue;
    if (f.what == kind::since)
      return static_cast<double>(
                 elapsed_ns(row_.event_time_ns(), paths_->event(node.event).time_ns)) /
             static_cast<double>(ns_per_s);
    if (f.what == kind::count) {
      ++count;
      continue;
    }
    const double x = paths_->values(node.event, conditions_.kept.size())[f.value];
    if (x != x) continue;
    if (f.what == kind::last) return x;
    const bool better = count == 0 || f.what == kind::first ||
                        (f.what == kind::lowest && x < result) ||
                        (f.what == kind::highest && x > result);
    if (better) result = x;
    sum += x;
    ++count;
  }
  if (f.what == kind::count) return count;
  if (f.what == kind::sum) return sum;
  if (count == 0) return std::nullopt;
  return f.what == kind::mean ? sum / count : result;
}

} // namespace pollux::domain
