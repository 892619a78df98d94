// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/import_aws_types.hpp"
#include <initializer_list>
#include <utility>

namespace pollux::cli {
namespace {

using kind = aws_node::kind;

failure conflict(const std::string& what) { return {errc::invalid_argument, what}; }

bool is_one_of(const std::string& name, std::initializer_list<const char*> all) {
  for (const auto* one : all)
    if (name == one) return true;
  return false;
}

} // namespace

const char* to_string(aws_type t) noexcept {
  switch (t) {
  case aws_type::open: return "of no known type";
  case aws_type::number: return "a number";
  case aws_type::boolean: return "true or false";
  case aws_type::text: return "a text";
  }
  return "";
}

bool aws_types::changed() noexcept { return std::exchange(changed_, false); }

result<aws_type> aws_types::settle(std::map<std::string, aws_type>& where, const std::string& name,
                                   aws_type wanted) {
  const auto [place, fresh] = where.emplace(name, aws_type::open);
  changed_ = changed_ || fresh;
  if (place->second == aws_type::open && wanted != aws_type::open) {
    place->second = wanted;
    changed_ = true;
  }
  if (wanted != aws_type::open && place->second != wanted)
    return conflict(name + " is used as " + to_string(wanted) + ", elsewhere as " +
                    to_string(place->second));
  return place->second;
}

result<aws_type> aws_types::variable(const std::string& name, aws_type wanted) {
  return settle(variables, name, wanted);
}

result<aws_type> aws_types::infer(const aws_node& node, aws_type wanted) {
  auto found = [&]() -> result<aws_type> {
    switch (node.what) {
    case kind::number: return aws_type::number;
    case kind::text: return aws_type::text;
    case kind::boolean: return aws_type::boolean;
    case kind::variable: return settle(variables, node.name, wanted);
    case kind::input:
      if (node.indexed || node.name.empty()) return aws_type::open; // refused when translated
      inputs[node.input].insert(node.name);
      return settle(telemetry, node.name, wanted);
    case kind::word: return aws_type::open;
    case kind::unary: {
      const auto type = node.name == "!" ? aws_type::boolean : aws_type::number;
      return infer(node.parts[0], type);
    }
    case kind::binary: return infer_binary(node);
    case kind::call: return infer_call(node);
    }
    return aws_type::open;
  }();
  if (!found) return found;
  if (wanted != aws_type::open && *found != aws_type::open && *found != wanted)
    return conflict(std::string(to_string(*found)) + " stands where " + to_string(wanted) +
                    " is due");
  return found;
}

// Two of one type; what one side tells is said to the other.
result<aws_type> aws_types::infer_pair(const aws_node& node, aws_type each, aws_type whole) {
  auto left = infer(node.parts[0], each);
  if (!left) return left;
  auto right = infer(node.parts[1], *left != aws_type::open ? *left : each);
  if (!right) return right;
  if (*left == aws_type::open && *right != aws_type::open)
    if (auto again = infer(node.parts[0], *right); !again) return again;
  return whole == aws_type::open ? right : whole;
}

result<aws_type> aws_types::infer_binary(const aws_node& node) {
  if (is_one_of(node.name, {"||", "&&"}))
    return infer_pair(node, aws_type::boolean, aws_type::boolean);
  if (is_one_of(node.name, {"==", "!="}))
    return infer_pair(node, aws_type::open, aws_type::boolean);
  if (is_one_of(node.name, {"<", "<=", ">", ">="}))
    return infer_pair(node, aws_type::number, aws_type::boolean);
  if (node.name == "+") { // of numbers, or of texts
    const auto left = infer(node.parts[0], aws_type::open);
    const auto right = infer(node.parts[1], aws_type::open);
    if (left && right && (*left == aws_type::text || *right == aws_type::text))
      return infer_pair(node, aws_type::text, aws_type::text);
  }
  return infer_pair(node, aws_type::number, aws_type::number);
}

result<aws_type> aws_types::infer_call(const aws_node& node) {
  if (is_one_of(node.name, {"timeout", "currentInput", "triggerType"})) {
    if (node.name == "currentInput" && node.parts.size() == 1) inputs[node.parts[0].name];
    return aws_type::boolean;
  }
  if (is_one_of(node.name, {"isNull", "isUndefined"})) {
    for (const auto& p : node.parts)
      if (auto one = infer(p, aws_type::open); !one) return one;
    return aws_type::boolean;
  }
  if (is_one_of(node.name, {"startsWith", "endsWith", "contains"})) {
    for (const auto& p : node.parts)
      if (auto one = infer(p, aws_type::text); !one) return one;
    return aws_type::boolean;
  }
  return aws_type::open; // refused when it is translated
}

} // namespace pollux::cli
