// SPDX-License-Identifier: Apache-2.0
#include "domain/pattern/pattern_json.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {

config_node node_at(source_place at) {
  config_node node;
  node.line = at.line;
  node.column = at.column;
  return node;
}

namespace {

constexpr std::string_view connectors[] = {"next", "followed_by", "followed_by_any"};

class stage_reader {
public:
  stage_reader(model_scope& scope, pattern_conditions& conditions, pattern_tree& tree)
      : tree_(tree), conditions_(scope, conditions, tree.stages) {}

  std::vector<pattern_element> list(const config_node& stages, std::size_t depth);
  [[nodiscard]] const status& error() const { return error_; }

private:
  void element(const config_node& node, pattern_element& e, contiguity& then, bool last,
               std::size_t depth);
  void name(object_reader& in, const config_node& node, pattern_element& e);
  void times(object_reader& in, const config_node& node, pattern_element& e);
  condition_id condition(object_reader& in, std::string_view key);
  void fail(const config_node& at, const std::string& what) {
    if (error_) error_ = error_at(at, what);
  }
  static std::uint32_t whole(object_reader& in, std::string_view key, std::uint32_t fallback);

  pattern_tree& tree_;
  condition_reader conditions_;
  status error_;
};

std::vector<pattern_element> stage_reader::list(const config_node& stages, std::size_t depth) {
  std::vector<pattern_element> out;
  if (depth > max_pattern_depth) {
    fail(stages, "groups nested deeper than " + std::to_string(max_pattern_depth));
    return out;
  }
  if (stages.members.empty()) fail(stages, "a pattern or group has at least one stage");
  contiguity then = contiguity::relaxed;
  for (const auto& [key, node] : stages.members) {
    if (!error_) return out;
    if (node.kind != config_node::type::object) {
      fail(node, "a stage is an object");
      return out;
    }
    auto& e = out.emplace_back();
    e.before = then;
    element(node, e, then, &node == &stages.members.back().second, depth);
    if (!error_) return out;
    if (const char* fault = fault_of(e)) fail(node, fault);
  }
  return out;
}

void stage_reader::element(const config_node& node, pattern_element& e, contiguity& then, bool last,
                           std::size_t depth) {
  object_reader in(node, "stage");
  in.text_or("description", "");
  e.at = {node.line, node.column};
  const auto* members = in.optional("stages", config_node::type::array);
  if (in.boolean_or("not", false)) e.what = pattern_element::kind::negative;
  if (members != nullptr) e.what = pattern_element::kind::group;
  const auto* given_then = in.optional("then", config_node::type::text);
  const auto choice =
      in.choice_or("then", {connectors[0], connectors[1], connectors[2]}, std::size_t{1});
  if (last && given_then != nullptr) in.fail(*given_then, "nothing follows the last stage");
  then = static_cast<contiguity>(choice);
  times(in, node, e);
  e.optional = in.boolean_or("optional", false) || e.optional;
  e.greedy = in.boolean_or("greedy", false);
  const auto inside = in.choice_or("contiguity", {"relaxed", "consecutive", "combinations"}, 0);
  e.inside = inside == 0 ? contiguity::relaxed : inside == 1 ? contiguity::strict : contiguity::any;
  e.step_ns = in.duration_ns_or("within", 0);
  if (members == nullptr) {
    name(in, node, e);
    if (e.what == pattern_element::kind::negative) conditions_.note_negative(e.stage);
    e.where = condition(in, "where");
    if (e.what == pattern_element::kind::negative && e.where == no_condition)
      in.fail(node, "what must not come needs a where");
  } else if (in.boolean_or("not", false)) {
    in.fail(node, "what must not come is one stage, not a group");
  }
  if (error_ && members != nullptr) e.members = list(*members, depth + 1);
  e.until = condition(in, "until"); // it may look back at the group's own stages
  if (auto s = in.finish(); !s && error_) error_ = s;
}

void stage_reader::name(object_reader& in, const config_node& node, pattern_element& e) {
  auto name = in.text_or("name", "s" + std::to_string(tree_.stages.size() + 1));
  const auto* at = in.optional("name", config_node::type::text);
  if (at == nullptr) at = &node;
  if (!is_stage_name(name))
    in.fail(*at, "a stage's name is letters, digits and _, begins with a letter, up to 64 bytes");
  if (std::find(tree_.stages.begin(), tree_.stages.end(), name) != tree_.stages.end())
    in.fail(*at, "a stage \"" + name + "\" stands above already");
  if (tree_.stages.size() >= max_pattern_stages) {
    fail(*at, "more than " + std::to_string(max_pattern_stages) + " stages");
    return;
  }
  e.stage = static_cast<std::uint16_t>(tree_.stages.size());
  tree_.stages.push_back(std::move(name));
}

std::uint32_t stage_reader::whole(object_reader& in, std::string_view key, std::uint32_t fallback) {
  const auto* node = in.optional(key, config_node::type::number);
  if (node == nullptr) return fallback;
  if (node->number >= 0 && node->number <= max_pattern_times &&
      node->number == std::floor(node->number))
    return static_cast<std::uint32_t>(node->number);
  in.fail(*node, "expected a whole number up to " + std::to_string(max_pattern_times));
  return fallback;
}

void stage_reader::times(object_reader& in, const config_node& node, pattern_element& e) {
  const bool exact = in.optional("times", config_node::type::number) != nullptr;
  const bool from = in.optional("at_least", config_node::type::number) != nullptr;
  const bool to = in.optional("at_most", config_node::type::number) != nullptr;
  if (exact && (from || to)) in.fail(node, "times, or at_least and at_most, not both");
  if (exact) {
    e.least = e.most = whole(in, "times", 1);
  } else if (from || to) {
    e.least = whole(in, "at_least", 1);
    e.most = whole(in, "at_most", without_end);
  }
  if (e.least != 0 || exact) return;
  e.least = 1;
  e.optional = true;
}

condition_id stage_reader::condition(object_reader& in, std::string_view key) {
  const auto* node = in.optional(key, config_node::type::text);
  if (node == nullptr) return no_condition;
  const auto read = conditions_.read(node->text);
  if (read) return *read;
  in.fail(*node, read.error().what);
  return no_condition;
}

} // namespace

void read_pattern_stages(object_reader& in, const config_node& stages, model_scope& scope,
                         pattern_conditions& conditions, pattern_tree& tree) {
  stage_reader reader(scope, conditions, tree);
  tree.sequence = reader.list(stages, 1);
  if (!reader.error()) in.fail(config_node{}, reader.error().error().what); // it names its place
}

} // namespace pollux::domain
