// SPDX-License-Identifier: Apache-2.0
// A sliding window that keeps what its slices add up to instead of its readings:
// {"type":"window","of":"power","span":"7d","slices":168}. It holds whole slices only, so up to one
// slice's time of its oldest readings is missing: it covers between span - span/slices and span.
#pragma once
#include "domain/window/pane_window.hpp"

namespace pollux::domain {

class sliced_window final : public closing_window {
public:
  static constexpr double max_slices = 512;

  sliced_window(closing_keys keys, std::int64_t span_ns, std::int64_t slice_ns);
  [[nodiscard]] operator_hooks hooks() const noexcept override {
    return {.observe = true, .state = true};
  }
  /// The chosen aggregates of the span before the newest reading, which is inside.
  [[nodiscard]] std::vector<operator_output> outputs() const override;
  [[nodiscard]] std::optional<double> output(const twin_state::body& twin,
                                             std::uint32_t which) const override;

private:
  void take(row& reading) const override;
  [[nodiscard]] open_part open(const closing_state& state) const override;
  [[nodiscard]] const char* kind() const noexcept override { return "sliding, in slices"; }
  void close_until(step_context&, closing_state&, std::int64_t, bool) const override {}
  void merge_whole(const closing_state& state) const;
  std::int64_t span_ns_;
  pane_shape slices_;
  aggregate_plan folded_;       ///< what depends on the order of additions
  aggregate_plan in_any_order_; ///< quantiles and distinct: they follow reading by reading
};

} // namespace pollux::domain
