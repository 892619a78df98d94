// SPDX-License-Identifier: Apache-2.0
// A model file as the domain sees it: a plain tree that remembers where each value stood, so that
// an error can name line and column. Read from JSON by messages/model_codec.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain {

struct config_member;

struct config_node {
  enum class type : std::uint8_t { null, boolean, number, text, array, object };
  type kind = type::null;
  bool boolean = false;
  double number = 0;
  std::string text;
  std::vector<config_member> members; ///< object: in file order; array: keys empty
  std::uint32_t line = 0;             ///< from 1; 0 = built by a program
  std::uint32_t column = 0;           ///< from 1, in bytes

  [[nodiscard]] const config_node* find(std::string_view key) const noexcept;
};

/// A key and its value, named as in std::pair, which may not hold a type that is being declared.
struct config_member {
  std::string first;
  config_node second;
};

/// "3:14: " + what, as a failure(invalid_argument). The file name is put in front by the reader.
[[nodiscard]] failure error_at(const config_node& node, std::string what);

/// The member of `known` nearest to `key` (edit distance at most 3), or empty: for "did you mean".
[[nodiscard]] std::string_view nearest(std::string_view key,
                                       const std::vector<std::string_view>& known);

/// Reads an object's members with checks: required and optional keys by type; `finish()` refuses
/// keys that nobody asked for and names the nearest valid one. The first error wins and sticks.
class object_reader {
public:
  object_reader(const config_node& node,
                std::string_view what); ///< what: "operator", "command", ...
  const config_node* require(std::string_view key, config_node::type kind);
  const config_node* optional(std::string_view key, config_node::type kind);
  std::string text(std::string_view key); ///< required
  std::string text_or(std::string_view key, std::string_view fallback);
  double number(std::string_view key); ///< required
  double number_or(std::string_view key, double fallback);
  bool boolean_or(std::string_view key, bool fallback);
  std::int64_t duration_ns(std::string_view key); ///< required, > 0, as "5m"
  std::int64_t duration_ns_or(std::string_view key, std::int64_t fallback);
  /// The index of the member's text in `choices`; `fallback` when absent.
  std::size_t choice_or(std::string_view key, const std::vector<std::string_view>& choices,
                        std::size_t fallback);
  void fail(const config_node& at, std::string what);
  [[nodiscard]] status finish();

private:
  std::int64_t read_duration(std::string_view key, const config_node& found);
  const config_node& node_;
  std::string what_;
  std::vector<std::string_view> asked_; ///< callers' keys: literals, or alive until finish()
  std::string_view missing_;            ///< the required key whose absence is the first error
  status outcome_;
};

} // namespace pollux::domain
