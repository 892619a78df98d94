// SPDX-License-Identifier: Apache-2.0
// The readings a z-score rule keeps out of its baseline, or lets in with another value, without
// owning a copy of the readings: spans of event time over the twin's shared series.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/model/operator_state.hpp"
#include "domain/window/series.hpp"
#include <cstdint>
#include <vector>

namespace pollux::domain {

inline constexpr std::size_t max_outlier_spans = 256;

/// Outliers without an accepted reading between them. Both ends belong to it. A late reading that
/// falls inside belongs to the run.
struct outlier_span {
  std::int64_t from_ns;
  std::int64_t to_ns;
  double value; ///< winsorise: what the reading counts as (then from_ns == to_ns)
};

struct outliers final : operator_state {
  std::int64_t alerting_since_ns = no_time; ///< event time of the first outlier in a row
  bool open = false; ///< the newest judged reading lies in the last span, which may go on
  std::vector<outlier_span> spans; ///< oldest first; beyond the bound the oldest count again

  /// Leaves the reading at `t` out.
  void exclude(std::int64_t t);
  /// Lets the reading at `t` count as `value`.
  void replace(std::int64_t t, double value);
  /// Lets everything from `t` on back in: it has become the normal level.
  void readmit_since(std::int64_t t);
  /// Forgets spans that ended at or before `from_ns`.
  void forget(std::int64_t from_ns);
  [[nodiscard]] bool idle() const noexcept { return spans.empty() && alerting_since_ns == no_time; }

  void save(byte_writer& out) const;
  [[nodiscard]] bool load(byte_reader& in);
};

/// Statistics of the readings with from < t < to, without those in `spans`; with `replaced`, those
/// count as their span's value. Pieces are merged in event-time order (Chan et al. 1979).
/// Cost: one series::over() per span and one more.
[[nodiscard]] window_statistics over_without(const series& readings, std::int64_t from_ns,
                                             std::int64_t to_ns,
                                             const std::vector<outlier_span>& spans, bool replaced);

} // namespace pollux::domain
