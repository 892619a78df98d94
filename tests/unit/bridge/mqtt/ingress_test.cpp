// SPDX-License-Identifier: Apache-2.0
// The pipeline from an arrival to the inlet, without a broker.
#include "bridge/mqtt/ingress.hpp"
#include "messages/segment.hpp"
#include <deque>
#include <doctest/doctest.h>
#include <limits>
#include <map>

using namespace pollux;
using namespace pollux::bridge;
using messages::quarantine_reason;

namespace {

constexpr std::int64_t now = 1'700'000'000'000'000'000;

/// What an input said, copied out of its views.
struct kept {
  std::string twin, create_as;
  domain::input_kind kind;
  std::int64_t ingest_time_ns;
  std::vector<domain::reading> readings;
  std::map<std::string, double> numbers;
  std::string command_id, command_name, detail;
  bool accepted = false, connected = false;
};

class fake_inlet final : public messages::inlet {
public:
  std::deque<kept> all;
  std::deque<errc> failures; ///< of the next submits; errc{} = let it pass
  int flushes = 0;

  result<messages::ticket> submit(std::string_view id, std::string_view create_as,
                                  const domain::input& in) override {
    if (!failures.empty()) {
      const auto code = failures.front();
      failures.pop_front();
      if (code != errc{}) return failure{code, "as the test wants"};
    }
    kept k{std::string(id),
           std::string(create_as),
           in.kind,
           in.ingest_time_ns,
           in.readings,
           {},
           std::string(in.command_id),
           std::string(in.command_name),
           std::string(in.detail),
           in.accepted,
           in.connected};
    for (const auto& f : in.fields)
      if (f.value.numeric()) k.numbers[std::string(f.name)] = f.value.number();
    all.push_back(std::move(k));
    return messages::ticket{all.size()};
  }
  status flush(messages::durability, messages::ticket) override {
    ++flushes;
    return {};
  }
  [[nodiscard]] messages::ticket durable_upto(messages::durability) const override {
    return {all.size()};
  }
  [[nodiscard]] bool accepting() const override { return true; }
};

struct fake_quarantine final : messages::quarantine_port {
  std::vector<messages::quarantined> all;
  void put(messages::quarantined record) override { all.push_back(std::move(record)); }
};

struct desk {
  fake_inlet inlet;
  fake_quarantine quarantine;
  messages::metrics metrics;
  std::shared_ptr<domain::model> motor = std::make_shared<domain::model>();
  int lookups = 0;
  std::unique_ptr<ingress> in;

  desk() {
    constexpr double inf = std::numeric_limits<double>::infinity();
    motor->name = "motor";
    motor->telemetry.push_back({"temperature", "Cel", domain::telemetry_type::number, -40, 150});
    motor->telemetry.push_back({"rpm", "1/min", domain::telemetry_type::integer, 0, inf});
    std::vector<ingress_mapping> mappings(3);
    mappings[0].topic = "telemetry/motor/{name}";
    mappings[0].twin = "plant1:{name}";
    mappings[0].model = "motor";
    mappings[1].topic = "known/{name}";
    mappings[1].twin = "plant1:{name}";
    mappings[1].durability = messages::durability::d2;
    mappings[1].qos = 0;
    mappings[2].topic = "bin/{name}";
    mappings[2].twin = "plant1:{name}";
    mappings[2].model = "motor";
    mappings[2].decode.format = payload_format::protobuf;
    auto map = topic_map::build(mappings);
    REQUIRE(map.ok());
    in = std::make_unique<ingress>(
        std::make_shared<const topic_map>(*std::move(map)), ingress_options{}, inlet, quarantine,
        [this](std::string_view name) {
          ++lookups;
          return name == "motor" ? motor : nullptr;
        },
        metrics);
  }
  verdict handle(std::string_view topic, std::string_view payload) {
    arrival a;
    a.topic = topic;
    a.payload = payload;
    a.received_ns = now;
    a.qos = 1;
    return in->handle(a);
  }
  [[nodiscard]] const messages::quarantined& only_record() const {
    REQUIRE(quarantine.all.size() == 1);
    return quarantine.all.front();
  }
};

} // namespace

