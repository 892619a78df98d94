// SPDX-License-Identifier: Apache-2.0
// Segments against the generated Protobuf class, against themselves, and against damage.
#include "build_input.hpp"
#include "messages/segment.hpp"
#include "proto/journal.pb.h"
#include <doctest/doctest.h>
#include <random>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::messages;
using pollux::tests::input_fixture;
using pollux::tests::same;

namespace {

std::shared_ptr<segment> one_of(const input& in) {
  segment_builder builder;
  builder.add(3, "plant1:press-7", in);
  return builder.finish();
}

} // namespace

TEST_CASE("a reading comes out of a segment as it went in, with its place in the log") {
  input_fixture in;
  in.reading(1'700'000'000'000'000'000, 7);
  in.field("temperature", value_view::of(45.123));
  in.field("count", value_view::of(std::int64_t{-3}));
  in.field("open", value_view::of(true));
  in.field("state", value_view::text("run"));
  in.get().ingest_time_ns = 1'700'000'000'500'000'000;
  const auto made = one_of(in.get());
  REQUIRE(made->entries().size() == 1);
  CHECK(made->entries()[0].readings == 1);
  CHECK(made->twins().at(0) == "plant1:press-7");
  CHECK(made->rows == std::vector<std::uint32_t>{3});
  input out;
  made->decode(0, position{42}, out);
  CHECK(out.id == input_id{position{42}, 0});
  CHECK(same(out, in.get()));
}

TEST_CASE("twins and names are written once, however many inputs name them") {
  segment_builder builder;
  input_fixture in;
  in.reading(1, 0);
  in.field("temperature", value_view::of(1.0));
  for (std::uint32_t i = 0; i < 100; ++i)
    builder.add(i % 5, "a:t" + std::to_string(i % 5), in.get());
  const auto made = builder.finish();
  CHECK(made->twins().size() == 5);
  CHECK(made->rows == std::vector<std::uint32_t>{0, 1, 2, 3, 4});
  for (std::uint32_t i = 0; i < 100; ++i) CHECK(made->entries()[i].twin == i % 5);
  journal::Segment read;
  REQUIRE(read.ParseFromArray(made->bytes().data(), static_cast<int>(made->bytes().size())));
  CHECK(read.names_size() == 1);
  CHECK(made->readings() == 100);
}

TEST_CASE("a twin without a directory row is recognised by its id") {
  segment_builder builder;
  input_fixture in;
  in.reading(1, 0);
  builder.add(no_row, "a:x", in.get());
  builder.add(no_row, "a:y", in.get());
  builder.add(no_row, "a:x", in.get());
  const auto made = builder.finish();
  CHECK(made->twins().size() == 2);
  CHECK(made->rows == std::vector<std::uint32_t>{no_row, no_row});
  CHECK(made->entries()[2].twin == 0);
}

TEST_CASE("a shard-wide input names no twin") {
  input in;
  in.kind = input_kind::model_changed;
  in.model_hash = "0123456789abcdef0123456789abcdef";
  in.model_name = "motor";
  segment_builder builder;
  builder.add(no_row, {}, in);
  const auto made = builder.finish();
  CHECK(made->entries()[0].twin == shard_wide_twin);
  CHECK(made->twins().empty());
  input out;
  made->decode(0, position{1}, out);
  CHECK(same(out, in));
}

TEST_CASE("a finished builder is empty and starts anew") {
  segment_builder builder;
  input_fixture in;
  in.reading(1, 0);
  in.field("a", value_view::of(1.0));
  builder.add(9, "a:x", in.get());
  CHECK_FALSE(builder.empty());
  const auto announced = builder.size_bytes();
  const auto first = builder.finish();
  CHECK(announced == first->bytes().size());
  CHECK(builder.empty());
  CHECK(builder.inputs() == 0);
  builder.add(10, "a:y", in.get());
  const auto second = builder.finish();
  CHECK(second->twins().at(0) == "a:y");
  CHECK(second->rows == std::vector<std::uint32_t>{10});
}

TEST_CASE("property: random inputs survive builder, parse and decode") {
  for (unsigned seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    std::vector<input_fixture> inputs;
    segment_builder builder;
    const auto count = 1 + random() % 40;
    for (unsigned i = 0; i < count; ++i) {
      inputs.push_back(input_fixture::random(random));
      const auto row = static_cast<std::uint32_t>(random() % 7);
      const bool wide = is_shard_wide(inputs.back().get().kind);
      builder.add(wide ? no_row : row, wide ? "" : "ns:twin" + std::to_string(row),
                  inputs.back().get());
    }
    const auto made = builder.finish();
    auto parsed = segment::parse(std::string(made->bytes()));
    REQUIRE(parsed);
    REQUIRE((*parsed)->entries().size() == count);
    CHECK((*parsed)->twins() == made->twins());
    CHECK((*parsed)->readings() == made->readings());
    input from_made, from_parsed;
    for (unsigned i = 0; i < count; ++i) {
      made->decode(i, position{5}, from_made);
      (*parsed)->decode(i, position{5}, from_parsed);
      CHECK(same(from_made, inputs[i].get()));
      CHECK(same(from_parsed, inputs[i].get()));
      const auto &a = made->entries()[i], &b = (*parsed)->entries()[i];
      CHECK(a.twin == b.twin);
      CHECK(a.offset == b.offset);
      CHECK(a.size == b.size);
      CHECK(a.kind == b.kind);
      CHECK(a.readings == b.readings);
    }
  }
}

