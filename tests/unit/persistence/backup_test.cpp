// SPDX-License-Identifier: Apache-2.0
// Backups: whole or not there, as of one moment, and at any time before it.
#include "persistence/backup.hpp"
#include "persistence/cut.hpp"
#include "persistence/file_copy.hpp"
#include "persistence/leveldb_log.hpp"
#include "tests/unit/persistence/running_twin.hpp"
#include <filesystem>
#include <fstream>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t second = 1'000'000'000;

/// A twin in a folder as a node has it, with its row in the registry.
struct node_folder : running_twin {
  node_folder() : running_twin(true) {
    const auto b = tables->batch();
    b->put_registry(shard, {0, twin, 1, "press", models.hash(), now, false});
    REQUIRE(tables->write(*b, true).ok());
  }
  [[nodiscard]] backup_order order(std::int64_t at) const {
    backup_order o;
    o.data = folder / "";
    o.into = folder / "backups";
    o.now_ns = at;
    o.share = 1;
    return o;
  }
  result<backup_report> back_up(std::int64_t at) {
    return persistence::back_up(*tail, *tables, order(at));
  }
};

/// A copy of a backup, opened.
struct opened_copy {
  scratch_folder folder;
  std::unique_ptr<leveldb_log> tail;
  std::unique_ptr<leveldb_store> tables;

  explicit opened_copy(const std::string& backup) {
    for (const char* part : {"log", "store"})
      fs::copy(backup + "/" + part, folder / part, fs::copy_options::recursive);
    open();
  }
  void open() {
    tail.reset();
    tables.reset();
    auto log = leveldb_log::open({.folder = folder / "log", .shards = 0, .min_free_bytes = 0});
    if (!log) FAIL(log.error().what);
    tail = std::move(*log);
    auto store = leveldb_store::open({.folder = folder / "store"});
    if (!store) FAIL(store.error().what);
    tables = std::move(*store);
  }
  verify_report verified(const domain::model_source& models) const {
    verify_report report;
    REQUIRE(verify_twin(*tail, *tables, models, {shard, 0, twin}, {}, report).ok());
    return report;
  }
  /// The state a node would come to from here.
  std::string state(const domain::model_source& models) const {
    std::optional<domain::twin_state> s;
    const auto base = tables->newest_snapshot(shard, 0);
    REQUIRE(base.ok());
    if (*base) {
      auto loaded = domain::load(models, twin, (*base)->state);
      REQUIRE(loaded.ok());
      s = std::move(*loaded);
    } else {
      s.emplace(twin);
    }
    domain::effects born;
    REQUIRE(
        each_input(*tail, *tables, shard, 0, twin, s->last_applied(), [&](const domain::input& in) {
          domain::step(models, *s, in, born);
          return true;
        }).ok());
    std::string bytes;
    domain::save(*s, bytes);
    return bytes;
  }
};

std::size_t entries(const std::string& folder) {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& e : fs::directory_iterator(folder)) ++n;
  return n;
}

} // namespace

TEST_CASE("backup: a copy verifies, and comes to the state of the moment it was made") {
  node_folder t;
  t.live();
  const auto at_backup = t.saved();
  const auto made = t.back_up(t.now);
  if (!made) FAIL(made.error().what);
  CHECK(made->damage.empty());
  CHECK(made->rows.at("store/B") >= 1);
  CHECK(made->rows.at("log/L") == 50);
  for (int i = 0; i < 100; ++i) t.measure(70); // what comes later is not in it
  const auto checked = check_backup(t.folder / "backups", {});
  REQUIRE(checked.ok());
  CHECK(checked->findings.empty());
  CHECK(checked->folder == made->folder);
  const opened_copy copy(made->folder);
  const auto r = copy.verified(t.models);
  CHECK(r.findings_total == 0);
  CHECK(r.readings == 400);
  CHECK(r.segments == 50);
  CHECK(copy.state(t.models) == at_backup);
}

TEST_CASE("backup: inputs that come and are sealed while it copies do not mix in") {
  node_folder t;
  t.live();
  const auto at_backup = t.saved();
  auto order = t.order(t.now);
  bool once = false;
  order.progress = [&](std::uint64_t, std::uint64_t) {
    if (std::exchange(once, true)) return true;
    for (int i = 0; i < 50; ++i) t.measure(30 + i % 40);
    t.take_snapshot();
    t.seal_all(); // trims what the copy has yet to read
    return true;
  };
  const auto made = persistence::back_up(*t.tail, *t.tables, order);
  if (!made) FAIL(made.error().what);
  REQUIRE(once);
  const opened_copy copy(made->folder);
  CHECK(copy.verified(t.models).findings_total == 0);
  CHECK(copy.state(t.models) == at_backup);
  CHECK(t.verified().findings_total == 0);
}

