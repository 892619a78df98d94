// SPDX-License-Identifier: Apache-2.0
// Paho's C client behind paho_connection: what is passed to it lives as long as it does.
#include "bridge/mqtt/paho_connection.hpp"
#include <MQTTAsync.h>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <unistd.h>

namespace pollux::bridge {

using namespace std::chrono_literals;

constexpr std::int64_t last_words_ns = 1'000'000'000;

struct paho_connection::native {
  MQTTAsync handle = nullptr;
  MQTTProperties properties = MQTTProperties_initializer;
  MQTTAsync_SSLOptions tls = MQTTAsync_SSLOptions_initializer;

  ~native() { MQTTProperties_free(&properties); }

  static paho_connection& self(void* context) { return *static_cast<paho_connection*>(context); }

  static std::string_view property(const MQTTProperties& all, MQTTPropertyCodes code) {
    for (int i = 0; i < all.count; ++i)
      if (all.array[i].identifier == code)
        return {all.array[i].value.data.data,
                static_cast<std::size_t>(all.array[i].value.data.len)};
    return {};
  }

  static std::string_view user_property(const MQTTProperties& all, std::string_view name) {
    for (int i = 0; i < all.count; ++i) {
      if (all.array[i].identifier != MQTTPROPERTY_CODE_USER_PROPERTY) continue;
      const auto& key = all.array[i].value.data;
      const auto& value = all.array[i].value.value;
      if (std::string_view(key.data, static_cast<std::size_t>(key.len)) == name)
        return {value.data, static_cast<std::size_t>(value.len)};
    }
    return {};
  }

  static int arrived(void* context, char* topic, int topic_size, MQTTAsync_message* message) {
    auto& connection = self(context);
    // after sever() nothing is looked at: it is all unacknowledged and comes again
    if (!connection.severed_.load(std::memory_order_relaxed)) {
      arrival in;
      in.topic = {topic,
                  topic_size > 0 ? static_cast<std::size_t>(topic_size) : std::strlen(topic)};
      in.payload = {static_cast<const char*>(message->payload),
                    static_cast<std::size_t>(message->payloadlen)};
      in.received_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
      in.qos = static_cast<std::uint8_t>(message->qos);
      in.retained = message->retained != 0;
      in.duplicate = message->dup != 0;
      if (message->properties.count > 0) {
        in.correlation_data = property(message->properties, MQTTPROPERTY_CODE_CORRELATION_DATA);
        in.content_type = property(message->properties, MQTTPROPERTY_CODE_CONTENT_TYPE);
        in.traceparent = user_property(message->properties, "traceparent");
      }
      connection.events_.on_message(in);
    }
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1; // 0 would queue the message inside Paho and acknowledge it all the same
  }

  static void lost(void* context, char* cause) {
    self(context).lost_ = true;
    self(context).events_.on_lost(cause != nullptr ? cause : "connection closed");
  }

  template <class Fill> static void settle(void* context, bool ok, Fill fill) {
    auto& connection = self(context);
    const std::lock_guard lock(connection.mutex_);
    connection.answer_.ok = ok;
    fill(connection.answer_);
    connection.answer_.pending = false;
    connection.changed_.notify_all();
  }
  static void failed(void* context, int code, const char* message) {
    settle(context, false, [&](answer& a) {
      a.code = code;
      const char* text = message != nullptr ? message : MQTTAsync_strerror(code);
      a.text = text != nullptr ? text : "";
    });
  }
  static void failed3(void* context, MQTTAsync_failureData* data) {
    failed(context, data != nullptr ? data->code : -1, data != nullptr ? data->message : nullptr);
  }
  static void failed5(void* context, MQTTAsync_failureData5* data) {
    if (data == nullptr) return failed(context, -1, nullptr);
    // a broker's own refusal is in reasonCode, Paho's findings are in code
    if (data->reasonCode > 0)
      return failed(context, data->reasonCode, MQTTReasonCode_toString(data->reasonCode));
    failed(context, data->code, data->message);
  }
  // Before the first message, on the same thread, so that already the first can be refused.
  static void connected3(void* context, MQTTAsync_successData* data) {
    self(context).find_socket();
    settle(context, true, [&](answer& a) { a.session_present = data->alt.connect.sessionPresent; });
  }
  static void connected5(void* context, MQTTAsync_successData5* data) {
    self(context).find_socket();
    settle(context, true, [&](answer& a) { a.session_present = data->alt.connect.sessionPresent; });
  }
  static void disconnected3(void* context, MQTTAsync_successData*) {
    settle(context, true, [](answer&) {});
  }
  static void disconnected5(void* context, MQTTAsync_successData5*) {
    settle(context, true, [](answer&) {});
  }
  static void subscribed5(void* context, MQTTAsync_successData5* data) {
    settle(context, true, [&](answer& a) {
      if (data->alt.sub.reasonCodeCount > 1)
        for (int i = 0; i < data->alt.sub.reasonCodeCount; ++i)
          a.granted.push_back(data->alt.sub.reasonCodes[i]);
      else
        a.granted.push_back(data->reasonCode);
    });
  }
  static void subscribed3(void* context, MQTTAsync_successData* data) {
    settle(context, true, [&](answer& a) {
      // the count is ours: 3.1.1 answers with one code for each filter asked for
      const auto count = a.granted.size();
      a.granted.clear();
      if (count > 1)
        a.granted.assign(data->alt.qosList, data->alt.qosList + count);
      else
        a.granted.push_back(data->alt.qos);
    });
  }
};

paho_connection::paho_connection(const broker_options& options, paho_events& events)
    : options_(options), events_(events), native_(std::make_unique<native>()) {}

paho_connection::~paho_connection() { drop(); }

void paho_connection::drop() {
  if (native_->handle != nullptr) MQTTAsync_destroy(&native_->handle);
  // No callback runs any more. The broker must have read our last acknowledgements before it sees
  // the next connection under our id: then it drops the old one, with whatever is unread in it.
  for (const int socket : kept_) drain(socket, last_words_ns);
  kept_.clear();
}

void paho_connection::expect_answer() {
  const std::lock_guard lock(mutex_);
  answer_ = {};
  answer_.pending = true;
}

bool paho_connection::wait_for_answer(std::int64_t patience_ns,
                                      const std::atomic<bool>& cancelled) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(patience_ns);
  std::unique_lock lock(mutex_);
  while (answer_.pending) {
    if (cancelled || severed_ || lost_ || std::chrono::steady_clock::now() >= until) return false;
    changed_.wait_for(lock, 20ms);
  }
  return true;
}

