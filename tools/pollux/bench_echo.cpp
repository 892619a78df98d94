// SPDX-License-Identifier: Apache-2.0
// The yardstick of latency: a Paho client that publishes again what it receives, and does no more.
// It takes all readings, and answers those that must raise an alert, as often as a node answers.
#include "tools/pollux/bench_parts.hpp"
#include <csignal>
#include <iostream>
#include <mqtt/async_client.h>
#include <pthread.h>

namespace pollux::bench {

namespace {

/// Publishes from Paho's callback: the shortest way this library offers.
class echo_callback : public mqtt::callback {
public:
  echo_callback(mqtt::async_client& client, int qos) : client_(client), qos_(qos) {}
  void message_arrived(mqtt::const_message_ptr message) override {
    const auto& topic = message->get_topic();
    if (topic.compare(0, 5, "echo/") != 0) return;
    client_.publish(
        mqtt::make_message("alerts/" + topic.substr(5), message->get_payload_ref(), qos_, false));
  }

private:
  mqtt::async_client& client_;
  int qos_;
};

int echo(std::uint16_t port, int qos) {
  sigset_t ends; // blocked before Paho makes its threads, so that they leave it to us
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  mqtt::async_client client("tcp://127.0.0.1:" + std::to_string(port), "pollux-bench-echo",
                            mqtt::create_options(MQTTVERSION_3_1_1, 100'000));
  echo_callback callback(client, qos);
  client.set_callback(callback);
  client.connect(mqtt::connect_options_builder().clean_session(true).max_inflight(1000).finalize())
      ->wait();
  client.subscribe("telemetry/+", qos)->wait();
  client.subscribe("echo/+", qos)->wait();
  std::cout << "ready" << std::endl;
  int signal = 0;
  ::sigwait(&ends, &signal);
  client.disable_callbacks();
  client.disconnect()->wait_for(std::chrono::seconds(2));
  return 0;
}

} // namespace

int run_echo(std::uint16_t port, unsigned qos) {
  try {
    return echo(port, static_cast<int>(qos));
  } catch (const std::exception& e) {
    std::cerr << "echo: " << e.what() << '\n';
    return 1;
  }
}

} // namespace pollux::bench
