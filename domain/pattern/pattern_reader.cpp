// SPDX-License-Identifier: Apache-2.0
// The pattern operator's keys: either written form becomes the same tree, and that the automaton.
#include "domain/model/registry.hpp"
#include "domain/pattern/pattern_json.hpp"
#include "domain/pattern/pattern_operator.hpp"
#include "domain/pattern/pattern_text.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {
namespace {

std::string in_text(const pattern_error& e) {
  return "in the pattern, line " + std::to_string(e.at.line) + ", column " +
         std::to_string(e.at.column) + ": " + e.what;
}

void read_skip(object_reader& in, pattern_tree& tree) {
  const auto* node = in.optional("skip", config_node::type::text);
  const auto choice = in.choice_or("skip", {"none", "next", "past_last", "to_first", "to_last"}, 2);
  const auto* to = in.optional("skip_to", config_node::type::text);
  if (node != nullptr) tree.skip = static_cast<skip_strategy>(choice);
  const bool needs = choice >= 3;
  if (needs && to == nullptr) return in.fail(*node, "name the stage: \"skip_to\"");
  if (!needs && to != nullptr) return in.fail(*to, "skip_to goes with to_first and to_last");
  if (to == nullptr) return;
  const auto at = std::find(tree.stages.begin(), tree.stages.end(), to->text);
  if (at == tree.stages.end()) {
    const auto near = nearest(to->text, {tree.stages.begin(), tree.stages.end()});
    return in.fail(*to, "no stage \"" + to->text + "\"" +
                            (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
  }
  tree.skip_stage = static_cast<std::uint16_t>(at - tree.stages.begin());
}

bool takes_events(const std::vector<pattern_element>& elements, std::uint16_t stage) {
  return std::any_of(elements.begin(), elements.end(), [&](const pattern_element& e) {
    if (e.what == pattern_element::kind::group) return takes_events(e.members, stage);
    return e.what == pattern_element::kind::stage && e.stage == stage;
  });
}

std::uint32_t bounded(object_reader& in, std::string_view key, std::uint32_t fallback,
                      double most) {
  const auto* node = in.optional(key, config_node::type::number);
  if (node == nullptr) return fallback;
  if (node->number >= 1 && node->number <= most && node->number == std::floor(node->number))
    return static_cast<std::uint32_t>(node->number);
  in.fail(*node, std::string(key) + " is a whole number between 1 and " +
                     std::to_string(static_cast<int>(most)));
  return fallback;
}

// The tree of whichever form is there; in_form says how its errors are told. False after an error.
bool read_tree(object_reader& in, model_scope& scope, pattern_conditions& conditions,
               pattern_tree& tree, const config_node*& text) {
  const auto* stages = in.optional("stages", config_node::type::array);
  text = in.optional("pattern", config_node::type::text);
  if (stages != nullptr && text != nullptr) {
    in.fail(*text, "stages or pattern, not both");
    return false;
  }
  if (stages != nullptr) {
    read_pattern_stages(in, *stages, scope, conditions, tree);
  } else if (text != nullptr) {
    auto read = read_pattern_text(text->text, scope, conditions);
    if (const auto* error = std::get_if<pattern_error>(&read)) {
      in.fail(*text, in_text(*error));
      return false;
    }
    tree = std::move(std::get<pattern_tree>(read));
  } else {
    in.require("pattern", config_node::type::text);
    return false;
  }
  if (tree.sequence.empty()) return false;
  const auto within = in.duration_ns_or("within", 0);
  if (const auto* node = in.optional("within", config_node::type::text)) {
    if (tree.within_ns > 0) in.fail(*node, "within stands in the pattern already");
    tree.within_ns = within;
  }
  read_skip(in, tree);
  return true;
}

} // namespace

std::unique_ptr<twin_operator> read_pattern(object_reader& in, model_scope& scope) {
  pattern_definition d;
  pattern_tree tree;
  const config_node* text = nullptr;
  const auto emission = in.choice_or("emit", {"match", "timeout", "both"}, 0);
  d.emission = static_cast<pattern_emission>(emission);
  d.bounds.max_partial = bounded(in, "max_partial", 64, 1024);
  const auto* most_events = in.optional("max_events", config_node::type::number);
  d.bounds.max_events = bounded(in, "max_events", 64, 1024);
  const auto keys = read_alert_keys(in);
  if (!read_tree(in, scope, d.conditions, tree, text)) return nullptr;
  if ((tree.skip == skip_strategy::to_first || tree.skip == skip_strategy::to_last) &&
      !takes_events(tree.sequence, tree.skip_stage)) {
    in.fail(text != nullptr ? *text : node_at(tree.sequence.front().at),
            "skip goes to a stage that takes events, not to what must not come");
    return nullptr;
  }
  auto built = build_pattern(tree);
  if (const auto* error = std::get_if<pattern_error>(&built)) {
    if (text != nullptr)
      in.fail(*text, in_text(*error));
    else
      in.fail(node_at(error->at), error->what);
    return nullptr;
  }
  d.graph = std::move(std::get<pattern_graph>(built));
  if (d.graph.shortest > d.bounds.max_events && most_events == nullptr)
    d.bounds.max_events = std::min<std::uint32_t>(d.graph.shortest, 1024);
  if (d.graph.shortest > d.bounds.max_events) {
    in.fail(most_events != nullptr ? *most_events : node_at(tree.sequence.front().at),
            "a match has at least " + std::to_string(d.graph.shortest) +
                " events, more than max_events");
    return nullptr;
  }
  d.stages = std::move(tree.stages);
  return std::make_unique<pattern_operator>(std::move(d), keys);
}

} // namespace pollux::domain
