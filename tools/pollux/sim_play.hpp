// SPDX-License-Identifier: Apache-2.0
// Plays recorded files through MQTT: rows become readings, event times are kept.
#pragma once
#include "tools/pollux/sim_csv.hpp"
#include "tools/pollux/sim_payload.hpp"
#include "tools/pollux/sim_publisher.hpp"
#include <deque>
#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace pollux::tools {

struct play_options {
  std::vector<std::string> files;
  std::string topic = "telemetry/device/{file}"; ///< {file}: the name without .csv and .gz
  std::string time_column;                       ///< empty: the first that looks like one
  csv_time time_format = csv_time::automatic;
  std::int64_t time_base_ns = 0; ///< added to every time: for clocks that count from a start
  char separator = 0;            ///< 0: guessed from the header line
  std::vector<std::string> columns, skip;
  std::vector<std::pair<std::string, std::string>> rename;
  double speed = 0;           ///< event seconds per second; 0: not paced by event time
  double rate = 0;            ///< messages a second; 0: as fast as the window lets it
  std::uint64_t from_row = 0; ///< rows to pass over, counted over all files
  std::uint32_t batch = 1;    ///< rows in one message
  bool sequence = false;      ///< number the rows of each file from 1
  sim_format format = sim_format::json;
};

struct play_counts {
  std::uint64_t rows = 0;     ///< read, without header lines and the rows passed over
  std::uint64_t bad = 0;      ///< of these: unreadable, not sent
  std::uint64_t readings = 0; ///< of these: sent
};

/// What a header line and the options make of a file's columns.
struct column_plan {
  struct column {
    std::size_t at;   ///< cell of the row
    std::string name; ///< of the telemetry
  };
  std::size_t cells = 0, time = 0;
  std::vector<column> columns;
};

/// Errors: invalid_argument, naming the column that is not there and those that are.
[[nodiscard]] result<column_plan> plan_columns(const std::vector<std::string>& header,
                                               const play_options& options);

/// Adds one row to `in` as one reading. Numbers, true and false become such, other text stays text;
/// empty cells and NaN are left out. `keep` holds the text that the fields point to.
/// Errors: invalid_argument: too few or too many cells, no readable time, no value at all.
status add_row(const column_plan& plan, const std::vector<std::string>& cells, csv_time format,
               std::uint64_t sequence, domain::input& in, std::deque<std::string>& keep);

/// The topic for a file: characters that MQTT or a twin id cannot have become '_'.
[[nodiscard]] std::string play_topic(const std::string& topic, const std::string& file);

/// Plays the files one after the other and waits for the last acknowledgement. Bad rows are told on
/// `complaints` as file:line (the first 20). `progress` is called now and then with the share of
/// all bytes read, 0 to 1. `to` may be null: nothing is sent (a dry run). Errors: those of files
/// and columns; unavailable when interrupted or not all was acknowledged.
status play(const play_options& options, sim_publisher* to, play_counts& counts,
            std::ostream& complaints, const std::function<void(double)>& progress,
            const std::function<bool()>& stop);

} // namespace pollux::tools
