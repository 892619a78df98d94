// SPDX-License-Identifier: Apache-2.0
// The Paho source against a real mosquitto.
#include "bridge/mqtt/paho_source.hpp"
#include "messages/observability/metrics.hpp"
#include "tests/support/mosquitto.hpp"
#include "tests/unit/bridge/mqtt/paho_fixtures.hpp"
#include <doctest/doctest.h>
#include <fstream>
#include <netinet/in.h>
#include <random>
#include <sys/socket.h>
#include <unistd.h>

using namespace pollux;
using namespace pollux::bridge;
using namespace pollux::test;
using namespace std::chrono_literals;

namespace {

// max_queued_messages: a slow subscriber must not lose in the broker what these tests count
const char* const patient = "max_queued_messages 1000000\nmax_inflight_messages 1000\n";

struct bench {
  switchable_inlet inlet;
  recording_handler handler;
  messages::metrics metrics;
  std::unique_ptr<paho_source> source;

  void start(const std::string& url, std::uint32_t version = 5, std::uint8_t qos = 1,
             const std::function<void(broker_options&)>& adjust = {}) {
    broker_options options;
    options.url = url;
    options.version = version;
    options.client_id = "source-under-test";
    options.reconnect_min_ns = 20'000'000;
    options.reconnect_max_ns = 200'000'000;
    if (adjust) adjust(options);
    source = std::make_unique<paho_source>(
        options, std::vector<subscription>{{"t/#", qos}, {"s/#", qos, true}}, handler, inlet,
        metrics);
    const auto started = source->start();
    REQUIRE_MESSAGE(started.ok(), (started ? "" : started.error().what));
  }
  [[nodiscard]] bool connected() const { return source->state().phase == source_phase::connected; }
};

bool skipped() {
  if (mosquitto::available()) return false;
  MESSAGE("no mosquitto on this machine: skipped");
  return true;
}

} // namespace

TEST_CASE("messages arrive with topic, payload, QoS and flags, in MQTT 5 and 3.1.1") {
  if (skipped()) return;
  for (const std::uint32_t version : {5u, 3u}) {
    CAPTURE(version);
    mosquitto broker(patient);
    publisher out(broker.url());
    out.publish("t/old", "retained telemetry", 1, true);
    out.publish("s/state", "online", 1, true);
    bench b;
    b.start(broker.url(), version);
    REQUIRE(eventually([&] { return b.connected(); }));
    out.publish("t/a", "one", 0);
    out.publish("t/b", std::string("bin\0ary", 7), 1);
    out.publish("t/c", "", 1);
    const std::size_t expected = version == 5 ? 4 : 5; // 3.1.1 cannot decline retained messages
    REQUIRE(eventually([&] { return b.handler.size() >= expected; }));
    const auto all = b.handler.all();
    REQUIRE(all.size() == expected);
    const auto find = [&](const std::string& topic) {
      for (const auto& s : all)
        if (s.topic == topic) return s;
      FAIL("missing " << topic);
      return all.front();
    };
    CHECK(find("s/state").retained);
    CHECK(find("s/state").payload == "online");
    CHECK(find("t/a").qos == 0);
    CHECK(find("t/a").payload == "one");
    CHECK_FALSE(find("t/a").retained);
    CHECK(find("t/b").qos == 1);
    CHECK(find("t/b").payload == std::string("bin\0ary", 7));
    CHECK(find("t/c").payload.empty());
    CHECK(b.inlet.flushes_d0 >= 2); // each QoS 1 message is durable before its PUBACK
    b.source->stop();
    CHECK(b.source->state().phase == source_phase::stopped);
  }
}

TEST_CASE("a message of class D2 is flushed with fsync, one of QoS 0 not at all") {
  if (skipped()) return;
  mosquitto broker(patient);
  bench b;
  b.handler.rule = [](const arrival&) {
    return verdict{disposition::submitted, messages::durability::d2, {1}, {1}, {}};
  };
  b.start(broker.url());
  REQUIRE(eventually([&] { return b.connected(); }));
  publisher out(broker.url());
  out.publish("t/a", "1", 0);
  out.publish("t/a", "2", 1);
  REQUIRE(eventually([&] { return b.handler.size() == 2; }));
  CHECK(eventually([&] { return b.inlet.flushes_d2 == 1; }));
  CHECK(b.inlet.flushes_d0 == 0);
}

TEST_CASE("a broker that is down at the start is tried again until it is there") {
  if (skipped()) return;
  mosquitto broker(patient, false);
  bench b;
  b.start(broker.url());
  REQUIRE(eventually([&] { return b.source->counters().connect_failures >= 2; }));
  CHECK(b.source->state().phase == source_phase::connecting);
  CHECK(b.source->state().why.find(broker.url()) != std::string::npos);
  broker.start();
  REQUIRE(eventually([&] { return b.connected(); }));
  publisher(broker.url()).publish("t/a", "hello");
  CHECK(eventually([&] { return b.handler.size() == 1; }));
}

