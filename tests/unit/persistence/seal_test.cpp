// SPDX-License-Identifier: Apache-2.0
// Sealing, and reading back across blocks and tail: nothing is lost, doubled or out of order,
// whenever it is asked.
#include "messages/hash.hpp"
#include "persistence/history.hpp"
#include "persistence/leveldb_store.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include "tests/unit/persistence/random_inputs.hpp"
#include <algorithm>
#include <atomic>
#include <doctest/doctest.h>
#include <map>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

constexpr std::uint32_t shard = 1;

std::string name_of(std::uint32_t row) { return "n:" + std::to_string(row); }

std::uint32_t row_of(std::uint32_t, std::string_view id) {
  return static_cast<std::uint32_t>(std::stoul(std::string(id.substr(2))));
}

/// A journal of a few twins that remembers what every twin, shard-wide inputs included, must see.
struct journal {
  scratch_folder folder;
  std::unique_ptr<persistence::log> tail = make_memory_log(4);
  std::unique_ptr<store> blocks;
  std::vector<std::string> last_texts;
  std::map<std::uint32_t, std::vector<std::pair<domain::input_id, std::string>>> own;
  std::vector<std::pair<domain::input_id, std::string>> wide;
  input_factory make;
  std::mt19937 random;

  explicit journal(unsigned seed) : make(seed), random(seed) {
    auto opened = open_leveldb_store({.folder = folder / "store"});
    REQUIRE(opened.ok());
    blocks = std::move(*opened);
  }

  /// Writes a segment of `inputs` random inputs of random twins.
  void write(unsigned inputs, std::uint32_t twins) {
    messages::segment_builder b;
    for (unsigned i = 0; i < inputs; ++i) {
      if (random() % 40 == 0) {
        domain::input in;
        in.kind = domain::input_kind::node_started;
        in.ingest_time_ns = static_cast<std::int64_t>(random());
        b.add(messages::no_row, {}, in);
        continue;
      }
      const auto row = static_cast<std::uint32_t>(random() % twins);
      auto made = make.next();
      b.add(row, name_of(row), made.in);
    }
    const segment_ptr s = b.finish();
    REQUIRE(tail->append(shard, s).ok());
    REQUIRE(tail->commit().ok());
    const auto at = tail->poll().at(0).at;
    domain::input in;
    for (std::uint32_t i = 0; i < s->entries().size(); ++i) {
      s->decode(i, at, in);
      const auto twin = s->entries()[i].twin;
      auto& list = twin == messages::shard_wide_twin ? wide : own[row_of(0, s->twins()[twin])];
      list.emplace_back(in.id, text_of(in));
    }
  }

  seal_report seal_some(std::uint64_t max_readings = 1'000'000) {
    auto report = seal(*tail, *blocks, shard, tail->end(shard), max_readings, row_of);
    if (!report) FAIL(report.error().what);
    return *report;
  }

  [[nodiscard]] std::vector<std::string> expected(std::uint32_t row, domain::input_id after) {
    auto all = own[row];
    all.insert(all.end(), wide.begin(), wide.end());
    std::sort(all.begin(), all.end());
    std::vector<std::string> out;
    for (const auto& [id, text] : all)
      if (id > after) out.push_back(text);
    return out;
  }

  [[nodiscard]] std::vector<std::string> read(std::uint32_t row, domain::input_id after) const {
    std::vector<std::string> out;
    const auto s =
        each_input(*tail, *blocks, shard, row, name_of(row), after, [&](const domain::input& in) {
          out.push_back(text_of(in));
          return true;
        });
    if (!s) FAIL(s.error().what);
    return out;
  }

  [[nodiscard]] std::vector<block_info> infos(std::uint32_t row) const {
    std::vector<block_info> out;
    REQUIRE(blocks
                ->each_block_info(shard, row, false,
                                  [&](const block_info& b) {
                                    out.push_back(b);
                                    return true;
                                  })
                .ok());
    return out;
  }

