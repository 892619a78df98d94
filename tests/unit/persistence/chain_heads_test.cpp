// SPDX-License-Identifier: Apache-2.0
// Heads that were kept: nothing that a node does to its history changes them, and whoever edits it
// cannot keep them, even with every checksum and chain value made anew.
#include "persistence/block_builder.hpp"
#include "persistence/chain_heads.hpp"
#include "tests/unit/persistence/cold_moves.hpp"

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

struct kept_twin : running_twin {
  std::shared_ptr<cold_folder> cold;

  kept_twin() {
    const auto b = tables->batch();
    b->put_registry(shard, {0, twin, 1, "press", models.hash(), now, false});
    REQUIRE(tables->write(*b, true).ok());
    live();
  }
  [[nodiscard]] std::vector<chain_head> heads() const {
    auto list = chain_heads(*tail, *tables);
    if (!list) FAIL(list.error().what);
    CHECK(list->left_out == 0);
    return list->heads;
  }
  [[nodiscard]] head_comparison compared(const std::vector<chain_head>& kept) const {
    auto done = compare_heads(*tail, *tables, kept);
    if (!done) FAIL(done.error().what);
    return *done;
  }
  void move_to_cold() { cold = move_all_to_cold(*this); }
};

} // namespace

TEST_CASE("heads: what comes later, sealing, joining and moving change nothing") {
  kept_twin t;
  std::vector<std::vector<chain_head>> all{t.heads()}; // of the tail, too
  REQUIRE(all[0].size() == 2);                         // the twin, and the shard-wide inputs
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 37 * (round + 1); ++i) t.measure(20 + i % 50);
    t.restart_node();
    t.take_snapshot();
    t.seal_all();
    for (const auto& earlier : all) {
      const auto done = t.compared(earlier);
      CHECK(done.findings.empty());
      CHECK(done.compared == earlier.size());
    }
    all.push_back(t.heads());
  }
  t.move_to_cold();
  for (const auto& b : t.infos()) CHECK(b.kept == tier::cold);
  for (const auto& earlier : all) CHECK(t.compared(earlier).findings.empty());
}

TEST_CASE("heads: a document of them is read back as it was, and nonsense is refused") {
  kept_twin t;
  const head_list list{t.heads(), 3};
  const auto read = parse_heads(heads_document(list));
  REQUIRE(read.ok());
  REQUIRE(read->size() == list.heads.size());
  for (std::size_t i = 0; i < read->size(); ++i) {
    CHECK((*read)[i].twin == list.heads[i].twin);
    CHECK((*read)[i].last == list.heads[i].last);
    CHECK((*read)[i].chain == list.heads[i].chain);
  }
  for (const char* bad : {"", "[]", "{}", R"({"heads": 1})", R"({"heads": [{"twin": "a"}]})",
                          R"({"heads": [{"twin": "a", "last": "1-2", "chain": ""}]})",
                          R"({"heads": [{"twin": "a", "last": "1-2-3x", "chain": "00"}]})"})
    CHECK_FALSE(parse_heads(bad).ok());
}

TEST_CASE("heads: one value changed, with all checksums and chains made anew, is noticed") {
  kept_twin t;
  const auto kept = t.heads();
  std::size_t at = 0;
  SUBCASE("the first reading") { at = 2; }
  SUBCASE("one in the middle") { at = 150; }
  SUBCASE("left out") { at = 1000; }
  const bool leave_out = at == 1000;
  const auto batch = t.tables->batch();
  block_builder builder;
  std::size_t n = 0;
  for (const auto& b : t.infos()) {
    const auto bytes = t.tables->block(shard, 0, b.first);
    REQUIRE(bytes.ok());
    batch->erase_block(shard, 0, b.first);
    REQUIRE(decode_block(*bytes, [&](const domain::input& in) {
              auto edited = in;
              if (++n == at) edited.fields.at(0).value = domain::value_view::of(12.5);
              if (leave_out && n == 100) return;
              builder.add(edited);
            }).ok());
    const auto first = builder.first();
    batch->put_block(shard, 0, first, builder.finish());
  }
  REQUIRE(t.tables->write(*batch, true).ok());
  const auto done = t.compared(kept);
  REQUIRE(done.findings.size() == 1);
  CHECK(done.findings[0].find(std::string(twin) + ": its history up to input") == 0);
  CHECK(done.compared == 1); // the shard-wide inputs are what they were
}

TEST_CASE("heads: what is gone is told") {
  kept_twin t;
  auto kept = t.heads();
  kept.push_back({"n:other", {{5}, 0}, {}});
  kept[0].last.at.value += 1ull << 41;
  const auto done = t.compared(kept);
  REQUIRE(done.findings.size() == 2);
  CHECK(done.findings[0].find("is no longer there") != std::string::npos);
  CHECK(done.findings[1] == "n:other: no such twin any more");
}
