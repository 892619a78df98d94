// SPDX-License-Identifier: Apache-2.0
// What a twin's actor counts for the node while it applies its inputs.
#include "actors/intake.hpp"
#include "actors/twin_actor.hpp"
#include "messages/model_codec.hpp"
#include "tests/support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <map>

using namespace pollux;
using namespace pollux::actors;
using namespace std::chrono_literals;
using lanes = std::map<std::string, std::uint64_t>;

namespace {

struct quiet_config : caf::actor_system_config {
  quiet_config() {
    set("scheduler.policy", caf::atom("sharing"));
    messages::add_message_types(*this);
  }
};

caf::behavior takes_anything(caf::event_based_actor* self) {
  self->set_default_handler(caf::drop);
  return {[](caf::ok_atom) {}};
}

// One awake twin n:a and its way in; what it sends goes nowhere.
struct fixture {
  tests::temporary_folder folder;
  messages::metrics metrics;
  model_catalog models;
  std::unique_ptr<persistence::log> journal = persistence::make_memory_log(1);
  std::unique_ptr<persistence::store> tables;
  std::unique_ptr<intake> inlet;
  std::vector<persistence::positioned_segment> written;
  std::shared_ptr<twin_surroundings> around = std::make_shared<twin_surroundings>();
  quiet_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system, true};
  caf::actor twin;

  explicit fixture(const std::string& block) {
    auto store = persistence::open_leveldb_store({.folder = folder.path() + "/store"});
    REQUIRE(store.ok());
    tables = std::move(*store);
    auto model = messages::parse_model(
        R"({"name":"m",)" + block + R"("telemetry":{"x":{}},"operators":[]})", "m.json");
    REQUIRE_MESSAGE(model.ok(), (model.ok() ? "" : model.error().what));
    models.set_current(*model);
    inlet = std::make_unique<intake>(*journal, *tables, models, metrics, intake_options{});
    inlet->on_hand_over([this](auto&& segments) {
      for (auto& s : segments) written.push_back(std::move(s));
    });
    around->models = &models;
    around->host = around->outbox = system.spawn(takes_anything);
    around->count_in(metrics);
    twin = spawn_twin(system, around, {0, 0}, "n:a", domain::twin_state("n:a"));
  }
  ~fixture() {
    for (const auto& a : {twin, around->host})
      caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
    inlet->stop();
  }

  // One message of readings at these event times, at ingest time 1,000 s; back when it is applied.
  void send(const std::vector<double>& times_s) {
    domain::input in;
    in.kind = domain::input_kind::readings;
    in.ingest_time_ns = 1'000'000'000'000;
    for (const double t : times_s) {
      in.readings.push_back(
          {static_cast<std::int64_t>(t * 1e9), 0, static_cast<std::uint32_t>(in.fields.size()), 1});
      in.fields.push_back({"x", domain::value_view::of(t)});
    }
    written.clear();
    REQUIRE(inlet->submit("n:a", "m", in).ok());
    inlet->pump();
    REQUIRE_FALSE(written.empty());
    auto work = std::make_shared<delivery>();
    for (const auto& s : written) {
      for (std::uint32_t i = 0; i < s.content->entries().size(); ++i)
        work->items.push_back({static_cast<std::uint32_t>(work->segments.size()), i, {s.at, i}});
      work->segments.push_back(s.content);
    }
    const auto count = static_cast<std::uint32_t>(work->items.size());
    self->send(twin, twin_work{std::move(work), 0, count});
    bool answered = false;
    self->request(twin, 20s, describe_ask{1'000'000'000'000})
        .receive([&](const messages::twin_answer&) { answered = true; }, [](const caf::error&) {});
    REQUIRE(answered);
  }

  [[nodiscard]] lanes counted() {
    lanes out;
    for (const char* lane : domain::lane_counts::names)
      if (const auto n =
              metrics.make_counter("pollux_event_time_readings_total", "", {{"lane", lane}})
                  .value())
        out[lane] = n;
    return out;
  }
};

// Two in order, one of them again, one a little late, one late, one very late, one from the future.
const std::vector<double> mixed = {100, 101, 101, 100.5, 95, 50, 2000};

} // namespace

TEST_CASE("how readings stood to the watermark is counted for the node, each once") {
  for (const auto& [late, expected] : std::map<std::string, lanes>{
           {"amend",
            {{"on_time", 2},
             {"reordered", 1},
             {"late_amended", 1},
             {"too_late", 1},
             {"future", 1}}},
           {"drop", {{"on_time", 2}, {"reordered", 1}, {"late_dropped", 2}, {"future", 1}}}}) {
    CAPTURE(late);
    fixture f(R"("event_time":{"disorder":"2s","future":"1m","late":")" + late +
              (late == "amend" ? R"(","lateness":"10s"},)" : R"("},)"));
    f.send(mixed);
    CHECK(f.counted() == expected);
    f.send({102, 103});
    f.send({101.5});
    auto later = expected;
    later["on_time"] += 2;
    later["reordered"] += 1;
    CHECK(f.counted() == later);
    CHECK(f.metrics.total("pollux_twin_readings_total") == 10);
  }
}

TEST_CASE("late readings that are kept out of verdicts are counted as such") {
  fixture f(R"("event_time":{"disorder":"2s","late":"keep"},)");
  f.send({100, 101, 100.5, 95});
  CHECK(f.counted() == lanes{{"on_time", 2}, {"reordered", 1}, {"late_kept", 1}});
}

TEST_CASE("without an event_time block nothing stands to a watermark") {
  fixture f("");
  f.send(mixed);
  CHECK(f.counted().empty());
  CHECK(f.metrics.total("pollux_twin_readings_total") == 7);
}
