// SPDX-License-Identifier: Apache-2.0
#include "domain/search/found_value.hpp"
#include "domain/base/time.hpp"
#include <charconv>
#include <cmath>

namespace pollux::domain {

namespace {

constexpr std::string_view severities[] = {"", "info", "warning", "critical"};

template <class T> int three_ways(const T& a, const T& b) noexcept {
  return a < b ? -1 : b < a ? 1 : 0;
}

int compare_mixed(std::int64_t a, double b) noexcept {
  constexpr double two_to_63 = 9223372036854775808.0;
  if (b >= two_to_63) return -1;
  if (b < -two_to_63) return 1;
  const auto whole = std::floor(b);
  const auto same = three_ways(a, static_cast<std::int64_t>(whole));
  return same != 0 ? same : b > whole ? -1 : 0;
}

bool numeric(const found_value& v) {
  return v.kind == found_kind::integer || v.kind == found_kind::number;
}

int compare_numbers(const found_value& a, const found_value& b) noexcept {
  if (a.kind == b.kind)
    return a.kind == found_kind::integer ? three_ways(a.integer, b.integer)
                                         : three_ways(a.number, b.number);
  return a.kind == found_kind::integer ? compare_mixed(a.integer, b.number)
                                       : -compare_mixed(b.integer, a.number);
}

} // namespace

std::optional<double> found_value::as_number() const noexcept {
  if (kind == found_kind::integer) return static_cast<double>(integer);
  if (kind == found_kind::number) return number;
  if (kind == found_kind::boolean) return boolean ? 1.0 : 0.0;
  return std::nullopt;
}

bool found_value::empty() const noexcept {
  if (missing()) return true;
  if (kind == found_kind::text) return text.empty();
  if (kind != found_kind::json) return false;
  return skip_json_blanks(text, 1) + 1 == text.size();
}

std::optional<int> compare(const found_value& a, const found_value& b) noexcept {
  if (numeric(a) && numeric(b)) return compare_numbers(a, b);
  if (a.kind != b.kind || a.missing()) return std::nullopt;
  if (a.kind == found_kind::boolean) return three_ways(a.boolean, b.boolean);
  if (a.kind == found_kind::severity || a.kind == found_kind::time)
    return three_ways(a.integer, b.integer);
  return three_ways(a.text, b.text);
}

int order(const found_value& a, const found_value& b) noexcept {
  if (a.missing() && b.missing()) return 0;
  if (const auto known = compare(a, b)) return *known;
  const auto rank = [](const found_value& v) {
    return v.kind == found_kind::integer ? found_kind::number : v.kind;
  };
  return three_ways(rank(a), rank(b));
}

void append_json(std::string& out, const found_value& v) {
  switch (v.kind) {
  case found_kind::none:
  case found_kind::null: out += "null"; break;
  case found_kind::boolean: out += v.boolean ? "true" : "false"; break;
  case found_kind::integer: append_json(out, v.integer); break;
  case found_kind::number: append_json(out, v.number); break;
  case found_kind::time: append_json(out, format_rfc3339(v.integer)); break;
  case found_kind::severity:
  case found_kind::text: append_json(out, v.text); break;
  case found_kind::json: out += v.text; break;
  }
}

found_value json_value(std::string_view json, std::string& scratch) {
  found_value out;
  if (json.empty()) return out;
  if (json == "true" || json == "false") return found_value::of(json == "true");
  if (json == "null") {
    out.kind = found_kind::null;
    return out;
  }
  if (json.front() == '"') return found_value::of(json_string(json, scratch));
  if (json.front() == '{' || json.front() == '[') {
    out.kind = found_kind::json;
    out.text = json;
    return out;
  }
  const auto* end = json.data() + json.size();
  std::int64_t whole = 0;
  if (const auto r = std::from_chars(json.data(), end, whole); r.ec == std::errc{} && r.ptr == end)
    return found_value::of(whole);
  double number = 0;
  if (const auto r = std::from_chars(json.data(), end, number);
      r.ec == std::errc{} && r.ptr == end && std::isfinite(number))
    return found_value::of(number);
  return out;
}

std::int64_t severity_rank(std::string_view word) noexcept {
  for (std::int64_t i = 1; i <= 3; ++i)
    if (word == severities[i]) return i;
  return 0;
}

found_value found_severity(std::int64_t rank) noexcept {
  found_value out;
  if (rank < 1 || rank > 3) return out;
  out.kind = found_kind::severity;
  out.integer = rank;
  out.text = severities[rank];
  return out;
}

found_value found_time(std::int64_t time_ns) noexcept {
  found_value out;
  if (time_ns == no_time) return out;
  out.kind = found_kind::time;
  out.integer = time_ns;
  return out;
}

} // namespace pollux::domain
