// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/stream/pump.hpp"
#include "messages/observability/log.hpp"
#include <chrono>

namespace pollux::bridge::http {

namespace {

constexpr auto beat = std::chrono::milliseconds(25);
constexpr std::int64_t kept_after_last_reader_ns = 60'000'000'000;
constexpr std::uint32_t page = messages::max_page;

struct pump_state {
  node_link link;
  std::weak_ptr<hub> to;
  std::uint64_t watch = 0, acknowledged = 0;
  bool asking = false;
  std::int64_t pause_until_ns = 0; ///< after a failure
};
using pump_actor = caf::stateful_actor<pump_state>;

void pull(pump_actor* self);

void failed(pump_actor* self, const caf::error& e) {
  auto& s = self->state;
  s.asking = false;
  s.pause_until_ns = steady_ns() + 500'000'000;
  if (s.watch == 0) return;
  const auto why = messages::from_caf(e);
  if (why.code == errc::timed_out || why.code == errc::overloaded)
    return; // the watch is still there
  messages::log::warning("http", "the watch behind the event streams has ended; a new one is made",
                         {{"why", why.what}});
  s.watch = s.acknowledged = 0;
  if (const auto to = s.to.lock()) to->lost(std::nullopt);
}

void take(pump_actor* self, const messages::watch_page& got) {
  auto& s = self->state;
  s.asking = false;
  const auto to = s.to.lock();
  if (!to) return;
  if (got.missed > 0) to->lost(got.missed);
  for (const auto& e : got.events) {
    if (e.number <= s.acknowledged) continue; // an answer that came after its time-out
    to->publish(e.kind, e.twin, e.document);
    s.acknowledged = e.number;
  }
  if (got.events.size() >= page) pull(self); // there is more
}

void pull(pump_actor* self) {
  auto& s = self->state;
  if (s.asking || steady_ns() < s.pause_until_ns) return;
  s.asking = true;
  const std::chrono::nanoseconds timeout(s.link.timeout_ns);
  const auto wrong = [self](const caf::error& e) { failed(self, e); };
  if (s.watch == 0) {
    self->request(s.link.node, timeout, messages::watch_open{"*"})
        .then(
            [self](const messages::watch_opened& o) {
              self->state.watch = o.watch;
              self->state.asking = false;
            },
            wrong);
    return;
  }
  self->request(s.link.node, timeout, messages::watch_pull{s.watch, s.acknowledged, page})
      .then([self](const messages::watch_page& got) { take(self, got); }, wrong);
}

caf::behavior pump(pump_actor* self, const node_link& link, const std::weak_ptr<hub>& to) {
  self->state.link = link;
  self->state.to = to;
  self->send(self, caf::ok_atom::value);
  return {[self](caf::ok_atom) {
    auto& s = self->state;
    const auto hub = s.to.lock();
    const auto now = steady_ns();
    if (!hub || hub->give_up_pump(now - kept_after_last_reader_ns)) {
      if (s.watch != 0) self->anon_send(s.link.node, messages::watch_close{s.watch});
      self->quit();
      return;
    }
    pull(self);
    hub->flush(now);
    self->delayed_send(self, beat, caf::ok_atom::value);
  }};
}

} // namespace

std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void keep_pumping(const node_link& link, const std::shared_ptr<hub>& to) {
  if (to->claim_pump()) link.system->spawn<caf::hidden>(pump, link, std::weak_ptr<hub>(to));
}

} // namespace pollux::bridge::http
