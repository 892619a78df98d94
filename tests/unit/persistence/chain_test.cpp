// SPDX-License-Identifier: Apache-2.0
// The hash chain: joining, splitting and compressing blocks anew leave it alone; any change of what
// the inputs say changes every value behind it.
#include "persistence/block_builder.hpp"
#include "tests/unit/persistence/random_inputs.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

std::vector<owned_input> some_inputs(unsigned seed, unsigned count) {
  input_factory make(seed);
  std::vector<owned_input> out;
  for (unsigned i = 0; i < count; ++i) out.push_back(make.next());
  return out;
}

/// The value after each input.
std::vector<chain_value> chain_of(const std::vector<owned_input>& inputs) {
  std::vector<chain_value> out;
  chain_hasher h;
  h.begin({});
  for (const auto& in : inputs) {
    h.add(in.in);
    out.push_back(h.end());
  }
  return out;
}

} // namespace

TEST_CASE("chain: the canonical bytes of a reading and the values they give are fixed") {
  domain::input in;
  in.id = {{300}, 2};
  in.kind = domain::input_kind::readings;
  in.ingest_time_ns = 1;
  in.fields = {{"t", domain::value_view::of(1.0)},
               {"on", domain::value_view::of(true)},
               {"s", domain::value_view::text("ab")}};
  in.readings = {{.event_time_ns = -1, .sequence = 128, .first = 0, .count = 3}};
  std::string bytes;
  append_canonical(in, bytes);
  const std::string wanted("\xac\x02\x02\x01"
                           "\1\0\0\0\0\0\0\0"
                           "\x01"
                           "\xff\xff\xff\xff\xff\xff\xff\xff"
                           "\x80\x01\x03"
                           "\x01t\x01\0\0\0\0\0\0\xf0\x3f"
                           "\x02on\x03\x01"
                           "\x01s\x04\x02"
                           "ab",
                           4 + 8 + 1 + 8 + 3 + 11 + 5 + 6);
  CHECK(bytes == wanted);
  chain_hasher h;
  h.begin({});
  h.add(in);
  CHECK(to_hex(h.end()) == "9ab1eb960ae0786fd9cd9636ec0ae4af05658e020ebb12a959bb6d4b1bcb2385");
  h.add(in);
  CHECK(to_hex(h.end()) == "36cc89012e2992112971d073365ac1045932d7456d300282cf776d1434b3f40f");
}

TEST_CASE("chain: property: splitting and joining at any place keep every value behind it") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    const auto inputs = some_inputs(seed, 2 + seed);
    const auto chain = chain_of(inputs);
    std::mt19937 random{seed};
    for (const auto& settings : {hot_blocks, warm_blocks}) {
      block_builder b(settings);
      b.begin({});
      chain_value before{};
      std::vector<std::string> blocks;
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        b.add(inputs[i].in);
        if (i + 1 < inputs.size() && random() % 4 != 0) continue;
        const auto block = b.finish();
        const auto h = read_block_header(block);
        REQUIRE(h.ok());
        CHECK(h->chain_before == before);
        CHECK(h->chain_after == chain[i]);
        before = h->chain_after;
        blocks.push_back(block);
      }
      // joined again from what the blocks hold, in the other tier's form
      block_builder joined(settings.level == 1 ? warm_blocks : hot_blocks);
      joined.begin({});
      for (const auto& block : blocks)
        REQUIRE(decode_block(block, [&](const domain::input& in) { joined.add(in); }).ok());
      CHECK(joined.chain() == chain.back());
    }
  }
}

TEST_CASE("chain: property: an input left out, doubled, swapped or changed is seen at the end") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    const auto inputs = some_inputs(seed, 12);
    const auto head = chain_of(inputs).back();
    CHECK(chain_of(some_inputs(seed, 12)).back() == head);
    const auto at = seed % 11;
    auto other = inputs;
    SUBCASE("left out") { other.erase(other.begin() + at); }
    SUBCASE("doubled") { other.insert(other.begin() + at, inputs[at]); }
    SUBCASE("swapped") { std::swap(other[at], other[at + 1]); }
    SUBCASE("another id") { ++other[at].in.id.index; }
    SUBCASE("another arrival") { other[at].in.ingest_time_ns ^= 1; }
    CHECK(chain_of(other).back() != head);
  }
}

TEST_CASE("chain: every bit of every value of a reading counts") {
  domain::input in;
  in.kind = domain::input_kind::readings;
  in.fields = {{"t", domain::value_view::of(20.5)}, {"n", domain::value_view::of(std::int64_t{7})}};
  in.readings = {{.event_time_ns = 5, .sequence = 1, .first = 0, .count = 2}};
  const auto value = [&] {
    chain_hasher h;
    h.begin({});
    h.add(in);
    return h.end();
  };
  const auto before = value();
  for (int bit = 0; bit < 64; ++bit) {
    CAPTURE(bit);
    auto kept = in;
    const auto flip = std::uint64_t{1} << bit;
    in.fields[0].value =
        domain::value_view::of(std::bit_cast<double>(std::bit_cast<std::uint64_t>(20.5) ^ flip));
    CHECK(value() != before);
    in = kept;
    in.fields[1].value = domain::value_view::of(static_cast<std::int64_t>(7 ^ flip));
    CHECK(value() != before);
    in = kept;
    in.readings[0].event_time_ns = static_cast<std::int64_t>(5 ^ flip);
    CHECK(value() != before);
    in = kept;
  }
}

TEST_CASE("chain: behind version 1 it starts from that block's hash") {
  const auto v = chain_from_hash64(0x0102030405060708u);
  CHECK(v[0] == 8);
  CHECK(v[7] == 1);
  CHECK(is_chain_start(v));
  CHECK(is_chain_start({}));
  CHECK_FALSE(is_chain_start(chain_of(some_inputs(1, 1)).back()));
}
