// SPDX-License-Identifier: Apache-2.0
// Blocks of version 1, as the release that wrote them left them (tests/data/formats/block_v1): they
// are read for ever, and sealing turns those it joins into version 2.
#include "domain/base/bytes.hpp"
#include "messages/hash.hpp"
#include "persistence/block_builder.hpp"
#include "persistence/block_format.hpp"
#include "persistence/leveldb_store.hpp"
#include "persistence/store_rows.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include "tests/unit/persistence/random_inputs.hpp"
#include <doctest/doctest.h>
#include <fstream>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <limits>
#include <sstream>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

constexpr const char* names[] = {"every_kind_11", "every_kind_12", "every_type", "three_decimals",
                                 "one_shard_wide_input"};

std::string content(const std::string& name) {
  std::ifstream in(std::string(POLLUX_SOURCE_DIR) + "/tests/data/formats/block_v1/" + name,
                   std::ios::binary);
  REQUIRE(in.good());
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::string texts_of(std::string_view block) {
  std::string out;
  const auto s =
      decode_any_block(block, [&](const domain::input& in) { out += text_of(in) + "\n"; });
  if (!s) FAIL(s.error().what);
  return out;
}

/// An index row as the first release wrote it.
std::string old_index_row(const block_header& h, std::uint64_t hash) {
  std::string payload;
  byte_writer w(payload);
  w.u64(h.last.at.value);
  w.u32(h.last.index);
  w.u32(h.inputs);
  w.i64(h.least_event_time_ns);
  w.i64(h.greatest_event_time_ns);
  w.u64(hash);
  return seal_row(payload, 1);
}

} // namespace

TEST_CASE("a block of version 1 is read as the release that wrote it read it") {
  for (const auto* name : names) {
    CAPTURE(name);
    const auto block = content(std::string(name) + ".block");
    const auto h = read_block_header(block);
    REQUIRE(h.ok());
    CHECK(h->version == 1);
    CHECK(h->codec == block_codec::none);
    CHECK(h->chain_after == chain_from_hash64(messages::hash64(block)));
    CHECK(h->least_ingest_time_ns == std::numeric_limits<std::int64_t>::min());
    CHECK(texts_of(block) == content(std::string(name) + ".txt"));
    for (std::size_t byte = 0; byte < block.size(); byte += 7) {
      auto damaged = block;
      damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << byte % 8));
      CHECK_FALSE(decode_block(damaged, [](const domain::input&) {}).ok());
    }
  }
}

TEST_CASE("what a block of version 1 held comes back from version 2, hot and warm") {
  for (const auto* name : names) {
    CAPTURE(name);
    const auto block = content(std::string(name) + ".block");
    for (const auto& settings : {hot_blocks, warm_blocks}) {
      block_builder b(settings);
      REQUIRE(decode_block(block, [&](const domain::input& in) { b.add(in); }).ok());
      const auto now = b.finish();
      CHECK(read_block_header(now)->version == 2);
      CHECK(texts_of(now) == content(std::string(name) + ".txt"));
      CHECK(now.size() < block.size() + block_header_bytes);
    }
  }
}

TEST_CASE("an index row of the first format is read, and says what it does not know") {
  const auto block = content("three_decimals.block");
  const auto h = *read_block_header(block);
  const auto info = decode_block_info(old_index_row(h, 77), h.first);
  REQUIRE(info.ok());
  CHECK(info->first == h.first);
  CHECK(info->last == h.last);
  CHECK(info->inputs == 512);
  CHECK(info->readings == 0);
  CHECK(info->bytes == 0);
  CHECK(info->least_event_time_ns == h.least_event_time_ns);
  CHECK(info->least_ingest_time_ns == std::numeric_limits<std::int64_t>::min());
  CHECK(info->greatest_ingest_time_ns == std::numeric_limits<std::int64_t>::max());
  CHECK(info->chain == chain_from_hash64(77));
  CHECK(info->kept == tier::hot);
  CHECK_FALSE(decode_block_info(old_index_row(h, 77).substr(0, 30), h.first).ok());
}

TEST_CASE("sealing rewrites a small block of version 1 together with new inputs as version 2") {
  const scratch_folder folder;
  const auto old = content("every_kind_11.block");
  const auto h = *read_block_header(old);
  REQUIRE(open_leveldb_store({.folder = folder / "store"}).ok());
  {
    leveldb::DB* raw = nullptr;
    leveldb::Options o;
    const std::unique_ptr<const leveldb::FilterPolicy> filter(leveldb::NewBloomFilterPolicy(10));
    o.filter_policy = filter.get();
    REQUIRE(leveldb::DB::Open(o, folder / "store", &raw).ok());
    const std::unique_ptr<leveldb::DB> db(raw);
    REQUIRE(db->Put({}, input_key(tables::blocks, 1, 0, h.first), old).ok());
    REQUIRE(db->Put({}, input_key(tables::block_index, 1, 0, h.first),
                    old_index_row(h, messages::hash64(old)))
                .ok());
  }
  auto blocks = *open_leveldb_store({.folder = folder / "store"});
  // each start raises the epoch: behind the positions of the old block before long
  std::unique_ptr<persistence::log> tail;
  for (int start = 0; start < 8; ++start) {
    tail.reset();
    tail = *open_leveldb_log({.folder = folder / "log", .shards = 2});
  }
  auto wanted = content("every_kind_11.txt");
  for (int i = 0; i < 100; ++i) REQUIRE(tail->append(1, one_reading("n:0", i)).ok());
  REQUIRE(tail->commit().ok());
  domain::input in;
  REQUIRE(tail->scan(1, {},
                     [&](const positioned_segment& s) {
                       s.content->decode(0, s.at, in);
                       wanted += text_of(in) + "\n";
                       return true;
                     })
              .ok());
  REQUIRE(in.id > h.last);
  const auto report =
      seal(*tail, *blocks, 1, tail->end(1), 1'000'000, [](auto, auto) { return 0u; });
  REQUIRE(report.ok());
  std::string got;
  std::size_t count = 0;
  const auto read = blocks->each_block(1, 0, {}, [&](std::string_view block) {
    ++count;
    const auto now = read_block_header(block);
    REQUIRE(now.ok());
    CHECK(now->version == 2);
    CHECK(now->chain_before == h.chain_before);
    got += texts_of(block);
    return true;
  });
  REQUIRE(read.ok());
  CHECK(count == 1);
  CHECK(got == wanted);
}
