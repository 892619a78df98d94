// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/query.hpp"
#include "bridge/http/api/cursor.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <charconv>

namespace pollux::bridge::http {

const std::string* query_reader::find(std::string_view name) {
  known_.push_back(name);
  const std::string* out = nullptr;
  for (const auto& [given, value] : request_.query) {
    if (given != name) continue;
    if (out != nullptr) complain(name, "given twice");
    out = &value;
  }
  return out;
}

void query_reader::complain(std::string_view name, std::string why) {
  errors_.push_back({"?" + std::string(name), std::move(why)});
}

std::string query_reader::text(std::string_view name, std::string_view fallback) {
  const auto* given = find(name);
  return given == nullptr ? std::string(fallback) : *given;
}

std::uint32_t query_reader::number(std::string_view name, std::uint32_t fallback,
                                   std::uint32_t least, std::uint32_t most) {
  const auto* given = find(name);
  if (given == nullptr) return fallback;
  std::uint32_t out = 0;
  const auto* end = given->data() + given->size();
  const auto read = std::from_chars(given->data(), end, out);
  if (read.ec == std::errc{} && read.ptr == end && out >= least && out <= most) return out;
  complain(name, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return fallback;
}

result<std::int64_t> parse_moment(std::string_view text) {
  if (text.empty() || text.find_first_not_of("-.0123456789") != std::string_view::npos ||
      text.find('-', 1) != std::string_view::npos)
    return parse_rfc3339(text);
  const auto dot = text.find('.');
  const auto duration = parse_duration(std::string(text.substr(text[0] == '-' ? 1 : 0)) + "s");
  if (!duration || dot == 0)
    return failure{errc::invalid_argument, "neither RFC 3339 nor seconds since 1970"};
  return text[0] == '-' ? -*duration : *duration;
}

std::int64_t query_reader::time(std::string_view name, std::int64_t fallback) {
  const auto* given = find(name);
  if (given == nullptr) return fallback;
  const auto out = parse_moment(*given);
  if (out) return *out;
  complain(name, out.error().what);
  return fallback;
}

std::int64_t query_reader::duration(std::string_view name, std::int64_t fallback) {
  const auto* given = find(name);
  if (given == nullptr) return fallback;
  const auto out = parse_duration(*given);
  if (out && *out > 0) return *out;
  complain(name, out ? "longer than nothing" : out.error().what);
  return fallback;
}

bool query_reader::flag(std::string_view name, bool fallback) {
  const auto* given = find(name);
  if (given == nullptr) return fallback;
  if (*given == "true" || given->empty()) return true;
  if (*given != "false") complain(name, "true or false");
  return false;
}

std::string query_reader::choice(std::string_view name, std::string_view fallback,
                                 std::initializer_list<std::string_view> words) {
  const auto* given = find(name);
  if (given == nullptr) return std::string(fallback);
  if (std::find(words.begin(), words.end(), *given) != words.end()) return *given;
  std::string all;
  for (const auto word : words) all += (all.empty() ? "" : ", ") + std::string(word);
  complain(name, "one of " + all);
  return std::string(fallback);
}

std::vector<std::string> query_reader::list(std::string_view name, std::size_t most) {
  known_.push_back(name);
  std::vector<std::string> out;
  for (const auto& [given, value] : request_.query) {
    if (given != name) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(','), rest.size());
      if (end > 0) out.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (out.size() > most) {
    complain(name, "at most " + std::to_string(most) + " names");
    out.clear();
  }
  return out;
}

std::string query_reader::cursor(std::string_view of) {
  const auto* given = find("cursor");
  if (given == nullptr || given->empty()) return {};
  auto out = open_cursor(of, *given);
  if (out) return std::move(*out);
  complain("cursor", out.error().what);
  return {};
}

std::optional<response> query_reader::refusal() {
  for (const auto& [given, value] : request_.query)
    if (std::find(known_.begin(), known_.end(), given) == known_.end())
      complain(given, "there is no such word in this query");
  if (errors_.empty()) return {};
  return problem(
      400, "the query cannot be used: " + errors_.front().pointer + ": " + errors_.front().detail,
      errors_);
}

} // namespace pollux::bridge::http
