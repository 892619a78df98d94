// SPDX-License-Identifier: Apache-2.0
#include "actors/intake.hpp"
#include "actors/shard_host.hpp"
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

bool comes_true(const std::function<bool()>& what) {
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (!what()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

} // namespace

// CAF waits at its end for every actor with a thread of its own, for as long as somebody holds it.
TEST_CASE("a host that ends while snapshots are waited for lets go of who asked for them") {
  tests::temporary_folder folder;
  messages::metrics metrics;
  model_catalog models;
  const auto journal = persistence::make_memory_log(1);
  auto tables = persistence::open_leveldb_store({.folder = folder.path() + "/store"});
  REQUIRE(tables.ok());
  const auto model = messages::parse_model(
      R"({"name":"m","kind":"device","telemetry":{"x":{"type":"number"}},"operators":[]})",
      "m.json");
  REQUIRE(model.ok());
  models.set_current(*model);
  intake inlet(*journal, **tables, models, metrics, intake_options{});
  domain::input in;
  in.kind = domain::input_kind::connection_changed;
  in.ingest_time_ns = 1;
  REQUIRE(inlet.submit("n:a", "m", in).ok());
  REQUIRE(inlet.flush(messages::durability::d0).ok());

  quiet_config config;
  caf::actor_system system(config);
  std::atomic<int> snapshots{0};
  // an outbox that stores nothing: the host goes on waiting
  const auto outbox = system.spawn([&snapshots](caf::event_based_actor*) -> caf::behavior {
    return {[](const twin_effects&) {}, [&snapshots](const store_snapshot&) { ++snapshots; }};
  });
  host_surroundings with;
  with.inlet = &inlet;
  with.journal = journal.get();
  with.tables = tables->get();
  with.models = &models;
  with.metrics = &metrics;
  with.outbox = with.node = outbox;
  auto host = spawn_shard_host(system, with, {0}, {});
  std::atomic<bool> recovered{false}, answered{false};
  auto asker = system.spawn<caf::detached>([&](caf::event_based_actor* self) -> caf::behavior {
    self->request(host, 20s, caf::get_atom::value).then([&, self](const host_counts&) {
      recovered = true;
      self->request(host, 20s, snapshot_below{0, journal->end(0)})
          .then([&](caf::ok_atom) { answered = true; }, [](const caf::error&) {});
    });
    return {[](caf::ok_atom) {}};
  });
  REQUIRE(comes_true([&] { return snapshots > 0; }));
  CHECK(recovered);
  CHECK_FALSE(answered);

  const auto weak_asker = caf::actor_cast<caf::weak_actor_ptr>(asker);
  const auto weak_host = caf::actor_cast<caf::weak_actor_ptr>(host);
  caf::anon_send_exit(asker, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(host, caf::exit_reason::user_shutdown);
  asker = host = nullptr;
  CHECK(comes_true([&] { return weak_asker.lock() == nullptr; }));
  CHECK(comes_true([&] { return weak_host.lock() == nullptr; }));
  caf::anon_send_exit(outbox, caf::exit_reason::user_shutdown);
  inlet.stop();
}
