// SPDX-License-Identifier: Apache-2.0
#include "actors/jobs.hpp"
#include "messages/observability/log.hpp"
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>
#include <sys/resource.h>
#include <thread>
#include <utility>

namespace pollux::actors {

void job_progress::say(std::string what) {
  std::lock_guard lock{mutex_};
  what_ = std::move(what);
}

std::string job_progress::what() const {
  std::lock_guard lock{mutex_};
  return what_;
}

namespace {

using ended_atom = caf::atom_constant<caf::atom("ended")>;

constexpr std::size_t max_waiting = 16, max_remembered = 32;
constexpr int politeness = 10; // of the job's thread, as nice(1) counts it

struct job {
  messages::job_start order;
  std::string state = "queued";
  std::string document, why;
  std::int64_t asked_ns = 0;
  job_progress progress;
  result<std::string> outcome = std::string{}; ///< the thread's; read once it has ended
};

struct jobs_state {
  job_surroundings with;
  const std::map<std::string, job_body>* kinds = nullptr;
  std::map<std::uint64_t, std::shared_ptr<job>> known;
  std::deque<std::uint64_t> waiting;
  std::uint64_t last = 0;
  std::uint64_t running = 0; ///< 0: none
  std::thread worker;
  static inline const char* name = "jobs";

  // The job's thread uses what goes away after this actor.
  ~jobs_state() {
    if (running != 0) known.at(running)->progress.cancel();
    if (worker.joinable()) worker.join();
  }
};

using jobs_actor = caf::stateful_actor<jobs_state>;

messages::job_answer answer(std::uint64_t id, const job& j) {
  auto what = j.progress.what();
  return {id,
          j.order.kind,
          j.state,
          j.progress.done(),
          j.progress.total(),
          j.why.empty() ? std::move(what) : j.why,
          j.document};
}

result<std::string> run(const job_body& body, const job_surroundings& with, job& j) {
  try {
    return body(with, j.order.arguments, j.progress);
  } catch (const std::exception& e) {
    return failure{errc::internal, j.order.kind + " failed: " + e.what()};
  }
}

void start_next(jobs_actor* self) {
  auto& s = self->state;
  while (s.running == 0 && !s.waiting.empty()) {
    const auto id = s.waiting.front();
    s.waiting.pop_front();
    auto j = s.known.at(id);
    if (j->progress.cancelled()) {
      j->state = "cancelled";
      continue;
    }
    j->state = "running";
    s.running = id;
    if (s.worker.joinable()) s.worker.join();
    s.worker = std::thread([j, with = &s.with, &body = s.kinds->at(j->order.kind),
                            me = caf::actor_cast<caf::actor>(self)] {
      static_cast<void>(setpriority(PRIO_PROCESS, 0, politeness)); // of this thread, on Linux
      j->outcome = run(body, *with, *j);
      caf::anon_send(me, ended_atom::value);
    });
  }
}

void ended(jobs_actor* self) {
  auto& s = self->state;
  if (s.running == 0) return;
  auto& j = *s.known.at(std::exchange(s.running, 0));
  s.worker.join();
  if (j.outcome) {
    j.state = j.progress.cancelled() ? "cancelled" : "done";
    j.document = std::move(*j.outcome);
  } else {
    j.state = j.progress.cancelled() ? "cancelled" : "failed";
    j.why = j.outcome.error().what;
    messages::log::warning("jobs", "a job failed", {{"kind", j.order.kind}, {"why", j.why}});
  }
  start_next(self);
}

caf::result<messages::job_answer> start(jobs_actor* self, const messages::job_start& order) {
  auto& s = self->state;
  if (s.kinds->count(order.kind) == 0) {
    std::string known;
    for (const auto& [kind, body] : *s.kinds) known += (known.empty() ? "" : ", ") + kind;
    return messages::to_caf(
        {errc::invalid_argument, "no job of kind " + order.kind + "; there are " + known});
  }
  if (s.waiting.size() >= max_waiting)
    return messages::to_caf({errc::overloaded, "sixteen jobs wait already"});
  auto j = std::make_shared<job>();
  j->order = order;
  j->asked_ns = s.with.now();
  s.known.emplace(++s.last, j);
  s.waiting.push_back(s.last);
  messages::log::info("jobs", "a job was ordered",
                      {{"job", s.last}, {"kind", order.kind}, {"by", order.by}});
  for (auto old = s.known.begin(); s.known.size() > max_remembered && old != s.known.end();)
    old = old->second->state == "queued" || old->second->state == "running" ? std::next(old)
                                                                            : s.known.erase(old);
  const auto id = s.last;
  start_next(self);
  return answer(id, *j);
}

std::string list_document(const jobs_state& s) {
  nlohmann::ordered_json rows = nlohmann::json::array();
  for (const auto& [id, j] : s.known)
    rows.push_back({{"id", id},
                    {"kind", j->order.kind},
                    {"state", j->state},
                    {"by", j->order.by},
                    {"asked_at", format_rfc3339(j->asked_ns)},
                    {"done", j->progress.done()},
                    {"total", j->progress.total()}});
  return nlohmann::ordered_json{{"jobs", std::move(rows)}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

caf::result<messages::job_answer> look(const jobs_state& s, std::uint64_t id) {
  if (id == 0) return messages::job_answer{0, {}, {}, 0, 0, {}, list_document(s)};
  const auto found = s.known.find(id);
  if (found == s.known.end())
    return messages::to_caf({errc::not_found, "no job " + std::to_string(id)});
  return answer(id, *found->second);
}

caf::behavior jobs(jobs_actor* self, job_surroundings with,
                   const std::map<std::string, job_body>* kinds) {
  self->state.with = std::move(with);
  self->state.kinds = kinds;
  return {
      [self](const messages::job_start& order) { return start(self, order); },
      [self](const messages::job_query& q) { return look(self->state, q.id); },
      [self](const messages::job_cancel& c) -> caf::result<messages::job_answer> {
        const auto found = self->state.known.find(c.id);
        if (found != self->state.known.end()) found->second->progress.cancel();
        return look(self->state, c.id);
      },
      [self](ended_atom) { ended(self); },
  };
}

} // namespace

caf::actor spawn_jobs(caf::actor_system& system, job_surroundings with,
                      const std::map<std::string, job_body>& kinds) {
  return system.spawn<caf::detached>(jobs, std::move(with), &kinds);
}

} // namespace pollux::actors
