// SPDX-License-Identifier: Apache-2.0
// The life of a command inside a twin:
//
//   requested -> interlocks -> refused
//                     '-> dispatched -> confirmed | rejected (the device's reply)
//                              '-> timed_out (at expiry) -> confirmed_late | rejected
//
// Several commands of one name may be under way. A repeated id does nothing: asking twice is safe.
#pragma once
#include "domain/twin/step_context.hpp"

namespace pollux::domain {

/// command_requested: checks the interlocks and appends `dispatched` or `refused`.
void request_command(step_context& at);
/// command_replied: appends `confirmed`, `rejected`, `confirmed_late`, or a fault when nobody
/// asked.
void reply_to_command(step_context& at);
/// Appends `timed_out` for every command under way that has expired.
void expire_commands(step_context& at);

} // namespace pollux::domain
