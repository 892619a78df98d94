// SPDX-License-Identifier: Apache-2.0
// What a `multivariate` operator remembers of one twin. With n telemetries about 8 n^2 + 32 n
// bytes.
#pragma once
#include "domain/anomaly/multivariate.hpp"
#include "domain/anomaly/reference.hpp"
#include "domain/model/operator_state.hpp"
#include <optional>
#include <vector>

namespace pollux::domain {

struct multivariate_state final : operator_state {
  explicit multivariate_state(std::size_t dimensions)
      : smoothed(dimensions, 0), learnt(dimensions) {}

  /// Takes the next row. Learns, or gives a score.
  void add(const multivariate_rule& rule, const double* row);
  /// Forgets what was normal; the next rows say it anew.
  void begin_anew();
  /// Standard deviations of telemetry i from what was learnt; 0 where it did not vary then.
  [[nodiscard]] double deviation(std::size_t i) const noexcept;
  [[nodiscard]] std::size_t heap_bytes() const noexcept;

  void save(byte_writer& out) const;
  [[nodiscard]] bool load(const multivariate_rule& rule, byte_reader& in);

  std::uint32_t rows = 0;       ///< up to smoothing + learn
  std::vector<double> smoothed; ///< the moving averages
  comoments learnt;
  std::optional<cholesky> factor; ///< once all is learnt; follows from `learnt`
  std::optional<double> score;    ///< of the newest row
  std::int64_t alerting_since_ns = no_time;
  episode alert;
};

} // namespace pollux::domain
