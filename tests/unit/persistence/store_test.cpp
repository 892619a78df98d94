// SPDX-License-Identifier: Apache-2.0
// The store: every table against a plain std::map, thinning of snapshots, the quarantine ring.
#include "tests/unit/persistence/store_fixture.hpp"
#include <map>
#include <random>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

TEST_CASE("effect codec: effects of every kind come back, and damage is refused") {
  auto command = alert(9);
  command.kind = domain::effect_kind::command;
  command.alert = {};
  command.command = {.phase = domain::command_phase::timed_out,
                     .command_id = "c-1",
                     .name = "set_setpoint",
                     .numbers = {{"value", 21.5}},
                     .texts = {{"zone", "north"}},
                     .expires_at_ns = 99,
                     .detail = "no answer"};
  auto fault = alert(10);
  fault.kind = domain::effect_kind::fault;
  fault.alert = {};
  fault.fault.what = "unknown incident";
  for (const auto& e : {alert(5), command, fault}) {
    const auto bytes = encode_effect(e);
    const auto back = decode_effect(bytes);
    REQUIRE(back.ok());
    CHECK(encode_effect(*back) == bytes);
    CHECK(back->id == e.id);
    CHECK(back->alert.message == e.alert.message);
    CHECK(back->alert.proof.event_times_ns == e.alert.proof.event_times_ns);
    CHECK(back->command.texts == e.command.texts);
    CHECK(back->fault.what == e.fault.what);
  }
  CHECK_FALSE(decode_effect("\xff\xff\xff").ok());
  auto odd = alert(5);
  odd.kind = static_cast<domain::effect_kind>(9);
  CHECK_FALSE(decode_effect(encode_effect(odd)).ok());
}

TEST_CASE("store: what was written is there again after a restart, per table") {
  scratch_folder folder;
  {
    auto s = open(folder);
    const auto b = s->batch();
    b->put_registry(1, {.row = 7,
                        .id = "plant1:press-7",
                        .incarnation = 2,
                        .model_name = "motor",
                        .model_hash = "abc",
                        .created_at_ns = 5,
                        .deleted = true});
    b->put_model("abc", "motor", "{}");
    b->put_alert({1, 7, "plant1:press-7", "incident", {alert(5), alert(6)}});
    b->put_outbox({1, 7, "plant1:press-7", "mqtt", alert(5)});
    b->put_outbox({1, 7, "plant1:press-7", "mqtt", alert(6)});
    b->put_outbox({1, 7, "plant1:press-7", "webhook", alert(5)});
    b->mark_taken(1, 7, {input_at(6), 4});
    b->put_meta("zone", std::string("\0x", 2));
    REQUIRE(s->write(*b, true).ok());
    const auto again = s->batch();
    again->erase_outbox("mqtt", 1, 7, alert(5).id);
    REQUIRE(s->write(*again, false).ok());
  }
  auto s = open(folder);
  std::vector<registry_row> twins;
  REQUIRE(s->each_registry(1, [&](const registry_row& r) { twins.push_back(r); }).ok());
  REQUIRE(twins.size() == 1);
  CHECK(twins[0].row == 7);
  CHECK(twins[0].id == "plant1:press-7");
  CHECK(twins[0].incarnation == 2);
  CHECK(twins[0].deleted);
  REQUIRE(s->each_registry(0, [&](const registry_row&) { FAIL("shard 0 has none"); }).ok());
  const auto models = s->models();
  REQUIRE(models.ok());
  REQUIRE(models->size() == 1);
  CHECK(models->at(0).hash == "abc");
  CHECK(models->at(0).json == "{}");
  const auto found = s->find_alert(1, 7, "incident");
  REQUIRE(found.ok());
  REQUIRE(found->has_value());
  CHECK((*found)->transitions.size() == 2);
  CHECK((*found)->shard == 1);
  CHECK((*found)->row == 7);
  CHECK_FALSE(s->find_alert(1, 8, "incident")->has_value());
  std::vector<std::string> waiting;
  REQUIRE(s->each_outbox([&](const outbox_row& o) {
             waiting.push_back(o.destination + std::to_string(o.what.id.cause.at.value));
             CHECK(o.row == 7);
             CHECK(o.shard == 1);
           }).ok());
  CHECK(waiting == std::vector<std::string>{"mqtt6", "webhook5"});
  CHECK(s->taken_upto(1, 7)->value() == domain::effect_id{input_at(6), 4});
  CHECK_FALSE(s->taken_upto(1, 8)->has_value());
  CHECK(s->meta("zone")->value() == std::string("\0x", 2));
  CHECK_FALSE(s->meta("format")->has_value()); // the store's own rows are apart
}

