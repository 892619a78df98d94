// SPDX-License-Identifier: Apache-2.0
// Long work: ordered, looked at, cancelled. Times and spans of a back-test are written as
// everywhere in this API; the node wants nanoseconds.
#include "bridge/http/api/door.hpp"
#include <charconv>

namespace pollux::bridge::http {

namespace {

json job_json(const messages::job_answer& a) {
  json out{{"id", a.id},     {"kind", a.kind},   {"state", a.state},
           {"done", a.done}, {"total", a.total}, {"what", a.what}};
  out["result"] = a.document.empty() ? json() : parse_document(a.document);
  return out;
}

std::string job_path(std::uint64_t id) { return "/api/v1/jobs/" + std::to_string(id); }

/// The arguments of a back-test in the node's units; what is wrong is told to `body`.
json backtest_arguments(const json& given, body_reader& body) {
  constexpr std::int64_t from_creation = -1; // the node's word for "all"
  body_reader arguments(given, "#/arguments");
  json out = json::object();
  const auto model = arguments.any("model");
  if (model.is_object() || model.is_string())
    out["model"] = model.is_string() ? model : json(dump(model));
  else
    arguments.complain("model", "the text of a model is wanted, or the model itself");
  if (const auto twins = arguments.text("twins"); !twins.empty()) out["twins"] = twins;
  for (const char* name : {"from", "to"})
    if (const auto at = arguments.time(name)) out[name] = *at;
  for (const char* name : {"warm_up", "tolerance"}) {
    const auto span = arguments.any(name);
    if (std::string_view(name) == "warm_up" && span == json("all"))
      out[name] = from_creation;
    else if (const auto length = arguments.duration(name); length != 0)
      out[name] = length;
  }
  for (const char* name : {"differences", "threads"})
    if (const auto n = arguments.any(name); !n.is_null()) out[name] = n;
  if (auto wrong = arguments.refusal()) { // the same words, in one answer
    const auto told = parse_document(wrong->body);
    for (const auto& e : told.at("errors"))
      body.complain_at(e.at("pointer").get<std::string>(), e.at("detail").get<std::string>());
  }
  return out;
}

void start(const door_pointer& to, const request& r, const responder& respond) {
  const auto document = body_of(r, respond);
  if (!document) return;
  body_reader body(*document);
  const auto kind = body.text("kind", true, 64);
  auto arguments = body.object("arguments");
  if (!arguments.is_object()) arguments = json::object();
  if (kind == "backtest") arguments = backtest_arguments(arguments, body);
  if (auto wrong = body.refusal()) return respond(std::move(*wrong));
  // what is no back-test reads or writes whole folders, or erases
  if (kind != "backtest" && !r.who.may_everywhere(role::admin))
    return respond(problem(403, r.who.name + " lacks the role admin for jobs of this kind"));
  answer(to, messages::job_start{kind, dump(arguments), r.who.name}, respond,
         [](const messages::job_answer& a) {
           auto out = json_reply(job_json(a), 202);
           out.headers.emplace_back("Location", job_path(a.id));
           return out;
         });
}

void list(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(to, messages::job_query{0}, respond, [](const messages::job_answer& a) {
    const auto document = parse_document(a.document);
    return json_reply({{"items", document.value("jobs", json::array())}});
  });
}

/// The job's number, or nothing when `respond` was called.
std::optional<std::uint64_t> number_of(const request& r, const responder& respond) {
  const auto text = r.parameter("job");
  std::uint64_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec == std::errc{} && read.ptr == text.data() + text.size() && out != 0) return out;
  respond(problem(404, "no job " + std::string(text)));
  return {};
}

void get(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  if (const auto id = number_of(r, respond))
    answer(to, messages::job_query{*id}, respond,
           [](const messages::job_answer& a) { return json_reply(job_json(a)); });
}

void cancel(const door_pointer& to, const request& r, const responder& respond) {
  if (const auto id = number_of(r, respond))
    answer(to, messages::job_cancel{*id}, respond,
           [](const messages::job_answer& a) { return json_reply(job_json(a), 202); });
}

} // namespace

void add_job_routes(route_table& to, const door_pointer& from) {
  const auto add = [&](const char* method, const char* path, role needed, operation run,
                       repeat again = repeat::nothing) {
    to.push_back({method, std::string("/api/v1/jobs") + path, needed, reach::everywhere,
                  bound(from, run), again});
  };
  add("GET", "", role::engineer, list);
  add("POST", "", role::engineer, start, repeat::first_answer);
  add("GET", "/{job}", role::engineer, get);
  add("DELETE", "/{job}", role::engineer, cancel);
}

} // namespace pollux::bridge::http
