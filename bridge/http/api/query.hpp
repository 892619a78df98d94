// SPDX-License-Identifier: Apache-2.0
// The words of a query (?limit=10&from=...), read with their types. All that is wrong is told at
// once, and words nobody asked for are wrong: a misspelt filter must not give all rows.
#pragma once
#include "bridge/http/api/reply.hpp"
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge::http {

class query_reader {
public:
  explicit query_reader(const request& r) : request_(r) { known_.push_back("fields"); }

  [[nodiscard]] std::string text(std::string_view name, std::string_view fallback = {});
  [[nodiscard]] std::uint32_t number(std::string_view name, std::uint32_t fallback,
                                     std::uint32_t least, std::uint32_t most);
  /// RFC 3339, or seconds since 1970 ("1700000000", "1700000000.25").
  [[nodiscard]] std::int64_t time(std::string_view name, std::int64_t fallback);
  [[nodiscard]] std::int64_t duration(std::string_view name, std::int64_t fallback);
  [[nodiscard]] bool flag(std::string_view name, bool fallback);
  [[nodiscard]] std::string choice(std::string_view name, std::string_view fallback,
                                   std::initializer_list<std::string_view> words);
  /// "a,b" and repeated words alike; empty: none.
  [[nodiscard]] std::vector<std::string> list(std::string_view name, std::size_t most);
  /// The place in the list that the whole question names, or empty.
  [[nodiscard]] std::string cursor(std::string_view of);
  void complain(std::string_view name, std::string why);

  /// 400 when anything was wrong; call it after everything was read.
  [[nodiscard]] std::optional<response> refusal();

private:
  [[nodiscard]] const std::string* find(std::string_view name);

  const request& request_;
  std::vector<std::string_view> known_;
  std::vector<complaint> errors_;
};

/// RFC 3339, or seconds since 1970. Errors: invalid_argument.
[[nodiscard]] result<std::int64_t> parse_moment(std::string_view text);

} // namespace pollux::bridge::http
