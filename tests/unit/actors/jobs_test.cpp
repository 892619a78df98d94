// SPDX-License-Identifier: Apache-2.0
// Jobs: one at a time, watched, cancelled, remembered for a while, and never in the way of the end.
#include "actors/jobs.hpp"
#include <chrono>
#include <condition_variable>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace pollux;
using namespace pollux::actors;
using namespace std::chrono_literals;

namespace {

/// Holds a job's thread until it is told to go on.
struct gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  void wait(const job_progress& progress) {
    std::unique_lock lock{mutex};
    while (!open && !progress.cancelled()) changed.wait_for(lock, 1ms);
  }
  void let() {
    std::lock_guard lock{mutex};
    open = true;
    changed.notify_all();
  }
};

struct jobs_fixture {
  struct config : caf::actor_system_config {
    config() { messages::add_message_types(*this); }
  };
  gate held;
  std::map<std::string, job_body> kinds{
      {"hold",
       [this](const job_surroundings&, const std::string& arguments, job_progress& progress) {
         progress.set(1, 3);
         progress.say("holding " + arguments);
         held.wait(progress);
         progress.set(3, 3);
         return result<std::string>{R"({"held":")" + arguments + "\"}"};
       }},
      {"fail",
       [](const job_surroundings&, const std::string&, job_progress&) -> result<std::string> {
         return failure{errc::io, "the disk said no"};
       }},
      {"throw",
       [](const job_surroundings&, const std::string&, job_progress&) -> result<std::string> {
         throw std::runtime_error("out of the blue");
       }}};
  config settings;
  caf::actor_system system{settings};
  caf::actor jobs;
  caf::scoped_actor self{system};

  jobs_fixture() {
    job_surroundings with;
    with.now = [] { return std::int64_t{1'700'000'000'000'000'000}; };
    jobs = spawn_jobs(system, with, kinds);
  }
  ~jobs_fixture() { self->send_exit(jobs, caf::exit_reason::user_shutdown); }

  template <class Question> result<messages::job_answer> ask(const Question& q) {
    result<messages::job_answer> out = failure{errc::timed_out, "no answer"};
    self->request(jobs, 10s, q)
        .receive([&](const messages::job_answer& a) { out = a; },
                 [&](const caf::error& e) { out = messages::from_caf(e); });
    return out;
  }
  messages::job_answer start(const std::string& kind, const std::string& arguments = "{}") {
    auto a = ask(messages::job_start{kind, arguments, "test"});
    REQUIRE(a.ok());
    return *a;
  }
  messages::job_answer look(std::uint64_t id) {
    auto a = ask(messages::job_query{id});
    REQUIRE(a.ok());
    return *a;
  }
  messages::job_answer wait_for(std::uint64_t id, const std::string& state) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    auto a = look(id);
    while (a.state != state && std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
      a = look(id);
    }
    CHECK(a.state == state);
    return a;
  }
};

} // namespace

TEST_CASE_FIXTURE(jobs_fixture, "jobs: one runs, the next waits, both come to their results") {
  const auto first = start("hold", "one"), second = start("hold", "two");
  CHECK(first.state == "running");
  CHECK(second.state == "queued");
  const auto until = std::chrono::steady_clock::now() + 10s;
  auto seen = look(first.id);
  while (seen.what.empty() && std::chrono::steady_clock::now() < until) seen = look(first.id);
  CHECK(seen.what == "holding one");
  CHECK(seen.done == 1);
  CHECK(seen.total == 3);
  CHECK(look(second.id).state == "queued");
  held.let();
  CHECK(wait_for(first.id, "done").document == R"({"held":"one"})");
  CHECK(wait_for(second.id, "done").document == R"({"held":"two"})");
  const auto all = nlohmann::json::parse(look(0).document);
  CHECK(all["jobs"].size() == 2);
  CHECK(all["jobs"][1]["state"] == "done");
}

TEST_CASE_FIXTURE(jobs_fixture, "jobs: a running and a waiting one are cancelled") {
  const auto first = start("hold"), second = start("hold");
  REQUIRE(ask(messages::job_cancel{second.id}).ok());
  REQUIRE(ask(messages::job_cancel{first.id}).ok());
  CHECK_FALSE(wait_for(first.id, "cancelled").document.empty()); // what there was
  CHECK(wait_for(second.id, "cancelled").document.empty());
}

TEST_CASE_FIXTURE(jobs_fixture, "jobs: a failed one says why, and the next runs") {
  const auto first = start("fail"), second = start("throw");
  held.let();
  const auto third = start("hold");
  CHECK(wait_for(first.id, "failed").what == "the disk said no");
  CHECK(wait_for(second.id, "failed").what.find("out of the blue") != std::string::npos);
  wait_for(third.id, "done");
}

TEST_CASE_FIXTURE(jobs_fixture,
                  "jobs: an unknown kind, an unknown id and a full queue are refused") {
  const auto unknown = ask(messages::job_start{"dance", "{}", "test"});
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().what.find("fail, hold, throw") != std::string::npos);
  CHECK(ask(messages::job_query{77}).error().code == errc::not_found);
  for (int i = 0; i < 17; ++i) start("hold"); // one runs, sixteen wait
  const auto full = ask(messages::job_start{"hold", "{}", "test"});
  REQUIRE_FALSE(full.ok());
  CHECK(full.error().code == errc::overloaded);
}

TEST_CASE_FIXTURE(jobs_fixture, "jobs: only the newest are remembered") {
  held.let();
  const auto first = start("hold");
  auto last = first;
  for (int i = 0; i < 40; ++i) last = wait_for(start("hold").id, "done");
  CHECK(ask(messages::job_query{first.id}).error().code == errc::not_found);
  CHECK(nlohmann::json::parse(look(0).document)["jobs"].size() <= 33);
}
