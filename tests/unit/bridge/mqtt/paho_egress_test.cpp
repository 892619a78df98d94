// SPDX-License-Identifier: Apache-2.0
// The Paho egress against a real mosquitto.
#include "bridge/mqtt/paho_egress.hpp"
#include "bridge/mqtt/paho_source.hpp"
#include "tests/support/mosquitto.hpp"
#include "tests/unit/bridge/mqtt/paho_fixtures.hpp"
#include <csignal>
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::bridge;
using namespace pollux::test;
using namespace std::chrono_literals;

namespace {

bool skipped() {
  if (mosquitto::available()) return false;
  MESSAGE("no mosquitto on this machine: skipped");
  return true;
}

broker_options options_for(const mosquitto& broker, std::uint32_t version = 5) {
  broker_options out;
  out.url = broker.url();
  out.client_id = "egress-under-test";
  out.version = version;
  out.reconnect_min_ns = 20'000'000;
  out.reconnect_max_ns = 200'000'000;
  return out;
}

/// Everything the broker hands to a subscriber, properties included.
class listener {
public:
  listener(const std::string& url, const std::string& filter)
      : client_(url, "listener", mqtt::create_options(MQTTVERSION_5)) {
    client_.set_message_callback([this](const mqtt::const_message_ptr& m) {
      const std::lock_guard lock(mutex_);
      all_.push_back(m);
    });
    client_.connect(mqtt::connect_options_builder().mqtt_version(MQTTVERSION_5).finalize())->wait();
    client_.subscribe(filter, 1)->wait();
  }
  ~listener() {
    try {
      if (client_.is_connected()) client_.disconnect()->wait_for(2000);
    } catch (const mqtt::exception&) { // gone with its broker
    }
  }
  [[nodiscard]] std::vector<mqtt::const_message_ptr> all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  [[nodiscard]] std::size_t size() const { return all().size(); }

private:
  mutable std::mutex mutex_;
  std::vector<mqtt::const_message_ptr> all_;
  mqtt::async_client client_;
};

/// Counts the answers to each publication.
struct answers {
  std::mutex mutex;
  std::map<int, std::vector<bool>> by_id;
  std::function<void(bool)> for_id(int id) {
    return [this, id](bool ok) {
      const std::lock_guard lock(mutex);
      by_id[id].push_back(ok);
    };
  }
  std::size_t count(bool ok) {
    const std::lock_guard lock(mutex);
    std::size_t n = 0;
    for (const auto& [id, list] : by_id) n += static_cast<std::size_t>(list.front() == ok);
    return n;
  }
  bool each_once() {
    const std::lock_guard lock(mutex);
    for (const auto& [id, list] : by_id)
      if (list.size() != 1) return false;
    return true;
  }
};

messages::publication text(const std::string& topic, const std::string& payload, int qos = 1) {
  messages::publication p;
  p.topic = topic;
  p.payload = payload;
  p.qos = static_cast<std::uint8_t>(qos);
  return p;
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

} // namespace

TEST_CASE("publications arrive at QoS 0 and 1 and each is answered once") {
  if (skipped()) return;
  for (const std::uint32_t version : {5u, 3u}) {
    CAPTURE(version);
    mosquitto broker;
    listener in(broker.url(), "out/#");
    messages::metrics metrics;
    paho_egress egress(options_for(broker, version), metrics);
    REQUIRE(egress.start().ok());
    REQUIRE(eventually([&] { return egress.connected(); }));
    answers got;
    for (int i = 0; i < 10; ++i)
      REQUIRE(egress.publish(text("out/x", std::to_string(i), i % 2), got.for_id(i)).ok());
    CHECK(eventually([&] { return got.count(true) == 10 && in.size() == 10; }));
    CHECK(got.each_once());
    CHECK(egress.in_flight() == 0);
    CHECK(metrics.total("pollux_mqtt_published_total") == 10);
  }
}

TEST_CASE("a burst is not held up by a broker that takes only a few at a time") {
  if (skipped()) return;
  mosquitto broker("max_inflight_messages 5\n"); // Paho would wait a second for each five
  listener in(broker.url(), "out/#");
  messages::metrics metrics;
  paho_egress egress(options_for(broker), metrics);
  REQUIRE(egress.start().ok());
  REQUIRE(eventually([&] { return egress.connected(); }));
  answers got;
  const auto begin = std::chrono::steady_clock::now();
  for (int sent = 0; sent < 500 && std::chrono::steady_clock::now() - begin < 20s;)
    sent += egress.publish(text("out/x", "p"), got.for_id(sent)).ok();
  CHECK(eventually([&] { return got.count(true) == 500; }));
  CHECK(std::chrono::steady_clock::now() - begin < 20s);
  CHECK(got.each_once());
}

TEST_CASE("MQTT 5 carries response topic, correlation data, content type and expiry") {
  if (skipped()) return;
  mosquitto broker;
  listener in(broker.url(), "out/#");
  messages::metrics metrics;
  paho_egress egress(options_for(broker), metrics);
  REQUIRE(egress.start().ok());
  REQUIRE(eventually([&] { return egress.connected(); }));
  auto p = text("out/command", "{}");
  p.content_type = "application/json";
  p.response_topic = "twins/a/b/commands/c/response";
  p.correlation_data = "c-17";
  p.expires_at_ns = now_ns() + 60'000'000'000;
  REQUIRE(egress.publish(p, nullptr).ok());
  REQUIRE(eventually([&] { return in.size() == 1; }));
  const auto got = in.all().front();
  const auto& props = got->get_properties();
  CHECK(mqtt::get<std::string>(props, mqtt::property::CONTENT_TYPE) == p.content_type);
  CHECK(mqtt::get<std::string>(props, mqtt::property::RESPONSE_TOPIC) == p.response_topic);
  CHECK(mqtt::get<std::string>(props, mqtt::property::CORRELATION_DATA) == p.correlation_data);
  const auto left = mqtt::get<std::uint32_t>(props, mqtt::property::MESSAGE_EXPIRY_INTERVAL);
  CHECK(left >= 55);
  CHECK(left <= 60);
}

TEST_CASE("what has expired, has no topic, or finds no connection is refused and not answered") {
  if (skipped()) return;
  mosquitto broker;
  messages::metrics metrics;
  paho_egress egress(options_for(broker), metrics);
  int answered = 0;
  const auto done = [&](bool) { ++answered; };
  const auto code = [&](const messages::publication& p) {
    const auto outcome = egress.publish(p, done);
    return outcome ? errc{} : outcome.error().code;
  };
  CHECK(code(text("out/x", "1")) == errc::unavailable);
  REQUIRE(egress.start().ok());
  REQUIRE(eventually([&] { return egress.connected(); }));
  auto old = text("out/x", "1");
  old.expires_at_ns = now_ns() - 1;
  CHECK(code(old) == errc::timed_out);
  CHECK(code(text("out/#", "1")) == errc::invalid_argument);
  CHECK(code(text("", "1")) == errc::invalid_argument);
  CHECK(answered == 0);
}

TEST_CASE("the window of publications in flight is bounded; a lost broker answers all with false") {
  if (skipped()) return;
  mosquitto broker;
  auto options = options_for(broker);
  options.max_in_flight = 10;
  messages::metrics metrics;
  paho_egress egress(options, metrics);
  REQUIRE(egress.start().ok());
  REQUIRE(eventually([&] { return egress.connected(); }));
  ::kill(broker.pid(), SIGSTOP); // it takes bytes but answers nothing
  answers got;
  for (int i = 0; i < 10; ++i) REQUIRE(egress.publish(text("out/x", "1"), got.for_id(i)).ok());
  const auto eleventh = egress.publish(text("out/x", "1"), got.for_id(99));
  REQUIRE_FALSE(eleventh.ok());
  CHECK(eleventh.error().code == errc::overloaded);
  broker.kill();
  REQUIRE(eventually([&] { return got.count(false) == 10; }));
  CHECK(got.each_once());
  CHECK(egress.in_flight() == 0);
  CHECK_FALSE(egress.connected());

  listener* in = nullptr;
  broker.start();
  listener after(broker.url(), "out/#");
  in = &after;
  REQUIRE(eventually([&] { return egress.connected(); }));
  REQUIRE(egress.publish(text("out/x", "again"), got.for_id(100)).ok());
  REQUIRE(eventually([&] { return got.count(true) == 1; }));
  REQUIRE(eventually([&] { return in->size() >= 1; }));
  CHECK(in->size() == 1); // what failed is the outbox's to repeat, Paho does not do it as well
}

TEST_CASE("property: answers come exactly once while the broker is killed at random") {
  if (skipped()) return;
  mosquitto broker;
  auto options = options_for(broker);
  options.max_in_flight = 64;
  messages::metrics metrics;
  paho_egress egress(options, metrics);
  REQUIRE(egress.start().ok());
  answers got;
  int sent = 0;
  for (int round = 0; round < 4; ++round) {
    REQUIRE(eventually([&] { return egress.connected(); }));
    const int upto = sent + 400;
    std::thread killer([&] {
      eventually([&] { return got.count(true) > static_cast<std::size_t>(round) * 50 + 20; }, 2s);
      broker.kill();
    });
    const auto until = std::chrono::steady_clock::now() + 5s;
    while (sent < upto && std::chrono::steady_clock::now() < until) {
      if (egress.publish(text("out/x", "p"), got.for_id(sent)).ok())
        ++sent;
      else if (!egress.connected())
        break;
    }
    killer.join();
    broker.start();
  }
  REQUIRE(eventually([&] { return got.by_id.size() == static_cast<std::size_t>(sent); }));
  CHECK(got.each_once());
  CHECK(sent > 100);
}

TEST_CASE("stop answers everything, and the node's presence is seen: online, offline, last will") {
  if (skipped()) return;
  mosquitto broker;
  listener in(broker.url(), "pollux/status");
  messages::metrics metrics;
  const auto last_is = [&](const std::string& word) {
    const auto all = in.all();
    return !all.empty() && all.back()->to_string() == word;
  };
  {
    paho_egress egress(options_for(broker), metrics);
    REQUIRE(egress.start().ok());
    REQUIRE(eventually([&] { return last_is("online"); }));
    answers got;
    REQUIRE(egress.publish(text("out/x", "last words"), got.for_id(1)).ok());
    egress.stop();
    CHECK(got.count(true) == 1);
    CHECK_FALSE(egress.connected());
    CHECK(eventually([&] { return last_is("offline"); }));
  }
  // a connection that ends without a goodbye: the broker speaks the last will
  paho_egress egress(options_for(broker), metrics);
  REQUIRE(egress.start().ok());
  REQUIRE(eventually([&] { return last_is("online"); }));
  const auto before = in.size();
  publisher thief(broker.url(), "egress-under-test-out"); // the same id: the broker drops the other
  CHECK(eventually([&] {
    const auto all = in.all();
    for (auto i = before; i < all.size(); ++i)
      if (all[i]->to_string() == "offline") return true;
    return false;
  }));
}
