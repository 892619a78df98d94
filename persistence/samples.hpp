// SPDX-License-Identifier: Apache-2.0
// Blocks of samples (waveforms) of one telemetry over event time, with their bytes, a page of
// bounded size at a time.
#pragma once
#include "persistence/history.hpp"
#include <string>
#include <vector>

namespace pollux::persistence {

struct sample_value {
  std::int64_t event_time_ns = 0, ingest_time_ns = 0;
  domain::value_kind kind = domain::value_kind::none; ///< samples_f32 or samples_i16
  std::string bytes;                                  ///< little-endian
};

struct sample_page {
  std::vector<sample_value> values; ///< by event time, then as journaled; each once
  std::int64_t upto_ns = 0;         ///< all there is up to here, inclusive, is in it
};

/// The oldest blocks of samples with from <= event time <= to: whole instants, until there are more
/// than `max_bytes` of them. Errors: as values_between.
[[nodiscard]] result<sample_page> samples_between(const log& tail, const store& blocks,
                                                  const verify_target& twin,
                                                  std::string_view telemetry, std::int64_t from_ns,
                                                  std::int64_t to_ns, std::size_t max_bytes);

} // namespace pollux::persistence
