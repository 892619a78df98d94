// SPDX-License-Identifier: Apache-2.0
// The hot path is telemetry(): match, decode, check, submit; everything else is rare.
#include "bridge/mqtt/ingress.hpp"
#include "domain/base/time.hpp"
#include "messages/observability/log.hpp"
#include "messages/observability/trace_context.hpp"
#include "messages/segment.hpp"
#include <algorithm>
#include <exception>

namespace pollux::bridge {

using messages::quarantine_reason;

namespace {

constexpr std::size_t kept_payload = 64 * 1024;

/// What a failed submit() means for the message: kept aside, or sent again later.
bool is_the_messages_fault(errc code) noexcept {
  return code == errc::not_found || code == errc::invalid_argument || code == errc::refused;
}

quarantine_reason reason_of(errc code) noexcept {
  if (code == errc::not_found) return quarantine_reason::unknown_twin;
  return code == errc::invalid_argument ? quarantine_reason::unknown_topic
                                        : quarantine_reason::unsupported;
}

messages::counter& ignored(messages::metrics& m, const char* reason) {
  return m.make_counter("pollux_mqtt_ignored_total", "Messages left out on purpose, by reason.",
                        {{"reason", reason}});
}

} // namespace

ingress::ingress(std::shared_ptr<const topic_map> map, ingress_options options,
                 messages::inlet& inlet, messages::quarantine_port& quarantine, model_lookup models,
                 messages::metrics& metrics)
    : map_(std::move(map)), options_(std::move(options)), inlet_(inlet), quarantine_(quarantine),
      lookup_(std::move(models)),
      messages_(metrics.make_counter("pollux_mqtt_messages_total", "MQTT messages received.")),
      bytes_(metrics.make_counter("pollux_mqtt_bytes_total", "Bytes of their payloads.")),
      readings_(metrics.make_counter("pollux_readings_total", "Readings handed to the journal.")),
      redelivered_(metrics.make_counter("pollux_mqtt_redelivered_total",
                                        "Messages the broker marked as sent again.")),
      refused_values_(metrics.make_counter(
          "pollux_mqtt_refused_values_total",
          "Fields, rows and messages that could not be used; their messages are in quarantine.")),
      ignored_retained_(ignored(metrics, "retained")), ignored_empty_(ignored(metrics, "empty")),
      ignored_status_(ignored(metrics, "status_of_unknown_twin")), models_(map_->mappings().size()),
      asked_(map_->mappings().size()) {}

std::vector<topic_set> ingress::topic_sets() const {
  std::vector<topic_set> out{{}};
  const auto want = [&](const std::string& set, std::string filter, int qos, bool retained) {
    const auto level = static_cast<std::uint8_t>(std::clamp(qos, 0, 2));
    topic_set* mine = nullptr;
    for (auto& each : out) {
      if (each.name == set) mine = &each;
      for (auto& s : each.subscriptions) {
        if (s.filter != filter) continue;
        s.qos = std::max(s.qos, level);
        return;
      }
    }
    if (mine == nullptr) mine = &out.emplace_back(topic_set{set, {}});
    mine->subscriptions.push_back({std::move(filter), level, retained});
  };
  for (const auto& mapping : map_->mappings())
    want(mapping.connection, filter_of(mapping), mapping.qos, false);
  if (!options_.device_root.empty())
    for (auto& filter : device_filters(options_.device_root)) {
      const bool state = filter.ends_with("/status");
      want({}, std::move(filter), 1, state);
    }
  if (out.front().subscriptions.empty() && out.size() > 1) out.erase(out.begin());
  return out;
}

std::vector<subscription> ingress::subscriptions() const {
  std::vector<subscription> out;
  for (auto& set : topic_sets())
    for (auto& s : set.subscriptions) out.push_back(std::move(s));
  return out;
}

verdict ingress::handle(const arrival& message) {
  messages_.add();
  bytes_.add(message.payload.size());
  if (message.duplicate) redelivered_.add();
  try {
    if (!options_.device_root.empty()) {
      const auto topic = parse_device_topic(options_.device_root, message.topic);
      if (topic.kind != device_topic_kind::none) return device_message(message, topic);
    }
    return telemetry(message);
  } catch (const std::exception& defect) {
    // to refuse the acknowledgement would have the same message fail again and again
    return put_aside(message, quarantine_reason::unsupported,
                     std::string("cannot be processed: ") + defect.what(), nullptr);
  }
}

verdict ingress::telemetry(const arrival& message) {
  if (message.retained) return ignore(ignored_retained_);
  const auto* mapping = map_->match(message.topic, twin_);
  if (mapping == nullptr) {
    const ingress_mapping* at = nullptr;
    auto why = map_->why_not(message.topic, &at);
    return put_aside(message, quarantine_reason::unknown_topic, std::move(why), at);
  }
  if (message.payload_bytes > message.payload.size())
    return put_aside(message, quarantine_reason::oversized,
                     "payload of " + std::to_string(message.payload_bytes) + " bytes; at most " +
                         std::to_string(mapping->decode.max_payload_bytes) + " are taken",
                     mapping);
  const auto* model = model_of(*mapping, message.received_ns);
  outcome done;
  if (!message.traceparent.empty()) note_trace(message);
  decoder_.decode(message.payload, how(*mapping, message), message.received_ns, rejected_,
                  [&](domain::input& in) {
                    if (model != nullptr) check_against(*model, in, rejected_);
                    submit(*mapping, in, done);
                  });
  return conclude(message, *mapping, done);
}

// A message that says what it is (MQTT 5 content type) is read as that.
const decode_options& ingress::how(const ingress_mapping& mapping, const arrival& message) {
  if (message.content_type.empty()) return mapping.decode;
  const bool json = message.content_type.starts_with("application/json");
  const bool protobuf = message.content_type == "application/protobuf" ||
                        message.content_type == "application/x-protobuf";
  if (!json && !protobuf) return mapping.decode;
  const auto format = json ? payload_format::json : payload_format::protobuf;
  if (format == mapping.decode.format) return mapping.decode;
  other_ = mapping.decode;
  other_.format = format;
  return other_;
}

/// Before its readings are submitted: an alert may leave before submit() comes back.
void ingress::note_trace(const arrival& message) {
  const auto trace = messages::valid_traceparent(message.traceparent);
  if (options_.traces != nullptr && !trace.empty())
    options_.traces->note(twin_, message.received_ns, trace);
}

void ingress::submit(const ingress_mapping& mapping, domain::input& in, outcome& done) {
  if (done.failed || in.readings.empty()) return;
  const auto ticket = inlet_.submit(twin_, mapping.model, in);
  if (!ticket) {
    done.failed = true;
    done.error = ticket.error();
    return;
  }
  if (done.inputs++ == 0) done.first = *ticket;
  done.last = *ticket;
  readings_.add(in.readings.size());
}

verdict ingress::conclude(const arrival& message, const ingress_mapping& mapping,
                          const outcome& done) {
  if (done.failed && !is_the_messages_fault(done.error.code))
    return {disposition::retry, mapping.durability, {}, {}, done.error.code};
  if (done.failed)
    return put_aside(message, reason_of(done.error.code), twin_ + ": " + done.error.what, &mapping);
  if (!rejected_.empty()) {
    for (const auto& r : rejected_.items()) refused_values_.add(r.count);
    put_aside(message, rejected_.items().front().reason, describe(), &mapping);
    if (done.inputs == 0) return {disposition::quarantined, mapping.durability, {}, {}, {}};
  }
  if (done.inputs == 0) return ignore(ignored_empty_);
  return {disposition::submitted, mapping.durability, done.last, done.first, {}};
}

verdict ingress::device_message(const arrival& message, const device_topic& topic) {
  twin_.assign(topic.name_space).append(1, ':').append(topic.name);
  if (topic.kind == device_topic_kind::status) {
    const auto online = parse_status(message.payload);
    if (!online)
      return put_aside(message, quarantine_reason::malformed,
                       "a status must be \"online\" or \"offline\"", nullptr);
    input_.clear();
    input_.kind = domain::input_kind::connection_changed;
    input_.ingest_time_ns = message.received_ns;
    input_.connected = *online;
    return submit_one(message, input_);
  }
  if (message.retained) return ignore(ignored_retained_); // an answer of another day
  const bool answer = replies_.read(message, topic.command, input_, rejected_);
  if (!rejected_.empty()) {
    for (const auto& r : rejected_.items()) refused_values_.add(r.count);
    put_aside(message, rejected_.items().front().reason, describe(), nullptr);
  }
  if (!answer) return {disposition::quarantined, options_.durability, {}, {}, {}};
  return submit_one(message, input_);
}

verdict ingress::submit_one(const arrival& message, const domain::input& in) {
  const auto ticket = inlet_.submit(twin_, {}, in);
  if (ticket) return {disposition::submitted, options_.durability, *ticket, *ticket, {}};
  const auto& error = ticket.error();
  if (!is_the_messages_fault(error.code))
    return {disposition::retry, options_.durability, {}, {}, error.code};
  // A device says "online" before its first reading makes its twin: nothing is lost by waiting.
  if (in.kind == domain::input_kind::connection_changed && error.code == errc::not_found)
    return ignore(ignored_status_);
  return put_aside(message, reason_of(error.code), twin_ + ": " + error.what, nullptr);
}

verdict ingress::ignore(messages::counter& why) {
  why.add();
  return {disposition::ignored, options_.durability, {}, {}, {}};
}

verdict ingress::put_aside(const arrival& message, quarantine_reason reason, std::string detail,
                           const ingress_mapping* mapping) {
  messages::quarantined record;
  record.ingest_time_ns = message.received_ns;
  record.reason = reason;
  record.topic = message.topic;
  record.detail = std::move(detail);
  record.payload = message.payload.substr(0, kept_payload);
  const auto whole = std::max<std::uint64_t>(message.payload_bytes, message.payload.size());
  if (whole > kept_payload)
    record.detail += " (only the first 64 KiB of " + std::to_string(whole) + " bytes are kept)";
  if (mapping != nullptr) record.mapping = mapping->topic;
  const auto trace = messages::trace_id_of(message.traceparent);
  if (!trace.empty()) record.detail.append(" (trace_id ").append(trace).append(")");
  tell(record, trace);
  quarantine_.put(std::move(record));
  return {disposition::quarantined, options_.durability, {}, {}, {}};
}

// What is held back of such lines is counted (log.hpp), and all of them by reason in the metrics.
void ingress::tell(const messages::quarantined& record, std::string_view trace) {
  constexpr auto said = "a message is put in quarantine";
  const auto* reason = messages::to_string(record.reason);
  if (trace.empty())
    return messages::log::info(
        "mqtt", said, {{"topic", record.topic}, {"reason", reason}, {"detail", record.detail}});
  messages::log::info("mqtt", said,
                      {{"topic", record.topic},
                       {"reason", reason},
                       {"detail", record.detail},
                       {"trace_id", trace}});
}

std::string ingress::describe() const {
  std::string out;
  for (const auto& r : rejected_.items()) {
    if (!out.empty()) out += "; ";
    out += r.detail;
    if (r.count > 1) out += " (" + std::to_string(r.count) + " times)";
  }
  return out;
}

const domain::model* ingress::model_of(const ingress_mapping& mapping, std::int64_t now_ns) {
  if (mapping.model.empty() || !lookup_) return nullptr;
  const auto second = now_ns / ns_per_s;
  if (second != models_second_) { // a new version is taken up within the second
    models_second_ = second;
    std::fill(asked_.begin(), asked_.end(), false);
  }
  const auto index = static_cast<std::size_t>(&mapping - map_->mappings().data());
  if (!asked_[index]) {
    asked_[index] = true;
    models_[index] = lookup_(mapping.model);
  }
  return models_[index].get();
}

status ingress::replay(const messages::quarantined& record, std::int64_t now_ns) {
  outcome done;
  if (record.reason == quarantine_reason::poison) {
    if (auto read = messages::decode_input(record.payload, input_); !read) return read;
    input_.ingest_time_ns = now_ns;
    if (auto ticket = inlet_.submit(record.topic, {}, input_); !ticket) return ticket.error();
    return inlet_.flush(messages::durability::d0);
  }
  const auto* mapping = map_->match(record.topic, twin_);
  if (mapping == nullptr) return failure{errc::invalid_argument, map_->why_not(record.topic)};
  const auto* model = model_of(*mapping, now_ns);
  const bool too_early = record.reason == quarantine_reason::bad_time;
  decoder_.decode(record.payload, mapping->decode, too_early ? now_ns : record.ingest_time_ns,
                  rejected_, [&](domain::input& in) {
                    in.ingest_time_ns = now_ns;
                    for (auto& reading : in.readings) reading.sequence = 0;
                    if (model != nullptr) check_against(*model, in, rejected_);
                    submit(*mapping, in, done);
                  });
  if (done.failed) return done.error;
  if (done.inputs > 0)
    if (auto written = inlet_.flush(messages::durability::d0, done.first); !written) return written;
  if (!rejected_.empty()) return failure{errc::invalid_argument, describe()};
  return {};
}

} // namespace pollux::bridge
