// SPDX-License-Identifier: Apache-2.0
// Runs a model over recorded files in simulated time, through the same step() that a node runs:
// no broker, no node, no journal. Each file is a fresh twin; each row is one reading, at the time
// the row names; timers go off between the rows at the time they would have. Nothing a row is
// given depends on a later one.
#pragma once
#include "domain/model/model.hpp"
#include "tools/pollux/detect_files.hpp"
#include "tools/pollux/sim_csv.hpp"
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pollux::tools {

/// What `alert` is 1 for: the reading that raised an alert, or every reading while one lasts.
enum class detect_mark : std::uint8_t { raised, active };

struct detect_options {
  std::shared_ptr<const domain::model> model; ///< with its hash set
  std::string time_column;                    ///< empty: the first that looks like one
  csv_time time_format = csv_time::automatic;
  char separator = 0;                                       ///< 0: guessed from the header line
  std::vector<std::pair<std::string, std::string>> renamed; ///< column -> telemetry
  detect_mark mark = detect_mark::raised;
  std::string score;     ///< the operator whose `score` is written; empty: the largest of all
  unsigned parallel = 0; ///< files at a time; 0: as many as there are cores
};

struct detect_counts {
  std::uint64_t files = 0;  ///< written
  std::uint64_t failed = 0; ///< not written
  std::uint64_t rows = 0;   ///< read, without header lines
  std::uint64_t bad = 0;    ///< of these: unreadable, told and skipped
  std::uint64_t alerts = 0; ///< raised or emitted
};

/// Errors in the options alone: invalid_argument: no such operator, or it offers no score; a
/// telemetry that the model does not declare.
[[nodiscard]] status check(const detect_options& options);

/// Reads every file and writes its result: the time column as it stands, `alert` (0 or 1) and
/// `anomaly_score` (the operators' `score`; where none offers one, 1 while an alert lasts, else 0;
/// 0 for rows that were not judged because they are no newer than those before). A result appears
/// when it is whole. `tell` gets one line for each thing that is wrong with a file or a row (the
/// first 20 rows of each file) and is called by one thread at a time; so is `progress`, with the
/// share of all bytes. `stop` ends the run early: files under way are not written.
[[nodiscard]] detect_counts detect(const std::vector<detect_file>& files,
                                   const detect_options& options,
                                   const std::function<void(const std::string&)>& tell,
                                   const std::function<void(double)>& progress,
                                   const std::function<bool()>& stop);

} // namespace pollux::tools
