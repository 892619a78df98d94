// SPDX-License-Identifier: Apache-2.0
// What is normal at this time of the week: one baseline for each hour (or other part) of the week
// or day, by the clock on a wall in some time zone. While a part has too few readings its
// neighbours help out: then the same part of all days, then everything. Parts are made when their
// first reading comes; at most 672 of 40 bytes.
// A lasting change of level shifts all parts at once: what is learnt are deviations from `level`,
// and after relearn_after of alerting the mean deviation of the outliers is added to it.
#pragma once
#include "domain/alert/limit_rule.hpp"
#include "domain/base/calendar.hpp"
#include <vector>

namespace pollux::domain {

struct seasonal_rule {
  time_zone zone;
  bool week = true;                 ///< parts of a week, else of a day
  std::uint32_t slots_per_day = 24; ///< 1 to 96
  std::int64_t half_life_ns = 0;    ///< of what a part has learnt; 0: it never fades
};

struct seasonal_part {
  std::uint32_t id = 0; ///< day x slots_per_day + slot
  running_moments moments;
  std::int64_t last_ns = no_time;
};

struct seasonal_state final : limit_state {
  std::vector<seasonal_part> parts; ///< by id, those that had a reading
  seasonal_part all;
  double level = 0;
  double out_sum = 0; ///< deviations left out since the alert began, and their number
  double out_count = 0;
  std::uint32_t id = 0; ///< the part at `id_ns`, found once a reading; not saved
  std::int64_t id_ns = no_time;
  std::uint8_t basis = 0; ///< of the newest verdict: 0 part, 1 neighbours, 2 all days, 3 everything
};

class seasonal_operator final : public limit_rule {
public:
  seasonal_operator(seasonal_rule rule, int slot, std::string field, limit_policy policy,
                    alert_keys keys)
      : limit_rule(slot, std::move(field), policy, std::move(keys)), rule_(std::move(rule)) {}
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;

private:
  [[nodiscard]] std::unique_ptr<limit_state> empty() const override;
  [[nodiscard]] std::optional<limit_finding>
  assess(limit_state& state, const twin_state::body& twin, std::int64_t t, double x) const override;
  void learn(limit_state& state, std::int64_t t, double x) const override;
  /// Not while others stand in for this part: it may be odd for them and right here.
  [[nodiscard]] bool firm(const limit_state& state) const override;
  void leave_out(limit_state& state, std::int64_t t, double x) const override;
  void relearn(limit_state& state, std::int64_t t, double x) const override;
  void prove_more(const limit_state& state, evidence& proof) const override;
  [[nodiscard]] std::string describe(const limit_finding& found, double x) const override;
  [[nodiscard]] std::optional<expected_band> next_band(const limit_state& state,
                                                       const twin_state::body& twin) const override;
  void save_more(const limit_state& state, byte_writer& out) const override;
  void load_more(limit_state& state, byte_reader& in) const override;
  [[nodiscard]] std::uint32_t part_at(std::int64_t t) const noexcept;
  [[nodiscard]] std::uint32_t part_count() const noexcept {
    return rule_.slots_per_day * (rule_.week ? 7 : 1);
  }
  [[nodiscard]] running_moments faded(const seasonal_part& part, std::int64_t t) const noexcept;
  /// The first of part, neighbours, all days and everything that holds enough; `basis` says which.
  [[nodiscard]] running_moments choose(const seasonal_state& state, std::uint32_t id,
                                       std::int64_t t, std::uint8_t& basis) const noexcept;
  /// The part at `t`; asks the calendar once a reading.
  std::uint32_t look_up(seasonal_state& state, std::int64_t t) const noexcept;
  void add(seasonal_part& part, std::int64_t t, double x) const noexcept;
  seasonal_rule rule_;
};

/// Keys: of, cycle, slots_per_day, zone, half_life; and those of every limit_rule.
[[nodiscard]] std::unique_ptr<twin_operator> read_seasonal(object_reader& in, model_scope& scope);

} // namespace pollux::domain
