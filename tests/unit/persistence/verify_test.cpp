// SPDX-License-Identifier: Apache-2.0
// verify: a sound journal is clean, and each thing that can go wrong is found and named.
#include "persistence/block_builder.hpp"
#include "persistence/block_format.hpp"
#include "tests/unit/persistence/running_twin.hpp"

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

std::string all_of(const verify_report& r) {
  std::string out;
  for (const auto& f : r.findings) out += f.twin + ": " + f.what + "\n";
  return out;
}

} // namespace

TEST_CASE("verify: a sound twin is clean, and the report says what was compared") {
  running_twin t;
  t.live();
  const auto r = t.verified(t.saved());
  CHECK(all_of(r).empty());
  CHECK(r.findings_total == 0);
  CHECK(r.twins == 1);
  CHECK(r.readings == 400);
  CHECK(r.values == 400);
  CHECK(r.inputs == 401);
  CHECK(r.snapshots_compared == 2);
  CHECK(r.alerts_compared > 20);
  CHECK(r.blocks >= 1);
  CHECK(r.segments == 50);
  CHECK(r.vouches_from_ns == 1'700'000'000'000'000'000);
}

TEST_CASE("verify: a live state that differs from the journal is found") {
  running_twin t;
  t.live();
  auto other = t.saved();
  const auto before = other;
  running_twin strange;
  strange.live();
  t.measure(21);
  CHECK(t.verified(before).findings_total == 0); // a live state of a moment ago is fine
  // the same place in the journal, another content
  domain::effects born;
  domain::input wrong;
  const simple_input s(99, t.now + 5);
  wrong = s.in;
  wrong.id = {{t.state.last_applied().at.value}, 0};
  auto loaded = domain::load(t.models, twin, before);
  REQUIRE(loaded.ok());
  domain::step(t.models, *loaded, wrong, born);
  std::string bytes;
  domain::save(*loaded, bytes);
  const auto r = t.verified(bytes);
  CHECK(r.findings_total == 1);
  CHECK(all_of(r).find("live state") != std::string::npos);
}

TEST_CASE("verify: a stored state that differs is found at its snapshot") {
  running_twin t;
  t.live();
  snapshot s;
  REQUIRE(t.tables
              ->each_snapshot(shard, 0,
                              [&](const snapshot& k) {
                                s = k;
                                return true;
                              })
              .ok());
  s.state.back() = static_cast<char>(s.state.back() ^ 1);
  s.hash = messages::content_hash(s.state);
  const auto b = t.tables->batch();
  b->put_snapshot(shard, 0, s);
  REQUIRE(t.tables->write(*b, false).ok());
  const auto r = t.verified();
  CHECK(r.findings_total == 1);
  CHECK(all_of(r).find("snapshot") != std::string::npos);
}

TEST_CASE("verify: an alert that is missing, changed or invented is found") {
  running_twin t;
  t.live();
  auto row = t.alerts.begin()->second;
  const auto b = t.tables->batch();
  SUBCASE("changed") {
    row.transitions[0].alert.level = domain::severity::critical;
    row.transitions[0].alert.message += "!";
    b->put_alert(row);
  }
  SUBCASE("a transition is missing") {
    REQUIRE(row.transitions.size() > 1);
    row.transitions.pop_back();
    b->put_alert(row);
  }
  SUBCASE("invented") {
    row.incident = "00000000000000ff-0-0";
    row.transitions.resize(1);
    b->put_alert(row);
  }
  REQUIRE(t.tables->write(*b, false).ok());
  const auto r = t.verified();
  CHECK(r.findings_total == 1);
  CHECK(all_of(r).find("alert " + row.incident) != std::string::npos);
}

TEST_CASE("verify: effects that are not taken yet are not expected in the table") {
  running_twin t;
  t.live();
  // the last alert was computed but not yet stored: the mark stands before it
  const auto& last = t.alerts.rbegin()->second;
  const auto mark = t.alerts.begin()->second.transitions.back().id;
  const auto b = t.tables->batch();
  b->mark_taken(shard, 0, mark);
  REQUIRE(t.tables->write(*b, false).ok());
  REQUIRE(last.transitions.front().id > mark);
  CHECK(t.verified().findings_total == 0);
}

