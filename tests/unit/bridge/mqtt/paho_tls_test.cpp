// SPDX-License-Identifier: Apache-2.0
// TLS with client certificates, and the whole way from a device's message to the inlet.
#include "bridge/mqtt/ingress.hpp"
#include "bridge/mqtt/paho_egress.hpp"
#include "bridge/mqtt/paho_source.hpp"
#include "tests/support/mosquitto.hpp"
#include "tests/unit/bridge/mqtt/paho_fixtures.hpp"
#include <cstdlib>
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::bridge;
using namespace pollux::test;
using namespace std::chrono_literals;

namespace {

bool skipped() {
  if (mosquitto::available() && std::system("openssl version >/dev/null 2>&1") == 0) return false;
  MESSAGE("no mosquitto or no openssl on this machine: skipped");
  return true;
}

/// A private authority, a server certificate for 127.0.0.1 and a client certificate below it.
void make_certificates(const std::filesystem::path& folder) {
  const std::string script =
      "cd '" + folder.string() + "' && exec >/dev/null 2>&1 && " +
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
      "-keyout ca.key -out ca.pem -subj /CN=test-ca && "
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
      "-keyout other.key -out other.pem -subj /CN=other-ca && "
      "printf 'subjectAltName=IP:127.0.0.1' > san && "
      "for who in server client; do "
      "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $who.key "
      "-out $who.csr -subj /CN=$who && "
      "openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
      "-extfile san -out $who.pem || exit 1; done";
  REQUIRE(std::system(script.c_str()) == 0);
}

struct tls_broker {
  temporary_folder certificates;
  mosquitto broker{"", false, true};
  tls_broker() {
    make_certificates(certificates.path());
    const auto file = [&](const char* name) { return (certificates.path() / name).string(); };
    broker.replace_settings("listener " + std::to_string(broker.port()) + " 127.0.0.1\ncafile " +
                            file("ca.pem") + "\ncertfile " + file("server.pem") + "\nkeyfile " +
                            file("server.key") +
                            "\nrequire_certificate true\nuse_identity_as_username true\n");
    broker.start();
  }
  [[nodiscard]] broker_options options() const {
    broker_options out;
    out.url = "ssl://127.0.0.1:" + std::to_string(broker.port());
    out.client_id = "tls-test";
    out.reconnect_min_ns = 20'000'000;
    out.reconnect_max_ns = 200'000'000;
    out.ca_file = (certificates.path() / "ca.pem").string();
    out.certificate_file = (certificates.path() / "client.pem").string();
    out.key_file = (certificates.path() / "client.key").string();
    return out;
  }
};

/// Keeps the twin ids and the number of readings of what is submitted.
class counting_inlet final : public messages::inlet {
public:
  result<messages::ticket> submit(std::string_view id, std::string_view,
                                  const domain::input& in) override {
    const std::lock_guard lock(mutex_);
    readings_[std::string(id)] += static_cast<int>(in.readings.size());
    return messages::ticket{++last_};
  }
  status flush(messages::durability, messages::ticket) override { return {}; }
  [[nodiscard]] messages::ticket durable_upto(messages::durability) const override { return {}; }
  [[nodiscard]] bool accepting() const override { return true; }
  std::map<std::string, int> readings() {
    const std::lock_guard lock(mutex_);
    return readings_;
  }

private:
  std::mutex mutex_;
  std::map<std::string, int> readings_;
  std::uint64_t last_ = 0;
};

struct no_quarantine final : messages::quarantine_port {
  std::atomic<int> count{0};
  void put(messages::quarantined) override { ++count; }
};

} // namespace

