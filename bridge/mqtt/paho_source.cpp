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

} // namespace

paho_source::paho_source(broker_options options, std::vector<subscription> subscriptions,
                         arrival_handler& handler, messages::inlet& inlet,
                         messages::metrics& metrics)
    : options_(std::move(options)), subscriptions_(std::move(subscriptions)), handler_(handler),
      inlet_(inlet), link_(options_, metrics, "in"),
      pauses_(metrics.make_counter("pollux_mqtt_pauses_total",
                                   "Times the node left the broker because it took no more.")),
      unacknowledged_(
          metrics.make_counter("pollux_mqtt_unacknowledged_total",
                               "Messages not acknowledged, so that the broker sends them again "
                               "(at QoS 0 they are lost).")),
      sessions_lost_(metrics.make_counter("pollux_mqtt_sessions_lost_total",
                                          "Reconnects at which the broker had forgotten what it "
                                          "queued for us.")),
      pause_pace_(20'000'000, 2'000'000'000, std::random_device{}()) {
  base_ = {link_.connects.value(), link_.connect_failures.value(), link_.losses.value(),
           pauses_.value(),        unacknowledged_.value(),        sessions_lost_.value()};
}

paho_source::~paho_source() { stop(); }

status paho_source::start() {
  if (options_.client_id.empty() && !options_.clean_start)
    return failure{errc::invalid_argument, "a persistent MQTT session needs a client id"};
  return link_.start("the MQTT source", [this] { run(); });
}

void paho_source::stop() { link_.stop(); }

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
  while (!inlet_.has_credit() && !link_.stopping() && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(1ms);
}

void paho_source::refuse(errc why) noexcept {
  connection_->sever();
  unacknowledged_.add();
  link_.tell([&] {
    refused_why_ = why;
    refused_ = true;
  });
}

void paho_source::on_lost(std::string_view cause) noexcept { link_.lose(cause); }

// --- our thread

void paho_source::run() {
  while (!link_.stopping()) {
    if (!inlet_.accepting()) {
      wait_until_accepting();
      continue;
    }
    if (!connect_once()) continue;
    stay_connected();
  }
}

bool paho_source::connect_once() {
  link_.expect();
  refused_ = false;
  taken_ = 0;
  paho_events& events = *this;
  connection_ = std::make_unique<paho_connection>(options_, events);
  const auto opened = connection_->open(link_.stopping());
  auto ready = opened ? connection_->subscribe(subscriptions_, link_.stopping()) : opened.error();
  if (refused_) { // a queued message came before the subscription, and found the inlet closed
    link_.connects.add();
    return true;
  }
  if (opened && !ready && ready.error().code == errc::refused) {
    // one filter denied must not silence the others
    log::error(component, ready.error().what, {{"broker", options_.url}});
    ready = {};
  }
  if (ready) {
    link_.connects.add();
    if (had_session_ && !*opened && !options_.clean_start) {
      sessions_lost_.add();
      log::warning(component,
                   "the broker has forgotten our session: what it queued meanwhile is lost",
                   {{"broker", options_.url}, {"client_id", options_.client_id}});
    }
    had_session_ = true;
    link_.note_connected();
    log::info(component, "connected and subscribed",
              {{"broker", options_.url}, {"session_present", *opened}});
    return true;
  }
  leave(false);
  if (!link_.stopping()) link_.back_off(ready.error(), "cannot connect, will try again");
  return false;
}

void paho_source::stay_connected() {
  const auto lost = link_.wait_for_end([this] { return refused_.load(); });
  link_.connected.set(0);
  if (taken_ > 0) {
    link_.pace.reset();
    pause_pace_.reset();
  }
  if (refused_) {
    pauses_.add();
    const char* reason = to_string(refused_why_);
    link_.set_state(source_phase::paused, std::string("the node takes no more: ") + reason);
    log::warning(component, "left the broker: the node takes no more messages for now",
                 {{"reason", reason}});
    leave(false);
    // accepting() may be true already (one closed journal call), so never hammer the broker
    link_.sleep_for(pause_pace_.next());
  } else if (lost && !link_.stopping()) {
    link_.note_loss(*lost, "connection lost");
    leave(false);
    link_.sleep_for(link_.pace.next());
  } else {
    leave(true);
  }
}

void paho_source::wait_until_accepting() {
  if (state().phase != source_phase::paused)
    link_.set_state(source_phase::paused, "the node takes no more");
  while (!link_.stopping() && !inlet_.accepting()) link_.sleep_for(5ms);
  if (!link_.stopping()) link_.set_state(source_phase::connecting, "the node takes messages again");
}

void paho_source::leave(bool in_good_order) {
  if (!connection_) return;
  if (in_good_order) connection_->close(goodbye_ns);
  connection_->drop(); // before the pointer goes: a callback may be using it this moment
  connection_.reset();
}

source_counters paho_source::counters() const {
  return {link_.connects.value() - base_.connects,
          link_.connect_failures.value() - base_.connect_failures,
          link_.losses.value() - base_.losses,
          pauses_.value() - base_.pauses,
          unacknowledged_.value() - base_.unacknowledged,
          sessions_lost_.value() - base_.sessions_lost};
}

} // namespace pollux::bridge
