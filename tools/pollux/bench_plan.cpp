// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/bench_plan.hpp"
#include <algorithm>

namespace pollux::bench {

namespace {

constexpr std::uint64_t single_readings = 600'000, batched_readings = 2'000'000;
constexpr std::uint64_t judged_after = 12;
constexpr std::uint64_t slow_messages = 30'000;

std::vector<std::string> sources_of(const plan& p) {
  std::vector<std::string> out;
  for (const char* source : {"paho", "receiver"})
    if (p.has(source)) out.emplace_back(source);
  return out;
}

std::vector<row> rows_of(const plan& p, const scene& in) {
  std::vector<row> out;
  if (p.has("sink")) out.push_back({{subject_kind::count, "sink"}, {}});
  if (p.has("count-paho")) out.push_back({{subject_kind::count, "paho"}, {}});
  if (p.has("count-receiver")) out.push_back({{subject_kind::count, "receiver"}, {}});
  for (const auto& source : sources_of(p))
    for (const auto d : p.durability) {
      out.push_back({{subject_kind::full, source, d}, {}});
      // Paho lets nobody wait for a common fsync: each message has its own, milliseconds long
      const bool slow = source == "paho" && d == messages::durability::d2 && in.qos > 0;
      if (slow && p.messages == 0) out.back().messages = std::min(in.messages, slow_messages);
    }
  return out;
}

std::string place(const scene& in, unsigned round, unsigned rounds, const subject& what) {
  return std::to_string(in.devices) + " devices, " + std::to_string(in.batch) + " a message, QoS " +
         std::to_string(in.qos) + ": round " + std::to_string(round + 1) + " of " +
         std::to_string(rounds) + ", " + name_of(what);
}

/// Each row once a round.
status fill(table_of_rows& t, unsigned rounds, const listener& l) {
  for (unsigned round = 0; round < rounds; ++round)
    for (auto& r : t.rows) r.rounds.resize(round + 1);
  for (unsigned round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < t.rows.size(); ++i) {
      auto& r = t.rows[(i + round) % t.rows.size()];
      l.begins(place(t.in, round, rounds, r.what));
      auto measured = measure(scene_of(t, r), r.what);
      if (!measured) return measured.error();
      r.rounds[round] = std::move(*measured);
    }
  l.complete(t);
  return {};
}

/// Readings a second that this source takes at D1, in a run of its own.
result<double> capacity(scene in, const std::string& source, const listener& l) {
  in.messages = enough_messages(in.devices, 1);
  in.rate = 0;
  const subject what{subject_kind::full, source};
  l.begins("capacity through " + source + ", QoS " + std::to_string(in.qos));
  const auto found = measure(in, what);
  if (!found) return found.error();
  if (found->rate <= 0)
    return failure{errc::unavailable, "capacity through " + source + ": " + found->gate};
  return found->rate;
}

} // namespace

bool plan::has(const char* what) const {
  return std::find(only.begin(), only.end(), what) != only.end();
}

std::uint64_t enough_messages(std::uint64_t devices, std::uint32_t batch) noexcept {
  const auto readings = batch == 1 ? single_readings : batched_readings;
  const auto each = (judged_after + batch - 1) / batch;
  return std::max(readings / batch, each * devices);
}

result<std::vector<table_of_rows>> run_ingest(const plan& p, const listener& l) {
  std::vector<table_of_rows> out;
  const auto devices = p.devices.empty() ? std::vector<std::uint64_t>{1'000, 100'000} : p.devices;
  for (const auto fleet : devices)
    for (const auto batch : p.batch)
      for (const auto qos : p.qos) {
        scene in{fleet, p.messages, batch, qos, p.rate, p.rate > 0, p.data};
        if (in.messages == 0) in.messages = enough_messages(fleet, batch);
        out.push_back({in, rows_of(p, in)});
        if (auto s = fill(out.back(), p.rounds, l); !s) return s.error();
      }
  return out;
}

result<std::vector<table_of_rows>> run_latency(const plan& p, const listener& l) {
  std::vector<table_of_rows> out;
  const auto devices = p.devices.empty() ? std::vector<std::uint64_t>{1'000} : p.devices;
  for (const auto fleet : devices)
    for (const auto qos : p.qos)
      for (const auto& source : sources_of(p)) {
        scene in{fleet, p.messages, 1, qos, p.rate, true, p.data};
        if (in.rate <= 0) {
          const auto most = capacity(in, source, l);
          if (!most) return most.error();
          in.rate = *most / 4;
        }
        if (in.messages == 0) in.messages = static_cast<std::uint64_t>(in.rate * p.seconds) + 1;
        out.push_back({in,
                       {{{subject_kind::echo, ""}, {}},
                        {{subject_kind::full, source, messages::durability::d1}, {}},
                        {{subject_kind::full, source, messages::durability::d2}, {}}}});
        if (auto s = fill(out.back(), p.rounds, l); !s) return s.error();
      }
  return out;
}

} // namespace pollux::bench
