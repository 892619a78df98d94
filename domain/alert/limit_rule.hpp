// SPDX-License-Identifier: Apache-2.0
// What all rules with limits of their own making have in common. A subclass says what to expect of
// a reading from those before it; here stand the verdict, the alert, the policy that keeps outliers
// from spoiling the baseline, and the outputs mean, sd, lower, upper and score.
// The tested reading is judged before it is learnt.
#pragma once
#include "domain/alert/alert_rule.hpp"
#include "domain/alert/limit_moments.hpp"
#include "domain/alert/z_score.hpp"
#include <cstdint>
#include <optional>
#include <string>

namespace pollux::domain {

class model_scope;

/// The keys they share (docs/models.md); poison works as for z_score (z_score.hpp), except that a
/// baseline here is a running summary: what was left out is not stored anywhere. After
/// `relearn_after` of unbroken alerting relearn() takes the new level for normal.
struct limit_policy {
  double limit = 3.0; ///< fires beyond limit x sd; exactly there it does not
  z_sides sides = z_sides::both;
  double min_samples = 30;     ///< no verdict before the baseline holds as many
  std::int64_t warm_up_ns = 0; ///< nor before so long after the first reading
  double min_stddev = 1e-9;    ///< no verdict from a flatter baseline ...
  bool floor = false;          ///< ... or, with this, it counts as so wide
  bool each = false;           ///< one alert for every outlier instead of raised .. cleared
  z_poison poison = z_poison::exclude_while_alerting;
  std::int64_t relearn_after_ns = 3600 * ns_per_s; ///< event time
};

/// What a reading was expected to be.
struct expected_band {
  double mean = 0;
  double sd = 0;
  double lower = 0;
  double upper = 0;
  double n = 0; ///< readings behind it, by weight where old ones count less
};

struct limit_finding {
  verdict side = verdict::none;
  double score = 0; ///< signed; what it measures is the rule's affair
  expected_band band;
};

struct limit_state : operator_state {
  std::int64_t first_ns = no_time;          ///< the first reading
  std::int64_t alerting_since_ns = no_time; ///< the first outlier in a row
  bool judged = false;                      ///< the newest reading got a verdict: `last`
  limit_finding last;
};

class limit_rule : public alert_rule {
public:
  limit_rule(int slot, std::string field, limit_policy policy, alert_keys keys)
      : alert_rule(keys.level, std::move(keys.message)), policy_(policy), slot_(slot),
        field_(std::move(field)) {}
  [[nodiscard]] operator_hooks hooks() const noexcept final {
    return {.judge = true, .state = true};
  }
  void judge(row& reading) const final;
  [[nodiscard]] std::vector<operator_output> outputs() const final;
  [[nodiscard]] std::optional<double> output(const twin_state::body& twin,
                                             std::uint32_t which) const final;
  void save(const operator_state& state, byte_writer& out) const final;
  [[nodiscard]] std::unique_ptr<operator_state> load(byte_reader& in) const final;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const final;

protected:
  [[nodiscard]] virtual std::unique_ptr<limit_state> empty() const = 0;
  /// The verdict on `x` at `t` from the readings before it; nullopt while there is none. May let
  /// time pass in the state, and run statistics that every reading moves.
  [[nodiscard]] virtual std::optional<limit_finding>
  assess(limit_state& state, const twin_state::body& twin, std::int64_t t, double x) const = 0;
  /// `x` belongs to the baseline.
  virtual void learn(limit_state& state, std::int64_t t, double x) const = 0;
  /// Whether the newest verdict is sure enough to keep a reading out of the baseline.
  [[nodiscard]] virtual bool firm(const limit_state& state) const;
  /// `x` is kept out of it.
  virtual void leave_out(limit_state& state, std::int64_t t, double x) const;
  /// It has alerted for so long that this is normal now. By itself: learn().
  virtual void relearn(limit_state& state, std::int64_t t, double x) const;
  /// What else a checker should see, after the common numbers.
  virtual void prove_more(const limit_state& state, evidence& proof) const;
  /// "80 standard deviations above ..." for people, about an outlier.
  [[nodiscard]] virtual std::string describe(const limit_finding& found, double x) const;
  /// The baseline the next reading would meet; nullopt before there is any.
  [[nodiscard]] virtual std::optional<expected_band>
  next_band(const limit_state& state, const twin_state::body& twin) const = 0;
  virtual void save_more(const limit_state& state, byte_writer& out) const = 0;
  virtual void load_more(limit_state& state, byte_reader& in) const = 0;

  /// mean +- limit x sd; nullopt from too few readings or too flat a baseline.
  [[nodiscard]] std::optional<expected_band> band(double mean, double sd, double n) const;
  /// The verdict on `x` against a band of that kind.
  [[nodiscard]] limit_finding compare(const expected_band& b, double x) const;
  [[nodiscard]] const limit_policy& policy() const noexcept { return policy_; }
  [[nodiscard]] const std::string& field() const noexcept { return field_; }
  [[nodiscard]] int slot() const noexcept { return slot_; }

private:
  void tell(row& reading, const limit_state& state, const limit_finding& found) const;
  void remember(limit_state& state, std::int64_t t, double x,
                const std::optional<limit_finding>& found) const;
  [[nodiscard]] evidence prove(const row& reading, const limit_state& state,
                               const limit_finding& found) const;
  limit_policy policy_;
  int slot_;
  std::string field_;
};

/// The keys of limit_policy, with the defaults in `policy`; `limit` only where it `has_limit`.
void read_limit_policy(object_reader& in, limit_policy& policy, bool has_limit = true);

/// A number of `key` within [least, most]; `fallback` when absent. Errors go to `in`.
[[nodiscard]] double read_within(object_reader& in, std::string_view key, double fallback,
                                 double least, double most);

} // namespace pollux::domain
