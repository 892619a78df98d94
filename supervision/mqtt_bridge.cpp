// SPDX-License-Identifier: Apache-2.0
#include "supervision/mqtt_bridge.hpp"
#include "actors/shard_host.hpp"
#include "bridge/mqtt/ingress.hpp"
#include "bridge/mqtt/paho_egress.hpp"
#include "bridge/mqtt/paho_source.hpp"
#include "bridge/mqtt/receiver/receiver.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <chrono>
#include <fstream>
#include <mutex>

namespace pollux::supervision {

struct mqtt_bridge::parts {
  std::shared_ptr<const bridge::topic_map> map;
  mqtt_bridge_surroundings with;
  std::unique_ptr<bridge::ingress> ingress, replayer;
  std::mutex replay_mutex;
  std::unique_ptr<bridge::source> source;
  std::unique_ptr<bridge::paho_egress> egress;
  bool any_d2 = false, egress_started = false;
  std::chrono::steady_clock::time_point started;
};

namespace {

result<bridge::broker_options> broker_of(const config::broker_settings& s) {
  bridge::broker_options out;
  out.url = s.url;
  out.client_id = s.client_id;
  out.version = s.version;
  out.username = s.username;
  out.ca_file = s.ca_file;
  out.certificate_file = s.certificate_file;
  out.key_file = s.key_file;
  out.clean_start = s.clean_start;
  out.session_expiry_s = s.session_expiry_s;
  out.keep_alive_s = s.keep_alive_s;
  out.will_topic = s.will_topic;
  out.max_in_flight = s.max_in_flight;
  out.receive_maximum = s.receive_maximum;
  out.reconnect_min_ns = s.reconnect_min_ns;
  out.reconnect_max_ns = s.reconnect_max_ns;
  if (s.password_file.empty()) return out;
  std::ifstream file{s.password_file};
  if (!file || !std::getline(file, out.password))
    return failure{errc::not_found, "mqtt.password_file " + s.password_file + " cannot be read"};
  return out;
}

bridge::time_unit unit_of(const std::string& text) {
  if (text == "s") return bridge::time_unit::s;
  if (text == "ms") return bridge::time_unit::ms;
  if (text == "us") return bridge::time_unit::us;
  if (text == "ns") return bridge::time_unit::ns;
  return bridge::time_unit::automatic;
}

bridge::ingress_mapping mapping_of(const config::ingress_settings& s,
                                   messages::durability node_default) {
  bridge::ingress_mapping m;
  m.topic = s.topic;
  m.twin = s.twin;
  m.model = s.model;
  m.qos = static_cast<int>(s.qos);
  m.connection = s.connection;
  m.share = s.share;
  m.durability = s.durability_set ? s.durability : node_default;
  m.decode.format =
      s.payload == "protobuf" ? bridge::payload_format::protobuf : bridge::payload_format::json;
  m.decode.unit = unit_of(s.time_unit);
  m.decode.time_field = s.time_field;
  m.decode.sequence_field = s.sequence_field;
  m.decode.future_guard_ns = s.future_guard_ns;
  m.decode.max_age_ns = s.max_age_ns;
  m.decode.max_payload_bytes = s.max_payload_bytes;
  return m;
}

} // namespace

mqtt_bridge::mqtt_bridge(std::unique_ptr<parts> p) : parts_(std::move(p)) {}

mqtt_bridge::~mqtt_bridge() {
  stop_source();
  stop_egress();
}

result<std::unique_ptr<mqtt_bridge>> mqtt_bridge::make(const config::settings& settings,
                                                       const mqtt_bridge_surroundings& with) {
  auto p = std::make_unique<parts>();
  p->with = with;
  std::vector<bridge::ingress_mapping> mappings;
  for (const auto& s : settings.ingress) {
    if (!s.model.empty() && !with.models->current(s.model))
      return failure{errc::invalid_argument, "ingress " + s.topic + ": there is no model " +
                                                 s.model + " in " + settings.node.models};
    mappings.push_back(mapping_of(s, settings.journal.durability));
    p->any_d2 = p->any_d2 || mappings.back().durability == messages::durability::d2;
  }
  auto map = bridge::topic_map::build(std::move(mappings));
  if (!map) return map.error();
  p->map = std::make_shared<const bridge::topic_map>(std::move(*map));
  auto broker = broker_of(settings.broker);
  if (!broker) return broker.error();
  const auto lookup = [models = with.models](std::string_view name) {
    return models->current(name);
  };
  const bridge::ingress_options options{"twins", settings.journal.durability, with.traces};
  p->ingress = std::make_unique<bridge::ingress>(p->map, options, *with.inlet, *with.quarantine,
                                                 lookup, *with.metrics);
  p->replayer = std::make_unique<bridge::ingress>(p->map, options, *with.inlet, *with.quarantine,
                                                  lookup, *with.metrics);
  if (settings.broker.source == "paho") {
    p->source = std::make_unique<bridge::paho_source>(*broker, p->ingress->subscriptions(),
                                                      *p->ingress, *with.inlet, *with.metrics);
  } else {
    for (const auto& s : settings.ingress) // room for the topic beside the payload
      broker->max_message_bytes = std::max(broker->max_message_bytes, s.max_payload_bytes + 65'536);
    p->source = bridge::make_receiver(*broker, p->ingress->topic_sets(), *p->ingress, *with.inlet,
                                      *with.metrics);
  }
  p->egress = std::make_unique<bridge::paho_egress>(*broker, *with.metrics);
  with.conditions->set("broker", false, "not connected yet: " + settings.broker.url);
  return std::unique_ptr<mqtt_bridge>(new mqtt_bridge(std::move(p)));
}

status mqtt_bridge::start() {
  parts_->started = std::chrono::steady_clock::now();
  return parts_->source->start();
}
void mqtt_bridge::stop_source() { parts_->source->stop(); }
void mqtt_bridge::stop_egress() { parts_->egress->stop(); }
messages::egress& mqtt_bridge::egress() { return *parts_->egress; }
bool mqtt_bridge::any_d2() const { return parts_->any_d2; }

status mqtt_bridge::replay(const messages::quarantined& record) {
  std::lock_guard lock{parts_->replay_mutex};
  return parts_->replayer->replay(record, actors::system_now_ns());
}

void mqtt_bridge::report() {
  const auto state = parts_->source->state();
  const bool in = state.phase == bridge::source_phase::connected;
  // A source that pauses (full disk) must not keep back for ever what is to go out.
  const auto waited = std::chrono::steady_clock::now() - parts_->started;
  if (!parts_->egress_started && (in || waited > std::chrono::seconds{5})) {
    parts_->egress_started = true;
    if (auto started = parts_->egress->start(); !started)
      messages::log::error("mqtt", "nothing can be published", {{"why", started.error().what}});
  }
  auto why = state.why;
  if (!in && why.empty()) why = bridge::to_string(state.phase);
  if (in && !parts_->egress->connected()) why = "outgoing connection not yet there";
  parts_->with.conditions->set("broker", in, why);
}

result<std::vector<actors::egress_rule>> compile_egress(const config::settings& settings) {
  std::vector<actors::egress_rule> rules;
  for (const auto& e : settings.egress) {
    const auto kind =
        e.effect == "command" ? domain::effect_kind::command : domain::effect_kind::alert;
    auto rule = actors::make_egress_rule(kind, e.rule, e.topic, e.payload,
                                         static_cast<std::uint8_t>(e.qos), e.retain);
    if (!rule) return rule.error().within("egress for " + e.effect + " " + e.rule);
    rules.push_back(std::move(*rule));
  }
  return rules;
}

} // namespace pollux::supervision