TEST_CASE("after a broker restart the source is subscribed again, and says the session is lost") {
  if (skipped()) return;
  for (const std::uint32_t version : {5u, 3u}) {
    CAPTURE(version);
    mosquitto broker(patient);
    bench b;
    b.start(broker.url(), version);
    REQUIRE(eventually([&] { return b.connected(); }));
    publisher(broker.url()).publish("t/a", "before");
    REQUIRE(eventually([&] { return b.handler.size() == 1; }));
    broker.kill();
    REQUIRE(eventually([&] { return !b.connected(); }));
    broker.start();
    REQUIRE(eventually([&] { return b.connected(); }));
    publisher(broker.url()).publish("t/a", "after");
    CHECK(eventually([&] { return b.handler.size() == 2; }));
    CHECK(b.source->counters().losses == 1);
    CHECK(b.source->counters().sessions_lost == 1);
  }
}

TEST_CASE("what comes while the source is away waits in the persistent session") {
  if (skipped()) return;
  mosquitto broker(patient);
  publisher out(broker.url());
  bench b;
  b.start(broker.url());
  REQUIRE(eventually([&] { return b.connected(); }));
  b.source->stop();
  out.publish_all("t/x", 0, 100, 1);
  CHECK(b.handler.size() == 0);
  REQUIRE(b.source->start().ok());
  CHECK(eventually([&] { return b.handler.submitted().size() == 100; }));
}

TEST_CASE("a refused message is not acknowledged: all come again when the inlet opens") {
  if (skipped()) return;
  for (const std::uint32_t version : {5u, 3u}) {
    CAPTURE(version);
    mosquitto broker(patient);
    publisher out(broker.url());
    bench b;
    std::atomic<int> left{100};
    b.handler.rule = [&](const arrival&) -> verdict {
      if (left-- > 0) return {disposition::submitted, messages::durability::d1, {1}, {1}, {}};
      b.inlet.open = false;
      return {disposition::retry, messages::durability::d1, {}, {}, errc::overloaded};
    };
    b.start(broker.url(), version);
    REQUIRE(eventually([&] { return b.connected(); }));
    out.publish_all("t/x", 0, 1000, 1);
    REQUIRE(eventually([&] { return b.source->state().phase == source_phase::paused; }));
    CHECK(b.source->state().why.find("overloaded") != std::string::npos);
    CHECK(b.handler.submitted().size() == 100);
    CHECK(b.handler.size() == 101); // after the refusal nothing more reached the handler
    left = 1'000'000;
    b.inlet.open = true;
    REQUIRE(eventually([&] { return b.handler.submitted().size() == 1000; }));
    for (const auto& [payload, times] : b.handler.submitted()) {
      CAPTURE(payload);
      CHECK(times == 1);
    }
    CHECK(b.source->counters().unacknowledged == 1);
    CHECK(b.source->counters().pauses == 1);
    CHECK(b.source->counters().losses == 0);
  }
}

TEST_CASE("property: with refusals at random nothing is lost and nothing comes twice") {
  if (skipped()) return;
  mosquitto broker(patient);
  publisher out(broker.url());
  bench b;
  std::mt19937 random{7};
  int refusals = 0;
  b.handler.rule = [&](const arrival&) -> verdict {
    if (refusals < 12 && random() % 150 == 0) {
      ++refusals;
      return {disposition::retry, messages::durability::d1, {}, {}, errc::unavailable};
    }
    return {disposition::submitted, messages::durability::d1, {1}, {1}, {}};
  };
  b.start(broker.url());
  REQUIRE(eventually([&] { return b.connected(); }));
  out.publish_all("t/x", 0, 3000, 1);
  REQUIRE(eventually([&] { return b.handler.submitted().size() == 3000; }, 60s));
  CHECK(refusals == 12);
  CHECK(b.source->counters().unacknowledged == 12);
  int doubled = 0;
  for (const auto& [payload, times] : b.handler.submitted()) doubled += times > 1;
  CHECK(doubled == 0); // the broker saw every acknowledgement that did go out
}

TEST_CASE("a message that could not be flushed is not acknowledged either") {
  if (skipped()) return;
  mosquitto broker(patient);
  publisher out(broker.url());
  bench b;
  b.start(broker.url());
  REQUIRE(eventually([&] { return b.connected(); }));
  b.inlet.flush_fails = true;
  out.publish("t/x", "precious");
  REQUIRE(eventually([&] { return b.source->state().phase == source_phase::paused; }));
  CHECK(b.source->state().why.find(to_string(errc::no_space)) != std::string::npos);
  b.inlet.flush_fails = false;
  REQUIRE(eventually([&] { return b.handler.size() == 2; }));
  CHECK(b.handler.all().back().payload == "precious");
  CHECK(b.handler.all().back().duplicate);
}

