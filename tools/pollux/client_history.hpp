// SPDX-License-Identifier: Apache-2.0
// What the verbs that read a twin's history share: the interval asked for.
#pragma once
#include "tools/pollux/client_session.hpp"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pollux::cli {

struct wanted_interval {
  std::string from, to, last; ///< as typed; empty: open
};
struct interval_ns {
  std::int64_t from = 0, to = 0; ///< event time, both ends inclusive
};

/// Adds --from, --to and --last to a verb.
void add_interval_options(CLI::App* verb, wanted_interval& want);

/// --last counts back from the twin's newest reading: recorded data is old.
[[nodiscard]] result<interval_ns> interval_of(client& node, const std::string& id,
                                              const wanted_interval& want);
/// The same without --last. Errors: invalid_argument.
[[nodiscard]] result<interval_ns> interval_of(const wanted_interval& want);

/// `twin history` worked up: buckets, M4 or aggregates instead of readings.
struct series_request {
  std::string bucket; ///< a duration
  std::uint32_t points = 0;
  bool m4 = false, aggregate = false;
  [[nodiscard]] bool wanted() const { return !bucket.empty() || points != 0 || m4 || aggregate; }
};
void add_series_options(CLI::App* verb, series_request& want);
enum class history_format : std::uint8_t { as_table, as_json, as_jsonl, as_csv };
int show_series(client& node, const context& ctx, const std::string& id,
                const std::vector<std::string>& telemetry, interval_ns within,
                const series_request& want, history_format format);

/// twin completeness
void add_completeness_verb(CLI::App& twin, context& ctx);

} // namespace pollux::cli
