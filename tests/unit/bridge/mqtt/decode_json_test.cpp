// SPDX-License-Identifier: Apache-2.0
// What devices send as JSON, well and badly, and what becomes of it.
#include "bridge/mqtt/decode.hpp"
#include <cmath>
#include <cstring>
#include <doctest/doctest.h>
#include <map>
#include <random>

using namespace pollux;
using namespace pollux::bridge;
using domain::value_kind;
using messages::quarantine_reason;

namespace {

constexpr std::int64_t now = 1'700'000'100'000'000'000;

struct row {
  std::int64_t time = 0;
  std::uint64_t sequence = 0;
  std::map<std::string, domain::value_view, std::less<>> fields;
};

struct json {
  decoder with;
  decode_options options;
  rejections rejected;
  std::vector<row> rows;
  std::vector<std::size_t> parts;

  explicit json(std::string_view payload, decode_options o = {}) : options(std::move(o)) {
    run(payload);
  }
  void run(std::string_view payload) {
    rows.clear();
    parts.clear();
    with.decode(payload, options, now, rejected, [&](domain::input& in) {
      CHECK(in.kind == domain::input_kind::readings);
      CHECK(in.ingest_time_ns == now);
      parts.push_back(in.readings.size());
      for (const auto& r : in.readings) {
        row out{r.event_time_ns, r.sequence, {}};
        for (auto i = r.first; i < r.first + r.count; ++i) {
          CHECK(out.fields.count(in.fields[i].name) == 0);
          out.fields[std::string(in.fields[i].name)] = in.fields[i].value;
        }
        rows.push_back(std::move(out));
      }
    });
  }
  double number(const char* name, std::size_t row = 0) {
    return rows.at(row).fields.at(name).number();
  }
  quarantine_reason reason(std::size_t i = 0) { return rejected.items().at(i).reason; }
  std::string detail(std::size_t i = 0) { return rejected.items().at(i).detail; }
};

} // namespace

TEST_CASE("one reading: numbers, time in milliseconds, nothing refused") {
  json j(R"({"ts":1700000000123,"temperature":45.123,"vibration":2,"open":true,"state":"run"})");
  REQUIRE(j.rows.size() == 1);
  CHECK(j.rows[0].time == 1'700'000'000'123'000'000);
  CHECK(j.rows[0].sequence == 0);
  CHECK(j.rows[0].fields.size() == 4);
  CHECK(j.number("temperature") == 45.123);
  CHECK(j.rows[0].fields.at("vibration").kind == value_kind::i64);
  CHECK(j.rows[0].fields.at("open").kind == value_kind::boolean);
  CHECK(j.rows[0].fields.at("state").bytes == "run");
  CHECK(j.rejected.empty());
}

TEST_CASE("a reading without a time, or with a null one, has the ingest time") {
  CHECK(json(R"({"a":1})").rows.at(0).time == now);
  CHECK(json(R"({"a":1,"ts":null})").rows.at(0).time == now);
}

TEST_CASE("the unit of a time is told by its magnitude") {
  CHECK(json(R"({"ts":1700000000,"a":1})").rows.at(0).time == 1'700'000'000'000'000'000);
  CHECK(json(R"({"ts":1700000000.25,"a":1})").rows.at(0).time == 1'700'000'000'250'000'000);
  CHECK(json(R"({"ts":1700000000.123456,"a":1})").rows.at(0).time == 1'700'000'000'123'456'000);
  CHECK(json(R"({"ts":1700000000123.5,"a":1})").rows.at(0).time == 1'700'000'000'123'500'000);
  CHECK(json(R"({"ts":1700000000123456,"a":1})").rows.at(0).time == 1'700'000'000'123'456'000);
  CHECK(json(R"({"ts":1700000000123456789,"a":1})").rows.at(0).time == 1'700'000'000'123'456'789);
  CHECK(json(R"({"ts":"2023-11-14T22:13:20.5+00:00","a":1})").rows.at(0).time ==
        1'700'000'000'500'000'000);
  CHECK(json(R"({"ts":0,"a":1})").rows.at(0).time == 0);
  CHECK(json(R"({"ts":-86400,"a":1})").rows.at(0).time == -86'400'000'000'000);
}

