// SPDX-License-Identifier: Apache-2.0
#include "actors/intake.hpp"
#include "actors/poison.hpp"
#include "messages/model_codec.hpp"
#include "persistence/history.hpp"
#include "tests/support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace pollux;
using namespace pollux::actors;
using nlohmann::json;

namespace {

struct fixture {
  tests::temporary_folder folder;
  messages::metrics metrics;
  model_catalog models;
  std::unique_ptr<persistence::log> journal = persistence::make_memory_log(1);
  std::unique_ptr<persistence::store> tables;
  std::unique_ptr<intake> inlet;
  std::vector<persistence::positioned_segment> written;

  fixture() {
    auto store = persistence::open_leveldb_store({.folder = folder.path() + "/store"});
    REQUIRE(store.ok());
    tables = std::move(*store);
    auto model = messages::parse_model(
        R"({"name":"m","kind":"device","telemetry":{"x":{"type":"number"}},"operators":[]})",
        "m.json");
    REQUIRE_MESSAGE(model.ok(), (model.ok() ? "" : model.error().what));
    models.set_current(*model);
    inlet = std::make_unique<intake>(*journal, *tables, models, metrics, intake_options{});
    inlet->on_hand_over([this](auto&& segments) {
      for (auto& s : segments) written.push_back(std::move(s));
    });
  }
  ~fixture() { inlet->stop(); }

  // Journals the input and says where it lies.
  input_place put(const domain::input& in) {
    REQUIRE(inlet->submit("n:a", "m", in).ok());
    inlet->pump();
    REQUIRE_FALSE(written.empty());
    const auto& last = written.back();
    const auto index = static_cast<std::uint32_t>(last.content->entries().size() - 1);
    return {{0, 0}, std::string{last.content->twins()[0]}, {last.at, index}};
  }
};

domain::input readings(int count, std::string_view name, domain::value_view value) {
  domain::input in;
  in.kind = domain::input_kind::readings;
  in.ingest_time_ns = 5'000'000'000;
  for (int i = 0; i < count; ++i) {
    in.readings.push_back(
        {i * 1'000'000'000ll, 7, static_cast<std::uint32_t>(in.fields.size()), 1});
    in.fields.push_back({name, value});
  }
  return in;
}

} // namespace

TEST_CASE("a poison record says which reading it was, and finds it again") {
  fixture f;
  const auto where = f.put(readings(1, "x", domain::value_view::of(13.5)));
  const auto text = poison_document(*f.journal, *f.tables, where);
  const auto said = json::parse(text);
  CHECK(said["kind"] == "readings");
  CHECK(said["ingest_time"] == "1970-01-01T00:00:05Z");
  CHECK(said["readings"].size() == 1);
  CHECK(said["readings"][0]["event_time"] == "1970-01-01T00:00:00Z");
  CHECK(said["readings"][0]["sequence"] == 7);
  CHECK(said["readings"][0]["values"] == json{{"x", 13.5}});
  CHECK(said["values_total"] == 1);
  const auto again = place_in(text);
  REQUIRE(again.ok());
  CHECK(again->twin == where.twin);
  CHECK(again->id == where.id);
}

TEST_CASE("a poison record stays below 4 KiB whatever the input holds, and says what is left out") {
  fixture f;
  const std::string controls(1000, '\x01'), broken(1000, '\xff'), samples(4000, 'a');
  for (const auto& in :
       {readings(1000, "x", domain::value_view::of(1.25)),
        readings(9, "x", domain::value_view::text(controls)),
        readings(9, "x", domain::value_view::text(broken)),
        readings(900, "x", domain::value_view::samples(domain::value_kind::samples_f32, samples)),
        readings(30, std::string_view{controls}.substr(0, 60), domain::value_view::of(true))}) {
    const auto text = poison_document(*f.journal, *f.tables, f.put(in));
    CHECK(text.size() <= max_poison_document);
    const auto said = json::parse(text);
    CHECK(said["readings_total"] == in.readings.size());
    CHECK(said["values_total"] == in.readings.size());
    CHECK(said["values_shown"] < said["values_total"]);
    CHECK(place_in(text).ok());
  }
}

TEST_CASE("a poison input that has been sealed into a block is still found") {
  fixture f;
  f.put(readings(1, "x", domain::value_view::of(1.0)));
  const auto where = f.put(readings(1, "x", domain::value_view::of(13.0)));
  f.put(readings(1, "x", domain::value_view::of(2.0)));
  auto sealed = persistence::seal(*f.journal, *f.tables, 0, f.journal->end(0), 1'000'000,
                                  [](std::uint32_t, std::string_view) { return 0u; });
  REQUIRE_MESSAGE(sealed.ok(), (sealed.ok() ? "" : sealed.error().what));
  REQUIRE(f.journal->trim(0, sealed->sealed_below).ok());
  double seen = 0;
  REQUIRE(visit_input(*f.journal, *f.tables, where, [&](const domain::input& in) {
            seen = in.fields[0].value.f64;
          }).ok());
  CHECK(seen == 13.0);
}

TEST_CASE("an input that is nowhere gives its place and the reason") {
  fixture f;
  auto where = f.put(readings(1, "x", domain::value_view::of(1.0)));
  where.id.index += 1000;
  const auto said = json::parse(poison_document(*f.journal, *f.tables, where));
  CHECK(said["input"]["index"] == where.id.index);
  CHECK(said["unreadable"] == "the input is not in the journal any more");
  for (const auto* text : {"", "{", "[]", "{}", R"({"input":{}})", R"({"input":3})",
                           R"({"input":{"shard":0,"row":-1,"position":1,"index":0}})"})
    CHECK_FALSE(place_in(text).ok());
}
