// SPDX-License-Identifier: Apache-2.0
// Writes the model: types first, from all expressions together; then state by state. What cannot be
// said is left out and noted: an event whose condition is refused as a whole, of any other only the
// action.
#include "domain/base/time.hpp"
#include "domain/base/twin_id.hpp"
#include "messages/model_codec.hpp"
#include "tools/pollux/import_aws_detector.hpp"
#include "tools/pollux/import_aws_words.hpp"
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

namespace pollux::cli {
namespace {

using json = nlohmann::ordered_json;
using finding = import_finding::kind;

std::string id_of(std::string_view theirs, const char* fallback) {
  std::string ours(theirs.substr(0, 100));
  for (auto& c : ours)
    if (!is_id_part(std::string_view(&c, 1))) c = '_';
  return ours.empty() ? fallback : ours;
}

const char* type_name(aws_type t) {
  return t == aws_type::text ? "text" : t == aws_type::boolean ? "boolean" : "number";
}

class writer {
public:
  writer(const aws_detector& from, import_result& out)
      : from_(from), out_(out), words_(from, out.findings) {}

  json run() {
    json states = json::array();
    for (const auto& s : from_.states) states.push_back(state(s));
    json m;
    m["name"] = out_.model_name;
    m["description"] = "Imported from the AWS IoT Events detector model " +
                       (from_.name.empty() ? "of no name" : from_.name);
    m["telemetry"] = telemetry();
    m["operators"] = json::array();
    for (const auto& [target, name] : alerts_)
      m["operators"].push_back({{"name", name}, {"type", "machine_alert"}});
    json machine;
    machine["name"] = "machine";
    machine["type"] = "state_machine";
    machine["evaluation"] = from_.serial ? "serial" : "batch";
    machine["inputs"] = inputs();
    machine["variables"] = variables();
    machine["timers"] = timers();
    machine["initial"] = plain_name(from_.initial);
    machine["states"] = std::move(states);
    m["operators"].push_back(std::move(machine));
    write_configuration();
    return m;
  }

private:
  void say(finding what, const aws_place& at, std::string text) {
    note(out_.findings, what, at, std::move(text));
  }

  std::optional<aws_translation> expression(const aws_place& at) {
    auto said = words_.say(at);
    if (said)
      for (const auto& t : said->timers) timers_.try_emplace(t);
    return said;
  }
  static aws_place member(const aws_place& at, const char* key) {
    return {aws_member(*at.node, key), at.path + "." + key};
  }

  // --- states -----------------------------------------------------------------------------------
  json state(const aws_state& s) {
    json out;
    out["name"] = plain_name(s.name);
    if (plain_name(s.name) != s.name)
      say(finding::difference, s.at, "renamed to \"" + plain_name(s.name) + "\"");
    asked_.clear();
    events("on_enter", s.on_enter, out);
    asked_.clear();
    events("on_input", s.on_input, out);
    events("transitions", s.transitions, out);
    asked_.clear();
    events("on_exit", s.on_exit, out);
    return out;
  }

  void events(const char* key, const std::vector<aws_event>& all, json& out) {
    json list = json::array();
    for (const auto& e : all)
      if (auto one = event(e, key == std::string_view("transitions"))) list.push_back(*one);
    if (!list.empty()) out[key] = std::move(list);
  }

  std::optional<json> event(const aws_event& e, bool transition) {
    const auto before = out_.findings.size();
    json out = json::object();
    if (!e.name.empty()) out["name"] = e.name;
    if (!condition(e, out)) return std::nullopt;
    if (transition) {
      if (std::none_of(from_.states.begin(), from_.states.end(),
                       [&](const auto& s) { return s.name == e.next; })) {
        say(finding::refused, e.at, "nextState \"" + e.next + "\" is none of its states");
        return std::nullopt;
      }
      out["to"] = plain_name(e.next);
    }
    json actions = json::array();
    for (const auto& a : e.actions)
      if (auto one = action(a)) actions.push_back(*one);
    if (!actions.empty()) out["do"] = std::move(actions);
    if (out_.findings.size() == before)
      say(finding::exact, e.at,
          transition ? "transition \"" + e.name + "\" to \"" + e.next + "\""
                     : "event \"" + e.name + "\"");
    return out;
  }

  // False when the event cannot be said at all.
  bool condition(const aws_event& e, json& out) {
    if (e.condition.node == nullptr) return true;
    const auto text = expression(e.condition);
    if (!text) return false;
    const auto type = words_.type_of(e.condition);
    if (type == aws_type::number || type == aws_type::text) {
      say(finding::difference, e.condition,
          std::string(to_string(type)) + " is never true there: written as false");
      out["when"] = "false";
      return true;
    }
    for (const auto& t : text->timers) {
      if (std::find(asked_.begin(), asked_.end(), t) != asked_.end())
        say(finding::difference, e.condition,
            "timeout(\"" + t +
                "\") is asked more than once: there only the first is true, here "
                "all of one onInput, onEnter or onExit");
      asked_.push_back(t);
    }
    if (text->text != "true") out["when"] = text->text;
    return true;
  }

