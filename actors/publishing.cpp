// SPDX-License-Identifier: Apache-2.0
#include "actors/publishing.hpp"
#include "actors/glob.hpp"
#include "domain/base/time.hpp"
#include "messages/documents.hpp"

namespace pollux::actors {

namespace {

using messages::template_value;

// Numbers and times of the evidence are found by their own names, so no list of them is closed.
const std::vector<std::string_view> no_closed_list;

template_value evidence_value(const domain::evidence& proof, std::string_view name) {
  for (const auto& n : proof.numbers)
    if (n.name == name) return n.value;
  if (name.ends_with("_ms"))
    for (const auto& t : proof.times)
      if (t.name == name.substr(0, name.size() - 3)) return t.time_ns / ns_per_ms;
  if (name.ends_with("_ns"))
    for (const auto& t : proof.times)
      if (t.name == name.substr(0, name.size() - 3)) return t.time_ns;
  return {};
}

// The text values a template may name; owns what it renders so that views stay valid.
class effect_values {
public:
  effect_values(std::string_view twin, const domain::effect& what)
      : what_(what), twin_(twin), id_(to_string(what.id)) {
    const auto colon = twin.find(':');
    space_ = twin.substr(0, colon);
    name_ = colon == std::string_view::npos ? twin : twin.substr(colon + 1);
    incident_ = to_string(what.alert.incident);
    event_time_ = format_rfc3339(what.alert.event_time_ns);
    ingest_time_ = format_rfc3339(what.ingest_time_ns);
  }

  template_value operator()(std::string_view name) const {
    if (name == "twin") return twin_;
    if (name == "namespace") return space_;
    if (name == "name") return name_;
    if (name == "id") return std::string_view{id_};
    if (name == "model_hash") return std::string_view{what_.model_hash};
    if (name == "ingest_time") return std::string_view{ingest_time_};
    if (name == "ingest_time_ms") return what_.ingest_time_ns / ns_per_ms;
    return what_.kind == domain::effect_kind::alert ? alert(name) : command(name);
  }

private:
  [[nodiscard]] template_value alert(std::string_view name) const {
    const auto& a = what_.alert;
    if (name == "rule") return std::string_view{a.rule};
    if (name == "field") return std::string_view{a.proof.field};
    if (name == "incident") return std::string_view{incident_};
    if (name == "transition") return std::string_view{domain::to_string(a.transition)};
    if (name == "severity") return std::string_view{domain::to_string(a.level)};
    if (name == "message") return std::string_view{a.message};
    if (name == "by") return std::string_view{a.by};
    if (name == "to") return std::string_view{a.to};
    if (name == "group") return std::string_view{a.group};
    if (name == "explanation") return std::string_view{a.proof.explanation};
    if (name == "event_time") return std::string_view{event_time_};
    if (name == "event_time_ms") return a.event_time_ns / ns_per_ms;
    if (name == "event_time_ns") return a.event_time_ns;
    return evidence_value(a.proof, name);
  }
  [[nodiscard]] template_value command(std::string_view name) const {
    const auto& c = what_.command;
    if (name == "rule" || name == "command") return std::string_view{c.name};
    if (name == "command_id") return std::string_view{c.command_id};
    if (name == "phase") return std::string_view{domain::to_string(c.phase)};
    if (name == "expires_at_ms") return c.expires_at_ns / ns_per_ms;
    for (const auto& n : c.numbers)
      if (n.name == name) return n.value;
    for (const auto& [key, value] : c.texts)
      if (key == name) return std::string_view{value};
    return {};
  }

  const domain::effect& what_;
  std::string_view twin_, space_, name_;
  std::string id_, incident_, event_time_, ingest_time_;
};

messages::publication render(const egress_rule& rule, std::string_view twin,
                             const domain::effect& what) {
  messages::publication out;
  const effect_values values{twin, what};
  rule.topic.render(out.topic, values);
  out.qos = rule.qos;
  out.retain = rule.retain;
  if (rule.payload) {
    rule.payload->render(out.payload, values);
    out.content_type = "application/json";
  } else if (what.kind == domain::effect_kind::alert) {
    out.payload = messages::cloud_event(twin, what);
    out.content_type = "application/cloudevents+json";
  }
  if (what.kind == domain::effect_kind::command) {
    if (!rule.payload) {
      out.payload = messages::command_payload(twin, what.command);
      out.content_type = "application/json";
    }
    out.correlation_data = what.command.command_id;
    out.expires_at_ns = what.command.expires_at_ns;
    if (out.topic.ends_with("/request"))
      out.response_topic = out.topic.substr(0, out.topic.size() - 8) + "/response";
  }
  return out;
}

} // namespace

result<egress_rule> make_egress_rule(domain::effect_kind kind, std::string_view rule_glob,
                                     std::string_view topic, std::string_view payload,
                                     std::uint8_t qos, bool retain) {
  egress_rule rule;
  rule.kind = kind;
  rule.rule_glob = rule_glob;
  rule.qos = qos;
  rule.retain = retain;
  auto topic_template =
      messages::text_template::parse(topic, messages::template_form::topic, no_closed_list);
  if (!topic_template) return topic_template.error().within("egress topic");
  rule.topic = std::move(*topic_template);
  if (!payload.empty()) {
    auto payload_template =
        messages::text_template::parse(payload, messages::template_form::json, no_closed_list);
    if (!payload_template) return payload_template.error().within("egress payload");
    rule.payload = std::move(*payload_template);
  }
  return rule;
}

std::optional<messages::publication> publication_of(const std::vector<egress_rule>& rules,
                                                    std::string_view twin,
                                                    const domain::effect& what) {
  if (what.kind == domain::effect_kind::fault) return std::nullopt;
  if (what.kind == domain::effect_kind::alert && what.alert.quiet != domain::silence::none)
    return std::nullopt;
  if (what.kind == domain::effect_kind::command &&
      what.command.phase != domain::command_phase::dispatched)
    return std::nullopt;
  const auto& name = what.kind == domain::effect_kind::alert ? what.alert.rule : what.command.name;
  for (const auto& rule : rules)
    if (rule.kind == what.kind && matches_glob(rule.rule_glob, name))
      return render(rule, twin, what);
  return std::nullopt;
}

} // namespace pollux::actors
