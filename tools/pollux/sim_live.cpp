// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/sim_live.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

namespace pollux::tools {

namespace {
using namespace std::chrono_literals;
using nlohmann::json;
constexpr std::size_t remembered_commands = 1000;

/// Requests on their way from Paho's thread to the fleet's. Bounded: beyond it they are dropped, as
/// a small device would; the requester sees a time-out.
class request_queue {
public:
  void push(received_message message) {
    std::lock_guard lock(mutex_);
    if (waiting_.size() < remembered_commands) waiting_.push_back(std::move(message));
    arrived_.notify_one();
  }
  /// The next one; waits for it until `due`, in slices of 100 ms at most.
  std::optional<received_message> pop(std::chrono::steady_clock::time_point due) {
    std::unique_lock lock(mutex_);
    if (waiting_.empty())
      arrived_.wait_until(lock, std::min(due, std::chrono::steady_clock::now() + 100ms));
    if (waiting_.empty()) return std::nullopt;
    auto out = std::move(waiting_.front());
    waiting_.pop_front();
    return out;
  }

private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<received_message> waiting_;
};

/// The number among a command's arguments: the one named as the property, else the first.
std::optional<double> number_argument(const json& request) {
  const auto arguments = request.find("arguments");
  if (arguments == request.end() || !arguments->is_object()) return std::nullopt;
  for (const char* name : {"setpoint", "value"})
    if (const auto it = arguments->find(name); it != arguments->end() && it->is_number())
      return it->get<double>();
  for (const auto& argument : *arguments)
    if (argument.is_number()) return argument.get<double>();
  return std::nullopt;
}
} // namespace

std::optional<command_desk::reply>
command_desk::handle(const received_message& message, const std::array<std::string, 4>& name_spaces,
                     live_counts& counts) {
  // twins/<ns>/<name>/commands/<command>/request
  std::vector<std::string_view> parts;
  const std::string_view topic = message.topic;
  for (std::size_t at = 0; at <= topic.size();) {
    const auto end = std::min(topic.find('/', at), topic.size());
    parts.push_back(topic.substr(at, end - at));
    at = end + 1;
  }
  if (parts.size() != 6 || parts[3] != "commands" || parts[5] != "request") return std::nullopt;
  const auto index = fleet_.find(parts[2]);
  if (!index) return std::nullopt;
  const auto kind = std::find(sim_kinds.begin(), sim_kinds.end(), fleet_.kind(*index));
  if (parts[1] != name_spaces[static_cast<std::size_t>(kind - sim_kinds.begin())])
    return std::nullopt;
  const auto request = json::parse(message.payload, nullptr, false);
  if (!request.is_object() || !request.contains("id") || !request["id"].is_string())
    return std::nullopt;
  const auto id = request["id"].get<std::string>();
  reply out{message.response_topic, {}, message.correlation_data};
  if (out.topic.empty()) out.topic = message.topic.substr(0, topic.size() - 7) + "response";
  const auto before =
      std::find_if(seen_.begin(), seen_.end(), [&](const auto& one) { return one.first == id; });
  if (before != seen_.end()) {
    out.payload = before->second;
    return out;
  }
  const auto answer = fleet_.command(*index, parts[4], number_argument(request));
  json body{{"id", id}, {"ok", answer.accepted}};
  if (answer.accepted)
    body["reported"][answer.reported] = answer.value;
  else
    body["detail"] = answer.detail;
  out.payload = body.dump();
  ++counts.commands;
  if (!answer.accepted) ++counts.refused;
  if (seen_.size() == remembered_commands) seen_.pop_front();
  seen_.emplace_back(id, out.payload);
  return out;
}

namespace {

/// One run of run_fleet().
class live_run {
public:
  live_run(const live_options& options, const fleet_plan& plan, sim_publisher& to,
           live_counts& counts, const std::function<bool()>& stop)
      : options_(options), fleet_(plan), desk_(fleet_), to_(to), counts_(counts), stop_(stop),
        batches_(fleet_.size()) {
    for (std::uint32_t i = 0; i < fleet_.size(); ++i)
      topics_.push_back("telemetry/" + std::string(fleet_.kind(i)) + "/" + fleet_.name(i));
  }

