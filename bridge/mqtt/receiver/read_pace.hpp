// SPDX-License-Identifier: Apache-2.0
// When to let the socket fill before reading it again. A broker writes message by message, so a
// reader that keeps up is woken for every one: most of the cost of receiving. Above some thousand
// messages a second the reader therefore rests a moment between reads, and one read brings many.
#pragma once
#include <cstdint>

namespace pollux::bridge::mqtt {

class read_pace {
public:
  static constexpr std::int64_t rest_ns = 1'000'000;
  static constexpr std::int64_t window_ns = 10'000'000;
  static constexpr double busy = 5'000; ///< messages a second

  /// After a read that brought `messages` at `now_ns`: true = rest before the next one.
  bool rest_after(std::uint64_t messages, std::int64_t now_ns) noexcept {
    count_ += messages;
    const auto span = now_ns - since_ns_;
    if (span >= window_ns) {
      busy_ = static_cast<double>(count_) * 1e9 / static_cast<double>(span) > busy;
      count_ = 0;
      since_ns_ = now_ns;
    }
    return busy_;
  }

private:
  std::uint64_t count_ = 0;
  std::int64_t since_ns_ = 0;
  bool busy_ = false;
};

} // namespace pollux::bridge::mqtt
