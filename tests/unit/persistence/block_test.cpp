// SPDX-License-Identifier: Apache-2.0
// Blocks give back exactly what went in, whatever it was, and no damage goes unseen.
#include "persistence/block_format.hpp"
#include "persistence/crc32c.hpp"
#include "persistence/int_column.hpp"
#include "persistence/value_column.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include "tests/unit/persistence/random_inputs.hpp"
#include <cmath>
#include <cstring>
#include <deque>
#include <doctest/doctest.h>
#include <limits>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

std::vector<std::int64_t> there_and_back(const std::vector<std::int64_t>& values, bool times) {
  std::string bytes;
  times ? encode_times(values, bytes) : encode_ints(values, bytes);
  block_cursor in(bytes);
  std::vector<std::int64_t> out;
  REQUIRE((times ? decode_times(in, values.size(), out) : decode_ints(in, values.size(), out)));
  REQUIRE(in.at_end());
  return out;
}

std::size_t encoded_size(const std::vector<std::int64_t>& values) {
  std::string bytes;
  encode_ints(values, bytes);
  return bytes.size();
}

std::size_t f64_size(const std::vector<double>& values) {
  value_column c;
  c.kind = domain::value_kind::f64;
  for (const double v : values) c.add(domain::value_view::of(v));
  std::string bytes;
  encode_column(c, bytes);
  block_cursor in(bytes);
  value_column back;
  back.kind = c.kind;
  REQUIRE(decode_column(in, values.size(), back));
  REQUIRE(back.numbers == c.numbers); // bits, not values
  return bytes.size();
}

} // namespace

TEST_CASE("crc32c: the check value of the standard, and both ways agree on any bytes") {
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(crc32c_by_table("123456789") == 0xe3069283u);
  std::mt19937 random{5};
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    CHECK(crc32c(bytes) == crc32c_by_table(bytes));
    CHECK(crc32c(std::string_view(bytes).substr(bytes.size() / 3),
                 crc32c(std::string_view(bytes).substr(0, bytes.size() / 3))) == crc32c(bytes));
    bytes.push_back(static_cast<char>(random()));
  }
}

TEST_CASE("int column: any sequence of numbers comes back") {
  std::mt19937_64 random{7};
  constexpr auto low = std::numeric_limits<std::int64_t>::min();
  constexpr auto high = std::numeric_limits<std::int64_t>::max();
  CHECK(there_and_back({}, false).empty());
  for (const auto& values : std::vector<std::vector<std::int64_t>>{
           {0}, {low}, {high}, {low, high}, {high, low, high}, {1, 2}, {-1, 1, -1, 1}, {5, 5, 6}})
    CHECK(there_and_back(values, false) == values);
  for (int round = 0; round < 2000; ++round) {
    CAPTURE(round);
    std::vector<std::int64_t> values(1 + random() % 400);
    const auto width = random() % 65;
    const auto mask = width == 64 ? ~0ull : (1ull << width) - 1;
    std::int64_t walk = static_cast<std::int64_t>(random());
    const bool walking = random() % 2 == 0;
    for (auto& v : values) {
      const auto r = static_cast<std::int64_t>(random() & mask);
      v = walking ? walk = static_cast<std::int64_t>(static_cast<std::uint64_t>(walk) +
                                                     static_cast<std::uint64_t>(r))
                  : r;
    }
    CHECK(there_and_back(values, false) == values);
    CHECK(there_and_back(values, true) == values);
  }
}

TEST_CASE("int column: a steady series takes a few bytes, and a common unit of time is used") {
  std::vector<std::int64_t> steady, jitter_ms;
  std::mt19937 random{3};
  for (int i = 0; i < 512; ++i) {
    steady.push_back(1'700'000'000'000'000'000 + i * 250'000'000LL);
    jitter_ms.push_back(1'700'000'000'000'000'000 + i * 1'000'000'000LL +
                        static_cast<std::int64_t>(random() % 16) * 1'000'000);
  }
  CHECK(encoded_size(steady) < 20);
  std::string bytes;
  encode_times(jitter_ms, bytes);
  CHECK(bytes.size() < 512 * 6 / 8 + 40); // 5 bits of jitter, not 25 of nanoseconds
  CHECK(there_and_back(jitter_ms, true) == jitter_ms);
}

