// SPDX-License-Identifier: Apache-2.0
// Messages taken and not yet acknowledged, in the order they came: acknowledgements leave in that
// order [MQTT-4.6.0-2], each once its ticket is durable in the class its topic asks for.
#pragma once
#include "messages/inlet.hpp"
#include <array>
#include <cstdint>
#include <deque>

namespace pollux::bridge::mqtt {

/// How far the journal is. `failed` is read after the others (messages/inlet.hpp says why).
struct watermarks {
  std::array<messages::ticket, 3> durable;
  messages::ticket failed;

  [[nodiscard]] static watermarks of(const messages::inlet& inlet) {
    watermarks out;
    for (const auto d :
         {messages::durability::d0, messages::durability::d1, messages::durability::d2})
      out.durable[static_cast<std::size_t>(d)] = inlet.durable_upto(d);
    out.failed = inlet.failed_upto();
    return out;
  }
};

class ack_ledger {
public:
  struct entry {
    messages::ticket last;  ///< of the message's inputs; 0 = nothing to wait for
    messages::ticket first; ///< of them
    messages::durability durability = messages::durability::d1;
    std::uint8_t qos = 1;
    std::uint16_t packet_id = 0;
  };

  void add(const entry& e) { waiting_.push_back(e); }

  /// Gives each entry whose turn it is to `say`, oldest first. False when the next one was in a
  /// batch that could not be written: it and all behind it must come again.
  template <class Say> bool settle(const watermarks& at, Say&& say) {
    while (!waiting_.empty()) {
      const auto& next = waiting_.front();
      if (next.first.value != 0 && next.first <= at.failed) return false;
      if (next.last > at.durable[static_cast<std::size_t>(next.durability)]) return true;
      say(next);
      waiting_.pop_front();
    }
    return true;
  }

  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }
  [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
  [[nodiscard]] const std::deque<entry>& entries() const noexcept { return waiting_; }
  void clear() noexcept { waiting_.clear(); }

private:
  std::deque<entry> waiting_;
};

} // namespace pollux::bridge::mqtt
