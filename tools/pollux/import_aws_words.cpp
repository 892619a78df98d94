// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/import_aws_words.hpp"

namespace pollux::cli {

aws_words::aws_words(const aws_detector& from, std::vector<import_finding>& findings)
    : findings_(findings) {
  for (int i = 0; i < 16; ++i) { // each name settles once: a few rounds do
    for (const auto& s : from.states)
      for (const auto* list : {&s.on_enter, &s.on_input, &s.transitions, &s.on_exit})
        for (const auto& e : *list) learn(e);
    if (!types_.changed()) return;
  }
}

const aws_node* aws_words::parsed(const config_node* node) {
  if (node == nullptr || node->kind != config_node::type::text) return nullptr;
  const auto [place, fresh] = expressions_.try_emplace(node);
  if (fresh) {
    auto tree = parse_aws_expression(node->text);
    if (tree)
      place->second = std::move(*tree);
    else
      why_not_[node] = tree.error().what;
  }
  return place->second ? &*place->second : nullptr;
}

void aws_words::learn(const aws_event& e) {
  if (const auto* c = parsed(e.condition.node)) {
    const bool name = c->what == aws_node::kind::variable || c->what == aws_node::kind::input;
    learn(e.condition.node, *c, name ? aws_type::boolean : aws_type::open);
  }
  for (const auto& a : e.actions) learn(a);
}

void aws_words::learn(const config_node* node, const aws_node& tree, aws_type wanted) {
  const auto type = types_.infer(tree, wanted);
  if (!type) why_not_.emplace(node, type.error().what);
}

void aws_words::learn(const aws_action& a) {
  if (a.verb == "setTimer") {
    const auto* e = aws_member(*a.at.node, "durationExpression");
    if (const auto* tree = parsed(e)) learn(e, *tree, aws_type::number);
  }
  if (a.verb != "setVariable") return;
  const auto name = aws_text(*a.at.node, "variableName");
  const auto* value = aws_member(*a.at.node, "value");
  const auto* tree = parsed(value);
  if (tree == nullptr || name.empty()) return;
  const auto known = types_.variable(name, aws_type::open);
  const auto type = types_.infer(*tree, known ? *known : aws_type::open);
  if (!type) {
    why_not_.emplace(value, type.error().what);
    return;
  }
  if (const auto s = types_.variable(name, *type); !s) why_not_.emplace(value, s.error().what);
}

aws_type aws_words::type_of(const aws_place& at) {
  const auto* tree = parsed(at.node);
  if (tree == nullptr) return aws_type::open;
  const auto type = types_.infer(*tree, aws_type::open);
  return type ? *type : aws_type::open;
}

std::optional<aws_translation> aws_words::say(const aws_place& at) {
  using finding = import_finding::kind;
  const auto* tree = parsed(at.node);
  const auto trouble = why_not_.find(at.node);
  if (tree == nullptr || trouble != why_not_.end()) {
    note(findings_, finding::refused, at,
         trouble != why_not_.end() ? trouble->second : "a text is due here");
    return std::nullopt;
  }
  auto text = translate(*tree, types_);
  if (!text) {
    note(findings_, finding::refused, at, text.error().what);
    return std::nullopt;
  }
  for (const auto& d : text->differences) note(findings_, finding::difference, at, d);
  return std::move(*text);
}

} // namespace pollux::cli
