// SPDX-License-Identifier: Apache-2.0
// How long to wait before the next attempt: doubled after each failure, with jitter, so that many
// nodes do not come back to a restarted broker in the same instant.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace pollux::bridge {

class reconnect_pace {
public:
  reconnect_pace(std::int64_t least_ns, std::int64_t most_ns, std::uint32_t seed)
      : least_(std::max<std::int64_t>(1'000'000, least_ns)), most_(std::max(least_, most_ns)),
        next_(least_), random_(seed) {}

  /// The wait before the next attempt: between half and all of a span that doubles each time.
  [[nodiscard]] std::chrono::nanoseconds next() {
    const auto span = next_;
    next_ = std::min(most_, next_ * 2);
    return std::chrono::nanoseconds(
        std::uniform_int_distribution<std::int64_t>(span / 2, span)(random_));
  }
  void reset() noexcept { next_ = least_; }

private:
  std::int64_t least_, most_, next_;
  std::minstd_rand random_;
};

} // namespace pollux::bridge
