// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/wire/head.hpp"
#include <algorithm>
#include <ctime>

namespace pollux::bridge::http {

namespace {

constexpr std::size_t usual_bytes = 384;

bool ends_line(char c) { return c == '\r' || c == '\n' || c == '\0'; }

/// The date of this second; each thread writes it once a second.
const std::string& date_now() {
  thread_local std::time_t second = -1;
  thread_local std::string text;
  if (const auto now = std::time(nullptr); now != second) {
    second = now;
    text = http_date();
  }
  return text;
}

} // namespace

void add_field(std::string& head, std::string_view name, std::string_view value) {
  (head += name) += ": ";
  if (std::none_of(value.begin(), value.end(), ends_line))
    head += value;
  else
    std::copy_if(value.begin(), value.end(), std::back_inserter(head),
                 [](char c) { return !ends_line(c); });
  head += "\r\n";
}

std::string head_of(const response& r, unsigned version, bool keep_alive) {
  std::string out;
  out.reserve(usual_bytes);
  out += version == 10 ? "HTTP/1.0 " : "HTTP/1.1 ";
  ((out += std::to_string(r.status)) += ' ') += reason(r.status);
  out += "\r\n";
  add_field(out, "Server", "pollux");
  add_field(out, "Date", date_now());
  add_field(out, "X-Content-Type-Options", "nosniff");
  if (!r.content_type.empty() && r.status != 304) add_field(out, "Content-Type", r.content_type);
  for (const auto& [name, value] : r.headers) add_field(out, name, value);
  if (version == 10 && keep_alive) add_field(out, "Connection", "keep-alive");
  if (version != 10 && !keep_alive) add_field(out, "Connection", "close");
  return out;
}

} // namespace pollux::bridge::http
