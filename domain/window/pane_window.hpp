// SPDX-License-Identifier: Apache-2.0
// Tumbling and hopping windows, aligned to the epoch: [k hop + offset, k hop + offset + size). The
// readings of each pane are added up once, in event-time order, and every window merges its panes
// (general stream slicing). A tumbling window is a hopping one whose hop is its size.
#pragma once
#include "domain/window/closing_window.hpp"

namespace pollux::domain {

struct pane_shape {
  std::int64_t size_ns = 0;
  std::int64_t hop_ns = 0;    ///< at most the size
  std::int64_t offset_ns = 0; ///< from the epoch; less than the hop
  std::int64_t pane_ns = 0;   ///< divides size and hop
  std::int64_t kept_ns = 0;   ///< the series keeps readings for so long: at least one pane

  /// The greatest k hop + offset at or before `t`, held at the ends of time.
  [[nodiscard]] std::int64_t hop_at(std::int64_t t) const noexcept;
  [[nodiscard]] std::int64_t pane_at(std::int64_t t) const noexcept;
  /// The first end of a window after `t`.
  [[nodiscard]] std::int64_t end_after(std::int64_t t) const noexcept;
};

class pane_window final : public closing_window {
public:
  pane_window(closing_keys keys, pane_shape shape);

private:
  void take(row& reading) const override;
  [[nodiscard]] open_part open(const closing_state& state) const override;
  [[nodiscard]] const char* kind() const noexcept override {
    return shape_.hop_ns == shape_.size_ns ? "tumbling" : "hopping";
  }
  void close_until(step_context& at, closing_state& state, std::int64_t until_ns,
                   bool by_idle) const override;
  void close_oldest(step_context& at, closing_state& state, std::int64_t end_ns,
                    bool by_idle) const;
  [[nodiscard]] std::int64_t next_end(const closing_state& state) const noexcept;
  pane_shape shape_;
};

/// Puts the reading of `slot` at `t`, which the row brought, into its pane. A reading older than
/// the newest in its pane makes the pane be added up again from the series, which keeps as much as
/// one pane. False when it cannot be: that part of the series is gone.
[[nodiscard]] bool fill_pane(const aggregate_plan& plan, closing_state& state, row& reading,
                             int slot, const pane_shape& shape);

} // namespace pollux::domain
