// SPDX-License-Identifier: Apache-2.0
#include "bridge/mqtt/json_repair.hpp"
#include <algorithm>
#include <array>
#include <charconv>

namespace pollux::bridge {
namespace {

bool in_word(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
         c == '-' || c == '.';
}

bool is_not_a_number(std::string_view word) noexcept {
  if (!word.empty() && (word.front() == '-' || word.front() == '+')) word.remove_prefix(1);
  static constexpr std::array<std::string_view, 7> literals{"NaN", "nan", "NAN",     "Infinity",
                                                            "inf", "Inf", "infinity"};
  return std::find(literals.begin(), literals.end(), word) != literals.end();
}

enum class verdict { fine, null, decimal };

verdict judge(std::string_view word) noexcept {
  if (is_not_a_number(word)) return verdict::null;
  double value = 0;
  const auto* end = word.data() + word.size();
  const auto read = std::from_chars(word.data(), end, value);
  if (read.ptr != end || word.empty())
    return verdict::fine; // true, false, null, or not JSON at all
  if (read.ec == std::errc::result_out_of_range) {
    // too small for a double is zero, too large has no value
    const auto exponent = word.find_first_of("eE");
    const bool tiny = exponent != std::string_view::npos && exponent + 1 < word.size() &&
                      word[exponent + 1] == '-';
    return tiny ? verdict::fine : verdict::null;
  }
  if (read.ec != std::errc{}) return verdict::fine;
  const bool whole = word.find_first_of(".eE") == std::string_view::npos;
  return whole && word.size() > 18 ? verdict::decimal : verdict::fine;
}

/// From the opening quote to behind the closing one, or to the end.
std::size_t end_of_string(std::string_view text, std::size_t from) noexcept {
  for (auto at = from + 1; at < text.size(); ++at) {
    if (text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      return at + 1;
  }
  return text.size();
}

} // namespace

bool repair_json(std::string_view payload, std::string& out, std::vector<bad_literal>& bad) {
  out.clear();
  bad.clear();
  bool changed = false;
  std::string_view last_string, field;
  for (std::size_t at = 0; at < payload.size();) {
    auto end = at + 1;
    if (payload[at] == '"') {
      end = end_of_string(payload, at);
      if (end - at >= 2) last_string = payload.substr(at + 1, end - at - 2);
    } else if (payload[at] == ':') {
      field = last_string;
    } else if (in_word(payload[at])) {
      while (end < payload.size() && in_word(payload[end])) ++end;
      const auto word = payload.substr(at, end - at);
      const auto found = judge(word);
      changed |= found != verdict::fine;
      if (found == verdict::null) bad.push_back({field, word});
      if (found != verdict::fine) {
        if (found == verdict::decimal) out.append(word);
        out.append(found == verdict::null ? "null" : ".0");
        at = end;
        continue;
      }
    }
    out.append(payload.substr(at, end - at));
    at = end;
  }
  return changed;
}

} // namespace pollux::bridge