TEST_CASE("store: of a twin's snapshots the newest two stay, and every 64th as an anchor") {
  scratch_folder folder;
  auto s = open(folder);
  for (std::uint64_t i = 1; i <= 200; ++i) put(*s, 7, snapshot_at(i));
  CHECK(kept(*s, 7) == std::vector<std::uint64_t>{64, 128, 192, 199, 200});
  const auto newest = s->newest_snapshot(1, 7);
  REQUIRE(newest.ok());
  CHECK((*newest)->state == "state 200");
  CHECK((*newest)->hash == "hash 200");
  CHECK((*newest)->generation == 201);
  CHECK_FALSE(s->newest_snapshot(1, 8)->has_value());
  std::vector<snapshot_head> heads;
  REQUIRE(s->each_snapshot_head(1, [&](const snapshot_head& h) { heads.push_back(h); }).ok());
  REQUIRE(heads.size() == 1);
  CHECK(heads[0].row == 7);
  CHECK(heads[0].at == input_at(200));
  CHECK(heads[0].next_wakeup_ns == 2000);
}

TEST_CASE("store: where readings are counted an anchor stays for every 100,000 of them") {
  scratch_folder folder;
  auto s = open(folder);
  for (std::uint64_t i = 1; i <= 30; ++i) put(*s, 7, snapshot_at(i, i * 10'000));
  CHECK(kept(*s, 7) == std::vector<std::uint64_t>{10, 20, 29, 30});
  put(*s, 7,
      snapshot_at(30, 300'000)); // again the same: nothing changes but the newest anchor's fate
  CHECK(kept(*s, 7) == std::vector<std::uint64_t>{10, 20, 29, 30});
  put(*s, 7, snapshot_at(12));
  CHECK(s->newest_snapshot(1, 7)->value().at == input_at(30)); // an older one comes too late
  const auto b = s->batch();
  for (std::uint64_t i = 31; i <= 33; ++i) b->put_snapshot(1, 7, snapshot_at(i, 300'000 + i));
  REQUIRE(s->write(*b, false).ok());
  CHECK(kept(*s, 7) == std::vector<std::uint64_t>{10, 20, 30, 32, 33});
}

TEST_CASE("store: the last state of each older format stays as an anchor") {
  scratch_folder folder;
  std::uint64_t at = 0;
  const auto write = [&](char format, int snapshots) {
    auto s = open(folder);
    for (int i = 0; i < snapshots; ++i) {
      auto one = snapshot_at(++at);
      one.state.front() = format;
      put(*s, 7, one);
      one.state.front() = static_cast<char>(format + 1); // its neighbour's formats are its own
      put(*s, 0, one);
    }
    return std::pair{kept(*s, 7), kept(*s, 0)};
  };
  using positions = std::vector<std::uint64_t>;
  CHECK(write('2', 5) == std::pair{positions{4, 5}, positions{4, 5}});
  CHECK(write('2', 5).first == positions{9, 10});
  CHECK(write('3', 1).first == positions{10, 11});
  CHECK(write('3', 10) == std::pair{positions{10, 20, 21}, positions{10, 20, 21}});
  CHECK(write('4', 5).first == positions{10, 21, 25, 26});
  // those of the ordinary spacing are not lost by it
  CHECK(write('4', 60).first.size() == 5);
}

TEST_CASE("store: property: random writes agree with plain maps, across restarts") {
  scratch_folder folder;
  auto s = open(folder);
  std::mt19937 random{4};
  std::map<std::pair<std::uint32_t, std::string>, std::size_t> alerts;
  std::map<std::pair<std::uint32_t, std::uint64_t>, bool> outbox;
  std::map<std::string, std::string> meta;
  for (int round = 0; round < 300; ++round) {
    const auto b = s->batch();
    for (unsigned i = 0; i < 1 + random() % 5; ++i) {
      const auto row = static_cast<std::uint32_t>(random() % 4);
      const std::uint64_t position = 1 + random() % 6;
      const auto name = std::to_string(random() % 5);
      switch (random() % 5) {
      case 0:
        b->put_alert({2, row, "n:t", name, domain::effects(position, alert(position))});
        alerts[{row, name}] = position;
        break;
      case 1:
        b->put_outbox({2, row, "n:t", "mqtt", alert(position)});
        outbox[{row, position}] = true;
        break;
      case 2:
        b->erase_outbox("mqtt", 2, row, alert(position).id);
        outbox.erase({row, position});
        break;
      case 3:
        b->put_meta(name, std::to_string(round));
        meta[name] = std::to_string(round);
        break;
      default: b->erase_meta(name); meta.erase(name);
      }
    }
    REQUIRE(s->write(*b, random() % 20 == 0).ok());
    if (random() % 50 == 0) {
      s.reset();
      s = open(folder);
    }
    decltype(alerts) found_alerts;
    REQUIRE(s->each_alert([&](const alert_row& a) {
               found_alerts[{a.row, a.incident}] = a.transitions.size();
               return true;
             }).ok());
    CHECK(found_alerts == alerts);
    decltype(outbox) found_outbox;
    REQUIRE(s->each_outbox([&](const outbox_row& o) {
               found_outbox[{o.row, o.what.id.cause.at.value}] = true;
             }).ok());
    CHECK(found_outbox == outbox);
    std::size_t of_one = 0, expected = 0;
    REQUIRE(s->each_alert_of(2, 1, [&](const alert_row&) { return ++of_one > 0; }).ok());
    for (const auto& [key, size] : alerts) expected += key.first == 1 ? 1 : 0;
    CHECK(of_one == expected);
    for (int name = 0; name < 5; ++name) {
      const auto value = s->meta(std::to_string(name));
      REQUIRE(value.ok());
      CHECK(value->has_value() == meta.contains(std::to_string(name)));
      if (value->has_value()) CHECK(**value == meta[std::to_string(name)]);
    }
  }
}

TEST_CASE("store: the quarantine is a ring, and what gives way is counted") {
  scratch_folder folder;
  auto s = open(folder, 10);
  const auto record = [](int i) {
    messages::quarantined q;
    q.ingest_time_ns = i;
    q.reason = messages::quarantine_reason::bad_time;
    q.topic = "t/" + std::to_string(i);
    q.payload = "\xff\xfe";
    return q;
  };
  for (int i = 0; i < 25; i += 5)
    REQUIRE(
        s->put_quarantine({record(i), record(i + 1), record(i + 2), record(i + 3), record(i + 4)})
            .ok());
  CHECK(s->quarantine_size() == 10);
  CHECK(s->property("pollux.quarantine-evicted") == "15");
  auto page = s->quarantine_page(0, 4);
  REQUIRE(page.ok());
  REQUIRE(page->size() == 4);
  CHECK(page->at(0).record.topic == "t/15");
  CHECK(page->at(0).record.payload == "\xff\xfe");
  CHECK(page->at(0).record.reason == messages::quarantine_reason::bad_time);
  page = s->quarantine_page(page->back().id, 100);
  CHECK(page->size() == 6);
  REQUIRE(s->erase_quarantine(page->at(2).id).ok());
  CHECK(s->erase_quarantine(page->at(2).id).error().code == errc::not_found);
  CHECK(s->quarantine_size() == 9);
  s.reset();
  s = open(folder, 10);
  CHECK(s->quarantine_size() == 9);
  std::vector<messages::quarantined> many;
  for (int i = 100; i < 130; ++i) many.push_back(record(i));
  REQUIRE(s->put_quarantine(many).ok());
  CHECK(s->quarantine_size() == 10);
  page = s->quarantine_page(0, 100);
  REQUIRE(page->size() == 10);
  CHECK(page->at(0).record.topic == "t/120");
}
