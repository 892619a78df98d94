// SPDX-License-Identifier: Apache-2.0
#include "actors/node_alert_actions.hpp"
#include "actors/alert_action_state.hpp"
#include "actors/property_patch.hpp"
#include "domain/alert/alert_actions.hpp"
#include "domain/twin/twin_state.hpp"
#include <algorithm>

namespace pollux::actors {

using namespace messages;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds first_pause{10}, longest_pause{80};
constexpr milliseconds patience{3000};
// The twin has gone on without doing it: a comment that was made before, most likely.
constexpr milliseconds nothing_to_do{500};

json read(const twin_answer& answer) { return json::parse(answer.document, nullptr, false); }

template <class Then, class Fail>
void ask(node_pointer self, const found_twin& twin, Then then, Fail fail) {
  auto& s = self->state;
  self->request(s.with.hosts[twin.place.shard % s.with.hosts.size()], ask_timeout,
                ask_twin{twin.place, twin.key, s.with.now()})
      .then([then](const twin_answer& a) mutable { then(read(a)); },
            [fail](caf::error& e) mutable { fail(std::move(e)); });
}

template <class What> void answer(caf::typed_response_promise<done> to, What&& what) {
  to.deliver(std::forward<What>(what));
}

void finish(node_pointer self, std::uint64_t number, caf::error why) {
  const auto it = self->state.actions.find(number);
  if (it == self->state.actions.end()) return;
  auto waiter = std::move(it->second);
  self->state.actions.erase(it);
  if (why)
    waiter.promise.deliver(std::move(why));
  else
    waiter.promise.deliver(done{waiter.said});
}

void on_looked(node_pointer self, std::uint64_t number, const json& twin) {
  const auto it = self->state.actions.find(number);
  if (it == self->state.actions.end()) return;
  auto& waiter = it->second;
  const auto now = steady_clock::now();
  const bool moved = twin.is_object() && waiter.revision != twin.value("revision", "");
  if (waiter.applied(twin))
    return finish(self, number, waiter.verdict ? waiter.verdict(twin) : caf::error{});
  if (moved && now >= waiter.began + nothing_to_do) return finish(self, number, {});
  if (now >= waiter.began + patience)
    return finish(self, number,
                  to_caf({errc::timed_out, "journaled, and not yet applied by the twin"}));
  self->delayed_send(self, waiter.pause, look_atom::value, number);
  waiter.pause = std::min(waiter.pause * 2, longest_pause);
}

// Journals the input and waits until `applied` says yes; `verdict`, if any, then tells whether that
// was this input's doing.
void carry_out(node_pointer self, const std::string& id, const found_twin& twin,
               const domain::input& in, const json& before,
               std::function<bool(const json&)> applied, std::string said,
               caf::typed_response_promise<done> promise,
               std::function<caf::error(const json&)> verdict = {}) {
  auto& s = self->state;
  if (applied(before)) return answer(promise, done{std::move(said)});
  if (s.actions.size() >= max_actions)
    return answer(promise, to_caf({errc::overloaded,
                                   "256 actions wait already; this one was not journaled"}));
  if (auto written = journal(s, id, {}, in); !written)
    return answer(promise, to_caf(written.error()));
  const auto number = ++s.last_waiter;
  s.actions.emplace(number, action_waiter{twin, std::move(applied), before.value("revision", ""),
                                          std::move(said), std::move(promise), steady_clock::now(),
                                          first_pause, std::move(verdict)});
  look_at_action(self, number);
}

domain::input input_of(const alert_action& a, domain::alert_verb verb, std::int64_t now_ns) {
  domain::input in;
  in.kind = domain::input_kind::alert_action;
  in.ingest_time_ns = now_ns;
  in.verb = verb;
  in.incident = a.incident;
  in.rule = a.rule;
  in.by = a.by;
  in.detail = a.detail;
  in.expires_at_ns = a.until_ns;
  return in;
}

// One twin further up. `above`: whose parent is asked for next.
void climb(node_pointer self, const parent_set& p, const found_twin& child,
           const std::string& above, std::uint32_t depth, const json& before,
           caf::typed_response_promise<done> promise) {
  auto& s = self->state;
  if (above == p.twin || depth >= domain::max_parent_depth)
    return answer(promise, to_caf({errc::conflict,
                                   above == p.twin ? p.twin + " would be its own parent"
                                                   : "more than 8 twins, one above the other"}));
  auto set = [self, p, child, before, promise]() mutable {
    domain::input in;
    in.kind = domain::input_kind::parent_changed;
    in.ingest_time_ns = self->state.with.now();
    in.rule = p.parent;
    in.by = p.by;
    carry_out(
        self, p.twin, child, in, before,
        [parent = p.parent](const json& twin) { return twin.value("parent", "") == parent; },
        p.parent.empty() ? p.twin + " has no parent" : p.twin + " tells " + p.parent,
        std::move(promise));
  };
  if (above.empty()) return set();
  auto next = find_twin(s, above);
  if (!next) { // a twin that is gone hears nothing, and is no cycle
    if (depth == 0) return answer(promise, to_caf(next.error()));
    return set();
  }
  ask(
      self, *next,
      [=](const json& twin) {
        climb(self, p, child, twin.value("parent", ""), depth + 1, before, promise);
      },
      [promise](caf::error e) { answer(promise, std::move(e)); });
}

} // namespace