  /// Chain, order and sizes of a twin's blocks are as the format says.
  void check_blocks(std::uint32_t row) const {
    chain_value before{};
    domain::input_id last;
    for (const auto& info : infos(row)) {
      const auto bytes = blocks->block(shard, row, info.first);
      REQUIRE(bytes.ok());
      const auto h = read_block_header(*bytes);
      REQUIRE(h.ok());
      CHECK(h->chain_before == before);
      CHECK(info.chain_before == before);
      CHECK(info.hash == messages::hash64(*bytes));
      CHECK(info.first > last);
      CHECK(info.inputs <= hot_blocks.max_inputs);
      before = info.chain;
      last = info.last;
    }
  }
};

} // namespace

TEST_CASE("seal: property: reading back gives the journal, however sealing and trimming fell") {
  for (unsigned seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    journal j(seed);
    const std::uint32_t twins = 1 + seed % 4;
    for (int round = 0; round < 40; ++round) {
      j.write(1 + static_cast<unsigned>(j.random() % 80), twins);
      if (j.random() % 3 == 0) {
        const auto report = j.seal_some(j.random() % 2 == 0 ? 20 : 1'000'000);
        if (j.random() % 2 == 0) REQUIRE(j.tail->trim(shard, report.sealed_below).ok());
      }
      const auto row = static_cast<std::uint32_t>(j.random() % twins);
      domain::input_id after;
      if (auto& own = j.own[row]; !own.empty() && j.random() % 2 == 0)
        after = own[j.random() % own.size()].first;
      REQUIRE(j.read(row, after) == j.expected(row, after));
    }
    for (std::uint32_t row = 0; row < twins; ++row) j.check_blocks(row);
    j.check_blocks(shard_wide_row);
  }
}

TEST_CASE("seal: sealing again what is sealed changes nothing") {
  journal j(3);
  for (int i = 0; i < 20; ++i) j.write(30, 3);
  const auto first = j.seal_some();
  CHECK(first.inputs == 600);
  CHECK(first.sealed_below == j.tail->end(shard));
  const auto before = j.infos(0);
  const auto again = j.seal_some();
  CHECK(again.blocks == 0);
  CHECK(again.sealed_below == first.sealed_below);
  const auto after = j.infos(0);
  REQUIRE(after.size() == before.size());
  for (std::size_t i = 0; i < after.size(); ++i) CHECK(after[i].hash == before[i].hash);
  REQUIRE(j.tail->trim(shard, first.sealed_below).ok());
  CHECK(j.seal_some().segments == 0);
  CHECK(j.read(1, {}) == j.expected(1, {}));
}

TEST_CASE("seal: many small passes leave a twin few blocks, and not all of it is rewritten") {
  journal j(5);
  std::uint64_t written = 0;
  for (int pass = 0; pass < 300; ++pass) {
    j.write(4, 1);
    const auto report = j.seal_some();
    written += report.bytes;
    REQUIRE(j.tail->trim(shard, report.sealed_below).ok());
  }
  std::uint64_t stored = 0;
  for (const auto& info : j.infos(0)) stored += j.blocks->block(shard, 0, info.first)->size();
  CHECK(j.infos(0).size() <= 2 + 9);
  CHECK(written < 9 * stored);
  CHECK(j.read(0, {}) == j.expected(0, {}));
  j.check_blocks(0);
}

TEST_CASE("seal: a twin without a row is a defect and nothing is written") {
  journal j(6);
  j.write(5, 1);
  const auto report = seal(*j.tail, *j.blocks, shard, j.tail->end(shard), 100,
                           [](auto, auto) { return messages::no_row; });
  REQUIRE_FALSE(report.ok());
  CHECK(report.error().code == errc::internal);
  CHECK(j.infos(0).empty());
}

