// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/import_aws_types.hpp"
#include <algorithm>
#include <charconv>

namespace pollux::cli {
namespace {

using kind = aws_node::kind;

failure refuse(const std::string& why) { return {errc::refused, why}; }

std::string number_text(double v) {
  char text[40];
  return {text, std::to_chars(text, text + sizeof(text), v).ptr};
}

class translator {
public:
  explicit translator(const aws_types& types) : types_(types) {}

  result<std::string> value(const aws_node& n) {
    switch (n.what) {
    case kind::number: return number_text(n.number);
    case kind::boolean: return std::string(n.boolean ? "true" : "false");
    case kind::text: return literal(n);
    case kind::variable:
    case kind::input: return name(n, false);
    case kind::word: return refuse("the word " + n.name + " has no meaning here");
    case kind::unary: return unary(n);
    case kind::binary: return binary(n);
    case kind::call: return call(n);
    }
    return refuse("not understood");
  }
  aws_translation out;

private:
  static result<std::string> literal(const aws_node& n) {
    if (is_template(n.name)) return refuse("a text put together with ${...}");
    if (n.name.find('"') != std::string::npos) return refuse("a text that holds a double quote");
    if (n.name.size() > 256) return refuse("a text longer than 256 bytes");
    return "\"" + n.name + "\"";
  }

  /// `bare`: without quotes, as in unknown(a name).
  static result<std::string> name(const aws_node& n, bool bare) {
    if (n.what == kind::variable) return "var." + variable_name(n.name);
    if (n.indexed) return refuse("an element of an array: arrays of numbers are blocks of samples");
    if (n.name.empty()) return refuse("a whole message as a value");
    if (n.name.find_first_of("'\"(),") != std::string::npos || n.name.size() > 128 ||
        n.name.starts_with("var."))
      return refuse("telemetry of the name " + n.name);
    const bool plain =
        n.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789_.") == std::string::npos &&
        !(n.name[0] >= '0' && n.name[0] <= '9') && n.name[0] != '.' && n.name != "true" &&
        n.name != "false";
    return plain || bare ? n.name : "'" + n.name + "'";
  }

  result<std::string> unary(const aws_node& n) {
    if (n.name == "~") return refuse("operations on bits");
    auto inside = value(n.parts[0]);
    if (!inside) return inside;
    return n.name + "(" + *inside + ")";
  }

  result<std::string> binary(const aws_node& n) {
    const auto &left = n.parts[0], &right = n.parts[1];
    if (n.name == "|" || n.name == "&" || n.name == "^") return refuse("operations on bits");
    const bool reference = left.what == kind::variable || left.what == kind::input;
    if (reference && left == right && (n.name == "!=" || n.name == "==")) {
      out.differences.push_back("comparing a name with itself asks whether it has a value: written "
                                "as unknown()");
      auto known = name(left, true);
      if (!known) return known;
      return n.name == "!=" ? "unknown(" + *known + ")" : "!(unknown(" + *known + "))";
    }
    if (is_text(left) || is_text(right)) {
      if (n.name == "+") return refuse("texts put together with +");
      if (n.name != "==" && n.name != "!=") return refuse("texts in order of the alphabet");
    }
    if (n.name == "/" && may_be_whole(left) && may_be_whole(right))
      out.differences.push_back("a quotient of whole numbers is rounded there, and not here");
    auto a = nested(left, n), b = nested(right, n);
    if (!a) return a;
    if (!b) return b;
    return *a + " " + n.name + " " + *b;
  }

  result<std::string> nested(const aws_node& part, const aws_node& whole) {
    auto text = value(part);
    const bool chain = part.name == whole.name && (whole.name == "&&" || whole.name == "||");
    if (!text || part.what != kind::binary || chain) return text;
    return "(" + *text + ")";
  }

  [[nodiscard]] bool is_text(const aws_node& n) const {
    if (n.what == kind::text) return true;
    const auto& where = n.what == kind::variable ? types_.variables : types_.telemetry;
    if (n.what != kind::variable && n.what != kind::input) return false;
    const auto found = where.find(n.name);
    return found != where.end() && found->second == aws_type::text;
  }
  static bool may_be_whole(const aws_node& n) {
    if (n.what == kind::number) return n.whole;
    return std::all_of(n.parts.begin(), n.parts.end(), may_be_whole);
  }

  result<std::string> call(const aws_node& n) {
    const auto& f = n.name;
    if (f == "timeout" || f == "triggerType" || f == "currentInput") return about_now(n);
    if (f == "isUndefined" || f == "isNull") {
      if (n.parts.size() != 1 ||
          (n.parts[0].what != kind::variable && n.parts[0].what != kind::input))
        return refuse(f + "() of anything but a name");
      if (f == "isNull")
        out.differences.push_back("null in a message counts as missing: isNull() is true where "
                                  "there is no value at all, too");
      auto known = name(n.parts[0], true);
      if (!known) return known;
      return "unknown(" + *known + ")";
    }
    if (f == "startsWith" || f == "endsWith" || f == "contains") return matching(n);
    return refuse("the function " + f + "()");
  }

  result<std::string> about_now(const aws_node& n) {
    if (n.parts.size() != 1 || n.parts[0].what != kind::text)
      return refuse(n.name + "() of anything but one text");
    const auto& what = n.parts[0].name;
    if (n.name == "timeout") {
      out.timers.push_back(what);
      return "timeout('" + plain_name(what) + "')";
    }
    if (n.name == "triggerType") {
      if (what == "Timer") return std::string("by_timer()");
      if (what == "Message") return std::string("!by_timer()");
      return refuse("triggerType(\"" + what + "\")");
    }
    const auto found = types_.inputs.find(what);
    if (found == types_.inputs.end() || found->second.empty())
      return refuse("currentInput(\"" + what +
                    "\"), of which no attribute is used: nothing tells its messages apart");
    return "arrived('" + plain_name(what) + "')";
  }

  result<std::string> matching(const aws_node& n) {
    if (n.parts.size() != 2) return refuse(n.name + "() takes two texts");
    std::string both;
    for (const auto& p : n.parts) {
      if (!is_text(p)) return refuse(n.name + "() of anything but texts and names");
      auto text = value(p);
      if (!text) return text;
      if (text->find_first_of(",()'") != std::string::npos)
        return refuse(n.name + "() of a text that holds , ( ) or '");
      both += (both.empty() ? "" : ", ") + *text;
    }
    const char* ours = n.name == "startsWith" ? "starts_with("
                       : n.name == "endsWith" ? "ends_with("
                                              : "contains(";
    return ours + both + ")";
  }

  const aws_types& types_;
};

} // namespace

std::string plain_name(std::string_view theirs) {
  std::string ours(theirs.substr(0, 128));
  for (auto& c : ours)
    if (c == '\'' || c == '"' || c == '(' || c == ')' || c == ',') c = '_';
  return ours.empty() ? "_" : ours;
}

std::string variable_name(const std::string& theirs) {
  auto ours = plain_name(theirs);
  for (auto& c : ours) // it stands in expressions without quotes
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
      c = '_';
  return ours == "state" ? "state_" : ours;
}

result<aws_translation> translate(const aws_node& node, const aws_types& types) {
  translator one(types);
  auto text = one.value(node);
  if (!text) return text.error();
  one.out.text = std::move(*text);
  return std::move(one.out);
}

} // namespace pollux::cli