TEST_CASE("backup: given up or with a full disk it leaves nothing behind") {
  node_folder t;
  t.live();
  auto order = t.order(t.now);
  journal_env env;
  order.env = &env;
  SUBCASE("given up") {
    order.progress = [](std::uint64_t, std::uint64_t) { return false; };
    const auto made = persistence::back_up(*t.tail, *t.tables, order);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().code == errc::unavailable);
  }
  SUBCASE("no space") {
    env.faults().bytes_left = 2000;
    const auto made = persistence::back_up(*t.tail, *t.tables, order);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().code == errc::no_space);
    env.faults().bytes_left = -1;
  }
  CHECK(entries(t.folder / "backups") == 0);
  CHECK_FALSE(newest_backup(t.folder / "backups").ok());
  order.progress = {};
  CHECK(persistence::back_up(*t.tail, *t.tables, order).ok()); // and the next one works
  CHECK(t.verified().findings_total == 0);
}

TEST_CASE("backup: one that was killed is no backup, and goes with the next") {
  node_folder t;
  t.live();
  fs::create_directories(t.folder / "backups/.unfinished-2023-11-14T22-13-20.000Z/store");
  CHECK_FALSE(newest_backup(t.folder / "backups").ok());
  REQUIRE(t.back_up(t.now).ok());
  CHECK(entries(t.folder / "backups") == 1);
  const auto again = t.back_up(t.now);
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == errc::conflict);
}

TEST_CASE("backup: cold files are copied once, and shared by later backups while unchanged") {
  node_folder t;
  t.live();
  fs::create_directories(t.folder / "history");
  const auto put = [&](const char* name, const std::string& text) {
    std::ofstream(t.folder / "history/" + name) << text;
  };
  put("a", "first");
  put("b", "second");
  const auto one = t.back_up(t.now);
  REQUIRE(one.ok());
  CHECK(one->cold_files == 2);
  CHECK(one->linked_files == 0);
  put("b", "another of the same name");
  put("c", "third");
  const auto two = t.back_up(t.now + second);
  REQUIRE(two.ok());
  CHECK(two->cold_files == 3);
  CHECK(two->linked_files == 1);
  CHECK(fs::hard_link_count(two->folder + "/history/a") == 2);
  CHECK(*read_file(one->folder + "/history/b") == "second");
  CHECK(*read_file(two->folder + "/history/b") == "another of the same name");
  CHECK(fs::hard_link_count(t.folder / "history/a") == 1);
  CHECK_FALSE(fs::exists(t.folder / ".backup-hold"));
  CHECK(*newest_backup(t.folder / "backups") == two->folder);
}

TEST_CASE("backup: check names each file that changed, went or came") {
  node_folder t;
  t.live();
  const auto made = t.back_up(t.now);
  REQUIRE(made.ok());
  std::string table;
  for (const auto& e : fs::directory_iterator(made->folder + "/store"))
    if (e.path().extension() == ".log") table = e.path();
  REQUIRE_FALSE(table.empty());
  std::string what;
  SUBCASE("a flipped bit") {
    std::fstream f(table, std::ios::in | std::ios::out | std::ios::binary);
    f.seekg(100);
    const char c = static_cast<char>(f.get() ^ 1);
    f.seekp(100);
    f.put(c);
    what = "its checksum differs";
  }
  SUBCASE("cut short") {
    fs::resize_file(table, fs::file_size(table) / 2);
    what = "its checksum differs";
  }
  SUBCASE("gone") {
    fs::remove(table);
    what = "No such file";
  }
  SUBCASE("one too many") {
    table = made->folder + "/store/stray";
    std::ofstream(table) << "x";
    what = "is not part of the backup";
  }
  const auto checked = check_backup(made->folder, {});
  REQUIRE(checked.ok());
  REQUIRE(checked->findings.size() == 1);
  CHECK(checked->findings[0].find("store/" + fs::path(table).filename().string()) == 0);
  CHECK(checked->findings[0].find(what) != std::string::npos);
}

