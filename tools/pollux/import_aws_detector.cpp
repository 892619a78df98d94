// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/import_aws_detector.hpp"
#include <algorithm>
#include <initializer_list>

namespace pollux::cli {
namespace {

using type = config_node::type;

bool is_key(std::string_view key, std::string_view wanted) noexcept {
  if (key == wanted) return true;
  return key.size() == wanted.size() && !key.empty() && key.substr(1) == wanted.substr(1) &&
         key[0] >= 'A' && key[0] <= 'Z' && key[0] - 'A' + 'a' == wanted[0];
}

aws_place within(const aws_place& at, std::string_view key) {
  return {aws_member(*at.node, key), at.path + "." + std::string(key)};
}

class reader {
public:
  explicit reader(std::vector<import_finding>& findings) : findings_(findings) {}

  result<aws_detector> run(const config_node& root) {
    const config_node* outer = &root;
    for (const auto* shell : {"Properties", "detectorModel"})
      if (const auto* inner = aws_member(*outer, shell)) outer = inner;
    aws_detector out;
    if (const auto* settings = aws_member(*outer, "detectorModelConfiguration"))
      take_settings(*settings, out);
    take_settings(*outer, out);
    aws_place at{outer, "detectorModelDefinition"};
    if (const auto* definition = aws_member(*outer, "detectorModelDefinition"))
      at.node = definition;
    else
      at.path.clear();
    const auto* states = aws_member(*at.node, "states");
    if (states == nullptr || states->kind != type::array || states->members.empty())
      return failure{errc::invalid_argument, no_states(*outer)};
    out.initial = aws_text(*at.node, "initialStateName");
    out.initial_at = {aws_member(*at.node, "initialStateName"), join(at.path, "initialStateName")};
    for (std::size_t i = 0; i < states->members.size(); ++i)
      out.states.push_back(
          state({&states->members[i].second, join(at.path, "states[" + std::to_string(i) + "]")}));
    if (std::none_of(out.states.begin(), out.states.end(),
                     [&](const auto& s) { return s.name == out.initial; }))
      return failure{errc::invalid_argument,
                     "initialStateName \"" + out.initial + "\" is none of its states"};
    return out;
  }

private:
  static std::string join(const std::string& path, const std::string& more) {
    return path.empty() ? more : path + "." + more;
  }
  static std::string no_states(const config_node& outer) {
    if (aws_member(outer, "alarmRule") != nullptr || aws_member(outer, "alarmModelName") != nullptr)
      return "an alarm model, not a detector model: write a threshold operator with \"latch\"";
    return "no detector model: neither \"detectorModelDefinition\" nor \"states\" is there";
  }
  static void take_settings(const config_node& from, aws_detector& out) {
    const auto take = [&](const char* key, std::string& to) {
      if (auto text = aws_text(from, key); !text.empty()) to = std::move(text);
    };
    take("detectorModelName", out.name);
    take("detectorModelDescription", out.description);
    take("key", out.key);
    std::string method;
    take("evaluationMethod", method);
    if (!method.empty()) out.serial = method == "SERIAL";
  }

  void refuse(const aws_place& at, std::string why) {
    note(findings_, import_finding::kind::refused, at, std::move(why));
  }
  void only(const aws_place& at, std::initializer_list<std::string_view> known) {
    for (const auto& [key, value] : at.node->members)
      if (std::none_of(known.begin(), known.end(), [&](auto k) { return is_key(key, k); }))
        refuse({&value, at.path + "." + key}, "a key that is not known");
  }
  bool expect(const aws_place& at, type kind, const char* what) {
    if (at.node->kind == kind) return true;
    refuse(at, std::string(what) + " is due here");
    return false;
  }

  aws_state state(const aws_place& at) {
    aws_state out;
    out.at = at;
    if (!expect(at, type::object, "a state")) return out;
    out.name = aws_text(*at.node, "stateName");
    only(at, {"stateName", "onInput", "onEnter", "onExit"});
    for (const auto& [key, list] :
         {std::pair{"onEnter", &out.on_enter}, std::pair{"onInput", &out.on_input},
          std::pair{"onExit", &out.on_exit}}) {
      const auto group = within(at, key);
      if (group.node == nullptr || !expect(group, type::object, "an object")) continue;
      const bool input = list == &out.on_input;
      only(group, input ? std::initializer_list<std::string_view>{"events", "transitionEvents"}
                        : std::initializer_list<std::string_view>{"events"});
      events(within(group, "events"), *list);
      if (input) events(within(group, "transitionEvents"), out.transitions);
    }
    return out;
  }

  void events(const aws_place& at, std::vector<aws_event>& out) {
    if (at.node == nullptr || !expect(at, type::array, "a list of events")) return;
    for (std::size_t i = 0; i < at.node->members.size(); ++i)
      event({&at.node->members[i].second, at.path + "[" + std::to_string(i) + "]"}, out);
  }

  void event(const aws_place& at, std::vector<aws_event>& out) {
    if (!expect(at, type::object, "an event")) return;
    only(at, {"eventName", "condition", "actions", "nextState"});
    aws_event e;
    e.at = at;
    e.name = aws_text(*at.node, "eventName");
    e.next = aws_text(*at.node, "nextState");
    e.condition = within(at, "condition");
    const auto actions = within(at, "actions");
    if (actions.node != nullptr && expect(actions, type::array, "a list of actions"))
      for (std::size_t i = 0; i < actions.node->members.size(); ++i)
        action({&actions.node->members[i].second, actions.path + "[" + std::to_string(i) + "]"}, e);
    out.push_back(std::move(e));
  }

  void action(const aws_place& at, aws_event& out) {
    if (!expect(at, type::object, "an action")) return;
    for (const auto& [key, body] : at.node->members) {
      auto verb = key;
      if (!verb.empty() && verb[0] >= 'A' && verb[0] <= 'Z')
        verb[0] = static_cast<char>(verb[0] - 'A' + 'a');
      const aws_place inside{&body, at.path + "." + key};
      if (expect(inside, type::object, "an object")) out.actions.push_back({inside, verb});
    }
  }

  std::vector<import_finding>& findings_;
};

} // namespace

void note(std::vector<import_finding>& findings, import_finding::kind what, const aws_place& at,
          std::string text) {
  import_finding f;
  f.what = what;
  if (at.node != nullptr) {
    f.line = at.node->line;
    f.column = at.node->column;
  }
  f.path = at.path;
  f.text = std::move(text);
  findings.push_back(std::move(f));
}

const config_node* aws_member(const config_node& node, std::string_view key) noexcept {
  if (node.kind != type::object) return nullptr;
  for (const auto& [name, value] : node.members)
    if (is_key(name, key) || name == key) return &value;
  return nullptr;
}

std::string aws_text(const config_node& node, std::string_view key) {
  const auto* found = aws_member(node, key);
  return found != nullptr && found->kind == type::text ? found->text : std::string{};
}

result<aws_detector> read_aws_detector(const config_node& root,
                                       std::vector<import_finding>& findings) {
  return reader(findings).run(root);
}

} // namespace pollux::cli
