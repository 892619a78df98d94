// SPDX-License-Identifier: Apache-2.0
// What was refused of one message, and why. Bounded: a hostile message with 100,000 bad fields
// makes a few sentences and exact counts, not 100,000 strings.
#pragma once
#include "messages/quarantine.hpp"
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace pollux::bridge {

struct rejection {
  messages::quarantine_reason reason = messages::quarantine_reason::malformed;
  std::string detail;      ///< "row 3: field temperature: NaN is not a number"
  std::uint64_t count = 1; ///< fields, rows or messages this stands for
};

class rejections {
public:
  static constexpr std::size_t described = 16; ///< from then on they are only counted, by reason

  /// `detail` is a std::string, or a function that makes one (called only if it will be kept).
  template <class Detail> void add(messages::quarantine_reason reason, Detail&& detail) {
    if (items_.size() >= described) {
      for (auto i = described; i < items_.size(); ++i) {
        if (items_[i].reason != reason) continue;
        ++items_[i].count;
        return;
      }
      items_.push_back({reason, "more of the same message", 1});
      return;
    }
    if constexpr (requires { detail(); }) {
      items_.push_back({reason, detail(), 1});
    } else {
      items_.push_back({reason, std::forward<Detail>(detail), 1});
    }
  }
  void clear() noexcept { items_.clear(); }
  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }
  [[nodiscard]] const std::vector<rejection>& items() const noexcept { return items_; }

private:
  std::vector<rejection> items_;
};

} // namespace pollux::bridge