TEST_CASE("a point in time: the state is the one there was then, wherever the cut falls") {
  node_folder t;
  std::map<std::int64_t, std::string> states{{t.now, t.saved()}};
  std::map<std::int64_t, std::size_t> transitions;
  const auto note = [&] {
    states[t.now] = t.saved();
    for (const auto& [incident, row] : t.alerts) transitions[t.now] += row.transitions.size();
  };
  for (int i = 0; i < 420; ++i) {
    t.measure(i % 30 < 5 ? 60 + i % 3 : 20 + i % 7);
    if (i % 90 == 0) t.restart_node();
    if (i == 200 || i == 350) {
      t.take_snapshot();
      t.seal_all();
    }
    note();
  }
  const auto made = t.back_up(t.now);
  REQUIRE(made.ok());
  const auto begin = states.begin()->first;
  // before any snapshot, within a block, at its end, in the tail, at the very end
  for (const int seconds : {1, 37, 200, 201, 202, 300, 351, 352, 400, 419, 420}) {
    CAPTURE(seconds);
    opened_copy copy(made->folder);
    const auto then = begin + seconds * second;
    const auto to = then + 2'000'000; // an input is journaled 1.5 ms after its event
    const auto cut = cut_after(*copy.tail, *copy.tables, t.models, to);
    if (!cut) FAIL(cut.error().what);
    CHECK(cut->problems.empty());
    copy.open();
    const auto r = copy.verified(t.models);
    for (const auto& f : r.findings) FAIL_CHECK(f.what);
    CHECK(r.readings == static_cast<std::uint64_t>(seconds));
    CHECK(copy.state(t.models) == states.at(then));
    std::size_t left = 0;
    REQUIRE(copy.tables
                ->each_alert([&](const alert_row& a) {
                  left += a.transitions.size();
                  return true;
                })
                .ok());
    CHECK(left == transitions[then]);
    // the same again changes nothing
    const auto twice = cut_after(*copy.tail, *copy.tables, t.models, to);
    REQUIRE(twice.ok());
    CHECK(twice->blocks_dropped + twice->blocks_shortened + twice->inputs_from_log == 0);
  }
}

TEST_CASE("a point in time: twins made later are gone, and those deleted later live") {
  node_folder t;
  t.live();
  const auto later = t.now + 10 * second;
  const auto b = t.tables->batch();
  b->put_registry(shard, {0, twin, 1, "", "", later, true});
  b->put_registry(shard, {1, "n:new", 1, "press", t.models.hash(), later, false});
  REQUIRE(t.tables->write(*b, true).ok());
  messages::segment_builder s;
  domain::input in;
  in.kind = domain::input_kind::twin_created;
  in.ingest_time_ns = later;
  in.model_hash = t.models.hash();
  s.add(1, "n:new", in);
  in.kind = domain::input_kind::twin_deleted;
  s.add(0, twin, in);
  REQUIRE(t.tail->append(shard, s.finish()).ok());
  REQUIRE(t.tail->commit().ok());
  const auto made = t.back_up(later);
  REQUIRE(made.ok());
  opened_copy copy(made->folder);
  const auto cut = cut_after(*copy.tail, *copy.tables, t.models, later - 1);
  REQUIRE(cut.ok());
  CHECK(cut->twins == 1);
  CHECK(cut->inputs_from_log == 2);
  copy.open();
  std::vector<registry_row> rows;
  REQUIRE(copy.tables->each_registry(shard, [&](const auto& r) { rows.push_back(r); }).ok());
  REQUIRE(rows.size() == 1);
  CHECK_FALSE(rows[0].deleted);
  CHECK(copy.verified(t.models).findings_total == 0);
}

TEST_CASE("a point in time: a segment across it keeps its first inputs") {
  node_folder t;
  t.live();
  messages::segment_builder s;
  for (int i = 0; i < 4; ++i) {
    const simple_input reading(20 + i, t.now + (i + 1) * second);
    s.add(0, twin, reading.in);
  }
  REQUIRE(t.tail->append(shard, s.finish()).ok());
  REQUIRE(t.tail->commit().ok());
  const auto made = t.back_up(t.now);
  REQUIRE(made.ok());
  opened_copy copy(made->folder);
  const auto cut = cut_after(*copy.tail, *copy.tables, t.models, t.now + 3 * second + 2'000'000);
  REQUIRE(cut.ok());
  CHECK(cut->inputs_from_log == 1);
  copy.open();
  const auto r = copy.verified(t.models);
  CHECK(r.findings_total == 0);
  CHECK(r.readings == 403);
}
