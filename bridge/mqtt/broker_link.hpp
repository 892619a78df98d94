// SPDX-License-Identifier: Apache-2.0
// What receiving and publishing have in common: a thread of our own that keeps a connection to the
// broker, since Paho's automatic reconnect resends by itself and does not say when it gives up.
// Holds its life, what people are told of it, the waits that a stop ends, and whether the
// connection was lost.
#pragma once
#include "bridge/mqtt/options.hpp"
#include "bridge/mqtt/reconnect_pace.hpp"
#include "bridge/mqtt/source.hpp"
#include "messages/observability/metrics.hpp"
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace pollux::bridge {

class broker_link {
public:
  /// `options` and `metrics` must outlive the link; `direction`: "in" or "out".
  broker_link(const broker_options& options, messages::metrics& metrics, const char* direction);

  /// Calls `run` in a thread of its own; it is to return soon once stopping().
  /// Errors: invalid_argument (url, version), conflict (already started), naming `who`.
  status start(const std::string& who, std::function<void()> run);
  /// Ends every wait and joins the thread; without effect when not started. The owner calls it
  /// before anything that `run` uses goes.
  void stop();
  [[nodiscard]] const std::atomic<bool>& stopping() const { return stopping_; }

  [[nodiscard]] source_state state() const;
  void set_state(source_phase phase, std::string why);

  /// Returns earlier when stopped.
  void sleep_for(std::chrono::nanoseconds span);

  /// A new connection is about to be made: whatever was lost before is forgotten.
  void expect();
  /// From any thread: the connection is gone. Never blocks for more than a moment.
  void lose(std::string_view cause);
  /// Runs `change` such that wait_for_end() sees all of it or nothing.
  template <class Change> void tell(Change&& change) {
    {
      const std::lock_guard lock(mutex_); // only ever held for a moment
      change();
    }
    wake_.notify_all();
  }
  /// Runs `act` unless the connection is lost; it cannot be lost meanwhile.
  template <class Act> void unless_lost(Act&& act) {
    const std::lock_guard lock(mutex_);
    if (!lost_) act();
  }
  /// Waits until the connection is lost, we are stopped or `also()`. Gives why it was lost, if so.
  template <class Also> std::optional<std::string> wait_for_end(Also&& also) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return lost_ || also() || stopping_; });
    return lost_ ? std::optional(lost_why_) : std::nullopt;
  }

  // The steps of a connect loop that are alike; `what` is the log's sentence.
  void note_connected(); ///< counted by the caller, as not every connection is of use
  /// Counts, tells and waits.
  void back_off(const failure& why, std::string_view what);
  /// Counts and tells; the caller leaves and waits.
  void note_loss(const std::string& why, std::string_view what);

  messages::counter &connects, &connect_failures, &losses;
  messages::gauge& connected; ///< 1 while connected
  reconnect_pace pace;        ///< the link's own thread only

private:
  const broker_options& options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  source_state state_;
  std::string lost_why_;
  bool lost_ = false;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

} // namespace pollux::bridge
