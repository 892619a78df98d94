// SPDX-License-Identifier: Apache-2.0
// Cold frames and files: everything comes back bit for bit, damage is found, and a script with
// nothing but Python's standard library reads the same.
#include "messages/hash.hpp"
#include "persistence/cold_column.hpp"
#include "persistence/cold_file.hpp"
#include "persistence/cold_frame.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include "tests/unit/persistence/random_inputs.hpp"
#include <doctest/doctest.h>
#include <limits>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

std::vector<owned_input> random_life(unsigned seed, int inputs) {
  input_factory make(seed);
  std::vector<owned_input> out;
  for (int i = 0; i < inputs; ++i) out.push_back(make.next());
  return out;
}

std::string frame_of(const std::vector<owned_input>& life, const std::string& key = "n:1") {
  cold_frame_builder b;
  for (const auto& made : life) b.add(made.in);
  chain_value before{}, after{};
  before[0] = 7;
  after[31] = 9;
  auto frame = b.finish(key, before, after);
  REQUIRE(frame.ok());
  CHECK(b.empty());
  return *frame;
}

std::vector<std::string> texts_in(std::string_view frame) {
  std::vector<std::string> out;
  const auto s =
      decode_cold_frame(frame, [&](const domain::input& in) { out.push_back(text_of(in)); });
  if (!s) FAIL(s.error().what);
  return out;
}

} // namespace

TEST_CASE("cold column: property: every sequence of numbers comes back") {
  std::mt19937_64 random{1};
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::int64_t> values(random() % 40);
    std::int64_t v = static_cast<std::int64_t>(random());
    const auto sort = random() % 6;
    for (auto& x : values) {
      switch (sort) {
      case 0: v = static_cast<std::int64_t>(random()); break;
      case 1: v += 1'000'000; break;
      case 2: v = -static_cast<std::int64_t>(random() % 3); break;
      case 3: v = random() % 2 == 0 ? INT64_MIN : INT64_MAX; break;
      case 4: v += static_cast<std::int64_t>(random() % 1000) * 1'000'000; break;
      default: v = 0;
      }
      x = v;
    }
    std::string raw = "before";
    const auto column = put_cold_column(values, raw);
    REQUIRE(raw.size() == 6 + column.bytes());
    std::string_view in = raw;
    in.remove_prefix(6);
    std::vector<std::int64_t> out;
    REQUIRE(take_cold_column(column, in, out));
    REQUIRE(out == values);
    CHECK(in.empty());
  }
}

TEST_CASE("cold column: steady numbers need no bytes, small steps one byte each") {
  std::string raw;
  std::vector<std::int64_t> clock, noise;
  for (int i = 0; i < 1000; ++i) {
    clock.push_back(1'700'000'000'000'000'000 + i * 60'000'000'000);
    noise.push_back(clock.back() + (i * 37 % 11) * 1'000'000);
  }
  CHECK(put_cold_column(clock, raw).bytes() == 0);
  CHECK(put_cold_column(noise, raw).width <= 3);
}

TEST_CASE("cold frame: property: inputs of every kind come back bit for bit") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    const auto life = random_life(seed, 1 + static_cast<int>(seed * 17 % 400));
    const auto frame = frame_of(life);
    CHECK(is_cold_frame(frame));
    const auto got = texts_in(frame);
    REQUIRE(got.size() == life.size());
    for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(got[i] == text_of(life[i].in));
    const auto head = read_cold_frame_head(frame);
    REQUIRE(head.ok());
    CHECK(head->key == "n:1");
    CHECK(head->info.inputs == life.size());
    CHECK(head->info.first == life.front().in.id);
    CHECK(head->info.last == life.back().in.id);
    CHECK(head->info.chain_before[0] == 7);
    CHECK(head->info.chain[31] == 9);
    CHECK(head->info.kept == tier::cold);
    CHECK(head->info.hash == messages::hash64(frame));
  }
}

TEST_CASE("cold frame: names that are no UTF-8 come back, too") {
  domain::input in;
  in.kind = domain::input_kind::readings;
  in.id = {{5}, 1};
  in.readings.push_back({.event_time_ns = -3, .sequence = 0, .first = 0, .count = 1});
  in.fields.push_back({"\xff\xfe", domain::value_view::of(1.5)});
  cold_frame_builder b;
  b.add(in);
  const auto frame = b.finish("k", {}, {});
  REQUIRE(frame.ok());
  CHECK(texts_in(*frame).at(0) == text_of(in));
}

TEST_CASE("cold frame: a flipped bit or a cut is found, wherever it is") {
  const auto frame = frame_of(random_life(3, 60));
  for (std::size_t i = 0; i < frame.size(); ++i) {
    auto bad = frame;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    REQUIRE_FALSE(decode_cold_frame(bad, [](const domain::input&) {}).ok());
    REQUIRE_FALSE(
        decode_cold_frame(std::string_view(frame).substr(0, i), [](const domain::input&) {}).ok());
  }
}

TEST_CASE("cold frame: heads that lie behind a right checksum lead nowhere outside") {
  const auto frame = frame_of(random_life(4, 40));
  std::mt19937 random{5};
  for (int round = 0; round < 4000; ++round) {
    auto bad = frame.substr(0, frame.size() - 4);
    const auto line = bad.find('\n');
    for (int flips = 0; flips < 1 + round % 3; ++flips) {
      auto& c = bad[random() % line];
      c = "0123456789,[]-"[random() % 14];
    }
    const auto crc = crc32_ieee(bad);
    for (int i = 0; i < 4; ++i) bad.push_back(static_cast<char>(crc >> (8 * i)));
    static_cast<void>(decode_cold_frame(bad, [](const domain::input&) {}));
    static_cast<void>(read_cold_frame_head(bad));
  }
  CHECK(texts_in(frame).size() == 40);
}
