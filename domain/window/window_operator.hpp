// SPDX-License-Identifier: Apache-2.0
// A named sliding window over one telemetry: {"type":"window","of":"temperature","span":"5m"}.
// It remembers nothing itself: all windows over one telemetry look into the twin's one series.
#pragma once
#include "domain/model/operator.hpp"

namespace pollux::domain {

class object_reader;
class model_scope;

class window_operator final : public twin_operator {
public:
  window_operator(int slot, std::int64_t span_ns) : slot_(slot), span_ns_(span_ns) {}
  [[nodiscard]] operator_hooks hooks() const noexcept override { return {}; }
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

  [[nodiscard]] std::vector<operator_output> outputs() const override;
  [[nodiscard]] std::optional<double> output(const twin_state::body& twin,
                                             std::uint32_t which) const override;
  /// outputs()[which] of a window's statistics; nullopt where too few readings give none.
  [[nodiscard]] static std::optional<double> pick(const window_statistics& s, std::uint32_t which);

  [[nodiscard]] int slot() const noexcept { return slot_; }
  [[nodiscard]] std::int64_t span_ns() const noexcept { return span_ns_; }
  /// The window that ends with the newest reading, which is inside.
  [[nodiscard]] window_statistics now(const twin_state::body& twin) const;
  /// The readings with t - span < time < t: what a reading at t is judged against.
  [[nodiscard]] window_statistics before(const twin_state::body& twin, std::int64_t t) const;

private:
  int slot_;
  std::int64_t span_ns_;
};

/// Keys: of, span, max_entries (default 200,000: beyond it the oldest readings go).
[[nodiscard]] std::unique_ptr<twin_operator> read_window(object_reader& in, model_scope& scope);

} // namespace pollux::domain
