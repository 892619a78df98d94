// SPDX-License-Identifier: Apache-2.0
// The connect loop of paho_egress, run by its broker_link's thread.
#include "bridge/mqtt/paho_egress_native.hpp"
#include "bridge/mqtt/paho_socket.hpp"
#include "messages/observability/log.hpp"
#include <chrono>

namespace pollux::bridge {

using namespace std::chrono_literals;
namespace log = messages::log;

namespace {

constexpr const char* component = "mqtt";

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
    : options_(std::move(options)), link_(options_, metrics, "out"),
      published_(metrics.make_counter("pollux_mqtt_published_total",
                                      "Publications the broker has taken.")),
      failed_(metrics.make_counter("pollux_mqtt_publish_failures_total",
                                   "Publications that failed, to be sent again.")),
      slots_(std::max<std::uint32_t>(1, options_.max_in_flight)),
      window_(static_cast<std::uint32_t>(slots_.size())) {
  for (auto i = static_cast<std::uint32_t>(slots_.size()); i > 0; --i) free_.push_back(i - 1);
}

paho_egress::~paho_egress() { stop(); }

status paho_egress::start() {
  return link_.start("the MQTT egress", [this] { run(); });
}

void paho_egress::stop() { link_.stop(); }

void paho_egress::run() {
  while (!link_.stopping())
    if (connect_once()) stay_connected();
  leave(true);
}

status paho_egress::connect_client(native& next) {
  std::unique_lock gate(connect_gate(), std::defer_lock);
  while (!gate.try_lock_for(20ms))
    if (link_.stopping()) return failure{errc::unavailable, "stopped while connecting"};
  try {
    const auto token = next.client.connect(next.connect);
    const auto until = std::chrono::steady_clock::now() +
                       std::chrono::nanoseconds(options_.connect_timeout_ns) + 1s;
    while (!token->wait_for(20ms))
      if (link_.stopping() || std::chrono::steady_clock::now() > until)
        return failure{errc::unavailable, "no answer from " + options_.url};
    window_ = window_of(*token, static_cast<std::uint32_t>(slots_.size()));
    return {};
  } catch (const std::exception& refused) {
    return failure{errc::unavailable, "connect to " + options_.url + ": " + refused.what()};
  }
}

bool paho_egress::connect_once() {
  link_.expect();
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
    if (!link_.stopping())
      link_.back_off(made.error(), "cannot connect for publishing, will try again");
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
  link_.connects.add();
  link_.pace.reset();
  link_.note_connected();
  link_.unless_lost([this] { connected_ = true; });
  log::info(component, "connected for publishing", {{"broker", options_.url}});
  return true;
}

void paho_egress::stay_connected() {
  const auto lost = link_.wait_for_end([] { return false; });
  if (!lost) return; // stopping: run() leaves in good order
  connected_ = false;
  link_.connected.set(0);
  link_.note_loss(*lost, "connection for publishing lost");
  leave(false);
  link_.sleep_for(link_.pace.next());
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
  link_.connected.set(0);
  {
    // waits for whoever is inside publish(), and with the client its open tokens go
    const std::unique_lock lock(client_mutex_);
    native_.reset();
  }
  fail_all();
}

} // namespace pollux::bridge
