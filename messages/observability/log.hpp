// SPDX-License-Identifier: Apache-2.0
// Structured logs on stderr, as text or JSON lines (time, level, msg, component, fields), through
// spdlog. Levels change while running. A line repeated more than 20 times in 10 s by the same place
// (component and message) is held back; the next line after the 10 s is preceded by its count.
#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace pollux::messages::log {

enum class level : std::uint8_t { trace, debug, info, warning, error, off };
enum class format : std::uint8_t { text, json };

void configure(format f, level l);
void set_level(level l);
[[nodiscard]] level current_level();
/// False when `text` is not a level's name.
[[nodiscard]] bool parse_level(std::string_view text, level& out);

/// One named value of a line. Numbers are written as such, text is escaped.
struct field {
  std::string_view name;
  std::string value;
  bool quoted;
  field(std::string_view n, std::string_view v) : name(n), value(v), quoted(true) {}
  field(std::string_view n, const char* v) : name(n), value(v), quoted(true) {}
  field(std::string_view n, const std::string& v) : name(n), value(v), quoted(true) {}
  field(std::string_view n, double v);
  field(std::string_view n, bool v) : name(n), value(v ? "true" : "false"), quoted(false) {}
  template <class Integer>
  requires std::is_integral_v<Integer> field(std::string_view n, Integer v)
      : name(n), value(std::to_string(v)), quoted(false) {}
};

void write(level l, std::string_view component, std::string_view message,
           std::initializer_list<field> fields = {});
inline void debug(std::string_view c, std::string_view m, std::initializer_list<field> f = {}) {
  write(level::debug, c, m, f);
}
inline void info(std::string_view c, std::string_view m, std::initializer_list<field> f = {}) {
  write(level::info, c, m, f);
}
inline void warning(std::string_view c, std::string_view m, std::initializer_list<field> f = {}) {
  write(level::warning, c, m, f);
}
inline void error(std::string_view c, std::string_view m, std::initializer_list<field> f = {}) {
  write(level::error, c, m, f);
}
/// Writes what the rate limit has counted so far and flushes the stream.
void flush();
/// Sends finished lines elsewhere instead of to stderr (empty = stderr again): for tests. `to` is
/// called under the logger's lock and must not log.
void redirect(std::function<void(std::string_view)> to);

} // namespace pollux::messages::log
