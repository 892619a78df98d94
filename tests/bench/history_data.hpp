// SPDX-License-Identifier: Apache-2.0
// Recorded data as inputs of twins, for history_size: rows of CSV files become readings.
#pragma once
#include "domain/twin/input.hpp"
#include <deque>
#include <string>
#include <vector>

namespace pollux::bench {

/// One twin's inputs, ids rising. What they point to lives in `texts`.
struct stream {
  std::vector<domain::input> inputs;
};

struct data_set {
  std::string name;
  std::string csv; ///< the raw text, unpacked: what the sizes are compared with
  std::vector<stream> streams;
  std::uint64_t values = 0; ///< of readings; each sample of an array counts
  std::deque<std::string> texts;
};

/// The sets below `folder` that are there: nab, skab, car_obd, bus_gps, femto_bearing.
[[nodiscard]] std::deque<data_set> load_recorded(const std::string& folder);
/// The messages of job J as `jobj gen` wrote them (msgs.bin).
[[nodiscard]] data_set load_job_j(const std::string& file);

} // namespace pollux::bench
