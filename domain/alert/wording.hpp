// SPDX-License-Identifier: Apache-2.0
// Numbers and times as explanations show them: the same text on every machine.
#pragma once
#include <cstdint>
#include <string>

namespace pollux::domain {

/// Six significant digits at most, without trailing zeros: "98.25", "1e+09".
[[nodiscard]] std::string brief(double value);

/// One word for a duration: "5m", "45s" (format_duration).
[[nodiscard]] std::string brief_duration(std::int64_t duration_ns);

} // namespace pollux::domain