namespace {

MQTTAsync_connectOptions connect_options(const broker_options& options, MQTTProperties& properties,
                                         MQTTAsync_SSLOptions& tls) {
  MQTTAsync_connectOptions out = MQTTAsync_connectOptions_initializer;
  if (options.version == 5) {
    MQTTAsync_connectOptions five = MQTTAsync_connectOptions_initializer5;
    out = five;
    out.cleanstart = options.clean_start ? 1 : 0;
    MQTTProperty property{};
    property.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL;
    property.value.integer4 = options.session_expiry_s;
    MQTTProperties_add(&properties, &property);
    property.identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM;
    property.value.integer2 =
        static_cast<unsigned short>(std::clamp<std::uint32_t>(options.receive_maximum, 1, 65'535));
    MQTTProperties_add(&properties, &property);
    out.connectProperties = &properties;
  } else {
    out.MQTTVersion = MQTTVERSION_3_1_1;
    out.cleansession = options.clean_start ? 1 : 0;
  }
  out.keepAliveInterval = static_cast<int>(std::max<std::uint32_t>(30, options.keep_alive_s));
  out.connectTimeout =
      static_cast<int>(std::max<std::int64_t>(1, options.connect_timeout_ns / 1'000'000'000));
  if (!options.username.empty()) out.username = options.username.c_str();
  if (!options.password.empty()) out.password = options.password.c_str();
  if (options.url.starts_with("ssl://")) {
    if (!options.ca_file.empty()) tls.trustStore = options.ca_file.c_str();
    if (!options.certificate_file.empty()) tls.keyStore = options.certificate_file.c_str();
    if (!options.key_file.empty()) tls.privateKey = options.key_file.c_str();
    tls.enableServerCertAuth = 1;
    tls.verify = 1; // the certificate must name the host of the url
    out.ssl = &tls;
  }
  return out;
}

/// A broker that answers and says no will say no again: worth another word than "unavailable".
errc connect_error(int code) { return code > 0 ? errc::refused : errc::unavailable; }

} // namespace

result<bool> paho_connection::open(const std::atomic<bool>& cancelled) {
  const auto port = broker_port(options_.url);
  if (!port) return port.error();
  if (::access("/proc/self/fd", R_OK) != 0)
    return failure{errc::io, "/proc/self/fd cannot be read: no message could be refused"};
  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
  create.MQTTVersion = options_.version == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
  int rc = MQTTAsync_createWithOptions(&native_->handle, options_.url.c_str(),
                                       options_.client_id.c_str(), MQTTCLIENT_PERSISTENCE_NONE,
                                       nullptr, &create);
  if (rc != MQTTASYNC_SUCCESS)
    return failure{errc::invalid_argument,
                   "MQTT client for " + options_.url + ": code " + std::to_string(rc)};
  MQTTAsync_setCallbacks(native_->handle, this, &native::lost, &native::arrived, nullptr);

  auto options = connect_options(options_, native_->properties, native_->tls);
  options.context = this;
  if (options_.version == 5) {
    options.onSuccess5 = &native::connected5;
    options.onFailure5 = &native::failed5;
  } else {
    options.onSuccess = &native::connected3;
    options.onFailure = &native::failed3;
  }
  std::unique_lock gate(connect_gate(), std::defer_lock);
  while (!gate.try_lock_for(20ms))
    if (cancelled) return failure{errc::unavailable, "stopped while connecting"};
  port_ = *port;
  before_ = sockets_to(port_);
  expect_answer();
  rc = MQTTAsync_connect(native_->handle, &options);
  if (rc != MQTTASYNC_SUCCESS)
    return failure{errc::unavailable,
                   "connect to " + options_.url + ": code " + std::to_string(rc)};
  if (!wait_for_answer(options_.connect_timeout_ns + 1'000'000'000, cancelled))
    return failure{errc::unavailable, "no answer from " + options_.url};
  if (!answer_.ok) {
    const auto text = answer_.text.empty() ? "code " + std::to_string(answer_.code) : answer_.text;
    return failure{connect_error(answer_.code), "connect to " + options_.url + ": " + text};
  }
  if (sockets_.empty()) return failure{errc::io, "the connection's socket is not in /proc/self/fd"};
  return answer_.session_present;
}

void paho_connection::find_socket() {
  auto now = sockets_to(port_);
  std::erase_if(now, [&](const socket_identity& s) {
    return std::find(before_.begin(), before_.end(), s) != before_.end();
  });
  // More than one can only be a stranger's that connected meanwhile: to cut it off as well costs
  // it a reconnect, to spare ours would cost a message.
  sockets_ = std::move(now);
  kept_.reserve(sockets_.size());
  socket_found_ = !sockets_.empty();
}

status paho_connection::subscribe(const std::vector<subscription>& wanted,
                                  const std::atomic<bool>& cancelled) {
  if (wanted.empty()) return {};
  std::vector<char*> filters;
  std::vector<int> qos;
  std::vector<MQTTSubscribe_options> each;
  for (const auto& s : wanted) {
    filters.push_back(const_cast<char*>(s.filter.c_str()));
    qos.push_back(std::min<int>(1, s.qos));
    MQTTSubscribe_options o = MQTTSubscribe_options_initializer;
    o.retainHandling = s.retained ? 0 : 2;
    each.push_back(o);
  }
  MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
  response.context = this;
  if (options_.version == 5) {
    response.onSuccess5 = &native::subscribed5;
    response.onFailure5 = &native::failed5;
    response.subscribeOptions = each.front();
    response.subscribeOptionsList = each.data();
    response.subscribeOptionsCount = static_cast<int>(each.size());
  } else {
    response.onSuccess = &native::subscribed3;
    response.onFailure = &native::failed3;
  }
  expect_answer();
  {
    const std::lock_guard lock(mutex_);
    answer_.granted.assign(wanted.size(), 0);
    if (options_.version == 5) answer_.granted.clear();
  }
  const int rc = MQTTAsync_subscribeMany(native_->handle, static_cast<int>(filters.size()),
                                         filters.data(), qos.data(), &response);
  if (rc != MQTTASYNC_SUCCESS)
    return failure{errc::unavailable, "subscribe: code " + std::to_string(rc)};
  if (!wait_for_answer(options_.connect_timeout_ns, cancelled))
    return failure{errc::unavailable, "subscribe: no answer from " + options_.url};
  if (!answer_.ok && wanted.size() > 1)
    return failure{errc::unavailable, "subscribe: " + answer_.text};
  std::string denied;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (!answer_.ok || i >= answer_.granted.size() || answer_.granted[i] >= 0x80)
      denied += (denied.empty() ? "" : ", ") + wanted[i].filter;
  if (denied.empty()) return {};
  return failure{errc::refused, "the broker does not grant: " + denied};
}

void paho_connection::sever() noexcept {
  severed_.store(true, std::memory_order_relaxed);
  for (const auto& socket : sockets_) kept_.push_back(detach(socket));
  sockets_.clear();
}

void paho_connection::close(std::int64_t patience_ns) {
  if (native_->handle == nullptr) return;
  MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
  options.context = this;
  if (options_.version == 5) {
    MQTTAsync_disconnectOptions five = MQTTAsync_disconnectOptions_initializer5;
    options = five;
    options.context = this;
    options.onSuccess5 = &native::disconnected5;
  } else {
    options.onSuccess = &native::disconnected3;
  }
  expect_answer();
  const std::atomic<bool> never_cancelled{false};
  if (MQTTAsync_disconnect(native_->handle, &options) == MQTTASYNC_SUCCESS)
    (void)wait_for_answer(patience_ns, never_cancelled);
}

} // namespace pollux::bridge
