// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/search/live: whom a filter holds for, and what becomes of that. Each reader has a
// live search of the node, which an actor pulls as fast as the reader reads; what a slow one has
// not got yet waits in the node as a list of twins, so they get the newest and never too much.
#include "bridge/http/api/scope.hpp"
#include "bridge/http/stream/pump.hpp"
#include "bridge/http/stream/routes.hpp"
#include "domain/base/glob.hpp"

namespace pollux::bridge::http {

namespace {

using close_atom = caf::atom_constant<caf::atom("liveclose")>;
using pull_atom = caf::atom_constant<caf::atom("livepull")>;

constexpr std::uint32_t page = 250;
constexpr std::size_t chunk_bytes = 60 << 10;
constexpr auto pause = std::chrono::milliseconds{100};
constexpr auto slow_pause = std::chrono::milliseconds{25};
constexpr auto trouble_pause = std::chrono::milliseconds{500};
constexpr std::int64_t silence_ns = 15'000'000'000;

/// What a reader asked for.
struct live_question {
  identity who;
  std::string glob;
  std::uint64_t watch = 0;
};

struct live_state {
  node_link link;
  live_question of;
  std::shared_ptr<outlet> to;
  std::uint64_t acknowledged = 0;
  std::uint64_t twins = 0; ///< told to be in
  bool current = false;    ///< all that were in at the start are told
  std::int64_t silent_since_ns = 0;
};
using live_actor = caf::stateful_actor<live_state>;

bool push(live_state& s, std::string text) {
  if (!s.to->push(std::make_shared<const std::string>(std::move(text)))) return false;
  s.silent_since_ns = steady_ns();
  return true;
}

std::string frame(const messages::watch_event& e) {
  auto out = "event: " + e.kind + "\ndata: {\"twin\":" + json(e.twin).dump();
  if (e.kind != "leave") out += ",\"item\":" + e.document;
  return out + "}\n\n";
}

/// Hands on what fits; the rest is given again with the next pull. False: the reader takes no more.
bool hand_on(live_state& s, const messages::watch_page& got) {
  std::string text;
  std::uint64_t upto = s.acknowledged;
  auto twins = s.twins;
  const auto flush = [&] {
    if (!text.empty() && !push(s, std::exchange(text, {}))) return false;
    s.acknowledged = upto;
    s.twins = twins;
    return true;
  };
  for (const auto& e : got.events) {
    if (s.of.who.may(role::viewer, e.twin) && matches_glob(s.of.glob, e.twin)) {
      auto one = frame(e);
      if (!text.empty() && text.size() + one.size() > chunk_bytes && !flush()) return false;
      text += one;
      twins += e.kind == "enter" ? 1 : 0;
      twins -= e.kind == "leave" ? 1 : 0;
    }
    upto = e.number;
  }
  return flush();
}

void again(live_actor* self, std::chrono::milliseconds after) {
  self->delayed_send(self, after, pull_atom::value);
}

void take(live_actor* self, const messages::watch_page& got) {
  auto& s = self->state;
  const bool more = got.events.size() == page;
  if (!hand_on(s, got)) return again(self, slow_pause);
  if (more) return again(self, std::chrono::milliseconds{0});
  if (!s.current)
    s.current = push(s, "event: current\ndata: {\"twins\":" + std::to_string(s.twins) + "}\n\n");
  if (steady_ns() - s.silent_since_ns >= silence_ns) (void)push(s, ": still here\n\n");
  again(self, pause);
}

void pull(live_actor* self) {
  auto& s = self->state;
  if (s.to->unsent() != 0) return again(self, slow_pause);
  self->request(s.link.node, std::chrono::nanoseconds(past_timeout_ns),
                messages::watch_pull{s.of.watch, s.acknowledged, page})
      .then([self](const messages::watch_page& got) { take(self, got); },
            [self](const caf::error& e) {
              const auto why = messages::from_caf(e).code;
              if (why == errc::timed_out || why == errc::overloaded)
                return again(self, trouble_pause);
              self->state.to->close(); // the reader comes again, and begins anew
            });
}

caf::behavior live(live_actor* self, const node_link& link, const live_question& of,
                   const std::shared_ptr<outlet>& to) {
  self->state.link = link;
  self->state.of = of;
  self->state.to = to;
  (void)push(self->state, ": pollux\nretry: 1000\n\n");
  self->send(self, pull_atom::value);
  return {[self](pull_atom) { pull(self); },
          [self](close_atom) {
            auto& s = self->state;
            self->anon_send(s.link.node, messages::watch_close{s.of.watch});
            self->quit();
          }};
}

response stream_reply(const node_link& link, const live_question& of) {
  response out;
  out.content_type = "text/event-stream";
  out.headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}};
  auto on = std::make_shared<stream>();
  const auto puller = std::make_shared<caf::actor>();
  on->opened = [link, of, puller](const std::shared_ptr<outlet>& to) {
    *puller = link.system->spawn<caf::hidden>(live, link, of, to);
  };
  on->closed = [puller] { caf::anon_send(*puller, close_atom::value); };
  out.goes_on = std::move(on);
  return out;
}

void search_live(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  live_question of{r.who, q.text("glob", "*"), 0};
  messages::search_watch wanted;
  wanted.filter = q.text("filter");
  wanted.fields = q.text("fields");
  if (!wanted.fields.empty()) wanted.fields = "id," + wanted.fields;
  if (of.glob.empty() || of.glob.size() > longest_glob)
    q.complain("glob", "a glob of 1 to 512 characters");
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  if (r.head_only) { // nothing goes on, so nothing is to be watched
    response header;
    header.content_type = "text/event-stream";
    return respond(std::move(header));
  }
  wanted.within = search_scope(r.who, of.glob);
  answer(
      to, std::move(wanted), respond,
      [to, of](const messages::watch_opened& opened) {
        auto with_watch = of;
        with_watch.watch = opened.watch;
        return stream_reply(to->node, with_watch);
      },
      past_timeout_ns);
}

} // namespace

void add_live_search_routes(route_table& to, const door_pointer& from) {
  to.push_back(
      {"GET", "/api/v1/search/live", role::viewer, reach::somewhere, bound(from, search_live)});
}

} // namespace pollux::bridge::http
