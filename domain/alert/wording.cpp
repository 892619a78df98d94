// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/wording.hpp"
#include "domain/base/time.hpp"
#include <charconv>

namespace pollux::domain {

std::string brief(double value) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::general, 6);
  return {text, end.ptr};
}

std::string brief_duration(std::int64_t duration_ns) { return format_duration(duration_ns); }

} // namespace pollux::domain
