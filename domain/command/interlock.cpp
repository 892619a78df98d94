// SPDX-License-Identifier: Apache-2.0
#include "domain/command/interlock.hpp"
#include "domain/alert/wording.hpp"
#include "domain/base/time.hpp"
#include "domain/twin/twin_state.hpp"
#include <cmath>

namespace pollux::domain {

std::optional<std::string> reason_to_refuse(const command_spec& spec,
                                            std::optional<double> argument,
                                            const interlock_facts& facts) {
  if (!spec.argument.empty()) {
    if (!argument) return "argument " + spec.argument + " is missing or not a number";
    const double v = *argument;
    if (!(v >= spec.min))
      return spec.argument + " " + brief(v) + " is below the minimum " + brief(spec.min);
    if (!(v <= spec.max))
      return spec.argument + " " + brief(v) + " is above the maximum " + brief(spec.max);
    for (const double held : facts.held)
      if (std::fabs(v - held) > spec.max_step)
        return spec.argument + " " + brief(v) + " is more than " + brief(spec.max_step) +
               " away from " + brief(held);
  }
  if (facts.last_dispatched_ns != no_time &&
      elapsed_ns(facts.now_ns, facts.last_dispatched_ns) < spec.min_interval_ns)
    return "the last " + spec.name + " was less than " + brief_duration(spec.min_interval_ns) +
           " ago";
  return std::nullopt;
}

} // namespace pollux::domain
