// SPDX-License-Identifier: Apache-2.0
// Erasing: what is removed is gone from the files, not only from sight; and what is noted of it.
#include "messages/segment.hpp"
#include "persistence/history.hpp"
#include "persistence/id_search.hpp"
#include "persistence/retention_book.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

constexpr const char* id = "plant1:secret-motor";

registry_row named(const char* name) {
  registry_row r;
  r.row = 3;
  r.id = name;
  return r;
}

struct opened {
  scratch_folder folder;
  std::unique_ptr<persistence::log> journal;
  std::unique_ptr<store> tables;
  opened() {
    auto l = open_leveldb_log({.folder = folder / "log", .shards = 2, .min_free_bytes = 0});
    REQUIRE(l.ok());
    journal = std::move(*l);
    auto s = open_leveldb_store({.folder = folder / "store"});
    REQUIRE(s.ok());
    tables = std::move(*s);
  }
  [[nodiscard]] std::vector<std::string> find(std::vector<std::string> others = {}) const {
    auto found = find_id(folder.path(), *journal, *tables, {id, std::move(others)});
    REQUIRE(found.ok());
    return *found;
  }
  void write(const std::function<void(store_batch&)>& fill) const {
    auto batch = tables->batch();
    fill(*batch);
    REQUIRE(tables->write(*batch, true).ok());
  }
  /// Everything a twin leaves, the id in each.
  void live() const {
    domain::input in;
    in.kind = domain::input_kind::command_requested;
    in.id = {{7}, 0};
    in.command_id = id;
    const auto block = encode_block({&in}, {});
    domain::effect e;
    e.id = {{{7}, 0}, 1};
    e.kind = domain::effect_kind::fault;
    write([&](store_batch& b) {
      b.put_registry(1, named(id));
      b.put_block(1, 3, in.id, block);
      b.put_snapshot(1, 3, {.at = {{7}, 0}, .state = id, .hash = "hash"});
      b.put_alert({.shard = 1, .row = 3, .twin = id, .incident = "i", .transitions = {e}});
      b.put_outbox({.shard = 1, .row = 3, .twin = id, .destination = "mqtt", .what = e});
      b.mark_taken(1, 3, e.id);
    });
  }
};

} // namespace

TEST_CASE("erase: the rows of a twin go, and after compaction their bytes") {
  const opened o;
  o.live();
  CHECK(o.find().size() >= 5);
  const auto gone = o.tables->erase_twin(1, 3);
  REQUIRE(gone.ok());
  CHECK(gone->blocks == 1);
  CHECK(gone->inputs == 1);
  CHECK(gone->snapshots == 1);
  CHECK(gone->alerts == 1);
  CHECK(gone->outbox == 1);
  o.write([](store_batch& b) { b.put_registry(1, named("erased:x")); });
  CHECK_FALSE(o.find().empty()); // the database's files still hold the bytes
  REQUIRE(o.tables->compact().ok());
  const auto left = o.find();
  CAPTURE(left.empty() ? std::string() : left.front());
  CHECK(left.empty());
}

TEST_CASE("erase: rows of other twins stay, also those whose numbers begin alike") {
  const opened o;
  o.live();
  domain::effect e;
  e.id = {{{9}, 0}, 1};
  e.kind = domain::effect_kind::fault;
  o.write([&](store_batch& b) {
    b.put_outbox({.shard = 1, .row = 4, .twin = "n:4", .destination = "mqtt", .what = e});
    b.put_outbox({.shard = 0, .row = 3, .twin = "n:3", .destination = "mqtt", .what = e});
    b.put_snapshot(1, 4, {.at = {{9}, 0}, .state = "state", .hash = "hash"});
  });
  REQUIRE(o.tables->erase_twin(1, 3).ok());
  std::vector<std::string> waiting;
  REQUIRE(o.tables->each_outbox([&](const outbox_row& r) { waiting.push_back(r.twin); }).ok());
  CHECK(waiting == std::vector<std::string>{"n:3", "n:4"});
  CHECK(o.tables->newest_snapshot(1, 4)->has_value());
  CHECK_FALSE(o.tables->newest_snapshot(1, 3)->has_value());
}

TEST_CASE("erase: what was trimmed from the log is gone after compaction") {
  const opened o;
  REQUIRE(o.journal->append(1, one_reading(id, 1.5)).ok());
  REQUIRE(o.journal->commit().ok());
  CHECK_FALSE(o.find().empty());
  REQUIRE(o.journal->trim(1, o.journal->end(1)).ok());
  REQUIRE(o.journal->compact().ok());
  CHECK(o.find().empty());
}

TEST_CASE("search: a longer id of another twin is no finding, what only looks like one is") {
  const id_pattern wanted("n:12", {"n:123", "a:1", "plan:12"});
  CHECK(wanted.in("n:12"));
  CHECK(wanted.in(std::string("\x04n:12A", 6)));
  CHECK_FALSE(wanted.in("..n:123.."));
  CHECK_FALSE(wanted.in("plan:12"));
  CHECK(wanted.in("n:124"));
  CHECK(wanted.in("n:123 n:12"));
  CHECK_FALSE(wanted.in("n:1"));
}

TEST_CASE("hold: it is kept with who and why, until it is released") {
  const opened o;
  CHECK_FALSE(hold_of(*o.tables, id)->has_value());
  CHECK(release_hold(*o.tables, id, "ann", "over", 5).error().code == errc::not_found);
  REQUIRE(put_hold(*o.tables, {.twin = id, .by = "ann", .reason = "case 7", .since_ns = 3}).ok());
  CHECK(put_hold(*o.tables, {.twin = id, .by = "bob", .reason = "", .since_ns = 4}).error().code ==
        errc::conflict);
  const auto hold = hold_of(*o.tables, id);
  REQUIRE(hold.ok());
  REQUIRE(hold->has_value());
  CHECK((*hold)->by == "ann");
  CHECK((*hold)->reason == "case 7");
  CHECK(holds_in(*o.tables)->size() == 1);
  REQUIRE(release_hold(*o.tables, id, "bob", "over", 9).ok());
  CHECK(holds_in(*o.tables)->empty());
  const auto notes = retention_notes(*o.tables);
  REQUIRE(notes.ok());
  REQUIRE(notes->size() == 2);
  CHECK((*notes)[0].verb == "hold");
  CHECK((*notes)[1].verb == "release");
  CHECK((*notes)[1].by == "bob");
  CHECK((*notes)[1].sha256 == sha256_hex(id));
}

TEST_CASE("erase: its record comes back, and does not name the twin once the rows are gone") {
  const opened o;
  erasure e;
  e.sha256 = sha256_hex(id);
  e.id = id;
  e.by = "ann";
  e.reason = "asked";
  e.at_ns = 77;
  e.shard = 1;
  e.rows = {3, 8};
  e.counts = {1, 2, 3, 4, 5};
  e.chain_heads = {"ab"};
  REQUIRE(put_erasure(*o.tables, e).ok());
  auto back = erasures_in(*o.tables);
  REQUIRE(back.ok());
  REQUIRE(back->size() == 1);
  CHECK(back->front().id == id);
  CHECK(back->front().stands == erasure::state::erasing);
  CHECK(back->front().rows == e.rows);
  CHECK(erasure_document(back->front()) == erasure_document(e));
  e.stands = erasure::state::done;
  REQUIRE(put_erasure(*o.tables, e).ok());
  back = erasures_in(*o.tables);
  REQUIRE(back->size() == 1);
  CHECK(back->front().id.empty());
  CHECK(back->front().counts.inputs == 2);
  CHECK(retention_notes(*o.tables)->size() == 1);
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
