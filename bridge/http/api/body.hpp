// SPDX-License-Identifier: Apache-2.0
// A JSON body, read with its types. All that is wrong is told at once, each by its JSON pointer;
// members nobody asked for are wrong, too.
#pragma once
#include "bridge/http/api/reply.hpp"
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pollux::bridge::http {

inline constexpr unsigned deepest_body = 64; ///< levels of a body; more is refused

/// The body's JSON. Refusals: 415 (a content type that is not in `types`, which also goes into
/// `Accept`-like headers), 400 (no JSON, a key that stands twice, deeper than deepest_body).
/// Untrusted bytes are safe. Cost: two passes.
[[nodiscard]] std::variant<json, response>
read_json(const request& r, const std::vector<std::string_view>& types = {"application/json"});

/// The content type without its parameters, in lower case.
[[nodiscard]] std::string media_type(const request& r);

class body_reader {
public:
  /// The members of `document`; `at` is put before their pointers ("#/properties").
  explicit body_reader(const json& document, std::string at = "#");

  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] std::string text(std::string_view name, bool required = false,
                                 std::size_t most = 1024);
  /// The member as it is; null when it is absent.
  [[nodiscard]] json object(std::string_view name);
  [[nodiscard]] json any(std::string_view name);
  /// "90s" or a number of seconds; 0 when absent.
  [[nodiscard]] std::int64_t duration(std::string_view name);
  /// RFC 3339 or seconds since 1970.
  [[nodiscard]] std::optional<std::int64_t> time(std::string_view name);
  /// The end of something that begins at `now_ns`: {"for": duration} or {"until": time}.
  [[nodiscard]] std::int64_t end(std::int64_t now_ns);
  void complain(std::string_view name, std::string why);
  /// The same at a pointer that is written already.
  void complain_at(std::string pointer, std::string why);

  /// 400 when anything was wrong; call it after everything was read.
  [[nodiscard]] std::optional<response> refusal();

private:
  [[nodiscard]] const json* find(std::string_view name);

  const json& document_;
  std::string at_;
  std::vector<std::string> known_;
  std::vector<complaint> errors_;
};

} // namespace pollux::bridge::http