  status listen() {
    return to_.subscribe("twins/+/+/commands/+/request",
                         [this](received_message m) { requests_.push(std::move(m)); });
  }

  status run(std::int64_t live_from_ns, std::ostream* truth) {
    const auto began = std::chrono::steady_clock::now();
    const auto end =
        options_.duration_ns > 0 ? saturating_add(live_from_ns, options_.duration_ns) : never;
    sim_reading reading;
    status sent;
    while (!stop_() && sent.ok()) {
      fleet_.next(reading);
      if (reading.event_time_ns >= end) break;
      auto due = began;
      if (options_.speed > 0 && reading.event_time_ns > live_from_ns)
        due += std::chrono::nanoseconds(static_cast<std::int64_t>(
            static_cast<double>(reading.event_time_ns - live_from_ns) / options_.speed));
      sent = answer_until(due);
      if (stop_() || !sent.ok()) break;
      tell_faults(truth);
      sent = add(reading);
    }
    for (std::uint32_t i = 0; i < fleet_.size() && sent.ok(); ++i) sent = send(i);
    return sent;
  }

private:
  /// Answers what comes in until `due`; at least once looks whether something waits.
  status answer_until(std::chrono::steady_clock::time_point due) {
    for (;;) {
      if (const auto request = requests_.pop(due)) {
        const auto reply = desk_.handle(*request, options_.name_spaces, counts_);
        if (reply && !options_.mute) {
          const auto sent =
              to_.publish(reply->topic, reply->payload, 0, stop_, reply->correlation_data);
          if (!sent.ok()) return sent;
        }
        continue;
      }
      if (stop_() || std::chrono::steady_clock::now() >= due) return {};
    }
  }

  const std::string& name_space(std::uint32_t index) const {
    const auto kind = std::find(sim_kinds.begin(), sim_kinds.end(), fleet_.kind(index));
    return options_.name_spaces[static_cast<std::size_t>(kind - sim_kinds.begin())];
  }

  void tell_faults(std::ostream* truth) {
    for (const auto& fault : fleet_.take_faults()) {
      ++counts_.faults;
      if (truth) *truth << truth_line(fleet_, name_space(fault.index), fault) << std::endl;
    }
  }

  status add(const sim_reading& reading) {
    auto& batch = batches_[reading.index];
    batch.readings.push_back({reading.event_time_ns, options_.sequence ? reading.sequence : 0,
                              static_cast<std::uint32_t>(batch.fields.size()),
                              static_cast<std::uint32_t>(reading.fields.size())});
    batch.fields.insert(batch.fields.end(), reading.fields.begin(), reading.fields.end());
    return batch.readings.size() >= options_.batch ? send(reading.index) : status{};
  }

  status send(std::uint32_t index) {
    auto& batch = batches_[index];
    if (batch.readings.empty()) return {};
    encode_payload(batch, options_.format, payload_);
    auto sent = to_.publish(topics_[index], payload_, 0, stop_);
    if (sent.ok()) counts_.readings += batch.readings.size();
    batch.clear();
    return sent;
  }

  const live_options& options_;
  fleet fleet_;
  command_desk desk_;
  sim_publisher& to_;
  live_counts& counts_;
  const std::function<bool()>& stop_;
  request_queue requests_;
  std::vector<domain::input> batches_;
  std::vector<std::string> topics_;
  std::string payload_;
};

} // namespace

status run_fleet(const live_options& options, std::int64_t now_ns, sim_publisher& to,
                 std::ostream* truth, live_counts& counts, const std::function<bool()>& stop) {
  auto plan = options.plan;
  // faster than life: end at the present rather than run into a future nobody has measured
  auto live_from = now_ns;
  if (options.speed != 1 && options.duration_ns > 0) live_from -= options.duration_ns;
  plan.start_ns = live_from - options.history_ns;
  plan.faults_from_ns = live_from;
  live_run run(options, plan, to, counts, stop);
  if (const auto listening = run.listen(); !listening.ok()) return listening;
  auto ran = run.run(live_from, truth);
  const bool all = to.drain(10s, [] { return false; });
  to.stop_listening(); // its callback points into the run
  if (!ran.ok() && !stop()) return ran;
  if (!all) return failure{errc::unavailable, "the broker did not acknowledge everything"};
  return {};
}

} // namespace pollux::tools
