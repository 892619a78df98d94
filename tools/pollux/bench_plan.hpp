// SPDX-License-Identifier: Apache-2.0
// Which runs `pollux bench ingest` makes, and in which order: all that is compared runs once in
// every round, each round beginning with another one, so that a drift of the machine hits all.
#pragma once
#include "tools/pollux/bench_report.hpp"

namespace pollux::bench {

struct plan {
  unsigned rounds = 3;
  std::vector<std::uint64_t> devices; ///< empty = 1,000 and 100,000; with latency 1,000
  std::vector<std::uint32_t> batch{1, 100};
  std::vector<unsigned> qos{0, 1};
  std::vector<messages::durability> durability{messages::durability::d0, messages::durability::d1,
                                               messages::durability::d2};
  std::vector<std::string> only{"sink", "count-paho", "count-receiver", "paho", "receiver"};
  std::uint64_t messages = 0; ///< of one run; 0 = enough for some seconds and for alerts
  double rate = 0;            ///< messages a second; 0 = all at once
  double seconds = 20;        ///< latency: length of a run
  std::filesystem::path data;
  [[nodiscard]] bool has(const char* what) const;
};

/// Told when a run begins ("1000 devices ...: round 1 of 3, paho D1") and when a table is complete.
struct listener {
  std::function<void(const std::string&)> begins;
  std::function<void(const table_of_rows&)> complete;
};

/// Cost and capacity: everything in `p` by everything. Errors as measure().
[[nodiscard]] result<std::vector<table_of_rows>> run_ingest(const plan& p, const listener& l);
/// Publish to alert at D1 and D2 through each source, beside the echo client, at a quarter of what
/// the source was measured to take (or at p.rate). Errors as measure().
[[nodiscard]] result<std::vector<table_of_rows>> run_latency(const plan& p, const listener& l);

/// Messages of one run, when the plan does not say: at least twelve readings of each device, since
/// rules want ten before they judge.
[[nodiscard]] std::uint64_t enough_messages(std::uint64_t devices, std::uint32_t batch) noexcept;

} // namespace pollux::bench
