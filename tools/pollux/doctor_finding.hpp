// SPDX-License-Identifier: Apache-2.0
// What `pollux doctor` says: a grade, a sentence, and what to do about it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::cli {

enum class grade : std::uint8_t { ok, warn, fail };

struct finding {
  grade is = grade::ok;
  std::string area;     ///< "disk", "clock", "limits", "broker", ...
  std::string sentence; ///< what was found, with figures
  std::string advice;   ///< what to do; empty when all is well
};
using findings = std::vector<finding>;

[[nodiscard]] inline const char* to_string(grade g) noexcept {
  return g == grade::ok ? "ok" : g == grade::warn ? "warn" : "fail";
}

} // namespace pollux::cli