TEST_CASE("a good message becomes one input of the twin its topic names") {
  desk d;
  const auto v =
      d.handle("telemetry/motor/m-7", R"({"ts":1700000000,"temperature":45.5,"rpm":900})");
  CHECK(v.what == disposition::submitted);
  CHECK(v.durability == messages::durability::d1);
  CHECK(v.ticket.value == 1);
  REQUIRE(d.inlet.all.size() == 1);
  const auto& k = d.inlet.all.front();
  CHECK(k.twin == "plant1:m-7");
  CHECK(k.create_as == "motor");
  CHECK(k.kind == domain::input_kind::readings);
  CHECK(k.ingest_time_ns == now);
  REQUIRE(k.readings.size() == 1);
  CHECK(k.readings[0].event_time_ns == 1'700'000'000'000'000'000);
  CHECK(k.numbers == std::map<std::string, double>{{"temperature", 45.5}, {"rpm", 900}});
  CHECK(d.quarantine.all.empty());
  CHECK(d.metrics.total("pollux_mqtt_messages_total") == 1);
}

TEST_CASE("the mapping's durability is in the verdict, and a twin it may not create is unknown") {
  desk d;
  CHECK(d.handle("known/m-7", R"({"temperature":1})").durability == messages::durability::d2);
  CHECK(d.inlet.all.back().create_as.empty());
  d.inlet.failures = {errc::not_found};
  CHECK(d.handle("known/m-8", R"({"temperature":1})").what == disposition::quarantined);
  const auto& r = d.only_record();
  CHECK(r.reason == quarantine_reason::unknown_twin);
  CHECK(r.mapping == "known/{name}");
  CHECK(r.payload == R"({"temperature":1})");
  CHECK(r.ingest_time_ns == now);
  CHECK(r.detail.find("plant1:m-8") != std::string::npos);
}

TEST_CASE("what cannot be used goes to quarantine with its reason") {
  const auto reason = [](std::string_view topic, std::string_view payload) {
    desk d;
    CHECK(d.handle(topic, payload).what == disposition::quarantined);
    CHECK(d.inlet.all.empty());
    return d.only_record().reason;
  };
  using enum quarantine_reason;
  CHECK(reason("telemetry/motor/m", "{\"temperature\":") == malformed);
  CHECK(reason("telemetry/motor/m", "") == malformed);
  CHECK(reason("telemetry/motor/m", "{\"temperature\":\"hot\"}") == invalid_value);
  CHECK(reason("telemetry/motor/m", "{\"temperature\":151}") == invalid_value);
  CHECK(reason("nobody/m", "{}") == unknown_topic);
  CHECK(reason("telemetry/motor/sp ace", "{\"temperature\":1}") == unknown_topic);
  CHECK(reason("telemetry/motor/m", "{\"ts\":\"yesterday\",\"temperature\":1}") == bad_time);
  CHECK(reason("telemetry/motor/m", std::string(2 << 20, ' ')) == oversized);
  CHECK(reason("bin/m", "\xff\xff\xff") == malformed);
}

TEST_CASE("a message with one bad field is stored without it, and kept in quarantine whole") {
  desk d;
  CHECK(d.handle("telemetry/motor/m", R"({"temperature":999,"rpm":10,"extra":5})").what ==
        disposition::submitted);
  CHECK(d.inlet.all.at(0).numbers == std::map<std::string, double>{{"rpm", 10}, {"extra", 5}});
  CHECK(d.only_record().detail.find("temperature") != std::string::npos);
  CHECK(d.metrics.total("pollux_mqtt_refused_values_total") == 1);
}

