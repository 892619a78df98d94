// SPDX-License-Identifier: Apache-2.0
#include "messages/model_codec.hpp"
#include "supervision/core.hpp"
#include "tests/support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <mutex>

using namespace pollux;
using namespace pollux::supervision;

namespace {

struct quiet_config : caf::actor_system_config {
  quiet_config() {
    set("scheduler.policy", caf::atom("sharing"));
    messages::add_message_types(*this);
  }
};

// A core on a real journal, without doors: the test submits and turns the crank.
struct fixture {
  tests::temporary_folder folder;
  messages::metrics metrics;
  messages::health conditions;
  actors::model_catalog models;
  std::unique_ptr<persistence::log> journal;
  std::unique_ptr<persistence::store> tables;
  std::unique_ptr<actors::intake> inlet;
  std::unique_ptr<actors::quarantine_queue> quarantine;
  quiet_config config;
  std::unique_ptr<caf::actor_system> system;
  core_surroundings around;
  core running;
  std::vector<persistence::positioned_segment> held;

  fixture() {
    auto log = persistence::open_leveldb_log(
        {.folder = folder.path() + "/log", .shards = 4, .min_free_bytes = 0, .ballast_bytes = 0});
    REQUIRE_MESSAGE(log.ok(), (log.ok() ? "" : log.error().what));
    journal = std::move(*log);
    auto store = persistence::open_leveldb_store({.folder = folder.path() + "/store"});
    REQUIRE(store.ok());
    tables = std::move(*store);
    const std::string text =
        R"({"name":"m","kind":"device","telemetry":{"x":{"type":"number"}},"operators":[
      {"name":"high","type":"threshold","value":"x","above":100},
      {"name":"probe","type":"crash_probe","of":"x","value":13}]})";
    auto model = messages::parse_model(text, "m.json");
    REQUIRE_MESSAGE(model.ok(), (model.ok() ? "" : model.error().what));
    models.set_current(*model);
    inlet = std::make_unique<actors::intake>(*journal, *tables, models, metrics,
                                             actors::intake_options{});
    inlet->on_hand_over([this](auto&& segments) {
      if (!running.hosts.empty()) return hand_over(running.hosts, std::move(segments));
      for (auto& s : segments) held.push_back(std::move(s));
    });
    quarantine = std::make_unique<actors::quarantine_queue>(*tables, metrics);
    system = std::make_unique<caf::actor_system>(config);
    around.journal = journal.get();
    around.tables = tables.get();
    around.models = &models;
    around.inlet = inlet.get();
    around.quarantine = quarantine.get();
    around.metrics = &metrics;
    around.conditions = &conditions;
    start();
  }
  ~fixture() {
    inlet->stop();
    running.stop();
  }

  void start() {
    auto made = spawn_core(*system, around);
    REQUIRE_MESSAGE(made.ok(), (made.ok() ? "" : made.error().what));
    running = std::move(*made);
    hand_over(running.hosts, std::exchange(held, {}));
  }

  void reading(double x) {
    domain::input in;
    in.kind = domain::input_kind::readings;
    in.ingest_time_ns = ++now;
    in.fields.push_back({"x", domain::value_view::of(x)});
    in.readings.push_back({now, 0, 0, 1});
    REQUIRE(inlet->submit("n:a", "m", in).ok());
    inlet->pump();
  }

  // Asks until the twin has as many readings as wanted; the last answer otherwise.
  messages::twin_answer wait_for(std::uint64_t readings) {
    caf::scoped_actor self{*system, true};
    messages::twin_answer last;
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (last.readings < readings && std::chrono::steady_clock::now() < patience)
      self->request(running.node, std::chrono::seconds{5}, messages::twin_query{"n:a"})
          .receive([&](messages::twin_answer& a) { last = std::move(a); },
                   [](const caf::error&) {});
    return last;
  }
  std::int64_t now = 0;
};

} // namespace

TEST_CASE("a core rebuilt from the journal has every twin where it was, and what came meanwhile") {
  fixture f;
  for (int i = 0; i < 50; ++i) f.reading(i == 13 ? 0.5 : i);
  CHECK(f.wait_for(50).readings == 50);
  f.running.stop();
  for (int i = 50; i < 80; ++i) f.reading(i); // committed while there is no core
  f.start();
  CHECK(f.wait_for(80).readings == 80);
  f.reading(500);
  const auto answer = f.wait_for(81);
  CHECK(answer.readings == 81);
  CHECK(answer.active_alerts == 1);
}

TEST_CASE("a poison input crashes its twin three times, then is skipped, and the twin lives on") {
  fixture f;
  for (int i = 0; i < 10; ++i) f.reading(i);
  f.reading(13);
  f.reading(14);
  CHECK(f.wait_for(11).readings == 11); // all but the poison
  CHECK(f.metrics.total("pollux_twin_crashes_total") == 3);
  CHECK(f.metrics.total("pollux_twin_poison_inputs_total") == 1);
  auto kept = f.tables->quarantine_page(0, 10);
  REQUIRE(kept.ok());
  REQUIRE(kept->size() == 1);
  CHECK(kept->front().record.reason == messages::quarantine_reason::poison);
  CHECK_FALSE(kept->front().record.payload.empty());
  f.inlet->pump(); // the skip is in the journal: a rebuilt core passes the poison over at once
  f.running.stop();
  f.start();
  CHECK(f.wait_for(11).readings == 11);
  CHECK(f.metrics.total("pollux_twin_crashes_total") == 3);
}