  // --- actions ----------------------------------------------------------------------------------
  std::optional<json> action(const aws_action& a) {
    if (a.verb == "setVariable") return set_variable(a);
    if (a.verb == "setTimer") return set_timer(a);
    if (a.verb == "clearTimer" || a.verb == "resetTimer") {
      const auto name = aws_text(*a.at.node, "timerName");
      timers_.try_emplace(name);
      return json{{a.verb == "clearTimer" ? "stop" : "restart", plain_name(name)}};
    }
    if (a.verb == "sns" || a.verb == "iotTopicPublish") return publish(a);
    static const std::map<std::string, const char*> others = {
        {"lambda", "a Lambda function"},
        {"sqs", "an SQS queue"},
        {"firehose", "a Firehose stream"},
        {"iotEvents", "another detector model's input"},
        {"dynamoDB", "a DynamoDB table"},
        {"dynamoDBv2", "a DynamoDB table"},
        {"iotSiteWise", "an asset property of IoT SiteWise"}};
    const auto known = others.find(a.verb);
    say(finding::refused, a.at,
        known != others.end() ? std::string("nothing here reaches ") + known->second
                              : "the action \"" + a.verb + "\" is not known");
    return std::nullopt;
  }

  std::optional<json> set_variable(const aws_action& a) {
    const auto theirs = aws_text(*a.at.node, "variableName");
    const auto value = member(a.at, "value");
    if (theirs.empty() || value.node == nullptr) {
      say(finding::refused, a.at, "a variable needs variableName and value");
      return std::nullopt;
    }
    auto text = expression(value);
    if (!text) return std::nullopt;
    if (variable_name(theirs) != theirs)
      say(finding::difference, a.at, "renamed to \"" + variable_name(theirs) + "\"");
    return json{{"set", variable_name(theirs)}, {"to", text->text}};
  }

  std::optional<json> set_timer(const aws_action& a) {
    const auto name = aws_text(*a.at.node, "timerName");
    const auto* seconds = aws_member(*a.at.node, "seconds");
    const auto duration = member(a.at, "durationExpression");
    const auto* tree = words_.parsed(duration.node);
    std::optional<double> constant;
    if (seconds != nullptr && seconds->kind == config_node::type::number)
      constant = seconds->number;
    else if (tree != nullptr && tree->what == aws_node::kind::number)
      constant = tree->number;
    if (constant && !(*constant >= 1 && *constant <= 3.2e7)) {
      say(finding::refused, a.at, "a timer runs for 1 second to a year");
      return std::nullopt;
    }
    timers_.try_emplace(name);
    if (constant)
      return json{
          {"start", plain_name(name)},
          {"for", format_duration(static_cast<std::int64_t>(std::floor(*constant)) * ns_per_s)}};
    if (duration.node == nullptr) {
      say(finding::refused, a.at, "neither seconds nor durationExpression");
      return std::nullopt;
    }
    auto text = expression(duration);
    if (!text) return std::nullopt;
    return json{{"start", plain_name(name)}, {"seconds", text->text}};
  }

  std::optional<json> publish(const aws_action& a) {
    const bool sns = a.verb == "sns";
    auto target = aws_text(*a.at.node, sns ? "targetArn" : "mqttTopic");
    if (target.empty()) {
      say(finding::refused, a.at, sns ? "no targetArn" : "no mqttTopic");
      return std::nullopt;
    }
    if (is_template(target)) {
      say(finding::refused, a.at, "a topic put together with ${...}");
      return std::nullopt;
    }
    std::string what = "emits the alert \"" + alert_of(target, sns) + "\", ";
    what += sns ? "for a receiver of alerts instead of the SNS topic"
                : "published by [[mqtt.egress]] to the same topic";
    if (aws_member(*a.at.node, "payload") != nullptr)
      what += "; the payload is an alert's, not the expression's";
    say(finding::difference, a.at, what);
    return json{{"emit", alert_of(target, sns)}};
  }

  std::string alert_of(const std::string& target, bool sns) {
    const auto known = std::find_if(alerts_.begin(), alerts_.end(),
                                    [&](const auto& one) { return one.first == target; });
    if (known != alerts_.end()) return known->second;
    const auto base = id_of(sns ? target.substr(target.rfind(':') + 1) : target, "alert");
    auto name = base;
    const auto taken = [&] {
      return name == "machine" || std::any_of(alerts_.begin(), alerts_.end(),
                                              [&](const auto& one) { return one.second == name; });
    };
    for (int i = 2; taken(); ++i) name = base + "_" + std::to_string(i);
    alerts_.emplace_back(target, name);
    if (!sns) topics_.push_back(alerts_.size() - 1);
    return name;
  }

