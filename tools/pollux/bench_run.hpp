// SPDX-License-Identifier: Apache-2.0
// One measured run: a broker, a load and what is measured, each a process of its own, made for this
// run and gone after it.
#pragma once
#include "tools/pollux/bench_node.hpp"
#include <nlohmann/json.hpp>

namespace pollux::bench {

/// What is sent, and where files go.
struct scene {
  std::uint64_t devices = 1'000, messages = 600'000;
  std::uint32_t batch = 1;
  unsigned qos = 0;
  double rate = 0;      ///< messages a second; 0 = all at once
  bool nodelay = false; ///< of the broker
  std::filesystem::path data;
  [[nodiscard]] std::uint64_t readings() const noexcept { return messages * batch; }
};

enum class subject_kind : std::uint8_t { count, full, echo };

/// What receives it.
struct subject {
  subject_kind kind = subject_kind::full;
  std::string source; ///< "sink" (count only), "paho", "receiver"
  messages::durability durability = messages::durability::d1;
};

/// "broker to a sink", "count receiver", "paho D1", "echo client".
[[nodiscard]] std::string name_of(const subject& s);

struct outcome {
  std::string gate = "ok"; ///< or what is wrong
  double cpu_s = 0;        ///< user and system time of what was measured
  double seconds = 0;      ///< from the first message sent to the last reading stored
  double rate = 0;         ///< readings a second over that time
  double broker_cpu_s = 0, load_cpu_s = 0;
  double other_cores = 0; ///< CPU all other processes used meanwhile, in cores
  double resident_mb = 0; ///< of the node at the end
  std::uint64_t alerts = 0;
  double p50_ms = 0, p99_ms = 0, max_ms = 0; ///< publish to alert; paced runs only
  double sync_p99_ms = 0;                    ///< fsync of the log
};

/// Runs it. What goes wrong with the processes measured is told in the gate; errors are what makes
/// further runs senseless: not_found (no mosquitto), io, unavailable (interrupted).
[[nodiscard]] result<outcome> measure(const scene& in, const subject& what);

[[nodiscard]] nlohmann::ordered_json to_json(const outcome& o);

} // namespace pollux::bench
