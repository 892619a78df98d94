// SPDX-License-Identifier: Apache-2.0
// Tickets stand for a token where none can be sent: a browser's EventSource and WebSocket have no
// Authorization header, and an address with a token in it lands in histories and logs. A ticket is
// good once, for a minute.
#pragma once
#include "bridge/http/access/identity.hpp"
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace pollux::bridge::http {

/// Of one thread. Clock values in ns, of one clock.
class tickets {
public:
  static constexpr std::int64_t lifetime_ns = 60'000'000'000;
  explicit tickets(std::size_t most = 1024) : most_(most) {}

  /// Empty when there is no randomness. Beyond the most, the oldest ticket is void.
  [[nodiscard]] std::string issue(const identity& who, std::int64_t now_ns);
  /// Whose it was, once. Compares with every ticket, each in constant time.
  [[nodiscard]] std::optional<identity> take(std::string_view secret, std::int64_t now_ns);
  [[nodiscard]] std::size_t size() const { return issued_.size(); }

private:
  struct ticket {
    std::string hash;
    identity who;
    std::int64_t until_ns = 0;
  };
  std::size_t most_;
  std::deque<ticket> issued_;
};

} // namespace pollux::bridge::http
