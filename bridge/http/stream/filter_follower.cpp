// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/stream/filter_follower.hpp"
#include "bridge/http/api/scope.hpp"
#include <chrono>

namespace pollux::bridge::http {

namespace {

constexpr std::uint32_t page = messages::max_page;

messages::search_watch question(const identity& who, const subscription& wants) {
  return {wants.filter, "id", search_scope(who, wants.twins)};
}

struct follower_state {
  node_link link;
  std::weak_ptr<hub> to;
  std::uint64_t filtered = 0, watch = 0, acknowledged = 0;
};
using follower_actor = caf::stateful_actor<follower_state>;

void end(follower_actor* self, bool failed) {
  auto& s = self->state;
  if (const auto to = s.to.lock(); to && failed) to->give_up_filter(s.filtered);
  if (s.watch != 0) self->anon_send(s.link.node, messages::watch_close{s.watch});
  self->quit();
}

/// The answer to a pull tells all that was before it was sent, so what the hub had by then is
/// settled by it.
void pull(follower_actor* self) {
  auto& s = self->state;
  const auto hub = s.to.lock();
  if (!hub) return end(self, false);
  const auto before = hub->last_number();
  self->request(s.link.node, std::chrono::nanoseconds(past_timeout_ns),
                messages::watch_pull{s.watch, s.acknowledged, page})
      .then(
          [self, before](const messages::watch_page& got) {
            auto& state = self->state;
            std::vector<std::string> entered, left;
            for (const auto& e : got.events) {
              if (e.kind == "enter") entered.push_back(e.twin);
              if (e.kind == "leave") left.push_back(e.twin);
              state.acknowledged = e.number;
            }
            const bool all = got.events.size() < page;
            const auto to = state.to.lock();
            if (!to || !to->settle(state.filtered, entered, left, all ? before : 0))
              return end(self, false);
            pull(self);
          },
          [self](const caf::error& e) {
            const auto why = messages::from_caf(e).code;
            if (why != errc::timed_out && why != errc::overloaded) return end(self, true);
            self->delayed_send(self, std::chrono::milliseconds{500}, caf::ok_atom::value);
          });
}

caf::behavior follower(follower_actor* self, const follower_state& from,
                       const messages::search_watch& asks) {
  self->state = from;
  if (from.watch != 0) {
    pull(self);
    return {[self](caf::ok_atom) { pull(self); }};
  }
  self->request(from.link.node, std::chrono::nanoseconds(past_timeout_ns), asks)
      .then(
          [self](const messages::watch_opened& opened) {
            self->state.watch = opened.watch;
            pull(self);
          },
          [self](const caf::error&) { end(self, true); });
  return {[self](caf::ok_atom) { pull(self); }};
}

} // namespace

void open_filter(const node_link& link, const std::shared_ptr<hub>& to, const identity& who,
                 const subscription& wants,
                 std::function<void(result<std::optional<std::uint64_t>>)> then) {
  if (wants.filter.empty() || to->is_followed(wants)) return then(std::optional<std::uint64_t>());
  ask<messages::search_watch>(
      link, question(who, wants),
      [then](result<messages::watch_opened> opened) {
        if (!opened) return then(opened.error());
        then(std::optional<std::uint64_t>(opened->watch));
      },
      past_timeout_ns);
}

void keep_following(const node_link& link, const std::shared_ptr<hub>& to, const identity& who,
                    const subscription& wants, std::uint64_t reader,
                    std::optional<std::uint64_t> watch) {
  if (const auto filtered = to->claim_filter(reader)) {
    const follower_state from{link, to, *filtered, watch.value_or(0), 0};
    link.system->spawn<caf::hidden>(follower, from, question(who, wants));
  } else if (watch) {
    ask<messages::watch_close>(link, {*watch}, [](const result<messages::done>&) {});
  }
}

} // namespace pollux::bridge::http
