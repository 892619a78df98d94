// SPDX-License-Identifier: Apache-2.0
// Settings back to TOML: what `config show` prints. Walks the same list of keys as the reader.
#include "config/bindings.hpp"
#include "config/size.hpp"

namespace pollux::config {

namespace {
/// A TOML basic string.
std::string quoted(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, c);
    } else if (u < 0x20 || u == 0x7f) {
      out.append("\\u00").append(1, hex[u >> 4]).append(1, hex[u & 15]);
    } else {
      out += c;
    }
  }
  return out + '"';
}

class writer {
public:
  void head(std::string_view line) {
    out_.append(out_.empty() ? "" : "\n").append(line).append("\n");
  }

  void text(std::string_view key, const std::string& v, std::string_view help) {
    line(key, quoted(v), help);
  }
  void path(std::string_view key, const std::string& v, std::string_view help) {
    text(key, v, help);
  }
  void texts(std::string_view key, const std::vector<std::string>& v, std::string_view help) {
    std::string list;
    for (const auto& one : v) list += (list.empty() ? "" : ", ") + quoted(one);
    line(key, "[" + list + "]", help);
  }
  void choice(std::string_view key, const std::string& v, choices, std::string_view help) {
    text(key, v, help);
  }
  void flag(std::string_view key, bool v, std::string_view help) {
    line(key, v ? "true" : "false", help);
  }
  template <class Number>
  void number(std::string_view key, Number v, std::int64_t, std::int64_t, std::string_view help) {
    line(key, std::to_string(v), help);
  }
  void bytes(std::string_view key, std::uint64_t v, std::uint64_t, std::uint64_t,
             std::string_view help) {
    line(key, quoted(format_size(v)), help);
  }
  void duration(std::string_view key, std::int64_t v, std::int64_t, std::int64_t,
                std::string_view help) {
    line(key, quoted(format_duration(v)), help);
  }
  void durability(std::string_view key, messages::durability v, std::string_view help) {
    line(key, quoted(to_text(v)), help);
  }
  [[nodiscard]] std::string finish() && { return std::move(out_); }

private:
  void line(std::string_view key, const std::string& value, std::string_view help) {
    std::string text = std::string(key) + " = " + value;
    if (text.size() < 40) text.resize(40, ' ');
    out_.append(text).append(" # ").append(help).append("\n");
  }
  std::string out_;
};
} // namespace

std::string to_toml(const settings& given) {
  settings s = given; // visiting takes references that may be written
  writer out;
  out.head("[node]");
  visit(out, s.node);
  out.head("[journal]");
  visit(out, s.journal);
  out.head("[twins]");
  visit(out, s.twins);
  out.head("[mqtt]");
  visit(out, s.broker);
  for (auto& in : s.ingress) {
    out.head("[[mqtt.ingress]]");
    visit(out, in);
  }
  for (auto& to : s.egress) {
    out.head("[[mqtt.egress]]");
    visit(out, to);
  }
  out.head("[http]");
  visit(out, s.http);
  out.head("[remote]");
  visit(out, s.remote);
  out.head("[log]");
  visit(out, s.log);
  out.head("[testing]");
  visit(out, s.testing);
  return std::move(out).finish();
}

} // namespace pollux::config
