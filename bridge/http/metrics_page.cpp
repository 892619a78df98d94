// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/metrics_page.hpp"
#include <algorithm>
#include <charconv>

namespace pollux::bridge::http {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Takes what stands before `separator` off `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const auto part = trimmed(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

struct wanted {
  std::string_view type, version;
  double weight = 1;
};

wanted read_range(std::string_view range) {
  wanted out;
  out.type = take(range, ';');
  while (!range.empty()) {
    auto one = take(range, ';');
    const auto name = take(one, '=');
    if (name == "version") out.version = one;
    if (name != "q") continue;
    out.weight = 0; // what cannot be read is not wanted
    std::from_chars(one.data(), one.data() + one.size(), out.weight);
  }
  return out;
}

} // namespace

bool prefers_openmetrics(std::string_view accept) {
  double open = 0, plain = 0;
  while (!accept.empty()) {
    const auto range = read_range(take(accept, ','));
    const bool known = range.version.empty() || range.version == "1.0.0";
    if (range.type == "application/openmetrics-text" && known)
      open = std::max(open, range.weight);
    else if (range.type == "text/plain")
      plain = std::max(plain, range.weight);
  }
  return open > 0 && open >= plain;
}

response metrics_page(const messages::metrics& of, const request& r) {
  messages::render_options how;
  how.all_buckets = std::any_of(r.query.begin(), r.query.end(), [](const auto& q) {
    return q.first == "buckets" && q.second == "all";
  });
  response out;
  out.content_type = "text/plain; version=0.0.4; charset=utf-8";
  if (prefers_openmetrics(r.header("accept"))) {
    how.as = messages::exposition::openmetrics;
    out.content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  }
  out.headers.emplace_back("Vary", "Accept");
  out.body = of.render(how);
  return out;
}

} // namespace pollux::bridge::http
