// SPDX-License-Identifier: Apache-2.0
// Questions to the node without a thread that waits: each goes out in an actor of its own, which
// ends with the answer or the time-out.
#pragma once
#include "messages/twin_desk.hpp"
#include <cstdint>
#include <functional>

namespace pollux::bridge::http {

/// What a handler needs to ask the node. The system must outlive every question.
struct node_link {
  caf::actor_system* system = nullptr;
  messages::node_actor node;
  std::int64_t timeout_ns = 5'000'000'000; ///< for ordinary questions
  messages::twin_desk* desk = nullptr;     ///< the quick way to one twin; without it: the node
};

inline constexpr std::int64_t past_timeout_ns = 60'000'000'000; ///< for what reads history

template <class Query> using told = std::function<void(result<messages::answer_to<Query>>)>;

/// Calls `then` once, in some thread of the actor system: with the answer, or with what went wrong
/// (timed_out, unavailable when there is no node, what the node said). Defined for every query of
/// node_api.hpp in ask.cpp. `timeout_ns` 0: the link's.
template <class Query>
void ask(const node_link& link, Query query, told<Query> then, std::int64_t timeout_ns = 0);

/// As ask() with a twin_query, by the desk where there is one: several times as many a second.
void look(const node_link& link, std::string id, told<messages::twin_query> then);

/// Calls `what` in a thread of the actor system, after so long: for waiting without a thread, and
/// with 0 for work that would hold up the server's thread.
void later(const node_link& link, std::int64_t after_ns, std::function<void()> what);

} // namespace pollux::bridge::http