TEST_CASE("seal: `below` and `max_readings` bound a pass to whole segments") {
  journal j(7);
  std::vector<domain::position> ends;
  for (int i = 0; i < 5; ++i) {
    j.write(10, 1);
    ends.push_back(j.tail->end(shard));
  }
  auto report = seal(*j.tail, *j.blocks, shard, ends[1], 1'000'000, row_of);
  REQUIRE(report.ok());
  CHECK(report->segments == 2);
  CHECK(report->sealed_below <= ends[1]);
  REQUIRE(j.tail->trim(shard, report->sealed_below).ok());
  CHECK(j.seal_some(1).segments == 1);
}

TEST_CASE("each_input stops when told, wherever that is") {
  journal j(8);
  for (int i = 0; i < 10; ++i) j.write(10, 1);
  const auto report = j.seal_some(50);
  REQUIRE(j.tail->trim(shard, report.sealed_below).ok());
  const auto all = j.expected(0, {});
  for (std::size_t stop = 1; stop <= all.size(); stop += 7) {
    std::size_t seen = 0;
    REQUIRE(each_input(*j.tail, *j.blocks, shard, 0, name_of(0), {}, [&](const domain::input&) {
              return ++seen < stop;
            }).ok());
    CHECK(seen == stop);
  }
}

TEST_CASE("each_input sees every input while sealing and trimming go on beside it") {
  journal j(9);
  for (int i = 0; i < 300; ++i) j.write(10, 2);
  const auto wanted = j.expected(0, {});
  std::atomic<bool> done{false};
  std::thread sealer([&] {
    for (;;) {
      auto report = seal(*j.tail, *j.blocks, shard, j.tail->end(shard), 60, row_of);
      if (!report.ok() || report->segments == 0) break;
      if (!j.tail->trim(shard, report->sealed_below).ok()) break;
    }
    done = true;
  });
  int reads = 0;
  bool equal = true;
  while (!done || reads == 0) {
    equal = equal && j.read(0, {}) == wanted;
    ++reads;
  }
  sealer.join();
  CHECK(equal);
  CHECK(j.read(0, {}) == wanted);
  CHECK(j.infos(0).size() > 1);
}

TEST_CASE("values_between: property: agrees with sorting everything, across blocks and tail") {
  std::mt19937 random{12};
  journal j(10);
  struct sample {
    std::int64_t time;
    double value;
  };
  std::vector<sample> all;
  for (int i = 0; i < 1500; ++i) {
    const std::int64_t late = random() % 5 == 0 ? static_cast<std::int64_t>(random() % 500) : 0;
    const sample s{10'000 + i * 3 - late, static_cast<double>(i)};
    all.push_back(s);
    simple_input in(s.value, s.time);
    messages::segment_builder b;
    b.add(0, "n:0", in.in);
    if (random() % 10 == 0) { // redelivered: counts once
      b.add(0, "n:0", in.in);
    }
    REQUIRE(j.tail->append(shard, b.finish()).ok());
    REQUIRE(j.tail->commit().ok());
    if (i == 700 || i == 1200) {
      const auto report = j.seal_some();
      if (i == 700) REQUIRE(j.tail->trim(shard, report.sealed_below).ok());
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const sample& a, const sample& b) { return a.time < b.time; });
  for (int round = 0; round < 60; ++round) {
    const auto from = 9'400 + static_cast<std::int64_t>(random() % 5000);
    const auto to = from + static_cast<std::int64_t>(random() % 3000);
    const std::size_t limit = 1 + random() % 400;
    std::vector<double> wanted;
    for (const auto& s : all)
      if (s.time >= from && s.time <= to && wanted.size() < limit) wanted.push_back(s.value);
    const auto found =
        values_between(*j.tail, *j.blocks, shard, 0, "n:0", "temperature", from, to, limit);
    REQUIRE(found.ok());
    std::vector<double> got;
    for (const auto& v : *found) got.push_back(std::get<double>(v.value));
    REQUIRE(got == wanted);
  }
  CHECK(values_between(*j.tail, *j.blocks, shard, 0, "n:0", "speed", 0, 1 << 30, 10)->empty());
}
