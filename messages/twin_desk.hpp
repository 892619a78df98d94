// SPDX-License-Identifier: Apache-2.0
// The quick way to one twin's document. twin_query through the node_actor gives the same, by more
// hops: this is for doors that are asked thousands of times a second.
#pragma once
#include "messages/node_api.hpp"
#include <functional>
#include <string>

namespace pollux::messages {

class twin_desk {
public:
  using told = std::function<void(result<twin_answer>)>;
  virtual ~twin_desk() = default;
  /// Calls `then` once, from any thread, perhaps before it returns. It sees what a twin_query would
  /// that was sent now. Never waits. Errors: invalid_argument (no twin id), not_found, timed_out,
  /// unavailable (what would have answered is being restarted: ask the node).
  virtual void look(std::string id, told then) = 0;
};

} // namespace pollux::messages
