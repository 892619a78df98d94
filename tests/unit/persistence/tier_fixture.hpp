// SPDX-License-Identifier: Apache-2.0
// A store of one shard with its cold files, what its twins should hold, and tiering over it that
// can be broken off at any step.
#pragma once
#include "persistence/tiering.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include "tests/unit/persistence/random_inputs.hpp"
#include <doctest/doctest.h>
#include <set>

namespace pollux::persistence::testing {

inline constexpr std::int64_t day = 86'400'000'000'000;
inline constexpr std::int64_t today = 20'500 * day; ///< midnight, UTC
inline constexpr std::int64_t noon = today + day / 2;

struct broken_off {};

/// A store of one shard, and what its twins hold.
struct archive {
  scratch_folder folder;
  std::unique_ptr<store> tables;
  std::shared_ptr<cold_folder> files;
  std::unique_ptr<tiering> mover;
  domain::retention_rule rule;
  std::vector<std::vector<std::string>> expected;
  std::vector<chain_value> chain;
  std::vector<bool> held, deleted;
  std::uint64_t position = 1;
  int steps_left = -1; ///< until a move breaks off; negative: never

  explicit archive(std::size_t twins = 1) : expected(twins), chain(twins) { open(); }

  void open() {
    mover.reset();
    tables.reset();
    auto opened = open_leveldb_store({.folder = folder / "store"});
    REQUIRE(opened.ok());
    tables = std::move(*opened);
    auto made = cold_folder::open(folder / "history");
    REQUIRE(made.ok());
    files = *made;
    tables->set_cold_source(files);
    mover = std::make_unique<tiering>(
        *tables, files,
        tiering_options{.shards = 1,
                        .rules = [this](std::uint32_t) { return rules(); },
                        .file_bytes = 64u << 20,
                        .batch_bytes = 8u << 20,
                        .at_step = [this](const char*) { count_step(); }});
  }
  void count_step() {
    if (steps_left >= 0 && steps_left-- == 0) throw broken_off{};
  }
  result<shard_rules> rules() const {
    return shard_rules{.rules = {rule},
                       .rule_of_row = std::vector<std::uint16_t>(expected.size(), 0),
                       .deleted = deleted,
                       .held = held,
                       .key = [](std::uint32_t row) { return "n:" + std::to_string(row); }};
  }

  /// Puts inputs behind those of a twin, as one hot block. Their ids are given here.
  void put(std::uint32_t row, std::vector<owned_input>& inputs) {
    block_builder b;
    b.begin(chain[row]);
    for (auto& made : inputs) {
      made.in.id = {{position += 3}, 0};
      expected[row].push_back(text_of(made.in));
      b.add(made.in);
    }
    const auto first = b.first();
    chain[row] = b.chain();
    auto batch = tables->batch();
    batch->put_block(0, row, first, b.finish());
    REQUIRE(tables->write(*batch, true).ok());
    mover->sealed(0);
  }
  void put_readings(std::uint32_t row, const std::vector<std::int64_t>& times) {
    std::vector<owned_input> inputs;
    for (const auto t : times) {
      owned_input made;
      made.in = simple_input(static_cast<double>(t % 1000) / 10, t).in;
      inputs.push_back(made);
    }
    put(row, inputs);
  }
  void run(std::int64_t now = noon) {
    for (;;) {
      const auto more = mover->step(now, std::chrono::seconds(1));
      if (!more) FAIL(more.error().what);
      if (!*more) return;
    }
  }
  [[nodiscard]] std::vector<block_info> infos(std::uint32_t row) const {
    std::vector<block_info> out;
    REQUIRE(tables
                ->each_block_info(0, row, false,
                                  [&](const block_info& b) {
                                    out.push_back(b);
                                    return true;
                                  })
                .ok());
    return out;
  }
  [[nodiscard]] std::vector<std::string> read(std::uint32_t row) const {
    std::vector<std::string> out;
    status bad;
    const auto s = tables->each_block(0, row, {}, [&](std::string_view bytes) {
      bad = decode_any_block(bytes, [&](const domain::input& in) { out.push_back(text_of(in)); });
      return bad.ok();
    });
    if (!s) FAIL(s.error().what);
    if (!bad) FAIL(bad.error().what);
    return out;
  }
  /// Event time and tier of every reading.
  [[nodiscard]] std::vector<std::pair<std::int64_t, tier>> placed(std::uint32_t row) const {
    std::vector<std::pair<std::int64_t, tier>> out;
    for (const auto& b : infos(row)) {
      const auto bytes = tables->block(0, row, b.first);
      if (!bytes) FAIL(bytes.error().what);
      REQUIRE(decode_any_block(*bytes, [&](const domain::input& in) {
                for (const auto& r : in.readings) out.emplace_back(r.event_time_ns, b.kept);
              }).ok());
    }
    return out;
  }
  /// Chain and index agree with the content, and every cold file is wanted.
  void check() const {
    std::set<std::uint64_t> wanted;
    for (std::uint32_t row = 0; row < expected.size(); ++row) {
      chain_value before{};
      chain_hasher chained;
      chained.begin(before);
      for (const auto& b : infos(row)) {
        REQUIRE(b.chain_before == before);
        const auto bytes = tables->block(0, row, b.first);
        REQUIRE(bytes.ok());
        std::uint32_t inputs = 0;
        REQUIRE(decode_any_block(*bytes, [&](const domain::input& in) {
                  chained.add(in);
                  ++inputs;
                }).ok());
        CHECK(inputs == b.inputs);
        REQUIRE(chained.end() == b.chain);
        before = b.chain;
        if (b.kept == tier::cold) wanted.insert(b.file);
      }
    }
    const auto there = files->files();
    REQUIRE(there.ok());
    CHECK(std::set<std::uint64_t>(there->begin(), there->end()) == wanted);
  }
};

} // namespace pollux::persistence::testing