TEST_CASE("a configured unit overrules the magnitude") {
  decode_options o;
  o.unit = time_unit::ms;
  CHECK(json(R"({"ts":1000,"a":1})", o).rows.at(0).time == 1'000'000'000);
  o.unit = time_unit::s;
  CHECK(json(R"({"ts":1000,"a":1})", o).rows.at(0).time == 1'000'000'000'000);
  json far(R"({"ts":1e18,"a":1})", o);
  CHECK(far.rows.empty());
  CHECK(far.reason() == quarantine_reason::bad_time);
}

TEST_CASE("a time nobody can read, or beyond the guards, costs the row and says why") {
  for (const char* bad : {R"({"ts":"yesterday","a":1})", R"({"ts":true,"a":1})",
                          R"({"ts":[1],"a":1})", R"({"ts":18446744073709551615,"a":1})"}) {
    json j(bad);
    CHECK(j.rows.empty());
    CHECK(j.reason() == quarantine_reason::bad_time);
    CHECK(j.detail().find("ts") != std::string::npos);
  }
  json future(R"({"ts":1700000701000,"a":1})");
  CHECK(future.rows.empty());
  CHECK(future.reason() == quarantine_reason::bad_time);
  CHECK(json(R"({"ts":1700000699000,"a":1})").rows.size() == 1);
  decode_options o;
  o.max_age_ns = 100'000'000'000;
  CHECK(json(R"({"ts":1699999999,"a":1})", o).reason() == quarantine_reason::bad_time);
  CHECK(json(R"({"ts":1700000000,"a":1})", o).rows.size() == 1);
}

TEST_CASE("an array is a batch; a bad row is named and the others stay") {
  json j(R"([{"ts":1700000000,"a":1},7,{"ts":"x","a":2},{"ts":1700000001,"a":3,"b":[{}]}])");
  REQUIRE(j.rows.size() == 2);
  CHECK(j.number("a", 1) == 3);
  REQUIRE(j.rejected.items().size() == 3);
  CHECK(j.detail(0) == "row 2: not an object");
  CHECK(j.detail(1).rfind("row 3: field ts: ", 0) == 0);
  CHECK(j.detail(2).rfind("row 4: field b: ", 0) == 0);
  CHECK(j.reason(2) == quarantine_reason::unsupported);
}

TEST_CASE("objects within are flattened with a dot; values and readings are envelopes") {
  json nested(R"({"motor":{"temp":1,"fan":{"rpm":2}},"ts":1700000000})");
  CHECK(nested.number("motor.temp") == 1);
  CHECK(nested.number("motor.fan.rpm") == 2);
  json values(R"({"ts":1700000000,"values":{"temp":1,"fan":{"rpm":2}}})");
  CHECK(values.number("temp") == 1);
  CHECK(values.number("fan.rpm") == 2);
  json batch(R"({"readings":[{"a":1},{"a":2,"ts":1700000005}],"site":"x","ts":1700000001})");
  REQUIRE(batch.rows.size() == 3);
  CHECK(batch.rows[0].fields.at("site").bytes == "x");
  CHECK(batch.rows[1].time == 1'700'000'001'000'000'000);
  CHECK(batch.rows[2].time == 1'700'000'005'000'000'000);
  json plain(R"({"ts":1700000001,"readings":[{"a":1}]})");
  CHECK(plain.rows.size() == 1);
  CHECK(plain.rejected.empty());
}

TEST_CASE("time and sequence may lie within an object") {
  decode_options o;
  o.time_field = "header.time";
  o.sequence_field = "header.n";
  json j(R"({"header":{"time":1700000000,"n":12,"v":1},"a":1})", o);
  CHECK(j.rows.at(0).time == 1'700'000'000'000'000'000);
  CHECK(j.rows.at(0).sequence == 12);
  CHECK(j.rows.at(0).fields.size() == 2);
}

TEST_CASE("a sequence number is whole and not negative; else the reading stays without one") {
  CHECK(json(R"({"seq":18446744073709551615,"a":1})").rows.at(0).sequence == ~std::uint64_t{0});
  for (const char* bad : {R"({"seq":-1,"a":1})", R"({"seq":1.5,"a":1})", R"({"seq":"1","a":1})"}) {
    json j(bad);
    CHECK(j.rows.at(0).sequence == 0);
    CHECK(j.reason() == quarantine_reason::invalid_value);
  }
}

TEST_CASE("whole numbers are i64, larger ones f64") {
  json j(R"({"a":9223372036854775807,"b":9223372036854775808,"c":-9223372036854775808,"d":1.0})");
  CHECK(j.rows.at(0).fields.at("a").i64 == std::numeric_limits<std::int64_t>::max());
  CHECK(j.rows[0].fields.at("b").kind == value_kind::f64);
  CHECK(j.rows[0].fields.at("c").kind == value_kind::i64);
  CHECK(j.rows[0].fields.at("d").kind == value_kind::f64);
  json huge(R"({"a":123456789012345678901234567890,"b":1})");
  CHECK(huge.number("a") == 123456789012345678901234567890.0);
  CHECK(huge.number("b") == 1);
  CHECK(huge.rejected.empty());
}

TEST_CASE("NaN, infinities and numbers no double holds are refused by name, the rest is kept") {
  json j(R"({"a":NaN,"b":-Infinity,"c":1e999,"d":2,"note":"NaN: 1e999"})");
  REQUIRE(j.rows.size() == 1);
  CHECK(j.rows[0].fields.size() == 2);
  CHECK(j.rows[0].fields.at("note").bytes == "NaN: 1e999");
  REQUIRE(j.rejected.items().size() == 3);
  CHECK(j.detail(0) == "field a: NaN is not a number");
  CHECK(j.detail(1) == "field b: -Infinity is not a number");
  CHECK(j.detail(2) == "field c: 1e999 is not a number");
  CHECK(j.reason() == quarantine_reason::invalid_value);
  json broken(R"({"a":NaN,"d":2)");
  CHECK(broken.rows.empty());
  REQUIRE(broken.rejected.items().size() == 1);
  CHECK(broken.reason() == quarantine_reason::malformed);
}

TEST_CASE("null is a missing value: counted, not refused") {
  json j(R"({"a":null,"b":1})");
  CHECK(j.rows.at(0).fields.size() == 1);
  j.run(R"({"a":null})");
  CHECK(j.rows.empty());
  CHECK(j.rejected.empty());
  CHECK(j.with.missing() == 2);
}

TEST_CASE("a message that is no reading is refused once, as a whole") {
  for (const char* bad : {"", "{", "[1,2", "{\"a\":tru}", "7", "\"x\"", "null",
                          "{\"a\":1} {\"b\":2}", "{\"a\":\"\xff\"}", "{'a':1}", "[]", "{}",
                          "{\"ts\":1700000000}", "\x01", "{\"a\":1,}", "{\"a\" 1}"}) {
    CAPTURE(bad);
    json j(bad);
    CHECK(j.rows.empty());
    REQUIRE(j.rejected.items().size() == 1);
    CHECK(j.reason() == quarantine_reason::malformed);
  }
}

TEST_CASE("the last of equal names wins, in small objects and in large ones") {
  json j(R"({"a":1,"b":2,"a":3,"m":{"x":4},"m.x":5})");
  CHECK(j.number("a") == 3);
  CHECK(j.number("m.x") == 5);
  std::string many = "{";
  for (int i = 0; i < 400; ++i)
    many += "\"n" + std::to_string(i % 200) + "\":" + std::to_string(i) + ",";
  many.back() = '}';
  j.run(many);
  REQUIRE(j.rows.at(0).fields.size() == 200);
  for (int i = 0; i < 200; ++i) CHECK(j.number(("n" + std::to_string(i)).c_str()) == 200 + i);
}

TEST_CASE("an array of numbers is a block of samples") {
  json j(R"({"v":[1,2.5,-3],"bad":["x"],"none":[]})");
  const auto v = j.rows.at(0).fields.at("v");
  REQUIRE(v.kind == value_kind::samples_f32);
  REQUIRE(v.bytes.size() == 12);
  float third;
  std::memcpy(&third, v.bytes.data() + 8, 4);
  CHECK(third == -3.0F);
  CHECK(j.rejected.items().size() == 2);
}

TEST_CASE("bounds: payload, text, names, fields, nesting") {
  decode_options o;
  o.max_payload_bytes = 10;
  CHECK(json(R"({"a":1234567})", o).reason() == quarantine_reason::oversized);
  json text("{\"a\":1,\"t\":\"" + std::string(1025, 'x') + "\"}");
  CHECK(text.rows.at(0).fields.size() == 1);
  CHECK(text.reason() == quarantine_reason::oversized);
  json name("{\"a\":1,\"" + std::string(129, 'x') + "\":1,\"\":1,\"b\\u0001\":1}");
  CHECK(name.rows.at(0).fields.size() == 1);
  CHECK(name.rejected.items().size() == 3);
  std::string deep = "1", edge = "1";
  for (int i = 0; i < 100; ++i) deep = "{\"d\":" + deep + "}";
  json d(deep);
  CHECK(d.rows.empty());
  CHECK(d.reason() == quarantine_reason::unsupported);
  for (std::size_t i = 0; i < max_nesting; ++i) edge = "{\"d\":" + edge + "}";
  CHECK(json(edge).rows.size() == 1);
  CHECK(json("{\"d\":" + edge + "}").reason() == quarantine_reason::unsupported);
}

TEST_CASE("a hostile message is answered with few sentences and exact counts") {
  std::string many = "{\"good\":1";
  for (int i = 0; i < 20'000; ++i) many += ",\"f" + std::to_string(i) + "\":1";
  json j(many + "}");
  CHECK(j.rows.at(0).fields.size() == max_fields_per_reading);
  std::uint64_t counted = 0;
  for (const auto& r : j.rejected.items()) counted += r.count;
  CHECK(counted == 20'001 - max_fields_per_reading);
  CHECK(j.rejected.items().size() <= rejections::described + 8);
}

TEST_CASE("more than 1,000 readings come in parts, in order, with their fields") {
  std::string many = "[";
  for (int i = 0; i < 2500; ++i)
    many += "{\"ts\":" + std::to_string(1'600'000'000 + i) + ",\"a\":" + std::to_string(i) + "},";
  many.back() = ']';
  json j(many);
  CHECK(j.parts == std::vector<std::size_t>{1000, 1000, 500});
  REQUIRE(j.rows.size() == 2500);
  for (std::size_t i = 0; i < 2500; ++i) CHECK(j.number("a", i) == static_cast<double>(i));
}

TEST_CASE("lone surrogates and other bytes that are not UTF-8 do not get through") {
  for (const char* bad :
       {R"({"a":1,"s":"\udc00"})", R"({"a":1,"s":"\ud800"})", R"({"a":1,"\udc00":1})"}) {
    CAPTURE(bad);
    json j(bad);
    CHECK(j.rejected.items().size() == 1);
    for (const auto& r : j.rows) CHECK(r.fields.size() == 1);
  }
}

TEST_CASE("property: random damage to a message never does more than refuse it") {
  const std::string seeds[] = {
      R"({"ts":1700000000000,"temperature":45.123,"vibration":2.034,"current":10.512,"seq":4})",
      R"([{"ts":"2023-11-14T22:13:20Z","a":{"b":[1,2,3],"c":"text"}},{"a":NaN}])",
      R"({"ts":1700000000,"readings":[{"a":1},{"b":true,"c":null}],"values":{"x":-1e5}})"};
  json j("{}");
  unsigned refused = 0, read = 0;
  for (unsigned seed = 0; seed < 20'000; ++seed) {
    std::mt19937 random{seed};
    auto bytes = seeds[random() % 3];
    for (unsigned i = 0; i <= random() % 3; ++i)
      bytes[random() % bytes.size()] =
          static_cast<char>(random() % 2 ? random() : "{}[]\",:\\eN"[random() % 10]);
    j.run(bytes);
    refused += j.rejected.empty() ? 0 : 1;
    read += j.rows.empty() ? 0 : 1;
    for (const auto& r : j.rows)
      for (const auto& [name, value] : r.fields)
        CHECK((value.kind != value_kind::f64 || std::isfinite(value.f64)));
  }
  CHECK(refused > 1000);
  CHECK(read > 1000);
}

TEST_CASE("property: numbers come out as they were written") {
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random{seed};
    std::uniform_real_distribution<double> real(-1e6, 1e6);
    const double a = real(random);
    const auto b = static_cast<std::int64_t>(random());
    char text[200];
    std::snprintf(text, sizeof text, R"({"a":%.17g,"b":%lld})", a, static_cast<long long>(b));
    json j(text);
    CHECK(j.number("a") == a);
    CHECK(j.rows.at(0).fields.at("b").i64 == b);
  }
}
