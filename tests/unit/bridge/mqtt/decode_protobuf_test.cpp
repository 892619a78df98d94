// SPDX-License-Identifier: Apache-2.0
// telemetry.proto as the generated class writes it, and damaged.
#include "bridge/mqtt/decode.hpp"
#include "proto/telemetry.pb.h"
#include <cmath>
#include <doctest/doctest.h>
#include <limits>
#include <random>

using namespace pollux;
using namespace pollux::bridge;
using domain::value_kind;
using messages::quarantine_reason;

namespace {

constexpr std::int64_t now = 1'700'000'100'000'000'000;

struct protobuf {
  decoder with;
  decode_options options;
  rejections rejected;
  domain::input in; ///< the last one; views into `payload`
  std::string payload;
  std::size_t inputs = 0;

  explicit protobuf(std::string bytes) : payload(std::move(bytes)) {
    options.format = payload_format::protobuf;
    with.decode(payload, options, now, rejected, [&](domain::input& got) {
      in = got;
      ++inputs;
    });
  }
};

void put(telemetry::Reading* reading, const char* name, double value) {
  auto* v = reading->add_values();
  v->set_name(name);
  v->set_f64(value);
}

} // namespace

TEST_CASE("a Protobuf batch brings every kind of value") {
  telemetry::Batch batch;
  auto* reading = batch.add_readings();
  reading->set_event_time_ns(1'700'000'000'000'000'001);
  reading->set_sequence(9);
  put(reading, "a", 45.123);
  auto* v = reading->add_values();
  v->set_name("b");
  v->set_i64(-7);
  v = reading->add_values();
  v->set_name("c");
  v->set_boolean(false);
  v = reading->add_values();
  v->set_name("d");
  v->set_text("run");
  v = reading->add_values();
  v->set_name("e");
  v->set_samples_i16(std::string("\1\0\2\0", 4));
  put(batch.add_readings(), "a", 1);
  protobuf p(batch.SerializeAsString());
  CHECK(p.rejected.empty());
  REQUIRE(p.in.readings.size() == 2);
  CHECK(p.in.readings[0].event_time_ns == 1'700'000'000'000'000'001);
  CHECK(p.in.readings[0].sequence == 9);
  CHECK(p.in.readings[0].count == 5);
  CHECK(p.in.fields[0].value.f64 == 45.123);
  CHECK(p.in.fields[1].value.i64 == -7);
  CHECK(p.in.fields[2].value.kind == value_kind::boolean);
  CHECK(p.in.fields[3].value.bytes == "run");
  CHECK(p.in.fields[4].value.kind == value_kind::samples_i16);
  CHECK(p.in.readings[1].event_time_ns == now);
  CHECK(p.in.readings[1].first == 5);
}

TEST_CASE("what a Protobuf value must not be is refused by name; the rest stays") {
  telemetry::Batch batch;
  auto* reading = batch.add_readings();
  put(reading, "good", 1);
  put(reading, "nan", std::nan(""));
  put(reading, "inf", std::numeric_limits<double>::infinity());
  put(reading, "", 1);
  auto* v = reading->add_values();
  v->set_name("odd");
  v->set_samples_f32("abc");
  v = reading->add_values();
  v->set_name("long");
  v->set_text(std::string(1025, 'x'));
  v = reading->add_values();
  v->set_name("float");
  v->set_samples_f32(std::string("\0\0\xc0\x7f", 4));
  reading = batch.add_readings();
  reading->set_event_time_ns(now + 3'600'000'000'000);
  put(reading, "late", 1);
  protobuf p(batch.SerializeAsString());
  REQUIRE(p.in.readings.size() == 1);
  CHECK(p.in.fields.size() == 1);
  const auto& items = p.rejected.items();
  REQUIRE(items.size() == 7);
  CHECK(items[0].detail == "row 1: field nan: NaN is not a number");
  CHECK(items[1].reason == quarantine_reason::invalid_value);
  CHECK(items[3].reason == quarantine_reason::malformed);
  CHECK(items[4].reason == quarantine_reason::oversized);
  CHECK(items[5].reason == quarantine_reason::invalid_value);
  CHECK(items[6].reason == quarantine_reason::bad_time);
}

TEST_CASE("text that is not UTF-8 is refused") {
  // value 1: name "t", text ff fe
  const std::string value("\x0a\x01t\x2a\x02\xff\xfe", 7);
  const std::string reading = std::string("\x1a", 1) + char(value.size()) + value;
  protobuf p(std::string("\x0a", 1) + char(reading.size()) + reading);
  CHECK(p.inputs == 0);
  REQUIRE(p.rejected.items().size() == 1);
  CHECK(p.rejected.items()[0].reason == quarantine_reason::malformed);
  CHECK(p.rejected.items()[0].detail == "row 1: field t: the text is not valid UTF-8");
}

TEST_CASE("a damaged batch is refused whole, with one reason") {
  telemetry::Batch batch;
  for (int i = 0; i < 20; ++i) put(batch.add_readings(), "a", i);
  auto bytes = batch.SerializeAsString();
  bytes.pop_back();
  protobuf p(bytes);
  CHECK(p.inputs == 0);
  REQUIRE(p.rejected.items().size() == 1);
  CHECK(p.rejected.items()[0].reason == quarantine_reason::malformed);
  CHECK(protobuf("{\"a\":1}").rejected.items().size() == 1);
  CHECK(protobuf(std::string("\x10\x01", 2)).rejected.items().size() == 1); // no reading at all
}

TEST_CASE("property: random batches are read as the generated class reads them") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    telemetry::Batch batch;
    const auto count = 1 + random() % 30;
    for (unsigned i = 0; i < count; ++i) {
      auto* reading = batch.add_readings();
      reading->set_event_time_ns(static_cast<std::int64_t>(random() % 1000) + 1);
      const auto fields = 1 + random() % 30;
      for (unsigned f = 0; f < fields; ++f)
        put(reading, ("n" + std::to_string(f)).c_str(), static_cast<double>(random()));
    }
    protobuf p(batch.SerializeAsString());
    CHECK(p.rejected.empty());
    REQUIRE(p.in.readings.size() == count);
    for (unsigned i = 0; i < count; ++i) {
      const auto& want = batch.readings(static_cast<int>(i));
      const auto& got = p.in.readings[i];
      REQUIRE(got.count == static_cast<unsigned>(want.values_size()));
      for (unsigned f = 0; f < got.count; ++f) {
        CHECK(p.in.fields[got.first + f].name == want.values(static_cast<int>(f)).name());
        CHECK(p.in.fields[got.first + f].value.f64 == want.values(static_cast<int>(f)).f64());
      }
    }
  }
}

TEST_CASE("property: random damage to a batch never does more than refuse it") {
  unsigned refused = 0, read = 0;
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random{seed};
    telemetry::Batch batch;
    put(batch.add_readings(), "abc", 1.5);
    put(batch.add_readings(), "de", 2.5);
    auto bytes = batch.SerializeAsString();
    for (unsigned i = 0; i <= random() % 3; ++i)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    protobuf p(bytes);
    refused += p.rejected.empty() ? 0 : 1;
    read += p.inputs == 0 ? 0 : 1;
  }
  CHECK(refused > 1000);
  CHECK(read > 1000);
}
