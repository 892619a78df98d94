// SPDX-License-Identifier: Apache-2.0
// The callback side is Paho's thread and waits for nothing but, for a moment, credits; the connect
// loop is a thread of our own.
#include "bridge/mqtt/paho_source.hpp"
#include "messages/observability/log.hpp"
#include <chrono>
#include <random>

namespace pollux::bridge {

using namespace std::chrono_literals;
namespace log = messages::log;

namespace {

constexpr const char* component = "mqtt";
constexpr std::int64_t goodbye_ns = 1'000'000'000;
constexpr auto credit_patience = 500ms;

messages::counter& counter(messages::metrics& m, const char* name, const char* help) {
  return m.make_counter(name, help, {{"direction", "in"}});
}

} // namespace

paho_source::paho_source(broker_options options, std::vector<subscription> subscriptions,
                         arrival_handler& handler, messages::inlet& inlet,
                         messages::metrics& metrics)
    : options_(std::move(options)), subscriptions_(std::move(subscriptions)), handler_(handler),
      inlet_(inlet), connects_(counter(metrics, "pollux_mqtt_connects_total",
                                       "Connections made to an MQTT broker.")),
      connect_failures_(counter(metrics, "pollux_mqtt_connect_failures_total",
                                "Attempts to connect to an MQTT broker that failed.")),
      losses_(counter(metrics, "pollux_mqtt_connections_lost_total",
                      "Connections to an MQTT broker that broke.")),
      pauses_(metrics.make_counter("pollux_mqtt_pauses_total",
                                   "Times the node left the broker because it took no more.")),
      unacknowledged_(
          metrics.make_counter("pollux_mqtt_unacknowledged_total",
                               "Messages not acknowledged, so that the broker sends them again "
                               "(at QoS 0 they are lost).")),
      sessions_lost_(metrics.make_counter("pollux_mqtt_sessions_lost_total",
                                          "Reconnects at which the broker had forgotten what it "
                                          "queued for us.")),
      connected_(metrics.make_gauge("pollux_mqtt_connected", "1 while connected to the broker.",
                                    {{"direction", "in"}})),
      pace_(options_.reconnect_min_ns, options_.reconnect_max_ns, std::random_device{}()),
      pause_pace_(20'000'000, 2'000'000'000, std::random_device{}()) {
  base_ = {connects_.value(), connect_failures_.value(), losses_.value(),
           pauses_.value(),   unacknowledged_.value(),   sessions_lost_.value()};
}

paho_source::~paho_source() { stop(); }

status paho_source::start() {
  if (const auto port = broker_port(options_.url); !port) return port.error();
  if (options_.client_id.empty() && !options_.clean_start)
    return failure{errc::invalid_argument, "a persistent MQTT session needs a client id"};
  if (options_.version != 5 && options_.version != 3)
    return failure{errc::invalid_argument, "MQTT version must be 5 or 3 (3.1.1)"};
  if (thread_.joinable()) return failure{errc::conflict, "the MQTT source is already started"};
  stopping_ = false;
  set_state(source_phase::connecting, "not connected yet");
  thread_ = std::thread([this] { run(); });
  return {};
}

void paho_source::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  set_state(source_phase::stopped, "");
}

// --- Paho's thread