TEST_CASE("f64 column: every bit pattern comes back, decimals small") {
  using limits = std::numeric_limits<double>;
  CHECK(f64_size({0.0, -0.0, limits::denorm_min(), -limits::denorm_min(), limits::max(),
                  limits::lowest(), limits::min(), 1e300, 1e-300, 0.1, 1.0 / 3.0}) > 0);
  CHECK(f64_size({limits::infinity(), limits::quiet_NaN(), 1.0}) > 0);
  CHECK(f64_size({-0.0, -0.0, -0.0}) > 0);
  std::vector<double> decimals, noise, constant(512, 21.5);
  std::mt19937_64 random{9};
  double walk = 20;
  for (int i = 0; i < 512; ++i) {
    walk += (static_cast<double>(random() % 101) - 50) / 100;
    decimals.push_back(std::round(walk * 100) / 100);
    noise.push_back(static_cast<double>(random()) * 0x1p-64);
  }
  CHECK(f64_size(decimals) < 512 * 8 / 8 + 40); // about 7 bits of change each
  CHECK(f64_size(constant) < 10);
  CHECK(f64_size(noise) <= 512 * 8 + 1);
  for (int round = 0; round < 500; ++round) {
    CAPTURE(round);
    std::vector<double> any;
    for (unsigned i = 0; i < 1 + random() % 50; ++i) any.push_back(random_double(random));
    CHECK(f64_size(any) > 0);
  }
}

TEST_CASE("block: property: inputs of every kind come back bit for bit") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    input_factory make(seed);
    std::vector<owned_input> inputs;
    const auto count = 1 + seed % 60;
    for (unsigned i = 0; i < count; ++i) inputs.push_back(make.next());
    std::vector<const domain::input*> pointers;
    for (const auto& in : inputs) pointers.push_back(&in.in);
    const auto block =
        encode_block(pointers, chain_from_hash64(seed), seed % 2 == 0 ? hot_blocks : warm_blocks);
    const auto h = read_block_header(block);
    REQUIRE(h.ok());
    CHECK(h->version == 2);
    CHECK(h->inputs == count);
    CHECK(h->first == inputs.front().in.id);
    CHECK(h->last == inputs.back().in.id);
    CHECK(h->chain_before == chain_from_hash64(seed));
    std::size_t at = 0;
    const auto s = decode_block(block, [&](const domain::input& in) {
      REQUIRE(at < inputs.size());
      CHECK(text_of(in) == text_of(inputs[at].in));
      ++at;
    });
    REQUIRE(s.ok());
    CHECK(at == count);
  }
}

TEST_CASE("block: samples: decimals, noise, odd lengths and 16-bit numbers come back bit for bit") {
  std::mt19937_64 random{31};
  for (unsigned round = 0; round < 120; ++round) {
    CAPTURE(round);
    std::deque<std::string> arrays;
    std::vector<domain::input> inputs;
    const auto kind =
        round % 2 == 0 ? domain::value_kind::samples_f32 : domain::value_kind::samples_i16;
    for (unsigned i = 0; i < 1 + random() % 6; ++i) {
      auto& bytes = arrays.emplace_back();
      const auto scale = std::pow(10.0, static_cast<double>(round % 5));
      for (auto s = random() % 300; s > 0; --s) {
        const auto whole = static_cast<std::int64_t>(random() % 4000) - 2000;
        auto f = static_cast<float>(static_cast<double>(whole) / scale);
        if (whole == 0) f = -0.0f;
        if (round % 3 == 0 && random() % 20 == 0) f = static_cast<float>(random_double(random));
        char raw[4];
        std::memcpy(raw, &f, 4);
        bytes.append(raw, kind == domain::value_kind::samples_f32 ? 4 : 2);
      }
      if (round % 7 == 0) bytes.push_back('x');
      domain::input in;
      in.id = {{i + 1}, 0};
      in.kind = domain::input_kind::readings;
      in.fields = {{"wave", domain::value_view::samples(kind, bytes)}};
      in.readings = {{.event_time_ns = 5, .sequence = 0, .first = 0, .count = 1}};
      inputs.push_back(in);
    }
    std::vector<const domain::input*> pointers;
    for (const auto& in : inputs) pointers.push_back(&in);
    std::size_t at = 0;
    const auto s = decode_block(encode_block(pointers, {}), [&](const domain::input& in) {
      CHECK(text_of(in) == text_of(inputs[at++]));
    });
    REQUIRE(s.ok());
    CHECK(at == inputs.size());
  }
}

