// SPDX-License-Identifier: Apache-2.0
// Text with placeholders, for topics and payloads that go out:
//   {"rule":"anomaly","field":"{field}","ts":{event_time_ms},"value":{value}}
// A placeholder is `{identifier}`, an identifier [a-z_][a-z0-9_.]*; every other brace is itself.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pollux::messages {

/// What a placeholder stands for; monostate = nothing known.
using template_value = std::variant<std::monostate, std::string_view, std::int64_t, double>;

/// How a value is written so that it cannot break out of its place.
enum class template_form : std::uint8_t {
  plain, ///< as it is
  json,  ///< escaped within a string; outside one, text gets its quotes and nothing known is null
  topic, ///< '/', '+', '#' and control characters become '_': one value, one topic level
};

class text_template {
public:
  /// Parses once. `known`: the placeholders there are; empty = any.
  /// Errors: invalid_argument, naming the placeholder and the nearest known one.
  static result<text_template> parse(std::string_view text, template_form form,
                                     const std::vector<std::string_view>& known = {});

  /// Appends the text with every placeholder replaced by `lookup(name)`, a function from
  /// std::string_view to template_value. Numbers are written as short as they read back exactly;
  /// NaN and infinities as nothing known.
  template <class Lookup> void render(std::string& out, Lookup&& lookup) const {
    for (const auto& p : parts_) {
      if (p.placeholder)
        append(out, p, lookup(std::string_view(p.text)));
      else
        out.append(p.text);
    }
  }
  /// The placeholders in order of appearance, with repetitions.
  [[nodiscard]] std::vector<std::string_view> placeholders() const;

private:
  struct part {
    std::string text; ///< literal text, or the placeholder's name
    bool placeholder = false;
    bool in_string = false; ///< json: between double quotes
  };
  void append(std::string& out, const part& place, const template_value& value) const;
  std::vector<part> parts_;
  template_form form_ = template_form::plain;
};

/// The length of the placeholder that begins `text` with its braces, or 0 if none does.
[[nodiscard]] std::size_t placeholder_length(std::string_view text) noexcept;

} // namespace pollux::messages
