// SPDX-License-Identifier: Apache-2.0
// What the windows that close have in common: panes that fill up in event-time order, the result of
// the newest closed window, and that a window closes when the watermark has passed its end. Then
// its numbers are final: a reading that comes later is counted, not used.
#pragma once
#include "domain/alert/alert_rule.hpp"
#include "domain/window/tally.hpp"
#include <string>
#include <vector>

namespace pollux::domain {

/// A part of a window, or one whole: readings with from <= t < to.
struct pane {
  std::int64_t from_ns = 0;
  std::int64_t to_ns = 0; ///< `never` while it is not known
  tally content;
};

struct closing_state final : operator_state {
  std::vector<pane> panes;             ///< by time; they do not overlap
  std::int64_t watermark_ns = no_time; ///< all windows that end up to here are closed
  std::uint32_t late = 0;              ///< readings not used: their window was closed
  std::uint32_t hurried = 0;           ///< windows closed early because there were too many
  std::uint64_t closed = 0;            ///< windows closed
  std::int64_t from_ns = no_time, to_ns = no_time; ///< of the newest closed window
  std::vector<double> result;                      ///< of it; nan: unknown
  // No state, only memory to use again and what was merged last:
  tally spare;
  mutable tally merged;
  mutable tally all;
  mutable tally in_any_order; ///< of all panes: what needs no order, so it can follow
  mutable bool fresh_merge = false;

  pane& append(std::int64_t from_ns, std::int64_t to_ns);
  /// Forgets the oldest `count` panes.
  void drop(std::size_t count);
};

/// A window's common keys.
struct closing_keys {
  int slot = -1;
  std::string field;
  aggregate_plan plan;
  bool each = false; ///< each closed window leaves the twin as an emitted alert
  alert_keys alert;
};

class closing_window : public alert_rule {
public:
  static constexpr std::size_t max_panes = 1024;

  explicit closing_window(closing_keys keys);
  [[nodiscard]] operator_hooks hooks() const noexcept override {
    return {.observe = true, .state = true, .watermark = true};
  }
  /// Takes the reading; then closes what its time alone lets close, so that operators below see
  /// the result at this very reading. pass_watermark() does the same for time that passes without.
  void observe(row& reading) const final;
  void pass_watermark(step_context& at, std::int64_t watermark_ns, bool by_idle) const final;
  /// The chosen aggregates of the newest closed window; `open_<aggregate>` of the one that holds
  /// the newest reading; closed (how many), late, closed_from_s, closed_to_s.
  [[nodiscard]] std::vector<operator_output> outputs() const override;
  [[nodiscard]] std::optional<double> output(const twin_state::body& twin,
                                             std::uint32_t which) const override;
  void save(const operator_state& state, byte_writer& out) const final;
  [[nodiscard]] std::unique_ptr<operator_state> load(byte_reader& in) const final;
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const final;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

protected:
  virtual void take(row& reading) const = 0;
  /// Of the open window: what it holds so far, and where it ends as far as that is known now.
  struct open_part {
    const tally* content = nullptr;
    std::int64_t end_ns = 0;
  };
  [[nodiscard]] virtual open_part open(const closing_state& state) const = 0;
  [[nodiscard]] virtual const char* kind() const noexcept = 0;
  /// Closes all windows that end at or before `until_ns`.
  virtual void close_until(step_context& at, closing_state& state, std::int64_t until_ns,
                           bool by_idle) const = 0;

  [[nodiscard]] closing_state& state_for(twin_state::body& twin) const;
  /// The window [from, to) is final.
  void close(step_context& at, closing_state& state, const tally& content, std::int64_t from_ns,
             std::int64_t to_ns, bool by_idle) const;
  [[nodiscard]] int slot() const noexcept { return keys_.slot; }
  [[nodiscard]] const aggregate_plan& plan() const noexcept { return keys_.plan; }

private:
  void tell(step_context& at, const closing_state& state, const tally& content, bool by_idle) const;
  closing_keys keys_;
  std::vector<std::string> names_; ///< of the open_ outputs
};

} // namespace pollux::domain
