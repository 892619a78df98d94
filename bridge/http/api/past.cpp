// SPDX-License-Identifier: Apache-2.0
// What a twin was: readings, their series, how complete they are, its state at a time, its steps.
#include "bridge/http/api/cursor.hpp"
#include "bridge/http/api/history.hpp"
#include "domain/base/time.hpp"

namespace pollux::bridge::http {

namespace {

void series(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  messages::series_query query;
  query.id = id_of(r);
  query.telemetry = q.list("telemetry", 64);
  query.from_ns = q.time("from", no_time + 1);
  query.to_ns = q.time("to", never - 1);
  query.function = q.choice("function", "buckets", {"buckets", "m4", "aggregate"});
  query.points = q.number("points", 1000, 1, 100'000);
  query.bucket_ns = q.duration("bucket", 0);
  if (query.from_ns > query.to_ns) q.complain("from", "lies behind to");
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(
      to, std::move(query), respond,
      [](messages::series_answer a) { return document_reply(std::move(a.document)); },
      past_timeout_ns);
}

void completeness(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  messages::completeness_query query;
  query.glob = id_of(r);
  query.from_ns = q.time("from", no_time + 1);
  query.to_ns = q.time("to", never - 1);
  query.period_ns = q.duration("period", 0);
  query.expected_ns = q.duration("every", 0);
  if (query.from_ns > query.to_ns) q.complain("from", "lies behind to");
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(
      to, std::move(query), respond,
      [id = id_of(r)](const messages::history_document& d) -> response {
        const auto document = parse_document(d.document);
        if (document.is_object() && document.contains("twins") && !document["twins"].empty())
          return json_reply(document["twins"].front());
        return problem(404, "no twin " + id);
      },
      past_timeout_ns);
}

void state(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  messages::replay_query query;
  query.id = id_of(r);
  query.clock = q.choice("clock", "ingest", {"ingest", "event"});
  query.from_ns = no_time;
  query.to_ns = q.time("at", never);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(
      to, std::move(query), respond,
      [](messages::replay_answer a) { return document_reply(std::move(a.document)); },
      past_timeout_ns);
}

void steps(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  messages::replay_query query;
  query.id = id_of(r);
  query.clock = q.choice("clock", "ingest", {"ingest", "event"});
  query.steps = true;
  query.from_ns = q.time("from", no_time);
  query.to_ns = q.time("to", never);
  query.limit = q.number("limit", 100, 1, messages::max_page);
  const auto list = "steps " + query.id + " " + query.clock + " " + std::to_string(query.from_ns) +
                    " " + std::to_string(query.to_ns);
  query.after = q.cursor(list);
  if (query.from_ns > query.to_ns) q.complain("from", "lies behind to");
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(
      to, std::move(query), respond,
      [r, list](const messages::replay_answer& a) -> response {
        auto document = parse_document(a.document);
        if (!document.is_object() || !document.contains("steps"))
          return problem(500, "the steps cannot be read");
        return page_reply(r, {{"items", std::move(document["steps"])}},
                          a.next.empty() ? "" : seal_cursor(list, a.next));
      },
      past_timeout_ns);
}

} // namespace

void add_past_routes(route_table& to, const door_pointer& from) {
  const auto add = [&](const char* path, operation run) {
    to.push_back({"GET", std::string("/api/v1/twins/{id}/") + path, role::viewer, reach::twin,
                  bound(from, run)});
  };
  add("history", history);
  add("series", series);
  add("completeness", completeness);
  add("state", state);
  add("steps", steps);
}

} // namespace pollux::bridge::http
