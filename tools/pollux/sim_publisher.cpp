// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/sim_publisher.hpp"
#include <condition_variable>
#include <deque>
#include <map>
#include <mqtt/async_client.h>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace pollux::tools {

namespace {
using namespace std::chrono_literals;

struct pending_message {
  std::string topic, payload, correlation_data;
  std::uint64_t token = 0;
};

mqtt::connect_options make_connect_options(const publisher_options& options) {
  auto out = mqtt::connect_options_builder()
                 .mqtt_version(MQTTVERSION_5)
                 .clean_start(true)
                 .keep_alive_interval(30s)
                 .max_inflight(static_cast<int>(std::min<std::uint32_t>(options.window, 65535)))
                 .finalize();
  if (!options.username.empty()) {
    out.set_user_name(options.username);
    out.set_password(options.password);
  }
  if (options.url.starts_with("ssl://")) {
    mqtt::ssl_options tls;
    if (!options.ca_file.empty()) tls.set_trust_store(options.ca_file);
    tls.set_verify(true);
    out.set_ssl(tls);
  }
  return out;
}
} // namespace

/// Paho's callbacks only take note under the mutex and wake whoever waits; all calls into Paho come
/// from the caller's own thread, so nothing can wait for itself.
struct sim_publisher::body : mqtt::callback, mqtt::iaction_listener {
  explicit body(const publisher_options& o)
      : options(o),
        client(o.url,
               o.client_id.empty() ? "pollux-sim-" + std::to_string(::getpid()) : o.client_id,
               mqtt::create_options(MQTTVERSION_5, static_cast<int>(2 * o.window + 100))),
        connect_options(make_connect_options(o)) {
    client.set_callback(*this);
  }

  publisher_options options;
  mqtt::async_client client;
  mqtt::connect_options connect_options; // Paho keeps pointers into it
  std::string filter;
  std::mutex listening; // held while arrived runs
  std::function<void(received_message)> arrived;

  mutable std::mutex mutex;
  std::condition_variable changed;
  bool up = false;
  std::uint64_t next_serial = 1, published = 0, acknowledged = 0, resent = 0, next_token = 0;
  std::map<std::uint64_t, pending_message> unacknowledged; // by serial
  std::deque<std::uint64_t> again;                         // serials to send once more
  std::uint64_t generation = 0;                            // of the connection

  // tokens carry their message's serial (48 bits) and connection, packed into the user context: a
  // failure that belongs to an earlier connection says nothing new, its message went out again
  static constexpr std::uint64_t serial_mask = (std::uint64_t{1} << 48) - 1;
  void* context_of(std::uint64_t serial) const {
    return reinterpret_cast<void*>(static_cast<std::uintptr_t>(generation << 48 | serial));
  }
  void on_success(const mqtt::token& token) override { settle(token, true); }
  void on_failure(const mqtt::token& token) override { settle(token, false); }
  void settle(const mqtt::token& token, bool delivered) {
    const auto context = reinterpret_cast<std::uintptr_t>(token.get_user_context());
    const auto serial = context & serial_mask;
    std::lock_guard lock(mutex);
    if (delivered)
      acknowledged += unacknowledged.erase(serial);
    else if (context >> 48 == (generation & 0xffff) && unacknowledged.contains(serial))
      again.push_back(serial);
    changed.notify_all();
  }
  void connection_lost(const std::string&) override {
    std::lock_guard lock(mutex);
    up = false;
    changed.notify_all();
  }
  void message_arrived(mqtt::const_message_ptr message) override {
    if (!message) return;
    received_message out{message->get_topic(), message->to_string(), {}, {}};
    const auto& properties = message->get_properties();
    if (properties.contains(mqtt::property::RESPONSE_TOPIC))
      out.response_topic = mqtt::get<std::string>(properties, mqtt::property::RESPONSE_TOPIC);
    if (properties.contains(mqtt::property::CORRELATION_DATA))
      out.correlation_data = mqtt::get<mqtt::binary>(properties, mqtt::property::CORRELATION_DATA);
    std::lock_guard lock(listening);
    if (arrived) arrived(std::move(out));
  }

  /// One attempt; afterwards everything unacknowledged waits to be sent again.
  status try_connect() {
    try {
      if (!client.connect(connect_options)->wait_for(5s))
        return failure{errc::timed_out, options.url + ": no answer within 5 s"};
      if (!filter.empty() && !client.subscribe(filter, 1)->wait_for(5s))
        return failure{errc::timed_out, options.url + ": no answer to SUBSCRIBE within 5 s"};
    } catch (const mqtt::exception& e) {
      return failure{errc::unavailable, options.url + ": " + e.what()};
    }
    std::lock_guard lock(mutex);
    up = true;
    ++generation;
    again.clear();
    for (const auto& [serial, message] : unacknowledged) again.push_back(serial);
    return {};
  }

