// SPDX-License-Identifier: Apache-2.0
// A request as fuzz targets read it: "METHOD target", lines of headers, an empty line, a body.
#pragma once
#include "bridge/http/message.hpp"
#include <algorithm>
#include <string>
#include <string_view>

namespace pollux::fuzz {

inline std::string_view take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

/// Fills everything but what comes of the target, which is given back.
inline std::string read_request(std::string_view rest, bridge::http::request& r) {
  const auto first = take_line(rest);
  const auto blank = std::min(first.find(' '), first.size());
  r.method = std::string(first.substr(0, blank));
  const std::string target(first.substr(std::min(blank + 1, first.size())));
  while (!rest.empty()) {
    const auto line = take_line(rest);
    if (line.empty()) break;
    const auto colon = std::min(line.find(':'), line.size());
    r.headers.emplace_back(std::string(line.substr(0, colon)),
                           std::string(line.substr(std::min(colon + 1, line.size()))));
  }
  r.body = std::string(rest);
  return target;
}

} // namespace pollux::fuzz
