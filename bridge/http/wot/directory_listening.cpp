// SPDX-License-Identifier: Apache-2.0
// GET /events/thing_created, thing_updated, thing_deleted of the directory
// (https://www.w3.org/TR/wot-discovery/#exploration-directory-api-notification).
#include "bridge/http/stream/pump.hpp"
#include "bridge/http/wot/wot.hpp"

namespace pollux::bridge::http {

namespace {

constexpr std::size_t longest_id = 64;

/// Of the directory a reader is told what they may read.
subscription wanted_by_reader(const identity& who) {
  subscription out;
  out.state = out.alert = false; // all kinds that are none of these are told as commands are
  out.namespaces.clear();
  for (const auto& g : who.grants)
    if (g.what >= role::viewer) out.namespaces.push_back(g.namespaces);
  return out;
}

response stream_of(const std::shared_ptr<directory_events>& from, const subscription& wants,
                   std::string_view type, bool named, const std::string& last_id) {
  response out;
  out.content_type = "text/event-stream";
  out.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  const auto number = std::make_shared<std::uint64_t>(0);
  auto on = std::make_shared<stream>();
  on->opened = [=](const std::shared_ptr<outlet>& to) {
    to->push(std::make_shared<const std::string>(":ok\n\n"));
    *number = from->readers()->join(wants, std::make_shared<directory_feed>(to, type, named),
                                    framing::event_stream, last_id, steady_ns());
    from->when_live([](const status&) {}); // it may have ended while nobody listened
  };
  on->closed = [from, number] { from->readers()->leave(*number); };
  out.goes_on = std::move(on);
  return out;
}

void listen(const thing_door_pointer& to, std::string_view type, const request& r,
            const responder& respond) {
  query_reader q(r);
  const bool diff = q.choice("diff", "false", {"false", "true"}) == "true";
  const bool named = q.choice("named", "true", {"true", "false"}) == "true";
  const auto in_query = q.text("last_event_id");
  const auto last_id = std::string(r.header("last-event-id", in_query)).substr(0, longest_id);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  if (diff)
    return respond(problem(501, "events tell the id alone: get the description for the rest"));
  to->directory->when_live([=, who = r.who, directory = to->directory](const status& live) {
    if (!live) return respond(problem(live.error()));
    respond(stream_of(directory, wanted_by_reader(who), type, named, last_id));
  });
}

} // namespace

void add_directory_event_routes(route_table& to, const thing_door_pointer& from) {
  for (const auto type : {thing_created, thing_updated, thing_deleted})
    to.push_back({"GET", "/events/" + std::string(type), role::viewer, reach::somewhere,
                  [from, type](const request& r, const responder& respond) {
                    listen(from, type, r, respond);
                  }});
}

} // namespace pollux::bridge::http
