// SPDX-License-Identifier: Apache-2.0
// What the audit log is told of queries that come in by the remote door.
#include "bridge/remote/deeds.hpp"
#include "bridge/remote/gateway.hpp"
#include "tests/support/fake_node.hpp"
#include <doctest/doctest.h>
#include <pwd.h>
#include <unistd.h>

using namespace pollux;
using namespace pollux::bridge::remote;
using namespace pollux::messages;

namespace {

struct config : caf::actor_system_config {
  config() { pollux::messages::add_message_types(*this); }
};

std::string own_user() {
  const auto* entry = ::getpwuid(::getuid());
  return entry != nullptr ? entry->pw_name : "uid " + std::to_string(::getuid());
}

template <class Query> void who_is_named_is_told(const char* name) {
  if constexpr (requires(Query q) { q.by; }) {
    Query q;
    q.by = "bob";
    if constexpr (requires { q.verb; }) q.verb = "hold";
    const auto found = order_of(q);
    REQUIRE_MESSAGE(found, name);
    CHECK_MESSAGE(found->by == "bob", name);
  }
}

} // namespace

TEST_CASE("every query that names who asks is an order") {
#define POLLUX_QUERY(type) who_is_named_is_told<type>(#type);
  POLLUX_QUERY(twin_query)
  POLLUX_QUERY(command_request)
  POLLUX_QUERY(alert_acknowledge)
  POLLUX_QUERY(alert_verify)
  POLLUX_QUERY(alert_action)
  POLLUX_QUERY(parent_set)
  POLLUX_QUERY(twin_patch)
  POLLUX_QUERY(twin_search)
  POLLUX_QUERY(quarantine_replay)
  POLLUX_QUERY(verify_start)
  POLLUX_QUERY(twin_create)
  POLLUX_QUERY(twin_delete)
  POLLUX_QUERY(log_level_set)
  POLLUX_QUERY(model_apply)
  POLLUX_QUERY(model_rollback)
  POLLUX_QUERY(shadow_order)
  POLLUX_QUERY(retention_order)
  POLLUX_QUERY(job_start)
  POLLUX_QUERY(job_cancel)
  POLLUX_QUERY(readings_submit)
#undef POLLUX_QUERY
}

TEST_CASE("an order says what is to be done to what; a question is none") {
  CHECK(order_of(twin_delete{"a:b"})->target == "a:b");
  CHECK(order_of(job_cancel{7})->target == "job 7");
  CHECK(order_of(job_start{"backup", R"({"to":"x"})", "bob"})->body == R"({"to":"x"})");
  // what is to be erased must not be kept here
  CHECK(order_of(job_start{"erase", R"({"id":"a:b","reason":"r"})", "bob"})->body ==
        R"({"reason":"r"})");
  CHECK_FALSE(order_of(job_start{"erased", R"({"id":"a:b"})", "bob"}));
  shadow_order shadow;
  shadow.verb = "start";
  CHECK(order_of(shadow));
  shadow.verb = "status";
  CHECK_FALSE(order_of(shadow));
  CHECK_FALSE(order_of(retention_order{"status", "", "bob", ""}));
  CHECK_FALSE(order_of(twin_query{"a:b"}));
  CHECK_FALSE(order_of(watch_open{"*"}));
  model_apply big;
  big.text = std::string(1'000'000, 'x') + "\xff";
  CHECK(order_of(big)->body.size() < 2048);
}

TEST_CASE(
    "an asker of this machine is its process's user, one of another is named by its process") {
  config c;
  const auto here = caf::node_id::default_data::local(c);
  const auto us = asker_of(here, here);
  CHECK(us.who == own_user());
  CHECK(us.from == "pid " + std::to_string(::getpid()));
  caf::node_id::default_data::host_id_type other{};
  other.fill(0xab);
  const caf::node_id there(caf::make_counted<caf::node_id::default_data>(4711, other));
  const auto stranger = asker_of(there, here);
  CHECK(stranger.who.empty());
  CHECK(stranger.from == "pid 4711 on abababab");
  CHECK(asker_of({}, here).from == "unknown");
}

TEST_CASE("the witness hears of orders with their outcome before the answer, and of nothing else") {
  config c;
  caf::actor_system system(c);
  auto node = system.spawn(tests::fake_node);
  struct heard {
    std::string method, target, who, why;
  };
  std::vector<heard> all;
  auto door = spawn_gateway(
      system, [&] { return node; },
      [&](const order& what, const asker& who, const failure* why) {
        all.push_back({what.method, what.target, who.who, why != nullptr ? why->what : ""});
      });
  {
    caf::scoped_actor self(system);
    const auto ask = [&](auto query) {
      using answer = answer_to<decltype(query)>;
      bool good = false;
      self->request(door, std::chrono::seconds(5), query)
          .receive([&](const answer&) { good = true; }, [](const caf::error&) {});
      return good;
    };
    CHECK(ask(twin_query{"plant1:motor-1"}));
    CHECK(all.empty());
    CHECK(ask(log_level_set{"debug"}));
    REQUIRE(all.size() == 1); // told by the time of the answer
    CHECK(all[0].method == "log_level_set");
    CHECK(all[0].who == "unknown"); // a system without a network names no process
    CHECK(all[0].why.empty());
    CHECK_FALSE(ask(twin_delete{"plant1:nobody"}));
    CHECK_FALSE(ask(twin_delete{std::string(10'000, 'x')})); // refused before the node sees it
    REQUIRE(all.size() == 3);
    CHECK_FALSE(all[1].why.empty());
    CHECK(all[2].why.find("bytes") != std::string::npos);
  }
  caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
  door = nullptr;
  node = nullptr;
}