TEST_CASE("property: the generated Protobuf class reads and writes the same segments") {
  for (unsigned seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    segment_builder builder;
    std::vector<input_fixture> inputs;
    for (unsigned i = 0; i < 10; ++i) {
      inputs.push_back(input_fixture::random(random));
      const bool wide = is_shard_wide(inputs.back().get().kind);
      builder.add(wide ? no_row : i, wide ? "" : "ns:t" + std::to_string(i), inputs.back().get());
    }
    const auto made = builder.finish();
    journal::Segment message;
    REQUIRE(message.ParseFromString(std::string(made->bytes())));
    CHECK(message.format() == 1);
    REQUIRE(message.inputs_size() == 10);
    // byte for byte what Protobuf's own writer makes of it
    CHECK(message.SerializeAsString() == made->bytes());
    auto parsed = segment::parse(message.SerializeAsString());
    REQUIRE(parsed);
    input out;
    for (unsigned i = 0; i < 10; ++i) {
      (*parsed)->decode(i, position{1}, out);
      CHECK(same(out, inputs[i].get()));
    }
  }
}

TEST_CASE("inputs may stand before the dictionaries, and unknown fields are passed over") {
  journal::Segment tail, head;
  tail.set_format(1);
  tail.add_names("a");
  tail.add_twins("n:t");
  auto* in = head.add_inputs();
  in->set_kind(1);
  in->set_twin(1);
  auto* reading = in->add_readings();
  reading->add_fields()->set_f64(2.5);
  reading->GetReflection()->MutableUnknownFields(reading)->AddVarint(99, 5);
  in->GetReflection()->MutableUnknownFields(in)->AddLengthDelimited(98, "later");
  auto parsed = segment::parse(head.SerializeAsString() + tail.SerializeAsString());
  REQUIRE(parsed);
  input out;
  (*parsed)->decode(0, position{1}, out);
  REQUIRE(out.fields.size() == 1);
  CHECK(out.fields[0].name == "a");
  CHECK(out.fields[0].value.f64 == 2.5);
}

TEST_CASE("a newer format is refused as such, damage as damage") {
  journal::Segment message;
  message.set_format(2);
  CHECK(segment::parse(message.SerializeAsString()).error().code == errc::version_mismatch);
  message.set_format(1);
  auto* in = message.add_inputs();
  in->set_kind(1);
  CHECK(segment::parse(message.SerializeAsString()).ok());
  in->set_twin(1);
  CHECK(segment::parse(message.SerializeAsString()).error().code == errc::corrupt);
  in->set_twin(0);
  in->set_kind(77);
  CHECK(segment::parse(message.SerializeAsString()).error().code == errc::corrupt);
  in->set_kind(1);
  in->add_fields()->set_name(0);
  CHECK(segment::parse(message.SerializeAsString()).error().code == errc::corrupt);
  CHECK(segment::parse("").error().code == errc::corrupt);
}

TEST_CASE("property: random damage is refused or decodes; nothing else happens") {
  unsigned refused = 0, read = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937 random{seed};
    segment_builder builder;
    for (unsigned i = 0; i < 3; ++i) {
      const auto in = input_fixture::random(random);
      builder.add(i, "ns:t" + std::to_string(i), in.get());
    }
    std::string bytes(builder.finish()->bytes());
    for (unsigned i = 0; i <= random() % 4; ++i)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    auto parsed = segment::parse(bytes);
    if (!parsed) {
      ++refused;
      continue;
    }
    ++read;
    input out;
    for (std::size_t i = 0; i < (*parsed)->entries().size(); ++i)
      (*parsed)->decode(i, position{1}, out);
  }
  CHECK(refused > 100);
  CHECK(read > 100);
}

TEST_CASE("a lone input stands alone in bytes") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    const auto in = input_fixture::random(random);
    std::string bytes;
    encode_input(in.get(), bytes);
    input out;
    REQUIRE(decode_input(bytes, out));
    CHECK(same(out, in.get()));
    CHECK_FALSE(decode_input(bytes + bytes, out)); // two inputs are not one
  }
  input out;
  CHECK(decode_input("junk", out).error().code == errc::corrupt);
}

TEST_CASE("a warm builder and a warm input take readings without growing") {
  segment_builder builder;
  input_fixture in;
  in.reading(1'700'000'000'000'000'000, 0);
  for (const char* name : {"temperature", "vibration", "current"})
    in.field(name, value_view::of(45.123));
  in.get().ingest_time_ns = 1'700'000'000'000'000'000;
  std::shared_ptr<segment> made;
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t i = 0; i < 1000; ++i)
      builder.add(i, "ns:device-" + std::to_string(i), in.get());
    made = builder.finish();
  }
  CHECK(made->bytes().size() < 1000 * 90);
  CHECK(made->entries().size() == 1000);
  input out;
  made->decode(999, position{1}, out);
  const auto* fields = out.fields.data();
  for (std::size_t i = 0; i < 1000; ++i) made->decode(i, position{1}, out);
  CHECK(out.fields.data() == fields);
}
