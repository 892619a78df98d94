// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/output.hpp"
#include "domain/base/time.hpp"
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <poll.h>
#include <unistd.h>

namespace pollux::cli {

namespace {

/// Bytes of the well-formed UTF-8 character at the front of `text`, 0 when there is none.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const unsigned char second = byte(1);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
  return overlong || outside ? 0 : size;
}

std::string number_text(double value) {
  const double size = std::fabs(value);
  const bool everyday = size == 0 || (size >= 1e-6 && size < 1e15);
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value,
                              everyday ? std::chars_format::fixed : std::chars_format::scientific)
                    .ptr};
}

} // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto size = character_size(text);
    const auto byte = static_cast<unsigned char>(text.front());
    // U+0080 to U+009F are control characters as well
    const bool control = byte < 0x20 || byte == 0x7f ||
                         (size == 2 && byte == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0);
    if (size == 0 || control) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned>(byte));
      out += escaped;
      text.remove_prefix(1);
      continue;
    }
    out.append(text.substr(0, size));
    text.remove_prefix(size);
  }
  return out;
}

json parse_document(const std::string& text) {
  auto document = json::parse(text, nullptr, false);
  return document.is_discarded() ? json(text) : document;
}

void print_document(const json& document, output format) {
  const int indent = format == output::jsonl ? -1 : 2;
  std::cout << document.dump(indent, ' ', false, json::error_handler_t::replace) << '\n';
}

std::string plain(const json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return printable(value.get_ref<const std::string&>());
  if (value.is_number_float()) return number_text(value.get<double>());
  return printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string time_text(std::int64_t time_ns) {
  return time_ns == no_time || time_ns == never || time_ns == 0 ? "-" : format_rfc3339(time_ns);
}

std::string age_text(const json& seconds) {
  if (!seconds.is_number()) return "-";
  const double age = seconds.get<double>();
  if (age < 0) return "in " + age_text(-age);
  char text[48];
  if (age < 1)
    std::snprintf(text, sizeof text, "%.0fms", age * 1000);
  else if (age < 60)
    std::snprintf(text, sizeof text, "%.3gs", age);
  else {
    const auto whole = static_cast<long long>(age);
    if (whole < 3600)
      std::snprintf(text, sizeof text, "%lldm%llds", whole / 60, whole % 60);
    else if (whole < 86'400)
      std::snprintf(text, sizeof text, "%lldh%lldm", whole / 3600, whole / 60 % 60);
    else
      std::snprintf(text, sizeof text, "%lldd%lldh", whole / 86'400, whole / 3600 % 24);
  }
  return text;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of("\",\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

bool reader_gone() {
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  return ::poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

} // namespace pollux::cli
