// SPDX-License-Identifier: Apache-2.0
// Answers "what is this twin now" in three messages: asker -> shard host -> twin -> asker. The
// answer is told by calling the asker, so there is no actor, no time-out and no thread of its own
// for a question.
#pragma once
#include "actors/work.hpp"
#include "messages/twin_desk.hpp"
#include <chrono>
#include <mutex>

namespace pollux::actors {

inline constexpr std::chrono::seconds longest_look{5}; ///< whoever waited longer is told so

/// Who waits for an answer. Tells exactly once: what was found, or when the last copy goes (a host
/// or twin ended with it in its mailbox) that it is unavailable.
class look_slip {
public:
  explicit look_slip(messages::twin_desk::told then) : then_(std::move(then)) {}
  look_slip(const look_slip&) = delete;
  look_slip& operator=(const look_slip&) = delete;
  ~look_slip();
  /// By one thread at a time. What the asker throws is logged: it must not end a twin.
  void give(result<messages::twin_answer> found) noexcept;
  [[nodiscard]] bool too_late() const {
    return std::chrono::steady_clock::now() - since_ > longest_look;
  }

private:
  messages::twin_desk::told then_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

/// asker -> host -> twin
struct look_for {
  std::string id;
  std::uint32_t shard = 0;
  std::shared_ptr<look_slip> slip;
};
struct look_here {
  std::int64_t now_ns = 0;
  std::shared_ptr<look_slip> slip;
};

/// Thread-safe.
class desk : public messages::twin_desk {
public:
  explicit desk(std::uint32_t shards) : shards_(shards) {}
  /// The hosts of the present core, by shard % size; none while there is no core. Before the actor
  /// system ends: none.
  void seat(std::vector<caf::actor> hosts);
  void look(std::string id, told then) override;

private:
  std::uint32_t shards_;
  std::mutex mutex_;
  std::vector<caf::actor> hosts_;
};

} // namespace pollux::actors

POLLUX_LOCAL_MESSAGE(pollux::actors::look_for)
POLLUX_LOCAL_MESSAGE(pollux::actors::look_here)