TEST_CASE("verify: an edited block is found by the chain, though all checksums are made to fit") {
  running_twin t;
  t.live();
  const auto infos = t.infos();
  REQUIRE(infos.size() == 2);
  const auto old = *t.tables->block(shard, 0, infos[0].first);
  const auto h = *read_block_header(old);
  block_builder b;
  std::string wanted;
  std::size_t edited = 0;
  SUBCASE("its chain values are kept") {
    b.chained_already();
    wanted = "not those that were sealed";
  }
  SUBCASE("it is chained anew") { wanted = "the chain is broken"; }
  const bool anew = wanted == "the chain is broken";
  b.begin(h.chain_before);
  REQUIRE(decode_block(old, [&](const domain::input& in) {
            auto copy = in;
            if (copy.id == infos[0].last) {
              copy.fields.at(0).value = domain::value_view::of(20.25); // changes no verdict
              ++edited;
            }
            b.add(copy);
          }).ok());
  REQUIRE(edited == 1);
  const auto batch = t.tables->batch();
  batch->put_block(shard, 0, infos[0].first,
                   anew ? b.finish() : b.finish(h.chain_before, h.chain_after));
  REQUIRE(t.tables->write(*batch, false).ok());
  const auto r = t.verified();
  CHECK(all_of(r).find(wanted) != std::string::npos);
}

TEST_CASE("verify: a damaged block is named; what follows it is verified from the next snapshot") {
  running_twin t;
  t.live();
  const auto infos = t.infos();
  REQUIRE(infos.size() == 2);
  auto bytes = *t.tables->block(shard, 0, infos[0].first);
  bytes[block_header_bytes + 100] = static_cast<char>(bytes[block_header_bytes + 100] ^ 4);
  t.tables.reset();
  {
    leveldb::DB* raw = nullptr;
    leveldb::Options o;
    const std::unique_ptr<const leveldb::FilterPolicy> filter(leveldb::NewBloomFilterPolicy(10));
    o.filter_policy = filter.get();
    REQUIRE(leveldb::DB::Open(o, t.folder / "store", &raw).ok());
    const std::unique_ptr<leveldb::DB> db(raw);
    REQUIRE(db->Put({}, input_key(tables::blocks, shard, 0, infos[0].first), bytes).ok());
  }
  t.reopen();
  const auto r = t.verified(t.saved());
  CHECK(all_of(r).find("checksum differs") != std::string::npos);
  CHECK(r.findings_total == 2); // its bytes against the index, and its checksum
  CHECK(r.snapshots_compared >= 1);
  CHECK(r.readings < 400);
}

TEST_CASE(
    "verify: where the beginning is gone, it replays and vouches from the next stored state") {
  running_twin t;
  t.live();
  const auto b = t.tables->batch();
  b->erase_block(shard, 0, t.infos()[0].first);
  REQUIRE(t.tables->write(*b, false).ok());
  const auto r = t.verified(t.saved());
  CHECK(all_of(r).empty());
  CHECK(r.vouches_from_ns > 1'700'000'000'000'000'000 + 350'000'000'000);
}

TEST_CASE("verify: a block that is gone from the middle breaks the chain") {
  running_twin t;
  t.live();
  for (int i = 0; i < 100; ++i) t.measure(20);
  t.seal_all();
  const auto infos = t.infos();
  REQUIRE(infos.size() == 3);
  const auto b = t.tables->batch();
  b->erase_block(shard, 0, infos[1].first);
  REQUIRE(t.tables->write(*b, false).ok());
  const auto r = t.verified();
  CHECK(all_of(r).find("chain is broken") != std::string::npos);
  CHECK(all_of(r).find("state differs") == std::string::npos);
}

TEST_CASE("verify: a skipped poison input is skipped in replay, too") {
  running_twin t;
  t.measure(20);
  // an input that a node skipped: it is in the journal, but the running twin never saw it
  messages::segment_builder b;
  const simple_input poison(77, t.now + 1);
  b.add(0, twin, poison.in);
  REQUIRE(t.tail->append(shard, b.finish()).ok());
  REQUIRE(t.tail->commit().ok());
  domain::input skip;
  skip.kind = domain::input_kind::input_skipped;
  skip.ingest_time_ns = t.now + 2;
  skip.skipped = {t.tail->poll().at(0).at, 0};
  t.apply(skip, true);
  t.measure(21);
  t.take_snapshot();
  const auto r = t.verified(t.saved());
  CHECK(all_of(r).empty());
  CHECK(r.snapshots_compared == 1);
}
