// SPDX-License-Identifier: Apache-2.0
// Reads one TOML table into settings: types, ranges, environment overrides, unknown keys. Every
// error is collected with its place instead of stopping at the first.
#pragma once
#include "config/bindings.hpp"
#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <vector>
// toml++ asserts on what it should report (a table header such as "[!]" would end the process);
// without its assertions its own error follows.
#define TOML_ASSERT(expr) static_assert(true)
#include <toml++/toml.h>

namespace pollux::config {

/// An error at a place; line 0 = not in the file (environment).
struct misfit {
  std::uint32_t line = 0, column = 0;
  std::string what;
};

/// What one reading of a file shares between its tables.
struct reading {
  std::string folder; ///< of the file, with a slash at the end, or empty
  std::vector<misfit> errors;
  std::set<std::string> environment; ///< names of overrides that keys stand for

  void fail(const toml::source_region& at, std::string what) {
    errors.push_back({at.begin.line, at.begin.column, std::move(what)});
  }
};

class reader {
public:
  /// `name`: "journal", "mqtt.ingress"; overrides are POLLUX_<NAME>_<KEY> when `overridable`.
  reader(reading& r, const toml::table& table, std::string name, bool overridable)
      : reading_(r), table_(table), name_(std::move(name)), overridable_(overridable) {}

  void text(std::string_view key, std::string& out, std::string_view help);
  void path(std::string_view key, std::string& out, std::string_view help);
  /// A list of texts; in the environment separated by commas.
  void texts(std::string_view key, std::vector<std::string>& out, std::string_view help);
  void flag(std::string_view key, bool& out, std::string_view help);
  void bytes(std::string_view key, std::uint64_t& out, std::uint64_t least, std::uint64_t most,
             std::string_view help);
  void duration(std::string_view key, std::int64_t& out_ns, std::int64_t least_ns,
                std::int64_t most_ns, std::string_view help);
  void choice(std::string_view key, std::string& out, choices names, std::string_view help);
  void durability(std::string_view key, messages::durability& out, std::string_view help);
  template <std::unsigned_integral Number>
  void number(std::string_view key, Number& out, std::int64_t least, std::int64_t most,
              std::string_view) {
    std::int64_t value = 0;
    if (whole_number(key, value, least, most)) out = static_cast<Number>(value);
  }

  /// A table or array of tables below this one, which is read on its own.
  void expect_table(std::string_view key) { known_.push_back(key); }
  /// Refuses the keys nobody asked for.
  void finish();
  /// True when the file or the environment gave the key.
  [[nodiscard]] bool given(std::string_view key) const;
  /// An error at the key, or at the table when the key is absent.
  void fail(std::string_view key, std::string_view what);

private:
  /// The key's value: an override as text, a node, or neither.
  struct found {
    const char* override = nullptr;
    const toml::node* node = nullptr;
  };
  found look(std::string_view key);
  /// The value as text when it is one, else an error that says what was `wanted`.
  bool as_text(std::string_view key, const found& f, std::string_view wanted, std::string& out);
  bool whole_number(std::string_view key, std::int64_t& out, std::int64_t least, std::int64_t most);
  [[nodiscard]] std::string override_name(std::string_view key) const;

  reading& reading_;
  const toml::table& table_;
  std::string name_;
  bool overridable_;
  std::vector<std::string_view> known_; ///< literals of bindings.hpp
};

} // namespace pollux::config
