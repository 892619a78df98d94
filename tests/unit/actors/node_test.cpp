// SPDX-License-Identifier: Apache-2.0
#include "actors/node.hpp"
#include "actors/node_acknowledge.hpp"
#include "actors/reader.hpp"
#include "messages/model_codec.hpp"
#include "tests/support/temporary_folder.hpp"
#include <atomic>
#include <doctest/doctest.h>
#include <thread>

using namespace pollux;
using namespace pollux::actors;
using namespace std::chrono_literals;

namespace {

struct quiet_config : caf::actor_system_config {
  quiet_config() {
    set("scheduler.policy", caf::atom("sharing"));
    messages::add_message_types(*this);
  }
};

// A node whose reader and host say what the test wants; the journal is a real one.
struct fixture {
  tests::temporary_folder folder;
  messages::metrics metrics;
  messages::health conditions;
  model_catalog models;
  std::unique_ptr<persistence::log> journal;
  std::unique_ptr<persistence::store> tables;
  std::unique_ptr<intake> inlet;
  std::atomic<bool> applied{false}; ///< whether the twin has applied the acknowledgement
  std::atomic<bool> known{true};    ///< whether the twin knows the incident
  std::atomic<int> looks{0};
  quiet_config config;
  caf::actor_system system{config};
  caf::actor reader, host;
  messages::node_actor node;

  fixture() {
    journal = persistence::make_memory_log(4);
    auto store = persistence::open_leveldb_store({.folder = folder.path() + "/store"});
    REQUIRE(store.ok());
    tables = std::move(*store);
    auto model = messages::parse_model(
        R"({"name":"m","kind":"device","telemetry":{"x":{"type":"number"}},"operators":[]})",
        "m.json");
    REQUIRE_MESSAGE(model.ok(), (model.ok() ? "" : model.error().what));
    models.set_current(*model);
    inlet = std::make_unique<intake>(*journal, *tables, models, metrics, intake_options{});
    domain::input in;
    in.kind = domain::input_kind::connection_changed;
    in.ingest_time_ns = 1;
    REQUIRE(inlet->submit("n:a", "m", in).ok());
    REQUIRE(inlet->flush(messages::durability::d0).ok());
    reader = system.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](const alert_ask& a) {
        ++looks;
        messages::alert_answer out;
        out.twin = a.what.twin;
        out.incident = a.what.incident;
        out.state = applied ? "acknowledged" : "active";
        return out;
      }};
    });
    host = system.spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](const ask_twin& a) {
        messages::twin_answer out;
        out.id = a.key;
        out.document = known ? R"({"alerts":[{"incident":"1-0-0"}]})" : R"({"alerts":[]})";
        return out;
      }};
    });
    node_surroundings with;
    with.inlet = inlet.get();
    with.journal = journal.get();
    with.tables = tables.get();
    with.models = &models;
    with.metrics = &metrics;
    with.conditions = &conditions;
    with.hosts = {host};
    with.readers = {reader};
    with.now = [] { return std::int64_t{2}; };
    node = spawn_node(system, std::move(with));
  }
  ~fixture() {
    caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(reader, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(host, caf::exit_reason::user_shutdown);
    inlet->stop();
  }

  // How many acknowledgements the journal holds.
  int journaled() {
    int count = 0;
    for (std::uint32_t shard = 0; shard < journal->shards(); ++shard)
      CHECK(journal
                ->scan(shard, {},
                       [&](const persistence::positioned_segment& s) {
                         for (const auto& e : s.content->entries())
                           count += e.kind == domain::input_kind::alert_acknowledged;
                         return true;
                       })
                .ok());
    return count;
  }
};

const messages::alert_acknowledge one{"n:a", "1-0-0", "me", "seen"};

} // namespace

TEST_CASE("stats and twins are answered at once while many acknowledgements wait for their twin") {
  fixture f;
  constexpr int many = 100;
  std::atomic<int> answered{0}, good{0};
  auto waiter = f.system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    for (int i = 0; i < many; ++i)
      self->request(f.node, 20s, one)
          .then(
              [&](const messages::alert_answer& a) {
                good += a.state == "acknowledged";
                ++answered;
              },
              [&](const caf::error&) { ++answered; });
    return {[](caf::ok_atom) {}};
  });
  const auto patience = std::chrono::steady_clock::now() + 10s;
  while (f.looks < 2 * many && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(1ms); // every one is journaled and has looked at least once
  REQUIRE(f.looks >= 2 * many);
  caf::scoped_actor self{f.system, true};
  int stats = 0, twins = 0;
  for (int i = 0; i < 10; ++i) {
    self->request(f.node, 5s, messages::stats_query{})
        .receive([&](const messages::stats_answer&) { ++stats; }, [](const caf::error&) {});
    self->request(f.node, 5s, messages::twin_query{"n:a"})
        .receive([&](const messages::twin_answer&) { ++twins; }, [](const caf::error&) {});
  }
  CHECK(stats == 10);
  CHECK(twins == 10);
  CHECK(answered == 0); // twenty queries took less than one acknowledgement's patience
  f.applied = true;
  while (answered < many && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(1ms);
  CHECK(answered == many);
  CHECK(good == many);
  CHECK(f.journaled() == many);
  caf::anon_send_exit(waiter, caf::exit_reason::user_shutdown);
}

TEST_CASE("an alert of an earlier twin of the same name is not acknowledged for this one") {
  fixture f;
  f.known = false;
  caf::scoped_actor self{f.system, true};
  errc code = errc::internal;
  self->request(f.node, 5s, one)
      .receive([&](const messages::alert_answer&) {},
               [&](const caf::error& e) { code = messages::from_caf(e).code; });
  CHECK(code == errc::not_found);
  CHECK(f.journaled() == 0);
}

TEST_CASE("one acknowledgement too many is refused as overloaded, and is not journaled") {
  fixture f;
  std::atomic<int> overloaded{0}, timed_out{0}, others{0};
  constexpr int beyond = 10;
  const int all = static_cast<int>(max_acknowledging) + beyond;
  const auto began = std::chrono::steady_clock::now();
  auto waiter = f.system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    for (int i = 0; i < all; ++i)
      self->request(f.node, 20s, one)
          .then([&](const messages::alert_answer&) { ++others; },
                [&](const caf::error& e) {
                  const auto code = messages::from_caf(e).code;
                  ++(code == errc::overloaded  ? overloaded
                     : code == errc::timed_out ? timed_out
                                               : others);
                });
    return {[](caf::ok_atom) {}};
  });
  const auto patience = began + 20s;
  while (overloaded + timed_out + others < all && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(1ms);
  CHECK(overloaded == beyond);
  CHECK(timed_out == static_cast<int>(max_acknowledging)); // journaled, never seen applied
  CHECK(others == 0);
  CHECK(std::chrono::steady_clock::now() - began >= acknowledge_patience);
  CHECK(f.journaled() == static_cast<int>(max_acknowledging));
  // the places are free again
  f.applied = true;
  caf::scoped_actor self{f.system, true};
  errc code = errc::internal;
  self->request(f.node, 5s, one)
      .receive([&](const messages::alert_answer&) { code = errc::io; },
               [&](const caf::error& e) { code = messages::from_caf(e).code; });
  CHECK(code == errc::conflict); // "is acknowledged, not active"
  caf::anon_send_exit(waiter, caf::exit_reason::user_shutdown);
}