bool look_at_action(node_pointer self, std::uint64_t number) {
  const auto it = self->state.actions.find(number);
  if (it == self->state.actions.end()) return false;
  ask(
      self, it->second.twin, [self, number](const json& twin) { on_looked(self, number, twin); },
      [self, number](caf::error e) { finish(self, number, std::move(e)); });
  return true;
}

caf::result<done> act_on_alert(node_pointer self, const alert_action& a) {
  auto& s = self->state;
  const auto verb = parse_alert_verb(a.verb);
  if (!verb) return to_caf(verb.error());
  if (auto fine = check_words(*verb, a, s.with.now()); !fine) return to_caf(fine.error());
  const auto twin = find_twin(s, a.twin);
  if (!twin) return to_caf(twin.error());
  auto promise = self->make_response_promise<done>();
  ask(
      self, *twin,
      [self, a, verb = *verb, twin = *twin, promise](const json& before) mutable {
        if (auto fine = can_be_done(verb, a, before); !fine)
          return answer(promise, to_caf(fine.error()));
        carry_out(
            self, a.twin, twin, input_of(a, verb, self->state.with.now()), before,
            [verb, a, before](const json& now) { return is_done(verb, a, before, now); }, "done",
            std::move(promise));
      },
      [promise](caf::error e) { answer(promise, std::move(e)); });
  return promise;
}

caf::result<done> set_parent(node_pointer self, const parent_set& p) {
  const auto twin = find_twin(self->state, p.twin);
  if (!twin) return to_caf(twin.error());
  auto promise = self->make_response_promise<done>();
  ask(
      self, *twin,
      [self, p, twin = *twin, promise](const json& before) {
        climb(self, p, twin, p.parent, 0, before, promise);
      },
      [promise](caf::error e) { answer(promise, std::move(e)); });
  return promise;
}

caf::result<done> patch_twin(node_pointer self, const twin_patch& p) {
  const auto twin = find_twin(self->state, p.id);
  if (!twin) return to_caf(twin.error());
  auto promise = self->make_response_promise<done>();
  const auto change = [self, p, twin = *twin, promise](const json& before) mutable {
    const auto revision = before.value("properties_revision", std::uint64_t{0});
    if (p.base >= 0 && static_cast<std::uint64_t>(p.base) != revision)
      return answer(promise,
                    to_caf({errc::refused, "the properties of " + p.id + " changed: they are at " +
                                               std::to_string(revision)}));
    const auto wanted = patched(before.value("properties", json::object()), p.how, p.patch);
    if (!wanted) return answer(promise, to_caf(wanted.error()));
    if (*wanted == before.value("properties", json::object()))
      return answer(promise, done{"nothing to change"});
    const auto text = wanted->dump(-1, ' ', false, json::error_handler_t::replace);
    if (text.size() > domain::max_properties_bytes)
      return answer(promise, to_caf({errc::invalid_argument, "properties: more than 64 KiB"}));
    domain::input in;
    in.kind = domain::input_kind::properties_changed;
    in.ingest_time_ns = self->state.with.now();
    in.by = p.by;
    in.detail = text;
    in.generation = revision + 1;
    carry_out(
        self, p.id, twin, in, before,
        [revision](const json& now) {
          return now.value("properties_revision", std::uint64_t{0}) > revision;
        },
        "changed", std::move(promise),
        [wanted = *wanted](const json& now) -> caf::error {
          if (now.value("properties", json::object()) == wanted) return {};
          return to_caf({errc::conflict, "another change of the properties was quicker"});
        });
  };
  ask(self, *twin, change, [promise](caf::error e) { answer(promise, std::move(e)); });
  return promise;
}

} // namespace pollux::actors
