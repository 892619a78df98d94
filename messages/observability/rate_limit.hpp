// SPDX-License-Identifier: Apache-2.0
// Keeps a log readable when one place repeats itself: lets a burst through, holds the rest back and
// tells the count once the window is over. The clock is an argument, so tests need not wait.
#pragma once
#include "messages/observability/log.hpp"
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pollux::messages::log {

/// Not thread-safe: the logger's lock guards it.
class rate_limiter {
public:
  static constexpr std::uint64_t burst = 20;                ///< lines a place may write a window
  static constexpr std::int64_t window_ns = 10'000'000'000; ///< from the place's first line
  static constexpr std::size_t most_places = 1024;          ///< beyond it, places share one budget

  /// Lines held back at one place during a window that is over.
  struct held {
    level at;
    std::string component, message;
    std::uint64_t count;
  };

  /// May this line be written now? Cost: O(log places).
  bool admit(level at, std::string_view component, std::string_view message, std::int64_t now_ns);
  /// What ended windows held back, at most once each. Cheap until the next window ends.
  std::vector<held> due(std::int64_t now_ns);

private:
  struct place {
    level at = level::info;
    std::int64_t since_ns = 0;
    std::uint64_t lines = 0;
  };
  std::map<std::pair<std::string, std::string>, place, std::less<>> places_;
  std::int64_t next_end_ns_ = INT64_MAX;
};

} // namespace pollux::messages::log
