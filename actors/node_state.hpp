// SPDX-License-Identifier: Apache-2.0
// What the sources of the node actor share: its state, and how it finds a twin and writes an input.
#pragma once
#include "actors/node.hpp"
#include "domain/twin/input.hpp"
#include <chrono>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace pollux::actors {

/// The node to itself: "look again after this waiter". No door sees it.
using look_atom = caf::atom_constant<caf::atom("look")>;
using node_front = messages::node_actor::extend<caf::reacts_to<look_atom, std::uint64_t>>;

inline constexpr auto ask_timeout = std::chrono::seconds{5};

struct found_twin {
  twin_place place;
  std::string key;
};

/// Somebody whose acknowledgement is journaled and not yet seen applied.
struct acknowledge_waiter {
  twin_place place;
  messages::alert_query what;
  caf::typed_response_promise<messages::alert_answer> promise;
  std::chrono::steady_clock::time_point until;
  std::chrono::milliseconds pause;
};

inline constexpr std::size_t max_actions = 256; ///< on alerts, under way at a time

/// Somebody whose action on an alert is journaled and not yet seen applied.
struct action_waiter {
  found_twin twin;
  std::function<bool(const nlohmann::json&)> applied; ///< of the twin's document
  std::string revision;                               ///< of the twin, before
  std::string said;                                   ///< the answer
  caf::typed_response_promise<messages::done> promise;
  std::chrono::steady_clock::time_point began;
  std::chrono::milliseconds pause;
  std::function<caf::error(const nlohmann::json&)> verdict; ///< once applied; empty: all is well
};

struct node_state {
  node_surroundings with;
  std::map<std::uint64_t, acknowledge_waiter> waiters; ///< by number; bounded
  std::map<std::uint64_t, action_waiter> actions;      ///< by number; bounded
  std::uint64_t last_waiter = 0;
  std::size_t acknowledging = 0; ///< requests under way, waiting ones included
  static inline const char* name = "node";
};

using node_pointer = node_front::stateful_pointer<node_state>;

/// Errors: invalid_argument (no twin id), not_found.
[[nodiscard]] result<found_twin> find_twin(const node_state& s, const std::string& id);

/// Journals an input and waits until it is written: what is answered is not lost.
status journal(const node_state& s, const std::string& id, const std::string& create_as,
               const domain::input& in);

} // namespace pollux::actors
