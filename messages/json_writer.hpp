// SPDX-License-Identifier: Apache-2.0
// JSON straight into a string, member after member, for documents that are asked for thousands of
// times a second: a tree of values first would cost ten times as much. Writes what nlohmann's dump
// writes, byte for byte.
#pragma once
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace pollux::messages {

/// Scopes must be closed by whoever opens them. A name is written as it is: a literal without
/// anything to escape, or through name().
class json_writer {
public:
  explicit json_writer(std::size_t expected_bytes = 512) { out_.reserve(expected_bytes); }

  void begin(char bracket) {
    separate();
    out_ += bracket;
    comma_ = false;
  }
  void end(char bracket) {
    out_ += bracket;
    comma_ = true;
  }
  /// Of a member whose name needs no escaping; its value must follow.
  void key(std::string_view plain) {
    separate();
    ((out_ += '"') += plain) += "\":";
    comma_ = false;
  }
  /// As key(), for any name.
  void name(std::string_view any) {
    text(any);
    out_ += ':';
    comma_ = false;
  }

  /// Bytes that are no UTF-8 become replacement characters.
  void text(std::string_view value);
  void number(double value); ///< shortest that reads back the same; null when it is none
  void number(std::int64_t value);
  void number(std::uint64_t value);
  void truth(bool value) { raw(value ? "true" : "false"); }
  void null() { raw("null"); }
  void time(std::int64_t time_ns); ///< RFC 3339; null for no_time and never
  void raw(std::string_view json) {
    separate();
    out_ += json;
  }

  template <class Value> void member(std::string_view plain, const Value& value) {
    key(plain);
    if constexpr (std::same_as<Value, bool>)
      truth(value);
    else if constexpr (std::floating_point<Value>)
      number(static_cast<double>(value));
    else if constexpr (std::signed_integral<Value>)
      number(static_cast<std::int64_t>(value));
    else if constexpr (std::unsigned_integral<Value>)
      number(static_cast<std::uint64_t>(value));
    else
      text(value);
  }
  void time_member(std::string_view plain, std::int64_t time_ns) {
    key(plain);
    time(time_ns);
  }

  [[nodiscard]] std::string take() { return std::move(out_); }

private:
  void separate() {
    if (comma_) out_ += ',';
    comma_ = true;
  }
  std::string out_;
  bool comma_ = false; ///< something stands before, on this level
};

} // namespace pollux::messages
