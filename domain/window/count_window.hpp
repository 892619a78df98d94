// SPDX-License-Identifier: Apache-2.0
// The last n readings, however long ago: {"type":"window","kind":"count","of":"weight","last":50}.
// It keeps them itself: the twin's own series is cut by time, this one by number.
#pragma once
#include "domain/model/operator.hpp"
#include "domain/window/aggregates.hpp"
#include "domain/window/series.hpp"

namespace pollux::domain {

struct count_state final : operator_state {
  explicit count_state(std::size_t last) : readings(never, last) {}
  series readings;
  std::uint32_t late = 0; ///< readings not used
};

class count_window final : public twin_operator {
public:
  static constexpr double most = 10'000;

  count_window(int slot, std::size_t last, aggregate_plan plan, std::string field);
  [[nodiscard]] operator_hooks hooks() const noexcept override {
    return {.observe = true, .state = true};
  }
  void observe(row& reading) const override;
  /// The chosen aggregates; late.
  [[nodiscard]] std::vector<operator_output> outputs() const override;
  /// Cost: amortised O(1); quantiles and distinct O(log n) and moves of at most 4 KB.
  [[nodiscard]] std::optional<double> output(const twin_state::body& twin,
                                             std::uint32_t which) const override;
  void save(const operator_state& state, byte_writer& out) const override;
  [[nodiscard]] std::unique_ptr<operator_state> load(byte_reader& in) const override;
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

private:
  int slot_;
  std::size_t last_;
  aggregate_plan plan_;
  std::string field_;
};

} // namespace pollux::domain
