// SPDX-License-Identifier: Apache-2.0
// A sequence: a telemetry rises n readings in a row above a limit (a bearing wears), and within
// some time another one spikes. The spike is the verdict of a z_score operator above in the model;
// it must come with a later reading than the last rise, so a reading is tested for the spike first
// and only then counted as a rise. A spike uses the armed state up: one alert for one story.
#pragma once
#include "domain/alert/alert_rule.hpp"
#include "domain/alert/z_score.hpp"

namespace pollux::domain {

class model_scope;

struct rise_rule {
  double above = 0;        ///< a rise lies above this and above the reading before it
  std::uint32_t count = 3; ///< rises in a row that arm, 1 .. 63
};

/// Memory of one twin: fixed once made.
struct rise_state final : operator_state {
  explicit rise_state(std::uint32_t count) : times(std::size_t{count} * 2, no_time) {}
  bool has_previous = false;
  double previous = 0;             ///< the telemetry's reading before
  std::uint32_t rises = 0;         ///< in a row, up to now
  std::int64_t armed_ns = no_time; ///< event time of the reading that armed last
  std::vector<std::int64_t>
      times; ///< the last `count` rises (a ring), then those that armed, in order
};

class rise_then_spike final : public alert_rule {
public:
  rise_then_spike(int rising, rise_rule rule, const z_score_operator& spike, verdict side,
                  std::int64_t within_ns, alert_keys keys)
      : alert_rule(keys.level, std::move(keys.message)), rising_(rising), rule_(rule),
        spike_(spike), side_(side), within_ns_(within_ns) {}
  [[nodiscard]] operator_hooks hooks() const noexcept override {
    return {.observe = true, .state = true};
  }
  [[nodiscard]] std::unique_ptr<operator_state> fresh_state(std::int64_t now_ns) const override;
  void observe(row& reading) const override;
  void save(const operator_state& state, byte_writer& out) const override;
  [[nodiscard]] std::unique_ptr<operator_state> load(byte_reader& in) const override;
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

private:
  void look_for_spike(row& reading, rise_state& state) const;
  void add_path(evidence& proof, const row& reading, std::int64_t t) const;
  void count_rise(rise_state& state, double value, std::int64_t t) const;
  int rising_;
  rise_rule rule_;
  const z_score_operator& spike_;
  verdict side_;           ///< none: both
  std::int64_t within_ns_; ///< event time, inclusive
};

/// Keys: rises {of, above, count}, then (a z_score operator), then_side (upper, lower, both;
/// default upper: a spike goes up), within, emit (only "each": a sequence has no end to clear at),
/// and alert_keys.
[[nodiscard]] std::unique_ptr<twin_operator> read_rise_then_spike(object_reader& in,
                                                                  model_scope& scope);

} // namespace pollux::domain
