// SPDX-License-Identifier: Apache-2.0
#include "bridge/mqtt/broker_link.hpp"
#include "bridge/mqtt/paho_socket.hpp"
#include "messages/observability/log.hpp"
#include <random>

namespace pollux::bridge {

namespace {
constexpr const char* component = "mqtt";
}

broker_link::broker_link(const broker_options& options, messages::metrics& metrics,
                         const char* direction)
    : connects(metrics.make_counter("pollux_mqtt_connects_total",
                                    "Connections made to an MQTT broker.",
                                    {{"direction", direction}})),
      connect_failures(metrics.make_counter("pollux_mqtt_connect_failures_total",
                                            "Attempts to connect to an MQTT broker that failed.",
                                            {{"direction", direction}})),
      losses(metrics.make_counter("pollux_mqtt_connections_lost_total",
                                  "Connections to an MQTT broker that broke.",
                                  {{"direction", direction}})),
      connected(metrics.make_gauge("pollux_mqtt_connected", "1 while connected to the broker.",
                                   {{"direction", direction}})),
      pace(options.reconnect_min_ns, options.reconnect_max_ns, std::random_device{}()),
      options_(options) {}

status broker_link::start(const std::string& who, std::function<void()> run) {
  if (const auto port = broker_port(options_.url); !port) return port.error();
  if (options_.version != 5 && options_.version != 3)
    return failure{errc::invalid_argument, "MQTT version must be 5 or 3 (3.1.1)"};
  if (thread_.joinable()) return failure{errc::conflict, who + " is already started"};
  stopping_ = false;
  set_state(source_phase::connecting, "not connected yet");
  thread_ = std::thread(std::move(run));
  return {};
}

void broker_link::stop() {
  if (!thread_.joinable()) return;
  tell([this] { stopping_ = true; });
  thread_.join();
  set_state(source_phase::stopped, "");
}

source_state broker_link::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void broker_link::set_state(source_phase phase, std::string why) {
  const std::lock_guard lock(mutex_);
  state_ = {phase, std::move(why)};
}

void broker_link::sleep_for(std::chrono::nanoseconds span) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, span, [&] { return stopping_.load(); });
}

void broker_link::expect() {
  const std::lock_guard lock(mutex_);
  lost_ = false;
  lost_why_.clear();
}

void broker_link::lose(std::string_view cause) {
  tell([&] {
    lost_ = true;
    lost_why_ = cause;
  });
}

void broker_link::note_connected() {
  set_state(source_phase::connected, "");
  connected.set(1);
}

void broker_link::back_off(const failure& why, std::string_view what) {
  connect_failures.add();
  const auto wait = pace.next();
  set_state(source_phase::connecting, why.what);
  messages::log::warning(
      component, what,
      {{"broker", options_.url}, {"reason", why.what}, {"retry_in_ms", wait.count() / 1'000'000}});
  sleep_for(wait);
}

void broker_link::note_loss(const std::string& why, std::string_view what) {
  losses.add();
  set_state(source_phase::connecting, "connection lost: " + why);
  messages::log::warning(component, what, {{"broker", options_.url}, {"reason", why}});
}

} // namespace pollux::bridge
