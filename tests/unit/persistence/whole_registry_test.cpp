// SPDX-License-Identifier: Apache-2.0
// What a registry lost with the power is found again in the log, with its number; and new folders
// are there after the cut, which power_loss_test.py shows.
#include "persistence/durable_folder.hpp"
#include "persistence/history.hpp"
#include "persistence/whole_registry.hpp"
#include "tests/unit/persistence/store_fixture.hpp"
#include <filesystem>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

struct lossy {
  scratch_folder folder;
  std::unique_ptr<leveldb_store> tables = open(folder);
  std::unique_ptr<persistence::log> tail = make_memory_log(2);

  void in_table(std::uint32_t row, const std::string& id, bool deleted = false) {
    auto b = tables->batch();
    b->put_registry(1, {row, id, 1, "press", "hash", 5, deleted});
    REQUIRE(tables->write(*b, false).ok());
  }
  void in_log(const std::string& key, domain::input_kind kind, std::uint32_t incarnation = 1) {
    domain::input in;
    in.kind = kind;
    in.ingest_time_ns = 77;
    in.model_name = "pump";
    in.model_hash = "0123";
    in.incarnation = incarnation;
    messages::segment_builder b;
    b.add(0, key, in);
    REQUIRE(tail->append(1, b.finish()).ok());
    REQUIRE(tail->commit().ok());
  }
  /// "0 n:a, 1 n:b gone, ..." of all rows, and of those that were restored.
  [[nodiscard]] std::pair<std::string, std::string> look() const {
    const auto found = whole_registry(*tail, *tables, 1);
    if (!found) return {found.error().what, ""};
    return {text(found->rows), text(found->restored)};
  }
  static std::string text(const std::vector<registry_row>& rows) {
    std::string out;
    for (const auto& r : rows)
      out += (out.empty() ? "" : ", ") + std::to_string(r.row) + " " + r.id +
             (r.incarnation > 1 ? "#" + std::to_string(r.incarnation) : "") +
             (r.deleted ? " gone" : "");
    return out;
  }
};

} // namespace

TEST_CASE("whole registry: nothing is restored where nothing was lost") {
  lossy l;
  l.in_table(0, "n:a");
  l.in_table(1, "n:b", true);
  l.in_log("n:a", domain::input_kind::readings);
  CHECK(l.look() == std::pair<std::string, std::string>{"0 n:a, 1 n:b gone", ""});
}

TEST_CASE("whole registry: twins of the log fill the gaps and then the end, in its order") {
  lossy l;
  l.in_table(0, "n:a");
  l.in_table(2, "n:c");
  l.in_log("n:b", domain::input_kind::twin_created);
  l.in_log("n:c", domain::input_kind::twin_created);
  l.in_log("n:d", domain::input_kind::twin_created);
  l.in_log("n:b#2", domain::input_kind::twin_created, 2);
  CHECK(l.look() == std::pair<std::string, std::string>{"0 n:a, 1 n:b, 2 n:c, 3 n:d, 4 n:b#2",
                                                        "1 n:b, 3 n:d, 4 n:b#2"});
  const auto found = whole_registry(*l.tail, *l.tables, 1);
  REQUIRE(found);
  CHECK(found->restored[0].model_name == "pump");
  CHECK(found->restored[0].model_hash == "0123");
  CHECK(found->restored[0].created_at_ns == 77);
  for (const auto& r : found->restored) {
    auto b = l.tables->batch();
    b->put_registry(1, r);
    REQUIRE(l.tables->write(*b, true).ok());
  }
  CHECK(l.look().second.empty());
}

TEST_CASE("whole registry: a number nobody knows anything of is kept, and given to none") {
  lossy l;
  l.in_table(1, "n:b");
  CHECK(l.look() ==
        std::pair<std::string, std::string>{"0 lost:1-0 gone, 1 n:b", "0 lost:1-0 gone"});
}

TEST_CASE("whole registry: a deletion that only the log knows is not forgotten") {
  lossy l;
  l.in_table(0, "n:a");
  l.in_log("n:a", domain::input_kind::twin_deleted);
  l.in_log("n:b", domain::input_kind::twin_created);
  l.in_log("n:b", domain::input_kind::twin_deleted);
  CHECK(l.look() ==
        std::pair<std::string, std::string>{"0 n:a gone, 1 n:b gone", "0 n:a gone, 1 n:b gone"});
}

TEST_CASE("whole registry: a missing row with history is damage, not a power cut") {
  lossy l;
  l.in_table(1, "n:b");
  const simple_input in(3, 1'000'000'000);
  auto b = l.tables->batch();
  b->put_block(1, 0, in.in.id, encode_block({&in.in}, {}));
  REQUIRE(l.tables->write(*b, true).ok());
  l.in_log("n:x", domain::input_kind::twin_created);
  CHECK(l.look().first.find("row 1-0 of the registry is missing") != std::string::npos);
}

TEST_CASE("durable folder: makes what is missing and minds what is there") {
  const scratch_folder folder;
  CHECK(make_folder(folder / "a/b/c/").ok());
  CHECK(make_folder(folder / "a/b/c").ok());
  CHECK(std::filesystem::is_directory(folder / "a/b/c"));
  CHECK_FALSE(make_folder(std::string("/proc/no/such/place")).ok());
}