TEST_CASE("a handler that throws leaves the message unacknowledged and the process alive") {
  if (skipped()) return;
  mosquitto broker(patient);
  publisher out(broker.url());
  bench b;
  std::atomic<int> calls{0};
  b.handler.rule = [&](const arrival&) -> verdict {
    if (calls++ == 0) throw std::runtime_error("defect");
    return {};
  };
  b.start(broker.url());
  REQUIRE(eventually([&] { return b.connected(); }));
  out.publish("t/x", "again");
  REQUIRE(eventually([&] { return b.handler.size() == 1; }));
  CHECK(b.handler.all().front().duplicate);
}

TEST_CASE("at QoS 0 a refusal pauses the source as well, and it comes back") {
  if (skipped()) return;
  mosquitto broker(patient);
  publisher out(broker.url());
  bench b;
  b.handler.rule = [&](const arrival&) -> verdict {
    if (b.inlet.open) return {disposition::submitted, messages::durability::d1, {1}, {1}, {}};
    return {disposition::retry, messages::durability::d1, {}, {}, errc::overloaded};
  };
  b.start(broker.url(), 5, 0);
  REQUIRE(eventually([&] { return b.connected(); }));
  b.inlet.open = false;
  out.publish("t/x", "lost", 0);
  REQUIRE(eventually([&] { return b.source->counters().pauses == 1; }));
  CHECK(b.source->counters().unacknowledged == 1);
  b.inlet.open = true;
  REQUIRE(eventually([&] { return b.connected(); }));
  out.publish("t/x", "taken", 0);
  CHECK(eventually([&] { return b.handler.submitted().contains("taken"); }));
}

TEST_CASE("with queue_qos0_messages what comes at QoS 0 during a pause is not lost") {
  if (skipped()) return;
  mosquitto broker(std::string(patient) + "queue_qos0_messages true\n");
  publisher out(broker.url());
  bench b;
  b.handler.rule = [&](const arrival&) -> verdict {
    if (b.inlet.open) return {disposition::submitted, messages::durability::d1, {1}, {1}, {}};
    return {disposition::retry, messages::durability::d1, {}, {}, errc::overloaded};
  };
  b.start(broker.url(), 5, 0);
  REQUIRE(eventually([&] { return b.connected(); }));
  b.inlet.open = false;
  out.publish("t/x", "refused", 0); // this one is gone: QoS 0 is sent once
  REQUIRE(eventually([&] { return b.source->state().phase == source_phase::paused; }));
  out.publish_all("t/x", 0, 200, 0);
  b.inlet.open = true;
  CHECK(eventually([&] { return b.handler.submitted().size() == 200; }));
}

TEST_CASE("the source waits for the inlet before it connects at all") {
  if (skipped()) return;
  mosquitto broker(patient);
  bench b;
  b.inlet.open = false;
  b.start(broker.url());
  REQUIRE(eventually([&] { return b.source->state().phase == source_phase::paused; }));
  CHECK(b.source->counters().connects == 0);
  b.inlet.open = true;
  CHECK(eventually([&] { return b.connected(); }));
}

TEST_CASE("options that make no sense are refused at the start") {
  bench b;
  const auto refused = [&](const std::function<void(broker_options&)>& adjust) {
    broker_options options;
    adjust(options);
    paho_source source(options, {}, b.handler, b.inlet, b.metrics);
    const auto started = source.start();
    return !started && started.error().code == errc::invalid_argument;
  };
  CHECK(refused([](auto& o) { o.url = "mqtt://host"; }));
  CHECK(refused([](auto& o) { o.url = "tcp://"; }));
  CHECK(refused([](auto& o) { o.url = "tcp://host:70000"; }));
  CHECK(refused([](auto& o) { o.client_id.clear(); }));
  CHECK(refused([](auto& o) { o.version = 4; }));
}

TEST_CASE("a filter the broker denies is reported and does not silence the others") {
  if (skipped()) return;
  mosquitto broker(patient, false);
  std::ofstream(broker.folder() / "acl") << "topic readwrite t/#\n";
  broker.replace_settings(std::string(patient) + "acl_file " + (broker.folder() / "acl").string() +
                          "\n");
  broker.start();
  bench b;
  b.start(broker.url());
  REQUIRE(eventually([&] { return b.connected(); }));
  publisher(broker.url()).publish("t/x", "through");
  CHECK(eventually([&] { return b.handler.size() == 1; }));
}

TEST_CASE("stop returns soon, also in the middle of connecting, and ends all calls") {
  if (skipped()) return;
  mosquitto broker(patient);
  publisher out(broker.url());
  bench b;
  b.start(broker.url());
  REQUIRE(eventually([&] { return b.connected(); }));
  auto begin = std::chrono::steady_clock::now();
  b.source->stop();
  CHECK(std::chrono::steady_clock::now() - begin < 3s);
  out.publish("t/x", "too late");
  CHECK(b.handler.size() == 0);

  bench unreachable; // a port that takes connections and never answers
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(fd, 4) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  unreachable.start("tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
  begin = std::chrono::steady_clock::now();
  unreachable.source->stop();
  CHECK(std::chrono::steady_clock::now() - begin < 3s);
  ::close(fd);
}
