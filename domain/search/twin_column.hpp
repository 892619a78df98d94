// SPDX-License-Identifier: Apache-2.0
// What stands at one path of many twins, as columns by row: searches that ask for the same paths
// again read these, one after the other in memory, and go to the twins that have changed only.
#pragma once
#include "domain/search/found_value.hpp"
#include "domain/search/search_path.hpp"
#include <cstddef>
#include <vector>

namespace pollux::domain {

/// Each row has the version of the twin it was read from; 0: not read. About 13 bytes a row, 8 more
/// for telemetry, and 32 (as well as what longer ones take) for texts.
class twin_column {
public:
  explicit twin_column(const search_path& path);

  void resize(std::size_t rows);
  [[nodiscard]] std::size_t rows() const noexcept { return versions_.size(); }
  [[nodiscard]] std::uint32_t version(std::size_t row) const noexcept { return versions_[row]; }
  void set_version(std::size_t row, std::uint32_t version) noexcept { versions_[row] = version; }
  /// `event_time_ns`: of telemetry and of ages, whose value depends on when it is asked for.
  void set(std::size_t row, std::uint32_t version, const found_value& value,
           std::int64_t event_time_ns);

  /// The value as it was set; its text lives until that row is set again.
  [[nodiscard]] found_value get(std::size_t row) const noexcept;
  [[nodiscard]] std::int64_t event_time_ns(std::size_t row) const noexcept { return times_[row]; }
  [[nodiscard]] std::size_t bytes() const noexcept; ///< without what long texts take

private:
  bool timed_ = false;
  std::vector<std::uint32_t> versions_;
  std::vector<found_kind> kinds_;
  std::vector<std::int64_t> bits_; ///< of numbers; empty until the first one
  std::vector<std::int64_t> times_;
  std::vector<std::string> texts_; ///< empty until the first one
};

} // namespace pollux::domain
