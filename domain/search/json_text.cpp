// SPDX-License-Identifier: Apache-2.0
#include "domain/search/json_text.hpp"
#include <array>
#include <charconv>
#include <cmath>

namespace pollux::domain {

namespace {

constexpr auto npos = std::string_view::npos;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Four hex digits at `at`; -1 when they are none.
int code_unit(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return -1;
  int out = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    const auto digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    out = out * 16 + digit;
  }
  return out;
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
  }
}

/// The escape at text[at] == 'u'; returns where its last digit stands.
std::size_t append_escaped_unit(std::string& out, std::string_view text, std::size_t at) {
  const auto unit = code_unit(text, at + 1);
  if (unit < 0) return at;
  if (unit >= 0xd800 && unit < 0xdc00 && text.substr(at + 5, 2) == "\\u") {
    const auto low = code_unit(text, at + 7);
    if (low >= 0xdc00 && low < 0xe000) {
      append_utf8(out, 0x10000U + (static_cast<std::uint32_t>(unit - 0xd800) << 10) +
                           static_cast<std::uint32_t>(low - 0xdc00));
      return at + 10;
    }
  }
  const bool half = unit >= 0xd800 && unit < 0xe000;
  append_utf8(out, half ? 0xfffdU : static_cast<std::uint32_t>(unit));
  return at + 4;
}

/// Bytes of the UTF-8 character at `at`; 0 when it is none.
std::size_t utf8_size(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(at);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if (byte(at + i) < 0x80 || byte(at + i) > 0xbf) return 0;
  const auto second = byte(at + 1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
    return 0;
  return size;
}

std::size_t string_end(std::string_view json, std::size_t at) noexcept {
  for (auto i = at + 1; i < json.size(); ++i) {
    if (json[i] == '"') return i + 1;
    if (json[i] == '\\') ++i;
  }
  return npos;
}

std::string_view element(std::string_view array, std::string_view index) {
  std::size_t wanted = 0;
  const auto read = std::from_chars(index.data(), index.data() + index.size(), wanted);
  if (read.ec != std::errc{} || read.ptr != index.data() + index.size()) return {};
  auto at = std::size_t{1};
  for (std::size_t i = 0;; ++i) {
    at = skip_json_blanks(array, at);
    const auto end = json_end(array, at);
    if (end == npos || end == at) return {};
    if (i == wanted) return array.substr(at, end - at);
    at = skip_json_blanks(array, end);
    if (at >= array.size() || array[at] != ',') return {};
    ++at;
  }
}

/// Whether a member's key is the pointer's token, which has ~0 and ~1 for ~ and /.
bool same_key(std::string_view key, std::string_view token) {
  if (key.find('\\') == npos && token.find('~') == npos) return key == token;
  std::string plain, scratch;
  for (std::size_t i = 0; i < token.size(); ++i) {
    const bool escape = token[i] == '~' && i + 1 < token.size();
    plain += escape && token[i + 1] == '1' ? '/' : token[i];
    if (escape && (token[i + 1] == '0' || token[i + 1] == '1')) ++i;
  }
  return json_string('"' + std::string(key) + '"', scratch) == plain;
}

} // namespace

std::size_t skip_json_blanks(std::string_view json, std::size_t at) noexcept {
  while (at < json.size() &&
         (json[at] == ' ' || json[at] == '\n' || json[at] == '\t' || json[at] == '\r'))
    ++at;
  return at;
}

std::size_t json_end(std::string_view json, std::size_t at) noexcept {
  if (at >= json.size()) return npos;
  if (json[at] == '"') return string_end(json, at);
  if (json[at] != '{' && json[at] != '[') {
    const auto end = json.find_first_of(",]} \n\t\r", at);
    return end == npos ? json.size() : end;
  }
  std::size_t depth = 0;
  while (at < json.size()) {
    const auto c = json[at];
    if (c == '"') {
      at = string_end(json, at);
      if (at == npos) return npos;
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
  return npos;
}

std::string_view find_json(std::string_view json, std::string_view pointer) {
  const auto first = skip_json_blanks(json, 0);
  const auto last = json_end(json, first);
  if (last == npos) return {};
  auto value = json.substr(first, last - first);
  while (!pointer.empty()) {
    pointer.remove_prefix(1); // the '/'
    const auto cut = pointer.find('/');
    const auto token = pointer.substr(0, cut);
    pointer = cut == npos ? std::string_view{} : pointer.substr(cut);
    std::string_view found;
    if (value.front() == '[')
      found = element(value, token);
    else
      each_json_member(value, [&](std::string_view key, std::string_view member) {
        if (!same_key(key, token)) return true;
        found = member;
        return false;
      });
    if (found.empty()) return {};
    value = found;
  }
  return value;
}

std::string_view json_string(std::string_view json, std::string& scratch) {
  if (json.size() < 2) return {};
  const auto text = json.substr(1, json.size() - 2);
  if (text.find('\\') == npos) return text;
  scratch.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      scratch += text[i];
      continue;
    }
    const auto c = text[++i];
    if (c == 'u') {
      i = append_escaped_unit(scratch, text, i);
      continue;
    }
    constexpr std::string_view letters = "bfnrt", meant = "\b\f\n\r\t";
    const auto place = letters.find(c);
    scratch += place == npos ? c : meant[place];
  }
  return scratch;
}

void append_json(std::string& out, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const auto c = text[i];
    const auto size = utf8_size(text, i);
    if (size == 0) {
      out += "\xef\xbf\xbd";
      ++i;
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += digits[c >> 4 & 15];
      out += digits[c & 15];
    } else {
      out.append(text, i, size);
    }
    i += size;
  }
  out += '"';
}

void append_json(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_json(std::string& out, std::int64_t number) { out += std::to_string(number); }

} // namespace pollux::domain
