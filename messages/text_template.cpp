// SPDX-License-Identifier: Apache-2.0
#include "messages/text_template.hpp"
#include "domain/model/config_node.hpp"
#include <algorithm>
#include <charconv>
#include <cmath>

namespace pollux::messages {
namespace {

bool starts_name(char c) noexcept { return c == '_' || (c >= 'a' && c <= 'z'); }
bool continues_name(char c) noexcept {
  return starts_name(c) || c == '.' || (c >= '0' && c <= '9');
}

template <class Number> void append_number(std::string& out, Number number) {
  char buffer[32];
  out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, number).ptr);
}

void append_json(std::string& out, std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      out.append("\\u00");
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
}

void append_topic(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool special = c == '/' || c == '+' || c == '#' || byte < 0x20 || byte == 0x7f;
    out.push_back(special ? '_' : c);
  }
}

failure unknown_placeholder(std::string_view name, const std::vector<std::string_view>& known) {
  std::string what = "unknown placeholder {" + std::string(name) + "}";
  if (const auto near = domain::nearest(name, known); !near.empty())
    return {errc::invalid_argument, what + "; did you mean {" + std::string(near) + "}?"};
  what += "; there are";
  for (const auto& each : known) what += " {" + std::string(each) + "}";
  return {errc::invalid_argument, what};
}

/// Whether the end of `text` lies within a JSON string, if its start did or not.
bool string_open_after(std::string_view text, bool open) noexcept {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (open && text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      open = !open;
  }
  return open;
}

} // namespace

std::size_t placeholder_length(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '{' || !starts_name(text[1])) return 0;
  std::size_t at = 2;
  while (at < text.size() && continues_name(text[at])) ++at;
  return at < text.size() && text[at] == '}' ? at + 1 : 0;
}

result<text_template> text_template::parse(std::string_view text, template_form form,
                                           const std::vector<std::string_view>& known) {
  text_template out;
  out.form_ = form;
  bool in_string = false;
  std::size_t literal = 0;
  const auto end_literal = [&](std::size_t at) {
    if (at == literal) return;
    const auto piece = text.substr(literal, at - literal);
    in_string = string_open_after(piece, in_string);
    out.parts_.push_back({std::string(piece), false, false});
  };
  for (std::size_t at = 0; at < text.size();) {
    const auto length = placeholder_length(text.substr(at));
    if (length == 0) {
      ++at;
      continue;
    }
    const auto name = text.substr(at + 1, length - 2);
    if (!known.empty() && std::find(known.begin(), known.end(), name) == known.end())
      return unknown_placeholder(name, known);
    end_literal(at);
    out.parts_.push_back({std::string(name), true, in_string});
    at += length;
    literal = at;
  }
  end_literal(text.size());
  return out;
}

std::vector<std::string_view> text_template::placeholders() const {
  std::vector<std::string_view> out;
  for (const auto& p : parts_)
    if (p.placeholder) out.push_back(p.text);
  return out;
}

void text_template::append(std::string& out, const part& place, const template_value& value) const {
  const bool json_value = form_ == template_form::json && !place.in_string;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return append_number(out, *whole);
  const auto* number = std::get_if<double>(&value);
  if (number != nullptr && std::isfinite(*number)) return append_number(out, *number);
  const auto* text = std::get_if<std::string_view>(&value);
  if (text == nullptr) {
    if (json_value) out.append("null");
    return;
  }
  if (form_ == template_form::topic) return append_topic(out, *text);
  if (form_ == template_form::plain) {
    out.append(*text);
    return;
  }
  if (json_value) out.push_back('"');
  append_json(out, *text);
  if (json_value) out.push_back('"');
}

} // namespace pollux::messages
