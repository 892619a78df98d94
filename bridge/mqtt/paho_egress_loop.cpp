// SPDX-License-Identifier: Apache-2.0
// The connect loop of paho_egress: one thread of our own, since Paho's automatic reconnect
// resends by itself and does not say when it gives up.
#include "bridge/mqtt/paho_egress_native.hpp"
#include "bridge/mqtt/paho_socket.hpp"
#include "messages/observability/log.hpp"
#include <chrono>
#include <random>

namespace pollux::bridge {

using namespace std::chrono_literals;
namespace log = messages::log;

namespace {

constexpr const char* component = "mqtt";

messages::counter& counter(messages::metrics& m, const char* name, const char* help) {
  return m.make_counter(name, help, {{"direction", "out"}});
}

/// Beyond the broker's receive maximum Paho would hold publications back and look again only once
/// a second: stay below it, with one to spare for our own presence.
std::uint32_t window_of(const mqtt::token& connected, std::uint32_t most) {
  const auto response = connected.get_connect_response();
  const auto& properties = response.get_properties();
  if (!properties.contains(mqtt::property::RECEIVE_MAXIMUM)) return most;
  const auto limit = mqtt::get<std::uint16_t>(properties, mqtt::property::RECEIVE_MAXIMUM);
  return std::clamp<std::uint32_t>(limit - 1u, 1u, most);
}

} // namespace

paho_egress::paho_egress(broker_options options, messages::metrics& metrics)
    : options_(std::move(options)), connects_(counter(metrics, "pollux_mqtt_connects_total",
                                                      "Connections made to an MQTT broker.")),
      connect_failures_(counter(metrics, "pollux_mqtt_connect_failures_total",
                                "Attempts to connect to an MQTT broker that failed.")),
      losses_(counter(metrics, "pollux_mqtt_connections_lost_total",
                      "Connections to an MQTT broker that broke.")),
      published_(metrics.make_counter("pollux_mqtt_published_total",
                                      "Publications the broker has taken.")),
      failed_(metrics.make_counter("pollux_mqtt_publish_failures_total",
                                   "Publications that failed, to be sent again.")),
      connected_gauge_(metrics.make_gauge(
          "pollux_mqtt_connected", "1 while connected to the broker.", {{"direction", "out"}})),
      slots_(std::max<std::uint32_t>(1, options_.max_in_flight)),
      window_(static_cast<std::uint32_t>(slots_.size())),
      pace_(options_.reconnect_min_ns, options_.reconnect_max_ns, std::random_device{}()) {
  for (auto i = static_cast<std::uint32_t>(slots_.size()); i > 0; --i) free_.push_back(i - 1);
}

paho_egress::~paho_egress() { stop(); }

status paho_egress::start() {
  if (const auto port = broker_port(options_.url); !port) return port.error();
  if (options_.version != 5 && options_.version != 3)
    return failure{errc::invalid_argument, "MQTT version must be 5 or 3 (3.1.1)"};
  if (thread_.joinable()) return failure{errc::conflict, "the MQTT egress is already started"};
  stopping_ = false;
  set_state(source_phase::connecting, "not connected yet");
  thread_ = std::thread([this] { run(); });
  return {};
}

void paho_egress::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  set_state(source_phase::stopped, "");
}

void paho_egress::run() {
  while (!stopping_)
    if (connect_once()) stay_connected();
  leave(true);
}

status paho_egress::connect_client(native& next) {
  std::unique_lock gate(connect_gate(), std::defer_lock);
  while (!gate.try_lock_for(20ms))
    if (stopping_) return failure{errc::unavailable, "stopped while connecting"};
  try {
    const auto token = next.client.connect(next.connect);
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::nanoseconds(options_.connect_timeout_ns) + 1s;
    while (!token->wait_for(20ms))
      if (stopping_ || std::chrono::steady_clock::now() > until)
        return failure{errc::unavailable, "no answer from " + options_.url};
    window_ = window_of(*token, static_cast<std::uint32_t>(slots_.size()));
    return {};
  } catch (const std::exception& refused) {
    return failure{errc::unavailable, "connect to " + options_.url + ": " + refused.what()};
  }
}

bool paho_egress::connect_once() {
  {
    const std::lock_guard lock(mutex_);
    lost_ = false;
    lost_why_.clear();
  }
  std::unique_ptr<native> next;
  status made;
  try {
    next = std::make_unique<native>(*this, options_, options_.client_id + "-out");
    made = connect_client(*next);
  } catch (const std::exception& refused) {
    made = failure{errc::invalid_argument, options_.url + ": " + refused.what()};
  }
  if (!made) {
    next.reset();
    if (stopping_) return false;
    connect_failures_.add();
    const auto wait = pace_.next();
    set_state(source_phase::connecting, made.error().what);
    log::warning(component, "cannot connect for publishing, will try again",
                 {{"broker", options_.url},
                  {"reason", made.error().what},
                  {"retry_in_ms", wait.count() / 1'000'000}});
    sleep_for(wait);
    return false;
  }
  try {
    if (!options_.will_topic.empty())
      next->client.publish(options_.will_topic, "online", 6, 1, true);
  } catch (const std::exception&) { // lost again already: on_lost has been told
  }
  {
    const std::unique_lock lock(client_mutex_);
    native_ = std::move(next);
  }
  connects_.add();
  pace_.reset();
  set_state(source_phase::connected, "");
  connected_gauge_.set(1);
  {
    const std::lock_guard lock(mutex_);
    connected_ = !lost_;
  }
  log::info(component, "connected for publishing", {{"broker", options_.url}});
  return true;
}

void paho_egress::stay_connected() {
  std::string why;
  {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return lost_ || stopping_; });
    if (!lost_) return; // stopping: run() leaves in good order
    why = lost_why_;
  }
  connected_ = false;
  connected_gauge_.set(0);
  losses_.add();
  set_state(source_phase::connecting, "connection lost: " + why);
  log::warning(component, "connection for publishing lost",
               {{"broker", options_.url}, {"reason", why}});
  leave(false);
  sleep_for(pace_.next());
}

void paho_egress::leave(bool in_good_order) {
  if (in_good_order && native_ && connected_) {
    const auto until = std::chrono::steady_clock::now() + 1s;
    while (in_flight() > 0 && connected_ && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(2ms);
    try {
      if (!options_.will_topic.empty())
        native_->client.publish(options_.will_topic, "offline", 7, 1, true)->wait_for(500ms);
      native_->client.disconnect(500)->wait_for(1s);
    } catch (const std::exception&) { // the broker is gone: it has our last will
    }
  }
  connected_ = false;
  connected_gauge_.set(0);
  {
    // waits for whoever is inside publish(), and with the client its open tokens go
    const std::unique_lock lock(client_mutex_);
    native_.reset();
  }
  fail_all();
}

void paho_egress::sleep_for(std::chrono::nanoseconds span) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, span, [&] { return stopping_.load(); });
}

void paho_egress::set_state(source_phase phase, std::string why) {
  const std::lock_guard lock(mutex_);
  state_ = {phase, std::move(why)};
}

source_state paho_egress::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

} // namespace pollux::bridge
