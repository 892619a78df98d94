// SPDX-License-Identifier: Apache-2.0
#include "actors/node_acknowledge.hpp"
#include "actors/alert_action_state.hpp"
#include "actors/reader.hpp"
#include "messages/documents.hpp"
#include <algorithm>

namespace pollux::actors {

using namespace messages;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds first_pause{10}; // the twin is a tick away
constexpr milliseconds longest_pause{80};

/// Also when it is latched, shelved, ...: then the state does not say so.
bool is_acknowledged(const alert_answer& alert) {
  if (alert.state == "acknowledged") return true;
  const auto document = nlohmann::json::parse(alert.document, nullptr, false);
  return document.is_object() && document.contains("acknowledged_by");
}

template <class Answer> void finish(node_pointer self, std::uint64_t number, Answer&& answer) {
  auto& s = self->state;
  const auto it = s.waiters.find(number);
  if (it == s.waiters.end()) return;
  auto promise = std::move(it->second.promise);
  s.waiters.erase(it);
  --s.acknowledging;
  promise.deliver(std::forward<Answer>(answer));
}

void on_looked(node_pointer self, std::uint64_t number, alert_answer& now) {
  const auto it = self->state.waiters.find(number);
  if (it == self->state.waiters.end()) return;
  if (is_over(now.state) || is_acknowledged(now)) return finish(self, number, std::move(now));
  auto& waiter = it->second;
  if (steady_clock::now() >= waiter.until) {
    return finish(self, number,
                  to_caf({errc::timed_out, "journaled, and not yet applied by the twin"}));
  }
  self->delayed_send(self, waiter.pause, look_atom::value, number);
  waiter.pause = std::min(waiter.pause * 2, longest_pause);
}

using ack_promise = caf::typed_response_promise<alert_answer>;

void refuse(node_pointer self, ack_promise promise, const failure& why) {
  --self->state.acknowledging;
  promise.deliver(to_caf(why));
}

void journal_it(node_pointer self, twin_place place, const alert_acknowledge& a,
                const ack_promise& promise) {
  auto& s = self->state;
  domain::input in;
  in.kind = domain::input_kind::alert_acknowledged;
  in.ingest_time_ns = s.with.now();
  in.incident = a.incident;
  in.by = a.by;
  in.detail = a.comment;
  if (auto written = journal(s, a.twin, {}, in); !written)
    return refuse(self, promise, written.error());
  const auto number = ++s.last_waiter;
  s.waiters.emplace(number, acknowledge_waiter{place,
                                               {a.twin, a.incident},
                                               promise,
                                               steady_clock::now() + acknowledge_patience,
                                               first_pause});
  look_again(self, number);
}

/// The row of an alert outlives a twin that was deleted, and its name may be another twin's by now:
/// that one knows nothing of it, and would never show it acknowledged.
void on_known(node_pointer self, const found_twin& twin, const alert_acknowledge& a,
              const ack_promise& promise, const alert_answer& known) {
  if (is_acknowledged(known) || is_over(known.state))
    return refuse(self, promise,
                  {errc::conflict, "alert " + a.incident + " is " + known.state + ", not active"});
  const auto& s = self->state;
  self->request(s.with.hosts[twin.place.shard % s.with.hosts.size()], ask_timeout,
                ask_twin{twin.place, twin.key, s.with.now()})
      .then(
          [self, place = twin.place, a, promise](const twin_answer& found) {
            alert_action about;
            about.twin = a.twin;
            about.incident = a.incident;
            const auto document = nlohmann::json::parse(found.document, nullptr, false);
            if (auto open = can_be_done(domain::alert_verb::clear, about, document); !open)
              return refuse(self, promise, open.error());
            journal_it(self, place, a, promise);
          },
          [self, promise](const caf::error& e) { refuse(self, promise, from_caf(e)); });
}

} // namespace

void look_again(node_pointer self, std::uint64_t number) {
  const auto it = self->state.waiters.find(number);
  if (it == self->state.waiters.end()) return;
  self->request(self->state.with.readers.front(), ask_timeout,
                alert_ask{it->second.place, it->second.what})
      .then([self, number](alert_answer& now) { on_looked(self, number, now); },
            [self, number](caf::error& e) { finish(self, number, std::move(e)); });
}

caf::result<alert_answer> acknowledge(node_pointer self, const alert_acknowledge& a) {
  auto& s = self->state;
  auto twin = find_twin(s, a.twin);
  if (!twin) return to_caf(twin.error());
  if (s.acknowledging >= max_acknowledging)
    return to_caf({errc::overloaded, std::to_string(max_acknowledging) +
                                         " acknowledgements wait already; this one was not "
                                         "journaled, try again"});
  ++s.acknowledging;
  auto promise = self->make_response_promise<alert_answer>();
  self->request(s.with.readers.front(), ask_timeout, alert_ask{twin->place, {a.twin, a.incident}})
      .then([self, twin = *twin, a,
             promise](const alert_answer& known) { on_known(self, twin, a, promise, known); },
            [self, promise](caf::error& e) mutable {
              --self->state.acknowledging;
              promise.deliver(std::move(e));
            });
  return promise;
}

} // namespace pollux::actors
