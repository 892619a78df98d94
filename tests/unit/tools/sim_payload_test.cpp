// SPDX-License-Identifier: Apache-2.0
#include "domain/base/time.hpp"
#include "proto/telemetry.pb.h"
#include "tools/pollux/sim_payload.hpp"
#include <deque>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <random>

using namespace pollux;
using namespace pollux::tools;
using domain::value_view;

namespace {

domain::input one_reading(std::int64_t time_ns, std::uint64_t sequence,
                          std::vector<domain::field> fields) {
  domain::input in;
  in.readings.push_back({time_ns, sequence, 0, static_cast<std::uint32_t>(fields.size())});
  in.fields = std::move(fields);
  return in;
}

std::string encoded(const domain::input& in, sim_format format) {
  std::string out = "left over";
  encode_payload(in, format, out);
  return out;
}

} // namespace

TEST_CASE("a reading in JSON carries milliseconds, its number and each value as it is") {
  const auto in = one_reading(1'700'000'000'123 * ns_per_ms, 7,
                              {{"t", value_view::of(21.5)},
                               {"on", value_view::of(true)},
                               {"n", value_view::of(std::int64_t{-3})},
                               {"say", value_view::text("a \"b\"")}});
  CHECK(encoded(in, sim_format::json) ==
        R"({"ts":1700000000123,"seq":7,"t":21.5,"on":true,"n":-3,"say":"a \"b\""})");
}

TEST_CASE("times that milliseconds would lose or that could be taken for seconds are written out") {
  CHECK(encoded(one_reading(1'700'000'000'123'456'789, 0, {{"t", value_view::of(1.0)}}),
                sim_format::json) == R"({"ts":"2023-11-14T22:13:20.123456789Z","t":1})");
  CHECK(encoded(one_reading(0, 0, {{"t", value_view::of(1.0)}}), sim_format::json) ==
        R"({"ts":"1970-01-01T00:00:00Z","t":1})");
  CHECK(encoded(one_reading(no_time, 0, {{"t", value_view::of(1.0)}}), sim_format::json) ==
        R"({"t":1})");
}

TEST_CASE("several readings are an array; none is an empty one") {
  auto in = one_reading(1'700'000'000'000 * ns_per_ms, 0, {{"t", value_view::of(1.0)}});
  in.readings.push_back({1'700'000'001'000 * ns_per_ms, 0, 1, 1});
  in.fields.push_back({"t", value_view::of(2.0)});
  CHECK(encoded(in, sim_format::json) ==
        R"([{"ts":1700000000000,"t":1},{"ts":1700000001000,"t":2}])");
  CHECK(encoded({}, sim_format::json) == "[]");
}

TEST_CASE("property: Protobuf read by the library is what was written") {
  std::mt19937_64 random{42};
  for (int round = 0; round < 200; ++round) {
    CAPTURE(round);
    domain::input in;
    std::deque<std::string> names;
    const auto readings = 1 + random() % 5;
    for (std::uint64_t r = 0; r < readings; ++r) {
      domain::reading one{static_cast<std::int64_t>(random() >> 2),
                          random() % 3 == 0 ? 0 : random(),
                          static_cast<std::uint32_t>(in.fields.size()), 0};
      one.count = static_cast<std::uint32_t>(random() % 4);
      for (std::uint32_t i = 0; i < one.count; ++i) {
        names.push_back("name" + std::string(random() % 200, 'x'));
        const auto kind = random() % 4;
        in.fields.push_back(
            {names.back(), kind == 0   ? value_view::of(static_cast<double>(random()) / 1e6)
                           : kind == 1 ? value_view::of(static_cast<std::int64_t>(random()))
                           : kind == 2 ? value_view::of(random() % 2 == 0)
                                       : value_view::text(names.back())});
      }
      in.readings.push_back(one);
    }
    telemetry::Batch batch;
    REQUIRE(batch.ParseFromString(encoded(in, sim_format::protobuf)));
    REQUIRE(batch.readings_size() == static_cast<int>(readings));
    for (std::size_t r = 0; r < in.readings.size(); ++r) {
      const auto& got = batch.readings(static_cast<int>(r));
      const auto& sent = in.readings[r];
      CHECK(got.event_time_ns() == sent.event_time_ns);
      CHECK(got.sequence() == sent.sequence);
      REQUIRE(got.values_size() == static_cast<int>(sent.count));
      for (std::uint32_t i = 0; i < sent.count; ++i) {
        const auto& value = got.values(static_cast<int>(i));
        const auto& field = in.fields[sent.first + i];
        CHECK(value.name() == field.name);
        switch (field.value.kind) {
        case domain::value_kind::f64: CHECK(value.f64() == field.value.f64); break;
        case domain::value_kind::i64: CHECK(value.i64() == field.value.i64); break;
        case domain::value_kind::boolean: CHECK(value.boolean() == field.value.boolean); break;
        default: CHECK(value.text() == field.value.bytes);
        }
      }
    }
  }
}
