// SPDX-License-Identifier: Apache-2.0
// Models: those that rule, their texts and versions; check, apply and roll back.
#include "bridge/http/api/door.hpp"
#include "domain/model/model_check.hpp"
#include "messages/model_codec.hpp"
#include <cstdio>

namespace pollux::bridge::http {

namespace {

json version_json(const messages::model_version& v) {
  return {{"name", v.name},     {"kind", v.kind},
          {"hash", v.hash},     {"previous", v.previous.empty() ? json() : json(v.previous)},
          {"twins", v.twins},   {"ruling", v.ruling},
          {"shadow", v.shadow}, {"how", v.how},
          {"by", v.by},         {"time", time_or_null(v.at_ns)}};
}

response version_list(const messages::model_list& page) {
  json items = json::array();
  for (const auto& row : page.rows) items.push_back(version_json(row));
  return json_reply({{"items", std::move(items)}});
}

void list(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(to, messages::model_list_query{"", messages::max_page}, respond, version_list);
}

std::string name_of(const request& r) { return std::string(r.parameter("name")); }

void versions(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  const auto limit = q.number("limit", 100, 1, messages::max_page);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(to, messages::model_list_query{name_of(r), limit}, respond, version_list);
}

void get(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  const auto version = q.text("version");
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(to, messages::model_text_query{name_of(r), version}, respond,
         [r](const messages::model_text& m) {
           return tagged(json_reply({{"name", m.name},
                                     {"hash", m.hash},
                                     {"ruling", m.ruling},
                                     {"text", parse_document(m.json)}}),
                         r, "\"" + m.hash + "\"");
         });
}

/// The text of a model in the body, or nothing when `respond` was called.
std::optional<std::string> model_text_of(const request& r, const responder& respond) {
  const auto type = media_type(r);
  if (type != "application/json") {
    auto out = problem(415, "a model is application/json");
    out.headers.emplace_back("Accept-Post", "application/json");
    respond(std::move(out));
    return {};
  }
  if (r.body.size() > messages::max_model_bytes) {
    respond(problem(413, "a model has at most 1 MB"));
    return {};
  }
  return r.body;
}

json finding_json(const domain::model_finding& f) {
  return {{"line", f.line}, {"column", f.column}, {"detail", f.what}};
}

/// "model:3:14: what" of the codec, taken apart.
json place_of(const std::string& what) {
  unsigned line = 0, column = 0;
  int read = 0;
  if (std::sscanf(what.c_str(), "model:%u:%u: %n", &line, &column, &read) == 2 && read > 0)
    return {{"line", line}, {"column", column}, {"detail", what.substr(std::size_t(read))}};
  return {{"line", 0}, {"column", 0}, {"detail", what}};
}

json verdict_of(const std::string& text) {
  json errors = json::array(), warnings = json::array(), model;
  const auto tree = messages::parse_config_tree(text, "model");
  if (!tree) {
    errors.push_back(place_of(tree.error().what));
  } else {
    for (const auto& f : domain::check_model(messages::resolved(*tree)))
      (f.error ? errors : warnings).push_back(finding_json(f));
    if (errors.empty()) {
      const auto compiled = messages::parse_model(text, "model");
      if (!compiled) {
        errors.push_back(place_of(compiled.error().what));
      } else {
        const auto& m = **compiled;
        model = {{"name", m.name},
                 {"hash", m.hash},
                 {"telemetry", m.telemetry.size()},
                 {"commands", m.commands.size()},
                 {"operators", m.operators.size()}};
      }
    }
  }
  const bool valid = errors.empty();
  return {{"valid", valid},
          {"errors", std::move(errors)},
          {"warnings", std::move(warnings)},
          {"model", std::move(model)}};
}

void check(const door_pointer& to, const request& r, const responder& respond) {
  auto text = model_text_of(r, respond);
  if (!text) return;
  // up to a hundred compilations: not on the server's thread
  later(to->node, 0, [text = std::move(*text), respond] { respond(json_reply(verdict_of(text))); });
}

response applied(const messages::model_applied& a) {
  return json_reply({{"name", a.name},
                     {"hash", a.hash},
                     {"previous", a.previous.empty() ? json() : json(a.previous)},
                     {"state", a.state},
                     {"shards", a.shards},
                     {"shards_pending", a.shards_pending},
                     {"twins_awake", a.twins_awake},
                     {"twins_pending", a.twins_pending},
                     {"twins_asleep", a.twins_asleep}},
                    a.state == "pending" ? 202 : 200);
}

void apply(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  const auto twins = q.text("twins", "*");
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  auto text = model_text_of(r, respond);
  if (!text) return;
  later(to->node, 0, [=, by = r.who.name, text = std::move(*text)] {
    const auto verdict = verdict_of(text);
    if (!verdict["valid"].get<bool>()) {
      std::vector<complaint> errors;
      for (const auto& e : verdict["errors"])
        errors.push_back({"#", "line " + e["line"].dump() + ", column " + e["column"].dump() +
                                   ": " + e["detail"].get<std::string>()});
      return respond(problem(422, "the model has errors; nothing was applied", errors));
    }
    answer(
        to, messages::model_apply{text, "model", twins, by}, respond,
        [](const messages::model_applied& a) { return applied(a); }, past_timeout_ns);
  });
}

void roll_back(const door_pointer& to, const request& r, const responder& respond) {
  messages::model_rollback order{name_of(r), "", r.who.name};
  if (!r.body.empty()) {
    const auto document = body_of(r, respond);
    if (!document) return;
    body_reader body(*document);
    order.hash = body.text("version");
    if (auto wrong = body.refusal()) return respond(std::move(*wrong));
  }
  answer(
      to, order, respond, [](const messages::model_applied& a) { return applied(a); },
      past_timeout_ns);
}

} // namespace

void add_model_routes(route_table& to, const door_pointer& from) {
  const auto add = [&](const char* method, const char* path, role needed, reach over, operation run,
                       repeat again = repeat::nothing) {
    to.push_back(
        {method, std::string("/api/v1/models") + path, needed, over, bound(from, run), again});
  };
  add("GET", "", role::viewer, reach::somewhere, list);
  add("POST", "", role::engineer, reach::everywhere, apply, repeat::first_answer);
  add("POST", "/check", role::viewer, reach::somewhere, check, repeat::first_answer);
  add("GET", "/{name}", role::viewer, reach::somewhere, get);
  add("GET", "/{name}/versions", role::viewer, reach::somewhere, versions);
  add("POST", "/{name}/rollback", role::engineer, reach::everywhere, roll_back,
      repeat::first_answer);
}

} // namespace pollux::bridge::http
