// SPDX-License-Identifier: Apache-2.0
#include "actors/desk.hpp"
#include <atomic>
#include <doctest/doctest.h>
#include <future>

using namespace pollux;
using namespace pollux::actors;

namespace {

struct quiet_config : caf::actor_system_config {
  quiet_config() { set("scheduler.policy", caf::atom("sharing")); }
};

/// A host that does with a question what its id's name says.
caf::behavior host(caf::event_based_actor* self, std::shared_ptr<std::atomic<int>> asked) {
  return {[self, asked](const look_for& look) {
    ++*asked;
    if (look.id == "n:dropped") return;
    if (look.id == "n:fatal") return self->quit(caf::exit_reason::unhandled_exception);
    messages::twin_answer found;
    found.id = look.id;
    look.slip->give(found);
    found.id = "a second answer";
    look.slip->give(found);
  }};
}

struct fixture {
  quiet_config config;
  caf::actor_system system{config};
  std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);
  desk front{8};
  caf::actor one = system.spawn(host, asked);

  fixture() { front.seat({one}); }
  ~fixture() {
    front.seat({});
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  }
  result<messages::twin_answer> look(const std::string& id) {
    std::promise<result<messages::twin_answer>> told;
    auto answer = told.get_future();
    front.look(id, [&told](result<messages::twin_answer> found) {
      told.set_value(std::move(found)); // a second call would throw
    });
    REQUIRE(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    return answer.get();
  }
};

} // namespace

TEST_CASE("who asks the desk is told once, by the twin's host") {
  fixture f;
  const auto found = f.look("n:a");
  REQUIRE(found.ok());
  CHECK(found->id == "n:a");
  const auto nonsense = f.look("nonsense");
  CHECK(nonsense.error().code == errc::invalid_argument);
  CHECK(*f.asked == 1);
}

TEST_CASE("a question that is lost on its way is answered all the same") {
  fixture f;
  CHECK(f.look("n:dropped").error().code == errc::unavailable);
  CHECK(f.look("n:fatal").error().code == errc::unavailable);
  CHECK(f.look("n:a").error().code == errc::unavailable); // that host has ended
  f.front.seat({});
  CHECK(f.look("n:a").error().code == errc::unavailable);
}

TEST_CASE("what an asker throws does not reach the actor that answers") {
  fixture f;
  f.front.look("n:a", [](const result<messages::twin_answer>&) { throw std::runtime_error("no"); });
  CHECK(f.look("n:b").ok());
}
