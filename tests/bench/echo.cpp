// SPDX-License-Identifier: Apache-2.0
// The yardstick of the latency goal: subscribes with Paho MQTT C++, publishes every message again.
// Beside it a probe with raw sockets sends at a fixed rate and times the way there and back.
//   echo client PORT QOS                      telemetry/+ -> echo/<rest of the topic>, until
//   SIGTERM echo probe PORT QOS RATE COUNT EVERY      sends COUNT messages at RATE a second on
//   telemetry/<n>;
//                                             times each EVERY-th, which alone goes to echo's topic
#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mqtt/async_client.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace {

volatile std::sig_atomic_t stopped = 0;

/// Publishes from Paho's callback: the shortest way this client library offers.
class echo_callback : public mqtt::callback {
public:
  echo_callback(mqtt::async_client& client, int qos) : client_(client), qos_(qos) {}
  void message_arrived(mqtt::const_message_ptr message) override {
    // the driver of job J expects an answer to a few readings in a thousand; so do we
    if (message->get_topic().rfind("telemetry/echo", 0) != 0) return;
    client_.publish(mqtt::make_message("echo/back", message->get_payload_ref(), qos_, false));
  }

private:
  mqtt::async_client& client_;
  int qos_;
};

int run_client(const std::string& port, int qos) {
  mqtt::async_client client("tcp://127.0.0.1:" + port, "echo-client",
                            mqtt::create_options(MQTTVERSION_3_1_1, 100'000));
  echo_callback callback(client, qos);
  client.set_callback(callback);
  client.connect(mqtt::connect_options_builder().clean_session(true).max_inflight(1000).finalize())
      ->wait();
  client.subscribe("telemetry/#", qos)->wait();
  std::puts("ready");
  std::fflush(stdout);
  while (stopped == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  client.disable_callbacks();
  client.disconnect()->wait_for(std::chrono::seconds(2));
  return 0;
}

// ---- the probe: MQTT 3.1.1 by hand, so that it costs next to nothing

using clock_type = std::chrono::steady_clock;

struct connection {
  int fd = -1;
  std::vector<unsigned char> in;

  void write_all(const std::string& bytes) const {
    for (std::size_t at = 0; at < bytes.size();) {
      const auto n = ::write(fd, bytes.data() + at, bytes.size() - at);
      if (n <= 0) throw std::runtime_error("write failed");
      at += static_cast<std::size_t>(n);
    }
  }
  void open(int port, const std::string& id) {
    fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("cannot connect to the broker");
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::string body("\0\4MQTT\4\2\0\0", 10);
    body += '\0';
    body += static_cast<char>(id.size());
    write_all("\x10" + std::string(1, static_cast<char>(body.size() + id.size())) + body + id);
  }
  /// Reads once and calls f(type, packet body) for each whole packet.
  template <class F> bool read_packets(F f) {
    unsigned char buffer[65536];
    const auto n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) return false;
    in.insert(in.end(), buffer, buffer + n);
    std::size_t at = 0;
    while (in.size() - at >= 2) {
      std::size_t length = 0, head = 1, shift = 0;
      while (at + head < in.size()) {
        const auto byte = in[at + head++];
        length |= static_cast<std::size_t>(byte & 127) << shift;
        shift += 7;
        if (byte < 128) break;
      }
      if (at + head + length > in.size()) break;
      f(in[at], in.data() + at + head, length);
      at += head + length;
    }
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(at));
    return true;
  }
};

std::string publish_packet(const std::string& topic, const std::string& payload, int qos,
                           std::uint16_t id) {
  std::string body;
  body += static_cast<char>(topic.size() >> 8);
  body += static_cast<char>(topic.size());
  body += topic;
  if (qos > 0) {
    body += static_cast<char>(id >> 8);
    body += static_cast<char>(id);
  }
  body += payload;
  std::string out(1, qos > 0 ? '\x32' : '\x30');
  for (auto rest = body.size();;) {
    const auto digit = static_cast<char>(rest & 127);
    rest >>= 7;
    out += static_cast<char>(rest > 0 ? digit | '\x80' : digit);
    if (rest == 0) return out + body;
  }
}

void wait_for(connection& c, unsigned char wanted) {
  bool seen = false;
  while (!seen)
    if (!c.read_packets([&](unsigned char type, auto, auto) { seen |= (type & 0xf0) == wanted; }))
      throw std::runtime_error("the broker closed the connection");
}

/// Takes what comes back and notes each way's length in ms, counted from the scheduled time.
void receive(connection& c, int qos, std::uint64_t expected, std::vector<double>& ways,
             std::atomic<std::uint64_t>& got) {
  while (ways.size() < expected) {
    std::string acknowledgements;
    const bool open =
        c.read_packets([&](unsigned char type, const unsigned char* p, std::size_t n) {
          if ((type & 0xf0) != 0x30) return;
          std::size_t at = 2 + (static_cast<std::size_t>(p[0]) << 8 | p[1]);
          if (qos > 0) {
            acknowledgements +=
                std::string("\x40\x02") + static_cast<char>(p[at]) + static_cast<char>(p[at + 1]);
            at += 2;
          }
          const std::string payload(reinterpret_cast<const char*>(p) + at, n - at);
          const auto mark = payload.find("\"sent\":");
          if (mark == std::string::npos) return;
          const auto sent = std::strtoll(payload.c_str() + mark + 7, nullptr, 10);
          const auto now = clock_type::now().time_since_epoch();
          ways.push_back(static_cast<double>(std::chrono::nanoseconds(now).count() - sent) * 1e-6);
          got = ways.size();
        });
    if (!open) return;
    if (!acknowledgements.empty()) c.write_all(acknowledgements);
  }
}

int run_probe(int port, int qos, double rate, std::uint64_t count, std::uint64_t every) {
  connection back, out;
  back.open(port, "echo-probe-in");
  wait_for(back, 0x20);
  back.write_all(std::string("\x82\x0e\0\1\0\x09", 6) + "echo/back" + static_cast<char>(qos));
  wait_for(back, 0x90);
  out.open(port, "echo-probe-out");
  wait_for(out, 0x20);
  std::thread acknowledgements([&] {
    while (out.read_packets([](auto, auto, auto) {})) {
    }
  });
  std::vector<double> ways;
  std::atomic<std::uint64_t> got{0};
  const auto expected = (count + every - 1) / every;
  std::thread receiver([&] { receive(back, qos, expected, ways, got); });
  const auto start = clock_type::now();
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto due = start + std::chrono::nanoseconds(
                                 static_cast<std::int64_t>(static_cast<double>(i) / rate * 1e9));
    if (clock_type::now() < due) std::this_thread::sleep_until(due);
    const auto sent = std::chrono::nanoseconds(due.time_since_epoch()).count();
    const auto payload =
        "{\"ts\":1700000000000,\"temperature\":45.123,\"vibration\":2.034,\"sent\":" +
        std::to_string(sent) + "}";
    const auto topic = i % every == 0 ? std::string("telemetry/echo")
                                      : "telemetry/d" + std::to_string(100'000 + i % 1000);
    out.write_all(publish_packet(topic, payload, qos, static_cast<std::uint16_t>(i % 65535 + 1)));
  }
  const auto deadline = clock_type::now() + std::chrono::seconds(10);
  while (got < expected && clock_type::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  ::shutdown(back.fd, SHUT_RDWR);
  ::shutdown(out.fd, SHUT_RDWR);
  receiver.join();
  acknowledgements.join();
  std::sort(ways.begin(), ways.end());
  const auto at = [&](double share) {
    if (ways.empty()) return -1.0;
    return ways[std::min(ways.size() - 1,
                         static_cast<std::size_t>(share * static_cast<double>(ways.size())))];
  };
  std::printf(
      "{\"sent\":%llu,\"timed\":%zu,\"missing\":%llu,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,"
      "\"max\":%.3f}\n",
      static_cast<unsigned long long>(count), ways.size(),
      static_cast<unsigned long long>(expected - ways.size()), at(0.5), at(0.9), at(0.99), at(1));
  return ways.size() == expected ? 0 : 1;
}

int run(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "client" && argc == 4) return run_client(argv[2], std::atoi(argv[3]));
  if (mode == "probe" && argc == 7)
    return run_probe(std::atoi(argv[2]), std::atoi(argv[3]), std::atof(argv[4]),
                     std::strtoull(argv[5], nullptr, 10), std::strtoull(argv[6], nullptr, 10));
  std::fputs("usage: echo client PORT QOS | echo probe PORT QOS RATE COUNT EVERY\n", stderr);
  return 2;
}

} // namespace

int main(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { stopped = 1; });
  std::signal(SIGINT, [](int) { stopped = 1; });
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "echo: %s\n", e.what());
    return 1;
  }
}
