// SPDX-License-Identifier: Apache-2.0
#include "bridge/mqtt/receiver/receiver_source.hpp"
#include "bridge/mqtt/receiver/receiver.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <random>

namespace pollux::bridge {

namespace log = messages::log;
namespace asio = boost::asio;

namespace {

constexpr const char* component = "mqtt";
constexpr auto look_for_room_every = std::chrono::milliseconds(5);

std::uint16_t word(std::uint32_t value, std::uint32_t least) {
  return static_cast<std::uint16_t>(std::clamp<std::uint32_t>(value, least, 65'535));
}

mqtt::session_options session_of(const broker_options& broker, topic_set&& set) {
  mqtt::session_options out;
  out.version = broker.version == 5 ? 5 : 4;
  out.client_id = set.name.empty() ? broker.client_id : broker.client_id + "-" + set.name;
  out.username = broker.username;
  out.password = broker.password;
  out.clean_start = broker.clean_start;
  out.session_expiry_s = broker.session_expiry_s;
  out.keep_alive_s = word(broker.keep_alive_s, 1);
  out.receive_maximum = word(broker.receive_maximum, 1);
  out.max_message_bytes = std::max<std::size_t>(broker.max_message_bytes, 512 * 1024);
  out.subscriptions = std::move(set.subscriptions);
  return out;
}

messages::counter& count(messages::metrics& m, const char* name, const char* help) {
  return m.make_counter(name, help, {{"direction", "in"}});
}

} // namespace

receiver_source::receiver_source(broker_options options, std::vector<topic_set> sets,
                                 arrival_handler& handler, messages::inlet& inlet,
                                 messages::metrics& metrics)
    : options_(std::move(options)), handler_(handler), inlet_(inlet),
      connects_(
          count(metrics, "pollux_mqtt_connects_total", "Connections made to an MQTT broker.")),
      connect_failures_(count(metrics, "pollux_mqtt_connect_failures_total",
                              "Attempts to connect to an MQTT broker that failed.")),
      losses_(count(metrics, "pollux_mqtt_connections_lost_total",
                    "Connections to an MQTT broker that broke.")),
      pauses_(metrics.make_counter("pollux_mqtt_pauses_total",
                                   "Times the node took no more and its source paused.")),
      unacknowledged_(
          metrics.make_counter("pollux_mqtt_unacknowledged_total",
                               "Messages not acknowledged, so that the broker sends them again "
                               "(at QoS 0 they are lost).")),
      sessions_lost_(metrics.make_counter("pollux_mqtt_sessions_lost_total",
                                          "Reconnects at which the broker had forgotten what it "
                                          "queued for us.")),
      acknowledged_(metrics.make_counter("pollux_mqtt_acknowledged_total",
                                         "Messages acknowledged to the broker.")),
      connected_(metrics.make_gauge("pollux_mqtt_connected", "1 while connected to the broker.",
                                    {{"direction", "in"}})) {
  base_ = {connects_.value(), connect_failures_.value(), losses_.value(),
           pauses_.value(),   unacknowledged_.value(),   sessions_lost_.value()};
  for (auto& set : sets) {
    connections_.push_back(std::make_unique<connection>(reconnect_pace(
        options_.reconnect_min_ns, options_.reconnect_max_ns, std::random_device{}())));
    connections_.back()->options = session_of(options_, std::move(set));
    connections_.back()->state = {source_phase::stopped, ""};
  }
}

receiver_source::~receiver_source() { stop(); }

status receiver_source::start() {
  if (thread_.joinable()) return failure{errc::conflict, "the MQTT source is already started"};
  if (options_.client_id.empty() && !options_.clean_start)
    return failure{errc::invalid_argument, "a persistent MQTT session needs a client id"};
  if (options_.version != 5 && options_.version != 3)
    return failure{errc::invalid_argument, "MQTT version must be 5 or 3 (3.1.1)"};
  auto to = mqtt::parse_broker_url(options_.url);
  if (!to) return to.error();
  to_ = std::move(*to);
  if (to_.tls) {
    auto context = mqtt::tls_context::make(options_);
    if (!context) return context.error();
    tls_ = std::move(*context);
  }
  stopping_ = false;
  io_ = std::make_unique<asio::io_context>(1);
  for (auto& c : connections_) {
    c->retry = std::make_unique<asio::steady_timer>(*io_);
    tell(*c, source_phase::connecting, "not connected yet");
    asio::post(*io_, [this, &c = *c] { open(c); });
  }
  inlet_.on_durable(this, [this] { durable_rose(); });
  thread_ = std::thread([this] { run(); });
  return {};
}

void receiver_source::stop() {
  if (!thread_.joinable()) return;
  asio::post(*io_, [this] {
    stopping_ = true;
    for (auto& c : connections_) {
      c->retry->cancel();
      if (c->link) c->link->leave();
    }
  });
  thread_.join();
  inlet_.forget_durable(this);
  for (auto& c : connections_) {
    c->link.reset();
    c->retry.reset();
    tell(*c, source_phase::stopped, "");
  }
  io_.reset();
  connected_.set(0);
}

// Ends by itself when every link has ended and nothing waits any more.
void receiver_source::run() { io_->run(); }

void receiver_source::open(connection& c) {
  if (stopping_) return;
  if (!inlet_.accepting()) {
    if (c.state.phase != source_phase::paused)
      tell(c, source_phase::paused, "the node takes no more");
    return open_later(c, look_for_room_every);
  }
  const mqtt::link_surroundings with{
      *io_,        handler_, inlet_,       tls_, options_.connect_timeout_ns,
      looks_soon_, waiting_, acknowledged_};
  mqtt::link_events& events = *this;
  c.link = std::make_shared<mqtt::receiver_link>(with, to_, c.options, c.memory, events);
  c.link->start();
}

void receiver_source::open_later(connection& c, std::chrono::nanoseconds wait) {
  c.retry->expires_after(wait);
  c.retry->async_wait([this, &c](const boost::system::error_code& why) {
    if (!why) open(c);
  });
}

receiver_source::connection& receiver_source::of(const mqtt::receiver_link& link) {
  return **std::find_if(connections_.begin(), connections_.end(),
                        [&](const auto& c) { return c->link.get() == &link; });
}

void receiver_source::on_established(mqtt::receiver_link& link) {
  auto& c = of(link);
  connects_.add();
  const auto& protocol = link.protocol();
  if (!protocol.denied().empty()) // one filter denied must not silence the others
    log::error(component, "the broker does not grant: " + protocol.denied(),
               {{"broker", options_.url}});
  if (c.had_session && !protocol.session_present() && !options_.clean_start) {
    sessions_lost_.add();
    log::warning(component,
                 "the broker has forgotten our session: what it queued meanwhile is lost",
                 {{"broker", options_.url}, {"client_id", c.options.client_id}});
  }
  c.had_session = true;
  c.pace.reset();
  tell(c, source_phase::connected, "");
  log::info(component, "connected and subscribed",
            {{"broker", options_.url},
             {"client_id", c.options.client_id},
             {"session_present", protocol.session_present()}});
}

void receiver_source::on_blocked(mqtt::receiver_link& link, errc why) {
  pauses_.add();
  const std::string reason = to_string(why);
  tell(of(link), source_phase::paused, "the node takes no more: " + reason);
  log::warning(component, "stopped reading from the broker: the node takes no more for now",
               {{"reason", reason}});
}

void receiver_source::on_unblocked(mqtt::receiver_link& link) {
  tell(of(link), source_phase::connected, "");
}

void receiver_source::on_ended(mqtt::receiver_link& link) {
  auto& c = of(link);
  const auto& end = link.end();
  if (end.batch_lost) {
    unacknowledged_.add(link.left_over());
    pauses_.add();
  }
  if (stopping_) return tell(c, source_phase::stopped, "");
  const auto wait = c.pace.next();
  (link.established() ? losses_ : connect_failures_).add();
  tell(c, end.batch_lost ? source_phase::paused : source_phase::connecting,
       (link.established() ? "connection lost: " : "") + end.text);
  log::warning(component, link.established() ? "connection lost" : "cannot connect, will try again",
               {{"broker", options_.url},
                {"client_id", c.options.client_id},
                {"reason", end.text},
                {"retry_in_ms", wait.count() / 1'000'000}});
  open_later(c, wait);
}

void receiver_source::tell(connection& c, source_phase phase, std::string why) {
  {
    const std::lock_guard lock(state_mutex_);
    c.state = {phase, std::move(why)};
  }
  connected_.set(state().phase == source_phase::connected ? 1 : 0);
}

// The first connection that is not well speaks for all.
source_state receiver_source::state() const {
  const std::lock_guard lock(state_mutex_);
  for (const auto& c : connections_)
    if (c->state.phase != source_phase::connected) return c->state;
  return {connections_.empty() ? source_phase::stopped : source_phase::connected, ""};
}

// From the journal's threads. At most one look is on its way, and none while the I/O thread is
// about to look by itself.
void receiver_source::durable_rose() {
  if (waiting_.load() == 0 || looks_soon_.load()) return;
  if (told_.exchange(true, std::memory_order_acq_rel)) return;
  asio::post(*io_, [this] {
    told_.store(false, std::memory_order_release);
    acknowledge_all();
  });
}

void receiver_source::acknowledge_all() {
  for (auto& c : connections_)
    if (c->link) c->link->acknowledge();
}

source_counters receiver_source::counters() const {
  return {connects_.value() - base_.connects,
          connect_failures_.value() - base_.connect_failures,
          losses_.value() - base_.losses,
          pauses_.value() - base_.pauses,
          unacknowledged_.value() - base_.unacknowledged,
          sessions_lost_.value() - base_.sessions_lost};
}

std::unique_ptr<source> make_receiver(broker_options options, std::vector<topic_set> sets,
                                      arrival_handler& handler, messages::inlet& inlet,
                                      messages::metrics& metrics) {
  return std::make_unique<receiver_source>(std::move(options), std::move(sets), handler, inlet,
                                           metrics);
}

} // namespace pollux::bridge