TEST_CASE("block: numbers like a converter's take less than half of their bytes, hot and warm") {
  std::vector<simple_input> inputs;
  std::mt19937 random{4};
  for (int i = 0; i < 512; ++i)
    inputs.emplace_back(random() % 50 == 0 ? std::sqrt(i + 0.5)
                                           : static_cast<double>(random() % 1000) / 8);
  std::vector<const domain::input*> pointers;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs[i].in.id = {{100 + i}, 0};
    pointers.push_back(&inputs[i].in);
  }
  for (const auto& settings : {hot_blocks, warm_blocks})
    CHECK(encode_block(pointers, {}, settings).size() < 512 * 3);
}

TEST_CASE("block: the head gives the range of event times and the counts") {
  std::vector<simple_input> inputs;
  for (const std::int64_t t : {50, 10, 90, 30}) inputs.emplace_back(1.5, t);
  std::vector<const domain::input*> pointers;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    inputs[i].in.id = {{100 + i}, 0};
    pointers.push_back(&inputs[i].in);
  }
  const auto h = read_block_header(encode_block(pointers, {}));
  REQUIRE(h.ok());
  CHECK(h->least_event_time_ns == 10);
  CHECK(h->greatest_event_time_ns == 90);
  CHECK(h->readings == 4);
  CHECK(h->values == 4);
}

TEST_CASE("block: every flipped bit and every cut is noticed") {
  input_factory make(1);
  std::vector<owned_input> inputs;
  for (int i = 0; i < 12; ++i) inputs.push_back(make.next());
  std::vector<const domain::input*> pointers;
  for (const auto& in : inputs) pointers.push_back(&in.in);
  const auto block = encode_block(pointers, {});
  const auto ignore = [](const domain::input&) {};
  for (std::size_t byte = 0; byte < block.size(); ++byte) {
    auto damaged = block;
    damaged[byte] = static_cast<char>(damaged[byte] ^ (1 << byte % 8));
    CHECK_FALSE(decode_block(damaged, ignore).ok());
  }
  for (std::size_t size = 0; size < block.size(); size += 3)
    CHECK_FALSE(decode_block(std::string_view(block).substr(0, size), ignore).ok());
  auto newer = block;
  newer[0] = 3;
  CHECK(decode_block(newer, ignore).error().code == errc::version_mismatch);
}

TEST_CASE("block: damage behind a right checksum never leads outside the block") {
  std::mt19937 random{21};
  std::size_t refused = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    input_factory make(seed);
    std::vector<owned_input> inputs;
    for (int i = 0; i < 8; ++i) inputs.push_back(make.next());
    std::vector<const domain::input*> pointers;
    for (const auto& in : inputs) pointers.push_back(&in.in);
    auto settings = hot_blocks;
    if (seed % 2 == 0) settings.level = 0; // damage reaches the columns, not only the codec
    const auto block = encode_block(pointers, {}, settings);
    for (int round = 0; round < 100; ++round) {
      auto damaged = block;
      for (int change = 0; change < 3; ++change)
        damaged[block_header_bytes + random() % (block.size() - block_header_bytes)] =
            static_cast<char>(random());
      set_checksum(damaged);
      std::size_t seen = 0;
      const auto s = decode_block(damaged, [&](const domain::input& in) {
        seen += text_of(in).size(); // touches every byte that is referred to
      });
      if (!s.ok()) ++refused;
    }
  }
  CHECK(refused > 0);
}