void paho_source::on_message(const arrival& message) noexcept {
  if (refused_.load(std::memory_order_relaxed)) return;
  if (const auto why = take(message)) return refuse(*why);
  taken_.store(taken_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

std::optional<errc> paho_source::take(const arrival& message) noexcept {
  try {
    wait_for_credit();
    const auto verdict = handler_.handle(message);
    if (verdict.what == disposition::retry) return verdict.why;
    if (verdict.what != disposition::submitted || message.qos == 0) return std::nullopt;
    const auto written = inlet_.flush(verdict.durability, verdict.first);
    if (!written) return written.error().code;
    return std::nullopt;
  } catch (...) { // an exception must not reach Paho's C code
    return errc::internal;
  }
}

// At QoS 0 leaving the broker loses what it sends meanwhile, and twins that are a moment behind
// give credits back within milliseconds; so the callback waits, but never as long as a ping could
// miss.
void paho_source::wait_for_credit() const {
  if (inlet_.has_credit()) return;
  const auto patience = std::chrono::steady_clock::now() + credit_patience;
  while (!inlet_.has_credit() && !stopping_ && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(1ms);
}

void paho_source::refuse(errc why) noexcept {
  connection_->sever();
  unacknowledged_.add();
  {
    const std::lock_guard lock(mutex_); // only ever held for a moment
    refused_why_ = why;
    refused_ = true;
  }
  wake_.notify_all();
}

void paho_source::on_lost(std::string_view cause) noexcept {
  {
    const std::lock_guard lock(mutex_);
    lost_ = true;
    lost_why_ = cause;
  }
  wake_.notify_all();
}

// --- our thread

void paho_source::run() {
  while (!stopping_) {
    if (!inlet_.accepting()) {
      wait_until_accepting();
      continue;
    }
    if (!connect_once()) continue;
    stay_connected();
  }
}

bool paho_source::connect_once() {
  {
    const std::lock_guard lock(mutex_);
    lost_ = false;
    lost_why_.clear();
  }
  refused_ = false;
  taken_ = 0;
  paho_events& events = *this;
  connection_ = std::make_unique<paho_connection>(options_, events);
  const auto opened = connection_->open(stopping_);
  auto ready = opened ? connection_->subscribe(subscriptions_, stopping_) : opened.error();
  if (refused_) { // a queued message came before the subscription, and found the inlet closed
    connects_.add();
    return true;
  }
  if (opened && !ready && ready.error().code == errc::refused) {
    // one filter denied must not silence the others
    log::error(component, ready.error().what, {{"broker", options_.url}});
    ready = {};
  }
  if (ready) {
    connects_.add();
    if (had_session_ && !*opened && !options_.clean_start) {
      sessions_lost_.add();
      log::warning(component,
                   "the broker has forgotten our session: what it queued meanwhile is lost",
                   {{"broker", options_.url}, {"client_id", options_.client_id}});
    }
    had_session_ = true;
    set_state(source_phase::connected, "");
    connected_.set(1);
    log::info(component, "connected and subscribed",
              {{"broker", options_.url}, {"session_present", *opened}});
    return true;
  }
  leave(false);
  if (stopping_) return false;
  connect_failures_.add();
  const auto wait = pace_.next();
  set_state(source_phase::connecting, ready.error().what);
  log::warning(component, "cannot connect, will try again",
               {{"broker", options_.url},
                {"reason", ready.error().what},
                {"retry_in_ms", wait.count() / 1'000'000}});
  sleep_for(wait);
  return false;
}

void paho_source::stay_connected() {
  std::string why;
  bool lost = false;
  {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return lost_ || refused_ || stopping_; });
    lost = lost_ && !refused_;
    why = lost_why_;
  }
  connected_.set(0);
  if (taken_ > 0) {
    pace_.reset();
    pause_pace_.reset();
  }
  if (refused_) {
    pauses_.add();
    const char* reason = to_string(refused_why_);
    set_state(source_phase::paused, std::string("the node takes no more: ") + reason);
    log::warning(component, "left the broker: the node takes no more messages for now",
                 {{"reason", reason}});
    leave(false);
    // accepting() may be true already (one closed journal call), so never hammer the broker
    sleep_for(pause_pace_.next());
  } else if (lost && !stopping_) {
    losses_.add();
    set_state(source_phase::connecting, "connection lost: " + why);
    log::warning(component, "connection lost", {{"broker", options_.url}, {"reason", why}});
    leave(false);
    sleep_for(pace_.next());
  } else {
    leave(true);
  }
}

void paho_source::wait_until_accepting() {
  if (state().phase != source_phase::paused)
    set_state(source_phase::paused, "the node takes no more");
  while (!stopping_ && !inlet_.accepting()) sleep_for(5ms);
  if (!stopping_) set_state(source_phase::connecting, "the node takes messages again");
}

void paho_source::leave(bool in_good_order) {
  if (!connection_) return;
  if (in_good_order) connection_->close(goodbye_ns);
  connection_->drop(); // before the pointer goes: a callback may be using it this moment
  connection_.reset();
}

void paho_source::sleep_for(std::chrono::nanoseconds span) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, span, [&] { return stopping_.load(); });
}

void paho_source::set_state(source_phase phase, std::string why) {
  const std::lock_guard lock(mutex_);
  state_ = {phase, std::move(why)};
}

source_state paho_source::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

source_counters paho_source::counters() const {
  return {connects_.value() - base_.connects,
          connect_failures_.value() - base_.connect_failures,
          losses_.value() - base_.losses,
          pauses_.value() - base_.pauses,
          unacknowledged_.value() - base_.unacknowledged,
          sessions_lost_.value() - base_.sessions_lost};
}

} // namespace pollux::bridge
