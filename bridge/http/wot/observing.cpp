// SPDX-License-Identifier: Apache-2.0
// Observed properties and subscribed events, as server-sent events. Whoever comes back with a
// Last-Event-ID gets what there was since, from the node's history; ids are event times and ids of
// transitions, so that holds across a restart of the node, too.
#include "bridge/http/stream/pump.hpp"
#include "bridge/http/wot/affordance_feed.hpp"
#include "bridge/http/wot/wot.hpp"
#include "domain/base/time.hpp"
#include "messages/input_document.hpp"
#include <atomic>
#include <limits>
#include <map>

namespace pollux::bridge::http {

namespace {

constexpr std::uint32_t most_replayed = 500; ///< readings; then the present one
constexpr std::uint32_t most_incidents = 1000;
constexpr std::size_t longest_id = 64;
constexpr std::int64_t retry_ns = 100 * ns_per_ms, second_look_ns = 2 * ns_per_s;
constexpr int most_retries = 50;

/// One client's stream of one affordance.
struct observation : std::enable_shared_from_this<observation> {
  thing_door_pointer to;
  std::string twin, name;
  bool rule = false;
  std::optional<std::int64_t> after_ns; ///< of telemetry: the client has this one
  domain::effect_id after;              ///< of a rule
  bool resumed = false;
  std::shared_ptr<affordance_feed> feed;
  std::uint64_t reader = 0;
  std::atomic<bool> closed{false};

