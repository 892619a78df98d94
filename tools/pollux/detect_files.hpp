// SPDX-License-Identifier: Apache-2.0
// Which recorded files a detection reads and where it writes what it found.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::tools {

struct detect_file {
  std::string in;
  std::string out;         ///< the result's path, below the output folder
  std::uint64_t bytes = 0; ///< of `in`, for a progress bar; 0 when it is not there
};

/// Where each of `paths` goes below `out`. A folder stands for all *.csv and *.csv.gz below it.
/// Relative paths: with `root`, from there; else paths without ".." that are all relative stay as
/// they are; else from the deepest folder common to all. ".gz" is dropped: results are plain.
/// Errors: invalid_argument: nothing to read, two results in one place, a result on an input, a
/// path outside `root`; io: a folder that cannot be listed.
[[nodiscard]] result<std::vector<detect_file>>
plan_files(const std::vector<std::string>& paths, const std::string& root, const std::string& out);

} // namespace pollux::tools
