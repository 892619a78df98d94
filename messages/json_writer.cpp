// SPDX-License-Identifier: Apache-2.0
#include "messages/json_writer.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace pollux::messages {

namespace {

bool stands_for_itself(char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; }

template <class Integer> void append_integer(std::string& to, Integer value) {
  char digits[24];
  to.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

} // namespace

void json_writer::text(std::string_view value) {
  separate();
  if (std::all_of(value.begin(), value.end(), stands_for_itself)) {
    ((out_ += '"') += value) += '"';
    return;
  }
  using nlohmann::json;
  out_ += json(std::string(value)).dump(-1, ' ', false, json::error_handler_t::replace);
}

void json_writer::number(double value) {
  if (!std::isfinite(value)) return null();
  separate();
  char digits[64]; // the library wants room for every digit of a double
  out_.append(digits, nlohmann::detail::to_chars(digits, digits + sizeof digits, value));
}

void json_writer::number(std::int64_t value) {
  separate();
  append_integer(out_, value);
}

void json_writer::number(std::uint64_t value) {
  separate();
  append_integer(out_, value);
}

void json_writer::time(std::int64_t time_ns) {
  if (time_ns == no_time || time_ns == never) return null();
  separate();
  ((out_ += '"') += format_rfc3339(time_ns)) += '"';
}

} // namespace pollux::messages
