// SPDX-License-Identifier: Apache-2.0
// A pattern: stages that readings go through one after another, with the semantics of Flink CEP
// (docs/patterns.md). Each match is an alert that stands alone; so is each time-out of a half
// match, when the model asks for it. Every reading that brings something the pattern names is an
// event; readings older than the newest event are passed over and counted.
#pragma once
#include "domain/alert/alert_rule.hpp"
#include "domain/pattern/pattern_conditions.hpp"

namespace pollux::domain {

class model_scope;

struct pattern_state final : operator_state {
  std::int64_t last_ns = no_time; ///< event time of the newest event
  std::uint64_t events = 0;
  std::vector<tracker_state> trackers;
  half_matches matches;
};

/// What leaves as an alert.
enum class pattern_emission : std::uint8_t { match, time_out, both };

/// What a pattern compiles to, from either written form.
struct pattern_definition {
  std::vector<std::string> stages;
  pattern_conditions conditions;
  pattern_graph graph;
  pattern_bounds bounds;
  pattern_emission emission = pattern_emission::match;
};

class pattern_operator final : public alert_rule {
public:
  pattern_operator(pattern_definition definition, alert_keys keys);
  [[nodiscard]] operator_hooks hooks() const noexcept override;
  void observe(row& reading) const override;
  void pass_watermark(step_context& at, std::int64_t watermark_ns, bool by_idle) const override;
  [[nodiscard]] std::vector<operator_output> outputs() const override;
  [[nodiscard]] std::optional<double> output(const twin_state::body& twin,
                                             std::uint32_t which) const override;
  void save(const operator_state& state, byte_writer& out) const override;
  [[nodiscard]] std::unique_ptr<operator_state> load(byte_reader& in) const override;
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

private:
  class herald; // makes alerts of matches
  [[nodiscard]] evidence prove(const twin_state::body& twin, const half_matches& all,
                               std::uint32_t node) const;
  void release_idle(pattern_state& state) const;
  std::vector<std::string> stages_;
  pattern_conditions conditions_;
  pattern_matcher matcher_;
  pattern_emission emission_;
};

/// Keys: stages (an array) or pattern (the text form), within, skip and skip_to, emit (match,
/// timeout, both; default match), max_partial (64), max_events (64, or as many as the shortest
/// match needs), and alert_keys.
[[nodiscard]] std::unique_ptr<twin_operator> read_pattern(object_reader& in, model_scope& scope);

} // namespace pollux::domain
