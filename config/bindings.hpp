// SPDX-License-Identifier: Apache-2.0
// Every key of pollux.toml, once: name, place in the settings, range, meaning. The reader, the
// writer (`config show`) and the tests walk the same list, so none of them can forget a key.
#pragma once
#include "config/config.hpp"
#include "domain/base/time.hpp"
#include <initializer_list>
#include <string_view>

namespace pollux::config {

inline constexpr std::int64_t minute_ns = 60 * ns_per_s, hour_ns = 60 * minute_ns,
                              day_ns = 24 * hour_ns;
inline constexpr std::uint64_t kib = 1ull << 10, mib = 1ull << 20, gib = 1ull << 30,
                               tib = 1ull << 40;

/// Choices by name; `names` must be literals.
using choices = std::initializer_list<std::string_view>;

template <class Visitor> void visit(Visitor& v, node_settings& s) {
  v.text("data", s.data, "folder of everything the node keeps");
  v.path("models", s.models, "folder of the model files");
  v.number("shards", s.shards, 1, 65'535, "fixed for the life of a data folder");
  v.number("hosts", s.hosts, 0, 1024, "shard host actors; 0 = number of cores");
}
template <class Visitor> void visit(Visitor& v, journal_settings& s) {
  v.durability("durability", s.durability, "default of every ingress: D0, D1 or D2");
  v.duration("sync_interval", s.sync_interval_ns, ns_per_ms, ns_per_s,
             "D1: fsync at most this far behind");
  v.duration("tick", s.tick_ns, 100 * ns_per_us, 100 * ns_per_ms,
             "group write and hand-over, while busy");
  v.bytes("inbox_bytes", s.inbox_bytes, mib, 64 * gib, "inputs taken in and not yet applied");
  v.number("inbox_inputs", s.inbox_inputs, 1'000, 100'000'000, "the same bound as a count");
  v.bytes("tail_bytes", s.tail_bytes, 64 * kib, tib,
          "the log's tail is sealed into history above this");
  v.number("tail_readings", s.tail_readings, 1'000, 1'000'000'000,
           "or above this; bounds recovery");
  v.bytes("min_free_bytes", s.min_free_bytes, mib, tib,
          "below this free disk space new input is refused");
}
template <class Visitor> void visit(Visitor& v, twin_settings& s) {
  v.duration("passivate_after", s.passivate_after_ns, 100 * ns_per_ms, 365 * day_ns,
             "without input");
  v.number("max_active", s.max_active, 1, 100'000'000, "twins awake at the same time");
  v.duration("start_grace", s.start_grace_ns, 0, day_ns,
             "timers fire no earlier than this after a start");
}
template <class Visitor> void visit(Visitor& v, broker_settings& s) {
  v.text("url", s.url, "tcp://host:port or ssl://host:port");
  v.text("client_id", s.client_id, "the broker keeps the session under it");
  v.number("version", s.version, 3, 5, "5, or 3 for MQTT 3.1.1");
  v.text("username", s.username, "empty = none");
  v.path("password_file", s.password_file, "its first line is the password");
  v.path("ca_file", s.ca_file, "PEM; whom to trust with ssl://, empty = the system's");
  v.path("certificate_file", s.certificate_file, "PEM; our own certificate with ssl://");
  v.path("key_file", s.key_file, "PEM; its private key");
  v.flag("clean_start", s.clean_start, "true gives up what the broker queued while we were away");
  v.number("session_expiry_s", s.session_expiry_s, 0, 4'294'967'295,
           "how long the broker queues for us");
  v.number("keep_alive_s", s.keep_alive_s, 5, 65'535, "seconds between pings when idle");
  v.text("will_topic", s.will_topic, "retained \"online\" or \"offline\"; empty = none");
  v.number("max_in_flight", s.max_in_flight, 1, 65'535,
           "outgoing publications not yet acknowledged");
  v.choice("source", s.source, {"receiver", "paho"},
           "what receives: our own subscriber, or Paho's");
  v.number("receive_maximum", s.receive_maximum, 1, 65'535,
           "MQTT 5: incoming publications not yet acknowledged");
  v.duration("reconnect_min", s.reconnect_min_ns, ns_per_ms, hour_ns,
             "pause after a lost connection, doubled ...");
  v.duration("reconnect_max", s.reconnect_max_ns, ns_per_ms, hour_ns, "... up to this");
}
template <class Visitor> void visit(Visitor& v, ingress_settings& s) {
  v.text("topic", s.topic, "MQTT filter; {words} bind");
  v.text("twin", s.twin, "id of the twin, made of what the topic bound");
  v.text("model", s.model, "of twins seen for the first time; empty = unknown ones are refused");
  v.choice("payload", s.payload, {"json", "protobuf"}, "json or protobuf");
  v.text("time_field", s.time_field, "member with the event time; absent in a message = arrival");
  v.choice("time_unit", s.time_unit, {"auto", "s", "ms", "us", "ns"},
           "of numbers; auto goes by magnitude");
  v.text("sequence_field", s.sequence_field,
         "member with the device's sequence number; empty = none");
  v.duration("future_guard", s.future_guard_ns, 0, 3650 * day_ns,
             "later event times are quarantined");
  v.duration("max_age", s.max_age_ns, 0, 36500 * day_ns,
             "older ones too; 0s = old event times are legal");
  v.bytes("max_payload_bytes", s.max_payload_bytes, 1, 256 * mib,
          "larger payloads are quarantined");
  v.number("qos", s.qos, 0, 2, "of the subscription");
  v.text("connection", s.connection,
         "topics of one name share an MQTT session; empty = the main one");
  v.text("share", s.share, "group of a shared subscription; empty = none");
  v.durability("durability", s.durability,
               "before the message is acknowledged; default: the journal's");
}
template <class Visitor> void visit(Visitor& v, egress_settings& s) {
  v.choice("effect", s.effect, {"alert", "command"}, "alert or command");
  v.text("rule", s.rule, "glob on the rule's or command's name");
  v.text("topic", s.topic, "template");
  v.text("payload", s.payload, "template; empty = CloudEvents (alerts), command JSON (commands)");
  v.number("qos", s.qos, 0, 2, "of the publication");
  v.flag("retain", s.retain, "the broker keeps the newest");
}
template <class Visitor> void visit(Visitor& v, http_settings& s) {
  v.flag("enabled", s.enabled, "health, metrics and queries over HTTP");
  v.text("address", s.address, "any other than loopback needs TLS or a proxy, and tokens");
  v.number("port", s.port, 0, 65'535, "0 = any free one");
  v.path("certificate_file", s.certificate_file, "PEM, with its chain; with key_file: TLS");
  v.path("key_file", s.key_file, "PEM; its private key");
  v.flag("behind_proxy", s.behind_proxy,
         "a reverse proxy with TLS passes requests on; everyone needs a token");
  v.flag("open_on_loopback", s.open_on_loopback,
         "this machine's users need no token, although there are tokens");
  v.bytes("events_bytes", s.events_bytes, 64 * kib, gib,
          "recent events, for readers of streams who come back");
  v.duration("audit_keep", s.audit_keep_ns, 0, 36500 * day_ns,
             "how long the audit log is kept; 0s = for ever");
  v.bytes("audit_bytes", s.audit_bytes, 64 * kib, 1024 * gib,
          "of the audit log at most; beyond it the oldest lines go");
  v.texts("cors_origins", s.cors_origins, "pages of these origins may ask: \"https://host:port\"");
  v.number("rate", s.rate, 0, 1'000'000,
           "requests a second of one client; 0 = no limit on loopback, 100 elsewhere");
  v.number("connections", s.connections, 1, 100'000, "at the same time; one more is turned away");
}
template <class Visitor> void visit(Visitor& v, remote_settings& s) {
  v.flag("enabled", s.enabled, "the door of the command line and of CAF programs, mutual TLS");
  v.text("address", s.address, "where to listen");
  v.number("port", s.port, 0, 65'535, "0 = any free one");
}
template <class Visitor> void visit(Visitor& v, log_settings& s) {
  v.choice("level", s.level, {"trace", "debug", "info", "warning", "error", "off"},
           "least to be written");
  v.choice("format", s.format, {"text", "json"}, "text or json");
}
template <class Visitor> void visit(Visitor& v, testing_settings& s) {
  v.flag("allow_fault_injection", s.allow_fault_injection,
         "never in production: lets a file make parts of the node fail");
}

} // namespace pollux::config
