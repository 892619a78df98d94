// SPDX-License-Identifier: Apache-2.0
// Absence: nothing was heard of a telemetry ("of":"temperature") or of the device at all ("of":"*")
// for some time. It runs on ingest time, because a silent device has no event time: a timer is set
// to the last word plus `for`, and only the timer that really falls due raises the alert. After a
// start of the node everyone has `for` anew (grace), or we would blame devices for our own silence.
// A late reading is a word too; a duplicate is not.
#pragma once
#include "domain/alert/alert_rule.hpp"

namespace pollux::domain {

class model_scope;

struct absence_state final : operator_state {
  std::int64_t last_heard_ns = no_time; ///< ingest time; at first, when the rule began
};

class absence_operator final : public alert_rule {
public:
  /// slot -1: the device as a whole.
  absence_operator(int slot, std::string field, std::int64_t for_ns, alert_keys keys)
      : alert_rule(keys.level, std::move(keys.message)), slot_(slot), field_(std::move(field)),
        for_ns_(for_ns) {}
  [[nodiscard]] operator_hooks hooks() const noexcept override {
    return {.observe = true, .timer = true, .state = slot_ >= 0, .live = true};
  }
  [[nodiscard]] std::unique_ptr<operator_state> fresh_state(std::int64_t now_ns) const override;
  void observe(row& reading) const override;
  [[nodiscard]] std::int64_t due_ns(const twin_state::body& twin) const override;
  void fall_due(step_context& at) const override;
  void save(const operator_state& state, byte_writer& out) const override;
  [[nodiscard]] std::unique_ptr<operator_state> load(byte_reader& in) const override;
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

private:
  [[nodiscard]] std::int64_t last_heard_ns(const twin_state::body& twin) const;
  /// Where the waiting starts: the last word, or the node's start if that was later.
  [[nodiscard]] std::int64_t since_ns(const twin_state::body& twin) const;
  [[nodiscard]] evidence prove(const twin_state::body& twin, std::string explanation) const;
  int slot_;
  std::string field_;
  std::int64_t for_ns_;
};

/// Keys: of (a telemetry or "*"), for, and alert_keys.
[[nodiscard]] std::unique_ptr<twin_operator> read_absence(object_reader& in, model_scope& scope);

} // namespace pollux::domain