  status send(std::uint64_t serial, const pending_message& m) {
    try {
      auto message = mqtt::make_message(m.topic, m.payload, options.qos, false);
      if (!m.correlation_data.empty()) {
        mqtt::properties properties;
        properties.add({mqtt::property::CORRELATION_DATA, m.correlation_data});
        message->set_properties(properties);
      }
      client.publish(message, context_of(serial), *this);
      return {};
    } catch (const mqtt::exception& e) {
      return failure{errc::unavailable, options.url + ": " + e.what()};
    }
  }

  /// Reconnects when the connection is down and sends again what has to be; called without the
  /// lock.
  void mend(const std::function<bool()>& stop) {
    for (;;) {
      std::unique_lock lock(mutex);
      if (!up) {
        lock.unlock();
        if (stop()) return;
        if (!try_connect().ok()) std::this_thread::sleep_for(200ms);
        continue;
      }
      if (again.empty()) return;
      const auto serial = again.front();
      again.pop_front();
      const auto found = unacknowledged.find(serial);
      if (found == unacknowledged.end()) continue;
      const auto copy = found->second;
      ++resent;
      lock.unlock();
      if (!send(serial, copy).ok()) {
        std::lock_guard relock(mutex);
        again.push_front(serial);
        up = up && client.is_connected();
        if (up) return; // Paho's own buffer is full: the next call tries again
      }
    }
  }
};

sim_publisher::sim_publisher(std::unique_ptr<body> b) : body_(std::move(b)) {}

sim_publisher::~sim_publisher() {
  try {
    body_->client.disable_callbacks();
    if (body_->client.is_connected()) body_->client.disconnect()->wait_for(2s);
  } catch (const mqtt::exception&) { // the connection is gone anyway
  }
}

result<std::unique_ptr<sim_publisher>> sim_publisher::connect(const publisher_options& options) {
  const auto deadline = std::chrono::steady_clock::now() + options.connect_timeout;
  try {
    auto b = std::make_unique<body>(options);
    for (;;) {
      const auto tried = b->try_connect();
      if (tried.ok()) return std::unique_ptr<sim_publisher>(new sim_publisher(std::move(b)));
      if (std::chrono::steady_clock::now() >= deadline)
        return failure{errc::unavailable, "no broker at " + tried.error().what};
      std::this_thread::sleep_for(200ms);
    }
  } catch (const std::exception& e) { // Paho refuses some urls with exceptions of its own
    return failure{errc::unavailable, options.url + ": " + e.what()};
  }
}

status sim_publisher::subscribe(const std::string& filter,
                                std::function<void(received_message)> arrived) {
  {
    std::lock_guard lock(body_->listening);
    body_->arrived = std::move(arrived);
  }
  body_->filter = filter;
  try {
    if (body_->client.subscribe(filter, 1)->wait_for(5s)) return {};
    return failure{errc::timed_out, "no answer to SUBSCRIBE " + filter + " within 5 s"};
  } catch (const mqtt::exception& e) {
    return failure{errc::unavailable, "SUBSCRIBE " + filter + ": " + e.what()};
  }
}

void sim_publisher::stop_listening() {
  std::lock_guard lock(body_->listening);
  body_->arrived = nullptr;
}

status sim_publisher::publish(const std::string& topic, const std::string& payload,
                              std::uint64_t token, const std::function<bool()>& stop,
                              const std::string& correlation_data) {
  auto& b = *body_;
  for (;;) {
    b.mend(stop);
    std::unique_lock lock(b.mutex);
    if (b.up && b.unacknowledged.size() < b.options.window) break;
    if (stop()) return failure{errc::unavailable, "interrupted"};
    b.changed.wait_for(lock, 100ms);
  }
  pending_message message{topic, payload, correlation_data, token};
  std::uint64_t serial = 0;
  {
    std::lock_guard lock(b.mutex);
    serial = b.next_serial++;
    b.unacknowledged.emplace(serial, message);
    b.next_token = token + 1;
    ++b.published;
  }
  if (!b.send(serial, message).ok()) {
    std::lock_guard lock(b.mutex);
    b.again.push_back(serial);
    b.up = b.up && b.client.is_connected();
  }
  return {};
}

bool sim_publisher::drain(std::chrono::milliseconds limit, const std::function<bool()>& stop) {
  auto& b = *body_;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  const auto over = [&] { return stop() || std::chrono::steady_clock::now() >= deadline; };
  for (;;) {
    b.mend(over);
    std::unique_lock lock(b.mutex);
    if (b.unacknowledged.empty()) return true;
    if (over()) return false;
    b.changed.wait_for(lock, 50ms);
  }
}

publisher_counts sim_publisher::counts() const {
  std::lock_guard lock(body_->mutex);
  const auto& waiting = body_->unacknowledged;
  return {body_->published, body_->acknowledged, body_->resent, waiting.size(),
          waiting.empty() ? body_->next_token : waiting.begin()->second.token};
}

bool sim_publisher::connected() const {
  std::lock_guard lock(body_->mutex);
  return body_->up;
}

} // namespace pollux::tools