TEST_CASE("with a client certificate both connections work over TLS, and a refusal is kept back") {
  if (skipped()) return;
  tls_broker tls;
  switchable_inlet inlet;
  recording_handler handler;
  messages::metrics metrics;
  std::atomic<int> refusals{2};
  handler.rule = [&](const arrival&) -> verdict {
    if (refusals-- > 0) return {disposition::retry, messages::durability::d1, {}, {}, errc::io};
    return {disposition::submitted, messages::durability::d1, {1}, {1}, {}};
  };
  for (const std::uint32_t version : {5u, 3u}) {
    CAPTURE(version);
    refusals = 2;
    auto options = tls.options();
    options.version = version;
    options.client_id += std::to_string(version);
    paho_source source(options, {{"t/#", 1}}, handler, inlet, metrics);
    REQUIRE(source.start().ok());
    REQUIRE(eventually([&] { return source.state().phase == source_phase::connected; }));
    paho_egress egress(options, metrics);
    REQUIRE(egress.start().ok());
    REQUIRE(eventually([&] { return egress.connected(); }));
    messages::publication p;
    p.topic = "t/x";
    p.payload = "over tls " + std::to_string(version);
    REQUIRE(egress.publish(p, nullptr).ok());
    REQUIRE(eventually([&] { return handler.submitted().contains(p.payload); }));
    CHECK(handler.submitted().at(p.payload) == 1);
    CHECK(source.counters().unacknowledged == 2);
  }
}

TEST_CASE(
    "without a client certificate, or with another authority's broker, there is no connection") {
  if (skipped()) return;
  tls_broker tls;
  switchable_inlet inlet;
  recording_handler handler;
  messages::metrics metrics;
  const auto never_connects = [&](const std::function<void(broker_options&)>& adjust) {
    auto options = tls.options();
    adjust(options);
    paho_source source(options, {{"t/#", 1}}, handler, inlet, metrics);
    paho_egress egress(options, metrics);
    REQUIRE(source.start().ok());
    REQUIRE(egress.start().ok());
    const bool tried = eventually([&] {
      return source.counters().connect_failures >= 2 &&
             egress.state().why.find("connect") != std::string::npos;
    });
    return tried && source.counters().connects == 0 && !egress.connected();
  };
  CHECK(never_connects([](auto& o) { o.certificate_file.clear(), o.key_file.clear(); }));
  CHECK(never_connects(
      [&](auto& o) { o.ca_file = (tls.certificates.path() / "other.pem").string(); }));
}

TEST_CASE("JSON and Protobuf at QoS 0 and 1 reach the inlet through a real broker") {
  if (skipped()) return;
  mosquitto broker;
  counting_inlet inlet;
  no_quarantine quarantine;
  messages::metrics metrics;
  std::vector<ingress_mapping> mappings(2);
  mappings[0].topic = "json/{name}";
  mappings[0].twin = "test:{name}";
  mappings[0].model = "any";
  mappings[1].topic = "proto/{name}";
  mappings[1].twin = "test:{name}";
  mappings[1].model = "any";
  mappings[1].decode.format = payload_format::protobuf;
  auto map = topic_map::build(mappings);
  REQUIRE(map.ok());
  ingress way_in(std::make_shared<const topic_map>(*std::move(map)), {}, inlet, quarantine, {},
                 metrics);
  broker_options options;
  options.url = broker.url();
  paho_source source(options, way_in.subscriptions(), way_in, inlet, metrics);
  REQUIRE(source.start().ok());
  REQUIRE(eventually([&] { return source.state().phase == source_phase::connected; }));
  // Batch { Reading { values: Value { name "a", f64 1.0 } } }, written by hand
  const std::string value("\x0a\x01"
                          "a"
                          "\x11\x00\x00\x00\x00\x00\x00\xf0\x3f",
                          12);
  const std::string reading = "\x1a\x0c" + value;
  const std::string batch = std::string("\x0a\x0e") + reading;
  publisher out(broker.url());
  for (const int qos : {0, 1}) {
    out.publish("json/a", R"({"ts":1700000000,"temperature":20.5})", qos);
    out.publish("json/b", R"([{"x":1},{"x":2},{"x":3}])", qos);
    out.publish("proto/c", batch, qos);
    out.publish("json/d", "no json", qos);
  }
  CHECK(eventually([&] {
    return inlet.readings() ==
           std::map<std::string, int>{{"test:a", 2}, {"test:b", 6}, {"test:c", 2}};
  }));
  CHECK(eventually([&] { return quarantine.count == 2; }));
  CHECK(metrics.total("pollux_mqtt_messages_total") == 8);
  CHECK(metrics.total("pollux_readings_total") == 10);
}
