// SPDX-License-Identifier: Apache-2.0
// publish() and the callbacks: one slot per publication on its way, freed exactly once.
#include "bridge/mqtt/paho_egress_native.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <chrono>

namespace pollux::bridge {

namespace log = messages::log;

namespace {

constexpr const char* component = "mqtt";

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

mqtt::properties properties_of(const messages::publication& p, std::int64_t left_ns) {
  mqtt::properties out;
  if (!p.content_type.empty())
    out.add(mqtt::property(mqtt::property::CONTENT_TYPE, p.content_type));
  if (!p.response_topic.empty())
    out.add(mqtt::property(mqtt::property::RESPONSE_TOPIC, p.response_topic));
  if (!p.correlation_data.empty())
    out.add(mqtt::property(mqtt::property::CORRELATION_DATA, p.correlation_data));
  if (!p.traceparent.empty())
    out.add(mqtt::property(mqtt::property::USER_PROPERTY, "traceparent", p.traceparent));
  if (left_ns > 0) {
    const auto seconds =
        std::min<std::int64_t>((left_ns + 999'999'999) / 1'000'000'000, 0x7fffffff);
    out.add(mqtt::property(mqtt::property::MESSAGE_EXPIRY_INTERVAL,
                           static_cast<std::int32_t>(seconds)));
  }
  return out;
}

} // namespace

status paho_egress::publish(messages::publication p, std::function<void(bool)> done) {
  if (p.topic.empty() || p.topic.size() > 65'535 ||
      p.topic.find_first_of(std::string_view("+#\0", 3)) != std::string::npos)
    return failure{errc::invalid_argument, "\"" + p.topic + "\" is no topic to publish to"};
  const auto left_ns = p.expires_at_ns == 0 ? 0 : p.expires_at_ns - now_ns();
  if (left_ns < 0) return failure{errc::timed_out, p.topic + ": expired before it could be sent"};
  if (!connected_ || link_.stopping())
    return failure{errc::unavailable, "not connected to the broker"};
  const std::shared_lock client(client_mutex_, std::try_to_lock);
  if (!client || !native_) return failure{errc::unavailable, "not connected to the broker"};
  const auto key = occupy(done);
  if (key == 0)
    return failure{errc::overloaded, std::to_string(window_) + " publications in flight"};
  try {
    auto message = mqtt::make_message(std::move(p.topic), std::move(p.payload),
                                      std::min<int>(1, p.qos), p.retain);
    if (options_.version == 5) {
      auto properties = properties_of(p, left_ns);
      if (!properties.empty()) message->set_properties(std::move(properties));
    }
    native_->client.publish(message, native::to_context(key), native_->publications);
  } catch (const std::exception& refused) {
    // settled meanwhile: the connection broke while we were here, and done(false) has been said
    if (!vacate(key)) return {};
    return failure{errc::unavailable, std::string("publish: ") + refused.what()};
  }
  return {};
}

paho_egress::slot_key paho_egress::occupy(std::function<void(bool)>& done) {
  const std::lock_guard lock(slots_mutex_);
  if (slots_.size() - free_.size() >= window_) return 0;
  const auto index = free_.back();
  free_.pop_back();
  auto& s = slots_[index];
  s.done = std::move(done);
  s.busy = true;
  if (++s.generation == 0) s.generation = 1; // so that no key is 0
  return (std::uint64_t{s.generation} << 32) | index;
}

bool paho_egress::vacate(slot_key key) {
  const std::lock_guard lock(slots_mutex_);
  auto& s = slots_[static_cast<std::uint32_t>(key)];
  if (!s.busy || s.generation != key >> 32) return false;
  s.busy = false;
  s.done = nullptr;
  free_.push_back(static_cast<std::uint32_t>(key));
  return true;
}

void paho_egress::settle(slot_key key, bool ok) {
  std::function<void(bool)> done;
  {
    const std::lock_guard lock(slots_mutex_);
    auto& s = slots_[static_cast<std::uint32_t>(key)];
    if (!s.busy || s.generation != key >> 32) return;
    done = std::move(s.done);
    s.done = nullptr;
    s.busy = false;
    free_.push_back(static_cast<std::uint32_t>(key));
  }
  (ok ? published_ : failed_).add();
  if (done) done(ok);
}

void paho_egress::fail_all() {
  std::vector<std::function<void(bool)>> open;
  {
    const std::lock_guard lock(slots_mutex_);
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      auto& s = slots_[i];
      if (!s.busy) continue;
      open.push_back(std::move(s.done));
      s.done = nullptr;
      s.busy = false;
      free_.push_back(i);
    }
  }
  failed_.add(open.size());
  for (auto& done : open)
    if (done) done(false);
}

std::uint32_t paho_egress::in_flight() const {
  const std::lock_guard lock(slots_mutex_);
  return static_cast<std::uint32_t>(slots_.size() - free_.size());
}

void paho_egress::on_lost(const std::string& cause) {
  connected_ = false; // before fail_all: from now on publish() takes nothing
  fail_all();
  link_.lose(cause.empty() ? "connection closed" : cause);
}

paho_egress::native::native(paho_egress& owner, const broker_options& options,
                            const std::string& client_id)
    : publications{owner}, connect(connect_options_for(options)),
      client(options.url, client_id,
             mqtt::create_options(options.version == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1,
                                  static_cast<int>(options.max_in_flight) + 16)) {
  client.set_connection_lost_handler([&owner](const std::string& cause) { owner.on_lost(cause); });
}

void paho_egress::native::listener::on_success(const mqtt::token& token) {
  owner.settle(from_context(token.get_user_context()), true);
}

void paho_egress::native::listener::on_failure(const mqtt::token& token) {
  if (token.get_reason_code() >= 0x80) // else the connection is lost, and on_lost says so once
    log::warning(component, "the broker refuses a publication",
                 {{"reason_code", static_cast<int>(token.get_reason_code())}});
  owner.settle(from_context(token.get_user_context()), false);
}

mqtt::connect_options paho_egress::native::connect_options_for(const broker_options& options) {
  mqtt::connect_options out;
  if (options.version == 5) {
    out.set_mqtt_version(MQTTVERSION_5);
    out.set_clean_start(true);
  } else {
    out.set_mqtt_version(MQTTVERSION_3_1_1);
    out.set_clean_session(true);
  }
  out.set_keep_alive_interval(static_cast<int>(std::max<std::uint32_t>(30, options.keep_alive_s)));
  out.set_connect_timeout(
      static_cast<int>(std::max<std::int64_t>(1, options.connect_timeout_ns / 1'000'000'000)));
  out.set_max_inflight(static_cast<int>(options.max_in_flight));
  if (!options.username.empty()) out.set_user_name(options.username);
  if (!options.password.empty()) out.set_password(options.password);
  if (!options.will_topic.empty())
    out.set_will(mqtt::will_options(options.will_topic, std::string("offline"), 1, true));
  if (options.url.starts_with("ssl://")) {
    mqtt::ssl_options tls;
    if (!options.ca_file.empty()) tls.set_trust_store(options.ca_file);
    if (!options.certificate_file.empty()) tls.set_key_store(options.certificate_file);
    if (!options.key_file.empty()) tls.set_private_key(options.key_file);
    tls.set_enable_server_cert_auth(true);
    tls.set_verify(true);
    out.set_ssl(std::move(tls));
  }
  return out;
}

} // namespace pollux::bridge