  void opened(const std::shared_ptr<outlet>& outlet);
  void look_up();
  void look_up_telemetry();
  void look_up_alerts(const std::string& from);
  void replay();
  /// Tells the documents in turn, then goes on; a client that takes none of them is left.
  void tell(std::vector<json> documents, std::size_t next, int tries, std::function<void()> then);
  void looked_up();
};

void observation::opened(const std::shared_ptr<outlet>& outlet) {
  outlet->push(std::make_shared<const std::string>(":ok\n\n"));
  feed = std::make_shared<affordance_feed>(outlet, rule ? subscribed_rule(name, after)
                                                        : observed_telemetry(name, after_ns));
  subscription wants;
  wants.twins = twin;
  wants.state = !rule;
  wants.alert = rule;
  wants.command = false;
  reader = to->events->join(wants, feed, framing::event_stream, "", steady_ns());
  keep_pumping(to->at->node, to->events);
  if (!rule && resumed)
    replay();
  else
    look_up();
  // the watch behind the hub may have begun only now
  later(to->at->node, second_look_ns, [self = shared_from_this()] { self->look_up(); });
}

void observation::look_up() {
  if (closed) return;
  if (rule)
    look_up_alerts(resumed ? "" : twin + " " + to_string(after));
  else
    look_up_telemetry();
}

void observation::look_up_telemetry() {
  ask<messages::twin_query>(
      to->at->node, {twin}, [self = shared_from_this()](result<messages::twin_answer> a) {
        if (!a) return self->looked_up(); // the stream goes on with what comes
        self->tell({parse_document(a->document)}, 0, 0, [self] { self->looked_up(); });
      });
}

void observation::look_up_alerts(const std::string& from) {
  messages::alert_list_query q;
  q.glob = twin;
  q.rule = name;
  q.active_only = false;
  q.limit = most_incidents;
  q.after = from;
  ask<messages::alert_list_query>(
      to->at->node, q,
      [self = shared_from_this()](result<messages::alert_list> page) {
        if (!page) return self->looked_up();
        // in the order of their transitions, which those of several incidents share
        std::map<domain::effect_id, json> ordered;
        for (const auto& row : page->rows) {
          auto alert = parse_document(row.document);
          const auto transitions = alert.value("transitions", json::array());
          for (const auto& t : transitions) {
            domain::effect_id id;
            if (!domain::parse_effect_id(t.value("id", ""), id)) continue;
            alert["transitions"] = json::array({t});
            ordered.emplace(id, alert);
          }
        }
        std::vector<json> documents;
        for (auto& [id, document] : ordered) documents.push_back(std::move(document));
        self->tell(std::move(documents), 0, 0, [self, next = page->next] {
          next.empty() ? self->looked_up() : self->look_up_alerts(next);
        });
      },
      past_timeout_ns);
}

/// What the history has since the client's last one, then the present one.
void observation::replay() {
  ask<messages::history_query>(
      to->at->node,
      {twin, name, *after_ns + 1, std::numeric_limits<std::int64_t>::max(), most_replayed},
      [self = shared_from_this()](result<messages::history_page> page) {
        std::vector<json> documents;
        if (page)
          for (const auto& row : page->rows)
            documents.push_back({{"telemetry",
                                  {{self->name,
                                    {{"value", parse_document(row.value)},
                                     {"event_time", format_rfc3339(row.event_time_ns)}}}}}});
        self->tell(std::move(documents), 0, 0, [self] { self->look_up(); });
      },
      past_timeout_ns);
}

void observation::tell(std::vector<json> documents, std::size_t next, int tries,
                       std::function<void()> then) {
  if (closed) return;
  while (next < documents.size() && feed->tell(rule ? "alert" : "state", documents[next])) {
    ++next;
    tries = 0;
  }
  if (next == documents.size()) return then();
  if (tries == most_retries) return feed->close(); // it comes back and goes on where it was
  later(to->at->node, retry_ns,
        [self = shared_from_this(), documents = std::move(documents), next, tries,
         then = std::move(then)]() mutable {
          self->tell(std::move(documents), next, tries + 1, std::move(then));
        });
}

void observation::looked_up() {
  feed->ready([self = weak_from_this()] {
    if (const auto still = self.lock()) still->look_up();
  });
}

response stream_reply(const std::shared_ptr<observation>& of) {
  response out;
  out.content_type = "text/event-stream";
  out.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  auto on = std::make_shared<stream>();
  on->opened = [of](const std::shared_ptr<outlet>& to) { of->opened(to); };
  on->closed = [of] {
    of->closed = true;
    if (of->reader != 0) of->to->events->leave(of->reader);
  };
  out.goes_on = std::move(on);
  return out;
}

std::shared_ptr<observation> observation_of(const thing_door_pointer& to, const request& r,
                                            bool rule) {
  auto out = std::make_shared<observation>();
  out->to = to;
  out->twin = id_of(r);
  out->name = r.parameter("name");
  out->rule = rule;
  return out;
}

/// Which one the client has, by its own word.
std::string last_id_of(const request& r, query_reader& q) {
  const auto in_query = q.text("last_event_id");
  return std::string(r.header("last-event-id", in_query)).substr(0, longest_id);
}

void observe(const thing_door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  const auto of = observation_of(to, r, false);
  if (const auto at = parse_rfc3339(last_id_of(r, q))) of->after_ns = *at;
  of->resumed = of->after_ns.has_value();
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  find_thing(to, of->twin, [of, respond](result<known_thing> thing) {
    if (!thing) return respond(problem(thing.error()));
    if (!thing->shape->has_property(of->name) &&
        !thing->document.value("telemetry", json::object()).contains(of->name))
      return respond(problem(404, "the thing has no telemetry " + of->name));
    respond(stream_reply(of));
  });
}

void subscribe(const thing_door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  const auto of = observation_of(to, r, true);
  of->resumed = domain::parse_effect_id(last_id_of(r, q), of->after);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  find_thing(to, of->twin, [of, respond](result<known_thing> thing) {
    if (!thing) return respond(problem(thing.error()));
    if (!thing->shape->has_event(of->name))
      return respond(problem(404, "the thing has no event " + of->name));
    if (!of->resumed) { // from now on: after the twin's last input
      const auto revision = thing->document.value("revision", "");
      if (!messages::parse_input_id(revision, of->after.cause))
        return respond(problem(500, "the twin's revision cannot be read"));
      of->after.ordinal = std::numeric_limits<std::uint32_t>::max();
    }
    respond(stream_reply(of));
  });
}

} // namespace

void add_thing_stream_routes(route_table& to, const thing_door_pointer& from) {
  add_thing_route(to, from, "GET", "/things/{id}/properties/{name}/observe", role::viewer, observe);
  add_thing_route(to, from, "GET", "/things/{id}/events/{name}", role::viewer, subscribe);
}

} // namespace pollux::bridge::http
