// SPDX-License-Identifier: Apache-2.0
#include "messages/input_document.hpp"
#include "domain/base/time.hpp"
#include <charconv>
#include <cinttypes>
#include <cstdio>

namespace pollux::messages {

namespace {

using domain::alert_verb;
using domain::input_kind;
using json = nlohmann::ordered_json;

const char* verb_text(alert_verb verb) {
  switch (verb) {
  case alert_verb::clear: return "clear";
  case alert_verb::reset: return "reset";
  case alert_verb::snooze: return "snooze";
  case alert_verb::shelve: return "shelve";
  case alert_verb::unshelve: return "unshelve";
  case alert_verb::assign: return "assign";
  case alert_verb::comment: return "comment";
  case alert_verb::start_maintenance: return "start_maintenance";
  case alert_verb::stop_maintenance: return "stop_maintenance";
  case alert_verb::none: break;
  }
  return "none";
}

json readings_of(const domain::input& in) {
  json rows = json::array();
  for (const auto& r : in.readings) {
    json row{{"event_time", format_rfc3339(r.event_time_ns)}};
    if (r.sequence != 0) row["sequence"] = r.sequence;
    auto& values = row["values"] = json::object();
    for (auto i = r.first; i < r.first + r.count && i < in.fields.size(); ++i)
      values[std::string{in.fields[i].name}] = value_document(in.fields[i].value);
    rows.push_back(std::move(row));
  }
  return rows;
}

void add_text(json& to, const char* key, std::string_view text) {
  if (!text.empty()) to[key] = std::string{text};
}

void add_command(json& to, const domain::input& in) {
  add_text(to, "id", in.command_id);
  add_text(to, "command", in.command_name);
  json arguments = json::object();
  for (const auto& f : in.fields) arguments[std::string{f.name}] = value_document(f.value);
  to["arguments"] = std::move(arguments);
}

void add_own(json& to, const domain::input& in) {
  switch (in.kind) {
  case input_kind::readings: to["readings"] = readings_of(in); break;
  case input_kind::command_requested:
    add_command(to, in);
    to["expires_at"] = format_rfc3339(in.expires_at_ns);
    break;
  case input_kind::command_replied:
    add_command(to, in);
    to["accepted"] = in.accepted;
    break;
  case input_kind::alert_action:
    to["verb"] = verb_text(in.verb);
    if (in.expires_at_ns != 0) to["until"] = format_rfc3339(in.expires_at_ns);
    add_text(to, "rule", in.rule);
    break;
  case input_kind::child_alert:
    add_text(to, "child", in.by);
    add_text(to, "group", in.rule);
    to["stands"] = in.accepted;
    break;
  case input_kind::parent_changed: to["parent"] = std::string{in.rule}; break;
  case input_kind::properties_changed:
    to["properties"] = json::parse(in.detail, nullptr, false);
    break;
  case input_kind::tick: to["timer"] = in.timer; break;
  case input_kind::twin_created:
  case input_kind::twin_deleted: to["incarnation"] = in.incarnation; break;
  case input_kind::connection_changed:
  case input_kind::ingress_changed: to["connected"] = in.connected; break;
  case input_kind::input_skipped: to["skipped"] = input_id_text(in.skipped); break;
  case input_kind::alert_acknowledged:
  case input_kind::model_changed:
  case input_kind::node_started:
  case input_kind::none: break;
  }
}

} // namespace

std::string input_id_text(const domain::input_id& id) {
  char text[40];
  const int size =
      std::snprintf(text, sizeof text, "%016" PRIx64 "-%" PRIu32, id.at.value, id.index);
  return {text, static_cast<std::size_t>(size)};
}

bool parse_input_id(std::string_view text, domain::input_id& out) noexcept {
  if (text.size() < 18 || text[16] != '-') return false;
  const auto* end = text.data() + text.size();
  const auto at = std::from_chars(text.data(), text.data() + 16, out.at.value, 16);
  if (at.ec != std::errc{} || at.ptr != text.data() + 16) return false;
  const auto index = std::from_chars(text.data() + 17, end, out.index);
  return index.ec == std::errc{} && index.ptr == end;
}

const char* input_kind_text(input_kind kind) noexcept {
  switch (kind) {
  case input_kind::readings: return "readings";
  case input_kind::command_requested: return "command_requested";
  case input_kind::command_replied: return "command_replied";
  case input_kind::alert_acknowledged: return "alert_acknowledged";
  case input_kind::alert_action: return "alert_action";
  case input_kind::child_alert: return "child_alert";
  case input_kind::parent_changed: return "parent_changed";
  case input_kind::properties_changed: return "properties_changed";
  case input_kind::tick: return "tick";
  case input_kind::twin_created: return "twin_created";
  case input_kind::twin_deleted: return "twin_deleted";
  case input_kind::connection_changed: return "connection_changed";
  case input_kind::model_changed: return "model_changed";
  case input_kind::node_started: return "node_started";
  case input_kind::ingress_changed: return "ingress_changed";
  case input_kind::input_skipped: return "input_skipped";
  case input_kind::none: break;
  }
  return "none";
}

json value_document(const domain::value_view& value) {
  switch (value.kind) {
  case domain::value_kind::f64: return value.f64;
  case domain::value_kind::i64: return value.i64;
  case domain::value_kind::boolean: return value.boolean;
  case domain::value_kind::text: return std::string{value.bytes};
  case domain::value_kind::samples_f32: return json{{"samples_f32", value.bytes.size() / 4}};
  case domain::value_kind::samples_i16: return json{{"samples_i16", value.bytes.size() / 2}};
  case domain::value_kind::none: break;
  }
  return nullptr;
}

json input_document(const domain::input& in) {
  json out{{"input", input_id_text(in.id)},
           {"ingest_time", format_rfc3339(in.ingest_time_ns)},
           {"kind", input_kind_text(in.kind)}};
  add_own(out, in);
  if (in.kind != input_kind::child_alert) add_text(out, "by", in.by);
  add_text(out, "incident", in.incident);
  add_text(out, "detail", in.detail);
  add_text(out, "model_hash", in.model_hash);
  add_text(out, "model", in.model_name);
  return out;
}

} // namespace pollux::messages
