// SPDX-License-Identifier: Apache-2.0
// Acknowledging an alert: an input like any other, whose answer waits until the twin has applied
// it. The wait is a promise and a message to oneself after a pause; the node answers everybody else
// meanwhile.
#pragma once
#include "actors/node_state.hpp"

namespace pollux::actors {

/// Acknowledgements under way at a time. One more is refused as overloaded, and nothing of it is
/// journaled.
inline constexpr std::size_t max_acknowledging = 256;
/// How long an answer waits for the twin. Beyond it: timed_out, although it is in the journal.
inline constexpr auto acknowledge_patience = std::chrono::seconds{2};

caf::result<messages::alert_answer> acknowledge(node_pointer self,
                                                const messages::alert_acknowledge& a);

/// A waiter's pause is over: asks the reader again.
void look_again(node_pointer self, std::uint64_t waiter);

} // namespace pollux::actors
