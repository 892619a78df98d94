// SPDX-License-Identifier: Apache-2.0
// A bar on a terminal, nothing elsewhere; drawn at most ten times a second.
#pragma once
#include <chrono>
#include <iostream>
#include <string>

namespace pollux::cli {

class progress_bar {
public:
  explicit progress_bar(bool on) : on_(on) {}
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;
  ~progress_bar() {
    if (drawn_) std::cerr << '\n';
  }
  /// `share` of all there is to do, 0 to 1.
  void show(double share) {
    const auto now = std::chrono::steady_clock::now();
    if (!on_ || (drawn_ && share < 1 && now - last_ < std::chrono::milliseconds(100))) return;
    last_ = now;
    drawn_ = true;
    constexpr int width = 40;
    const int filled = static_cast<int>(share * width);
    std::string bar(static_cast<std::size_t>(filled), '#');
    bar.resize(width, '.');
    std::cerr << "\r[" << bar << "] " << static_cast<int>(share * 100) << " % " << std::flush;
  }

private:
  bool on_, drawn_ = false;
  std::chrono::steady_clock::time_point last_;
};

} // namespace pollux::cli
