// SPDX-License-Identifier: Apache-2.0
// A sliding window for each value of a key: how often did this card pay in ten minutes, and how
// much? {"type":"window","of":"amount","by":"card","span":"10m","aggregates":["count","sum"]}.
// A key is kept as 64 mixed bits: no card number lies in the state, and two of 256 keys are taken
// for one with a probability of 2^-49.
#pragma once
#include "domain/model/operator.hpp"
#include "domain/window/aggregates.hpp"
#include "domain/window/series.hpp"

namespace pollux::domain {

struct keyed_state final : operator_state {
  struct group {
    std::uint64_t key = 0;
    series readings; ///< never empty
  };
  std::vector<group> groups;  ///< by key
  std::uint64_t current = 0;  ///< the key of the newest reading
  bool any = false;           ///< there is a current key
  std::uint64_t overflow = 0; ///< keys and readings that had to leave early
  std::uint32_t late = 0;     ///< readings not used
  std::int64_t swept_ns = no_time;
};

struct keyed_shape {
  int value_slot = -1; ///< -1: each reading counts as 1
  int key_slot = -1;
  std::int64_t span_ns = 0;
  std::size_t max_keys = 256;
  std::size_t max_entries = 256; ///< of one key
};

class keyed_window final : public twin_operator {
public:
  keyed_window(keyed_shape shape, aggregate_plan plan, std::string field);
  [[nodiscard]] operator_hooks hooks() const noexcept override {
    return {.observe = true, .state = true};
  }
  /// Takes readings that bring the key (and the value) newer than before; others are late.
  void observe(row& reading) const override;
  /// The chosen aggregates of the newest reading's key over the span before it, itself inside;
  /// keys (that have a reading in the window), overflow, late.
  [[nodiscard]] std::vector<operator_output> outputs() const override;
  /// Cost: O(log n) in keys and readings, amortised; quantiles move at most 4 KB.
  [[nodiscard]] std::optional<double> output(const twin_state::body& twin,
                                             std::uint32_t which) const override;
  void save(const operator_state& state, byte_writer& out) const override;
  [[nodiscard]] std::unique_ptr<operator_state> load(byte_reader& in) const override;
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

private:
  [[nodiscard]] std::optional<std::uint64_t> key_of(const row& reading) const;
  void sweep(keyed_state& state, std::int64_t now_ns) const;
  keyed_state::group& group_of(keyed_state& state, std::uint64_t key, std::int64_t now_ns) const;
  keyed_shape shape_;
  aggregate_plan plan_;
  std::string field_;
};

} // namespace pollux::domain
