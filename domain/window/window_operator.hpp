// SPDX-License-Identifier: Apache-2.0
// A named sliding window over one telemetry: {"type":"window","of":"temperature","span":"5m"}.
// It remembers nothing itself: all windows over one telemetry look into the twin's one series.
#pragma once
#include "domain/model/operator.hpp"
#include "domain/window/aggregates.hpp"

namespace pollux::domain {

class object_reader;
class model_scope;

class window_operator final : public twin_operator {
public:
  window_operator(int slot, std::int64_t span_ns, const aggregate_plan& plan = {});
  [[nodiscard]] operator_hooks hooks() const noexcept override { return {}; }
  /// Formats before 3 marked the memory of what was found, which had no bytes.
  [[nodiscard]] bool marked_in(std::uint8_t format) const noexcept override {
    return format < 3 && !further_.empty();
  }
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

  /// count, mean, sd, psd, min, max, then the further aggregates that were chosen.
  [[nodiscard]] std::vector<operator_output> outputs() const override;
  [[nodiscard]] std::optional<double> output(const twin_state::body& twin,
                                             std::uint32_t which) const override;
  /// outputs()[which] of a window's statistics; nullopt where too few readings give none, and for
  /// the further aggregates.
  [[nodiscard]] static std::optional<double> pick(const window_statistics& s, std::uint32_t which);

  [[nodiscard]] int slot() const noexcept { return slot_; }
  [[nodiscard]] std::int64_t span_ns() const noexcept { return span_ns_; }
  /// The window that ends with the newest reading, which is inside.
  [[nodiscard]] window_statistics now(const twin_state::body& twin) const;
  /// The readings with t - span < time < t: what a reading at t is judged against.
  [[nodiscard]] window_statistics before(const twin_state::body& twin, std::int64_t t) const;

private:
  [[nodiscard]] std::optional<double> further(const twin_state::body& twin,
                                              const aggregate& asked) const;
  [[nodiscard]] std::optional<double> from_ends(const series& readings, std::int64_t from_ns,
                                                std::int64_t to_ns, const aggregate& asked) const;
  int slot_;
  std::int64_t span_ns_;
  std::vector<aggregate> further_; ///< beyond the basic ones
  fold_parts folded_;              ///< of these, what is added up
};

/// Keys: kind and those of the kind (window_kinds.cpp).
[[nodiscard]] std::unique_ptr<twin_operator> read_window(object_reader& in, model_scope& scope);

} // namespace pollux::domain
