// SPDX-License-Identifier: Apache-2.0
#include "persistence/features.hpp"
#include "domain/base/time.hpp"
#include <algorithm>

namespace pollux::persistence {

namespace {

std::optional<double> number_of(const domain::owned_value& value) {
  if (const auto* f = std::get_if<double>(&value)) return *f;
  if (const auto* i = std::get_if<std::int64_t>(&value)) return static_cast<double>(*i);
  if (const auto* b = std::get_if<bool>(&value)) return *b ? 1 : 0;
  return std::nullopt;
}

} // namespace

std::vector<feature> features_of(const domain::twin_description& twin, std::int64_t now_ns) {
  std::vector<feature> out;
  for (const auto& t : twin.telemetry) {
    if (!t.declared) continue;
    out.push_back({t.name, number_of(t.value)});
    std::optional<double> age;
    if (t.event_time_ns != no_time)
      age = static_cast<double>(now_ns - t.event_time_ns) / static_cast<double>(ns_per_s);
    out.push_back({t.name + ".age_s", age});
  }
  for (const auto& o : twin.outputs) out.push_back({o.name, o.value});
  return out;
}

status
each_moment(const log& tail, const store& tables, const domain::model_source& models,
            const verify_target& twin, replay_clock clock,
            const std::vector<std::int64_t>& times_ns,
            const std::function<void(std::int64_t, const domain::twin_description&)>& visit) {
  if (times_ns.empty()) return {};
  auto next = times_ns.begin();
  const auto tell_until = [&](const domain::input* in, const domain::twin_state& state) {
    for (; next != times_ns.end() && (in == nullptr || is_later(*in, clock, *next)); ++next)
      visit(*next, domain::describe(models, state, *next));
  };
  replay_visit watch;
  watch.before = [&](const domain::input& in, const domain::twin_state& before) {
    tell_until(&in, before);
  };
  watch.step = [](const domain::input&, const domain::effects&, const domain::twin_state&) {
    return true;
  };
  const auto done = replay(tail, tables, models, twin,
                           {clock, times_ns.front(), times_ns.back(), {}}, false, watch);
  if (!done) return done.error();
  tell_until(nullptr, done->state);
  return {};
}

} // namespace pollux::persistence