TEST_CASE("a large payload is kept in quarantine up to 64 KiB, and the detail says so") {
  desk d;
  d.handle("nobody", std::string(100'000, 'x'));
  CHECK(d.only_record().payload.size() == 64 * 1024);
  CHECK(d.only_record().detail.find("100000") != std::string::npos);
}

TEST_CASE("when the node takes nothing the verdict is retry, and nothing is kept aside") {
  for (const auto code : {errc::overloaded, errc::no_space, errc::io, errc::unavailable}) {
    desk d;
    d.inlet.failures = {code};
    const auto v = d.handle("telemetry/motor/m", R"({"temperature":999,"rpm":10})");
    CHECK(v.what == disposition::retry);
    CHECK(v.why == code);
    CHECK(d.quarantine.all.empty()); // the message comes again
  }
}

TEST_CASE("a batch of more than 1,000 readings becomes several inputs with one verdict") {
  desk d;
  std::string batch = "[";
  for (int i = 0; i < 2500; ++i)
    batch += (i > 0 ? "," : "") + ("{\"rpm\":" + std::to_string(i) + "}");
  const auto v = d.handle("telemetry/motor/m", batch + "]");
  CHECK(v.what == disposition::submitted);
  REQUIRE(d.inlet.all.size() == 3);
  CHECK(v.first.value == 1);
  CHECK(v.ticket.value == 3);
  CHECK(d.metrics.total("pollux_readings_total") == 2500);

  desk closed; // refused in the middle: the whole message comes again
  closed.inlet.failures = {errc{}, errc::overloaded};
  CHECK(closed.handle("telemetry/motor/m", batch + "]").what == disposition::retry);
  CHECK(closed.inlet.all.size() == 1);
}

TEST_CASE("retained telemetry and messages without a value are left out and counted") {
  desk d;
  arrival a;
  a.topic = "telemetry/motor/m";
  a.payload = R"({"temperature":1})";
  a.received_ns = now;
  a.retained = true;
  CHECK(d.in->handle(a).what == disposition::ignored);
  CHECK(d.inlet.all.empty());
  CHECK(d.metrics.total("pollux_mqtt_ignored_total") == 1);
}

TEST_CASE("the model is asked for once a second, so a new version is taken up") {
  desk d;
  for (int i = 0; i < 10; ++i) d.handle("telemetry/motor/m", R"({"temperature":149})");
  CHECK(d.lookups == 1);
  auto stricter = std::make_shared<domain::model>();
  stricter->telemetry.push_back({"temperature", "Cel", domain::telemetry_type::number, 0, 100});
  d.motor = stricter;
  arrival a;
  a.topic = "telemetry/motor/m";
  a.payload = R"({"temperature":149})";
  a.received_ns = now + 1'000'000'000;
  CHECK(d.in->handle(a).what == disposition::quarantined);
  CHECK(d.lookups == 2);
}

TEST_CASE("an answer to a command becomes a command_replied input") {
  desk d;
  const auto v =
      d.handle("twins/plant1/hall/commands/set_setpoint/response",
               R"({"id":"c-1","ok":false,"detail":"door open","reported":{"setpoint":21.5}})");
  CHECK(v.what == disposition::submitted);
  const auto& k = d.inlet.all.at(0);
  CHECK(k.twin == "plant1:hall");
  CHECK(k.create_as.empty());
  CHECK(k.kind == domain::input_kind::command_replied);
  CHECK(k.command_id == "c-1");
  CHECK(k.command_name == "set_setpoint");
  CHECK_FALSE(k.accepted);
  CHECK(k.detail == "door open");
  CHECK(k.numbers == std::map<std::string, double>{{"setpoint", 21.5}});
}

TEST_CASE("an answer may say status for ok, and carry its id as correlation data") {
  const auto accepted = [](std::string_view payload) {
    desk d;
    arrival a;
    a.topic = "twins/p/n/commands/c/response";
    a.payload = payload;
    a.received_ns = now;
    a.correlation_data = "from-mqtt5";
    REQUIRE(d.in->handle(a).what == disposition::submitted);
    CHECK(d.inlet.all.at(0).command_id == "from-mqtt5");
    return d.inlet.all.at(0).accepted;
  };
  CHECK(accepted(R"({"status":"Confirmed"})"));
  CHECK(accepted(R"({"status":"ok"})"));
  CHECK(accepted(R"({"status":204})"));
  CHECK(accepted(R"({"ok":true,"status":"error"})"));
  CHECK(accepted(R"({"status":"error","ok":true})"));
  CHECK_FALSE(accepted(R"({"status":"rejected"})"));
  CHECK_FALSE(accepted(R"({"status":409})"));
}

TEST_CASE("an answer that says nothing usable is quarantined") {
  for (const auto* payload :
       {"", "ok", "{}", "[]", R"({"id":"c-1"})", R"({"ok":true})", R"({"id":"c-1","ok":"perhaps"})",
        R"({"id":7,"ok":true})", R"([{"id":"a","ok":true},{"id":"b","ok":true}])"}) {
    CAPTURE(payload);
    desk d;
    CHECK(d.handle("twins/p/n/commands/c/response", payload).what == disposition::quarantined);
    CHECK(d.only_record().reason == quarantine_reason::malformed);
    CHECK(d.inlet.all.empty());
  }
}

TEST_CASE("online and offline become connection_changed, also when retained") {
  desk d;
  arrival a;
  a.topic = "twins/plant1/hall/status";
  a.payload = "online";
  a.received_ns = now;
  a.retained = true;
  CHECK(d.in->handle(a).what == disposition::submitted);
  a.payload = "OFFLINE";
  CHECK(d.in->handle(a).what == disposition::submitted);
  REQUIRE(d.inlet.all.size() == 2);
  CHECK(d.inlet.all[0].kind == domain::input_kind::connection_changed);
  CHECK(d.inlet.all[0].connected);
  CHECK_FALSE(d.inlet.all[1].connected);
  a.payload = "sleeping";
  CHECK(d.in->handle(a).what == disposition::quarantined);
  d.inlet.failures = {errc::not_found};
  a.payload = "online";
  CHECK(d.in->handle(a).what == disposition::ignored); // its twin is made by its first reading
}

TEST_CASE("only the device topics themselves are taken for such") {
  using enum device_topic_kind;
  CHECK(parse_device_topic("twins", "twins/a/b/status").kind == status);
  const auto t = parse_device_topic("x/y", "x/y/a/b/commands/c/response");
  CHECK(t.kind == command_response);
  CHECK(t.name_space == "a");
  CHECK(t.name == "b");
  CHECK(t.command == "c");
  for (const auto* topic :
       {"twins", "twins/", "twins/a/b", "twins/a/b/alerts", "twins/a/b/commands/c/request",
        "twins/a/b/commands//response", "twinsa/b/c/status", "twins/a/b/c/status",
        "twins/a/b/commands/c/d/response", "twins/a/b/commands/response", ""}) {
    CAPTURE(topic);
    CHECK(parse_device_topic("twins", topic).kind == none);
  }
}

TEST_CASE("the subscriptions are one for each filter, with answers and status on top") {
  desk d;
  const auto all = d.in->subscriptions();
  REQUIRE(all.size() == 5);
  CHECK(all[0].filter == "telemetry/motor/+");
  CHECK(all[0].qos == 1);
  CHECK(all[1].filter == "known/+");
  CHECK(all[1].qos == 0);
  CHECK(all[3].filter == "twins/+/+/commands/+/response");
  CHECK_FALSE(all[3].retained);
  CHECK(all[4].filter == "twins/+/+/status");
  CHECK(all[4].retained);
}

TEST_CASE("a quarantined payload can be replayed once the model or the mapping allows it") {
  desk d;
  d.handle("telemetry/motor/m", R"({"temperature":160,"seq":17})");
  const auto record = d.only_record();
  auto again = d.in->replay(record, now + 5'000'000'000);
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == errc::invalid_argument);
  CHECK(again.error().what.find("temperature") != std::string::npos);
  CHECK(d.quarantine.all.size() == 1);

  auto wider = std::make_shared<domain::model>();
  wider->telemetry.push_back({"temperature", "Cel", domain::telemetry_type::number, 0, 200});
  d.motor = wider;
  REQUIRE(d.in->replay(record, now + 7'000'000'000).ok());
  const auto& k = d.inlet.all.at(0);
  CHECK(k.ingest_time_ns == now + 7'000'000'000);
  CHECK(k.readings.at(0).event_time_ns == now); // when it first came in
  CHECK(k.readings.at(0).sequence == 0);
  CHECK(d.inlet.flushes == 1);
}

TEST_CASE("a reading refused for its future time can be replayed when that time has come") {
  desk d;
  const auto ts = (now + 3'600'000'000'000) / 1'000'000; // an hour ahead, in ms
  d.handle("telemetry/motor/m", "{\"ts\":" + std::to_string(ts) + ",\"temperature\":20}");
  const auto record = d.only_record();
  REQUIRE(record.reason == quarantine_reason::bad_time);
  CHECK_FALSE(d.in->replay(record, now + 1'000'000'000).ok());
  CHECK(d.in->replay(record, now + 3'600'000'000'000).ok());
}

TEST_CASE("a poison input is replayed from its own bytes") {
  desk d;
  domain::input in;
  in.kind = domain::input_kind::readings;
  in.ingest_time_ns = now;
  in.fields.push_back({"temperature", domain::value_view::of(20.5)});
  in.readings.push_back({now, 3, 0, 1});
  messages::quarantined record;
  record.reason = quarantine_reason::poison;
  record.topic = "plant1:m-7";
  messages::encode_input(in, record.payload);
  REQUIRE(d.in->replay(record, now + 1).ok());
  CHECK(d.inlet.all.at(0).twin == "plant1:m-7");
  CHECK(d.inlet.all.at(0).numbers.at("temperature") == 20.5);
  record.payload = "\xff garbage";
  CHECK_FALSE(d.in->replay(record, now + 1).ok());
}