  // --- names ------------------------------------------------------------------------------------
  json telemetry() {
    json all = json::object();
    std::map<std::string, std::string> owner;
    for (const auto& [input, attributes] : words_.types().inputs)
      for (const auto& attribute : attributes) {
        const auto [place, fresh] = owner.emplace(attribute, input);
        if (!fresh)
          say(finding::difference, {},
              "the inputs " + place->second + " and " + input + " both bring \"" + attribute +
                  "\", which is one telemetry here: let one of them send it under another name");
      }
    for (const auto& [name, type] : words_.types().telemetry) {
      if (name.empty() || name.size() > 128) continue;
      if (type == aws_type::open)
        say(finding::difference, {},
            "nothing tells the type of \"" + name + "\": taken for a number");
      all[name] = {{"type", type_name(type)}};
    }
    return all;
  }
  json inputs() {
    json all = json::array();
    for (const auto& [input, attributes] : words_.types().inputs) {
      json names = json::array();
      for (const auto& a : attributes)
        if (!a.empty() && a.size() <= 128) names.push_back(a);
      if (!names.empty())
        all.push_back({{"name", plain_name(input)}, {"telemetry", std::move(names)}});
    }
    return all;
  }
  json variables() {
    json all = json::array();
    std::map<std::string, bool> written;
    for (const auto& [name, type] : words_.types().variables) {
      if (!written.emplace(variable_name(name), true).second) continue;
      if (type == aws_type::open)
        say(finding::difference, {},
            "nothing tells the type of the variable \"" + name + "\": taken for a number");
      all.push_back({{"name", variable_name(name)}, {"type", type_name(type)}});
    }
    return all;
  }
  json timers() {
    json all = json::array();
    std::map<std::string, bool> written;
    for (const auto& [name, none] : timers_)
      if (written.emplace(plain_name(name), true).second)
        all.push_back({{"name", plain_name(name)}});
    return all;
  }

  void write_configuration() {
    auto& text = out_.configuration;
    const auto& model = out_.model_name;
    if (from_.key.empty())
      say(finding::difference, {}, "no key: one detector for all messages, here a twin per device");
    else
      say(finding::difference, {},
          "detectors are told apart by \"" + from_.key +
              "\" of the payload, twins by a part of the topic: put its value there");
    for (const auto& [input, attributes] : words_.types().inputs)
      text += "[[mqtt.ingress]]   # what was sent to the input " + plain_name(input) +
              "\ntopic = \"" + id_of(input, "input") + "/{name}\"\ntwin = \"" + model +
              ":{name}\"\nmodel = \"" + model + "\"\n\n";
    for (const auto i : topics_)
      text += "[[mqtt.egress]]\neffect = \"alert\"\nrule = \"" + alerts_[i].second +
              "\"\ntopic = " +
              json(alerts_[i].first).dump(-1, ' ', true, json::error_handler_t::replace) + "\n\n";
  }

  const aws_detector& from_;
  import_result& out_;
  aws_words words_;
  std::vector<std::pair<std::string, std::string>> alerts_; ///< target, name; in order of first use
  std::vector<std::size_t> topics_;                         ///< which of them are MQTT topics
  std::map<std::string, bool> timers_;
  std::vector<std::string> asked_; ///< timeouts of the list at work
};

} // namespace

std::size_t import_result::count(import_finding::kind what) const noexcept {
  return static_cast<std::size_t>(std::count_if(findings.begin(), findings.end(),
                                                [&](const auto& f) { return f.what == what; }));
}

result<import_result> import_aws_detector(std::string_view text, std::string_view file_name,
                                          const std::string& name) {
  const auto tree = messages::parse_config_tree(text, file_name);
  if (!tree) return tree.error();
  import_result out;
  auto detector = read_aws_detector(*tree, out.findings);
  if (!detector) return detector.error().within(std::string(file_name));
  out.model_name = id_of(name.empty() ? detector->name : name, "imported");
  out.model = writer(*detector, out).run().dump(2, ' ', false, json::error_handler_t::replace);
  out.model += '\n';
  const auto compiled = messages::parse_model(out.model, "the model");
  if (!compiled) {
    note(out.findings, import_finding::kind::refused, {},
         "what is left does not compile: " + compiled.error().what);
    out.model.clear();
  }
  std::stable_sort(out.findings.begin(), out.findings.end(), [](const auto& a, const auto& b) {
    const auto last = [](const auto& f) { return f.line == 0; };
    return std::tuple(last(a), a.line, a.column) < std::tuple(last(b), b.line, b.column);
  });
  return out;
}

} // namespace pollux::cli
