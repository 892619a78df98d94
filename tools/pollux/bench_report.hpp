// SPDX-License-Identifier: Apache-2.0
// What the runs of `pollux bench` come to: tables of medians and ranges, and one JSON document in
// which every single run stands.
#pragma once
#include "tools/pollux/bench_run.hpp"
#include <functional>

namespace pollux::bench {

/// One thing measured, once a round.
struct row {
  subject what;
  std::vector<outcome> rounds;
  std::uint64_t messages = 0; ///< 0 = as many as the table's
};
/// What was measured beside each other, in the same rounds.
struct table_of_rows {
  scene in;
  std::vector<row> rows;
};
/// What is sent to this row.
[[nodiscard]] scene scene_of(const table_of_rows& t, const row& r);

/// Prints CPU, rate and their ratios to the yardsticks of the same round.
void print_ingest(const table_of_rows& t, bool bold);
/// Prints the times from publish to alert.
void print_latency(const table_of_rows& t, bool bold);
[[nodiscard]] nlohmann::ordered_json to_json(const table_of_rows& t);
/// "ok", or all that is wrong in any round.
[[nodiscard]] std::string gate_of(const row& r);

} // namespace pollux::bench
