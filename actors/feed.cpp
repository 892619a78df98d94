// SPDX-License-Identifier: Apache-2.0
#include "actors/feed.hpp"
#include "actors/glob.hpp"
#include <algorithm>
#include <chrono>
#include <deque>
#include <map>

namespace pollux::actors {

namespace {

using sweep_atom = caf::atom_constant<caf::atom("sweep")>;
constexpr auto idle_limit = std::chrono::seconds{60};

struct watcher {
  std::string glob;
  std::deque<messages::watch_event> events;
  std::uint64_t last_number = 0, missed = 0;
  caf::actor_clock::time_point last_pull;
};

struct feed_state {
  std::vector<caf::actor> hosts;
  caf::actor outbox;
  std::map<std::uint64_t, watcher> watchers;
  std::uint64_t last_watch = 0;
  messages::gauge* memory = nullptr; ///< nullptr: nobody asks
  static inline const char* name = "feed";
};

using feed_actor = caf::stateful_actor<feed_state>;

void tell_hosts(feed_actor* self, std::uint64_t watch, const std::string& glob, bool on) {
  for (const auto& host : self->state.hosts) self->send(host, watch_glob{watch, glob, on});
}

// While nobody watches, the outbox writes no documents for the feed.
void tell_outbox(feed_actor* self) {
  if (self->state.outbox)
    self->send(self->state.outbox, set_watched{!self->state.watchers.empty()});
}

caf::result<messages::watch_page> pull(feed_actor* self, const messages::watch_pull& want) {
  const auto it = self->state.watchers.find(want.watch);
  if (it == self->state.watchers.end())
    return messages::to_caf({errc::not_found, "no watch " + std::to_string(want.watch) +
                                                  "; it ends after 60 s without a pull"});
  auto& w = it->second;
  w.last_pull = self->clock().now();
  while (!w.events.empty() && w.events.front().number <= want.acknowledged) w.events.pop_front();
  messages::watch_page page;
  const auto limit = std::min<std::size_t>(
      std::clamp<std::uint32_t>(want.limit, 1, messages::max_page), w.events.size());
  page.events.assign(w.events.begin(), w.events.begin() + static_cast<std::ptrdiff_t>(limit));
  page.missed = std::exchange(w.missed, 0);
  return page;
}

void tell_memory(const feed_state& s) {
  if (s.memory == nullptr) return;
  std::size_t bytes = 0;
  for (const auto& [number, w] : s.watchers)
    for (const auto& e : w.events) bytes += sizeof e + e.twin.size() + e.document.size();
  s.memory->set(static_cast<double>(bytes));
}

caf::behavior feed(feed_actor* self, messages::metrics* metrics) {
  if (metrics != nullptr)
    self->state.memory = &metrics->make_gauge("pollux_memory_bytes",
                                              "Memory by owner; of twins, windows and outbox "
                                              "estimated by samples",
                                              {{"owner", "feed"}});
  self->delayed_send(self, std::chrono::seconds{5}, sweep_atom::value);
  return {
      [self](const feed_hosts& h) {
        self->state.hosts = h.hosts;
        self->state.outbox = h.outbox;
      },
      [self](const messages::watch_open& open) -> caf::result<messages::watch_opened> {
        if (self->state.watchers.size() >= max_watches)
          return messages::to_caf({errc::overloaded, "at most 100 watches at a time"});
        const auto number = ++self->state.last_watch;
        self->state.watchers[number] = {
            open.glob.empty() ? "*" : open.glob, {}, 0, 0, self->clock().now()};
        tell_hosts(self, number, self->state.watchers[number].glob, true);
        tell_outbox(self);
        return messages::watch_opened{number};
      },
      [self](const messages::watch_pull& want) { return pull(self, want); },
      [self](const messages::watch_close& close) {
        if (self->state.watchers.erase(close.watch) != 0) tell_hosts(self, close.watch, {}, false);
        tell_outbox(self);
        return messages::done{"closed"};
      },
      [self](const feed_event& e) {
        for (auto& [number, w] : self->state.watchers) {
          if (!matches_glob(w.glob, e.twin)) continue;
          w.events.push_back({++w.last_number, e.kind, e.twin, e.document});
          if (w.events.size() <= max_watch_events) continue;
          w.events.pop_front();
          ++w.missed;
        }
      },
      [self](sweep_atom) {
        std::erase_if(self->state.watchers, [self](const auto& entry) {
          if (self->clock().now() - entry.second.last_pull < idle_limit) return false;
          tell_hosts(self, entry.first, {}, false);
          return true;
        });
        tell_outbox(self);
        tell_memory(self->state);
        self->delayed_send(self, std::chrono::seconds{5}, sweep_atom::value);
      },
  };
}

} // namespace

caf::actor spawn_feed(caf::actor_system& system, messages::metrics* metrics) {
  return system.spawn(feed, metrics);
}

} // namespace pollux::actors
