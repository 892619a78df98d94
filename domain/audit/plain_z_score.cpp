// SPDX-License-Identifier: Apache-2.0
// Far from the mean, and rises that such a reading follows: walked from the first reading on.
#include "domain/audit/plain_pattern.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain::audit {
namespace {

struct left_out {
  std::int64_t from, to;
  double value;
};

// Walks all readings of the telemetry, as the rule must: what it leaves out depends on its past.
class z_walk {
public:
  z_walk(const config_node& rule, plain_window window) : window_(std::move(window)) {
    limit_ = number_of(rule, "limit", 3);
    sides_ = text_of(rule, "sides", "upper");
    population_ = text_of(rule, "sd", "sample") == "population";
    min_samples_ = number_of(rule, "min_samples", 30);
    min_stddev_ = number_of(rule, "min_stddev", 1e-9);
    poison_ = text_of(rule, "poison", "exclude-while-alerting");
    std::replace(poison_.begin(), poison_.end(), '-', '_');
    relearn_ = duration_of(rule, "relearn_after", 3600 * ns_per_s);
  }

  /// -1, 0 or 1: beyond which side; nullopt without a verdict. The row is not yet known.
  std::optional<int> judge(const knowledge& known, std::int64_t t, double value) {
    const auto base = baseline(known, t);
    const double sd = population_ ? base.psd : base.sd;
    numbers = {{"value", value},  {"mean", base.mean}, {"sd", sd},       {"n", base.n},
               {"min", base.min}, {"max", base.max},   {"limit", limit_}};
    std::optional<int> side;
    if (base.n >= min_samples_ && sd > 0 && sd >= min_stddev_) {
      numbers["z"] = (value - base.mean) / sd;
      side = 0;
      if (value - base.mean > limit_ * sd && sides_ != "lower") side = 1;
      if (base.mean - value > limit_ * sd && sides_ != "upper") side = -1;
    }
    remember(t, side, base.mean, sd);
    return side;
  }
  std::map<std::string, double> numbers;

private:
  plain_statistics baseline(const knowledge& known, std::int64_t t) const {
    std::vector<double> values;
    const auto inside = known.between(window_.of, saturating_add(t, -window_.span_ns), t, false);
    for (const auto& [time, value] : inside) {
      const auto found = std::find_if(out_.begin(), out_.end(), [&, at = time](const left_out& o) {
        return o.from <= at && at <= o.to;
      });
      if (found == out_.end())
        values.push_back(value);
      else if (poison_ == "winsorise")
        values.push_back(found->value);
    }
    return add_up(values);
  }
  void remember(std::int64_t t, std::optional<int> side, double mean, double sd) {
    if (poison_ == "include") return;
    std::erase_if(out_, [&](const left_out& o) { return o.to <= t - window_.span_ns; });
    if (out_.empty()) open_ = false;
    if (!side || *side == 0) {
      open_ = false;
      if (side) since_ = no_time;
      return;
    }
    if (since_ == no_time) since_ = t;
    if (t - since_ >= relearn_) {
      std::erase_if(out_, [&](const left_out& o) { return o.from >= since_; });
      open_ = false;
    } else if (poison_ == "winsorise") {
      out_.push_back({t, t, mean + *side * limit_ * sd});
    } else if (open_) {
      out_.back().to = t;
    } else {
      out_.push_back({t, t, 0});
      open_ = true;
    }
    if (out_.size() > 256) out_.erase(out_.begin());
  }

  plain_window window_;
  double limit_, min_samples_, min_stddev_;
  std::string sides_, poison_;
  bool population_;
  std::int64_t relearn_, since_ = no_time;
  std::vector<left_out> out_;
  bool open_ = false;
};

// The walk over all rows; gives each judged row with its verdict until `visit` says false.
template <class F>
void walk_z(const rule_case& at, const plain_window& window, z_walk& walk, F&& visit) {
  knowledge before, now;
  for (const auto& r : at.rows) {
    now.learn(r);
    const auto found = r.values.find(window.of);
    std::optional<int> side;
    if (found != r.values.end() && now.fresh(window.of))
      side = walk.judge(before, r.event_ns, found->second);
    if (!visit(r, now, side)) return;
    before.learn(r);
  }
}

const keys z_keys = {"window",     "limit", "sides",  "sd",           "min_samples",
                     "min_stddev", "emit",  "poison", "relearn_after"};

} // namespace

rule_answer judge_z_score(const rule_case& at) {
  if (const auto key = unknown_key(at.rule, z_keys); !key.empty())
    return not_known("the plain z-score does not know the key " + key);
  const auto window = find_window(at.model, text_of(at.rule, "window", ""));
  if (!window) return not_known("the plain check does not know this kind of window");
  z_walk walk(at.rule, *window);
  rule_answer out{true, false, "no reading at the alert's event time came with its input", {}};
  walk_z(at, *window, walk, [&](const row& r, const knowledge& now, std::optional<int> side) {
    if (!is_the_row(at, r) || !now.fresh(window->of)) return true;
    const bool outlier = side && *side != 0;
    out.numbers = walk.numbers;
    out.agrees = raises(at.alert) ? outlier : side && !outlier;
    out.what = !side     ? "the rule has no verdict there"
               : outlier ? "the reading lies beyond the limit"
                         : "the reading lies within the limit";
    return !out.agrees;
  });
  return out;
}

rule_answer judge_sequence(const rule_case& at) {
  const auto* spike = find_operator(at.model, text_of(at.rule, "then", ""));
  const auto* rises = key(at.rule, "rises");
  if (spike == nullptr || rises == nullptr || text_of(*spike, "type", "") != "z_score")
    return not_known("the plain sequence knows rises and a z-score only");
  if (const auto key = unknown_key(*spike, z_keys); !key.empty())
    return not_known("the plain z-score does not know the key " + key);
  const auto window = find_window(at.model, text_of(*spike, "window", ""));
  if (!window) return not_known("the plain check does not know this kind of window");
  const auto of = text_of(*rises, "of", "");
  const double above = number_of(*rises, "above", 0), count = number_of(*rises, "count", 3);
  const auto side_text = text_of(at.rule, "then_side", "upper");
  const int wanted = side_text == "upper" ? 1 : side_text == "lower" ? -1 : 0;
  const auto within = duration_of(at.rule, "within", 0);
  z_walk walk(*spike, *window);
  std::int64_t armed = no_time;
  double in_a_row = 0;
  std::optional<double> previous;
  rule_answer out{true, false, "no reading at the alert's event time came with its input", {}};
  walk_z(at, *window, walk, [&](const row& r, const knowledge& now, std::optional<int> side) {
    const bool spiked = side && *side != 0 && (wanted == 0 || *side == wanted);
    const bool matches =
        spiked && armed != no_time && r.event_ns >= armed && r.event_ns - armed <= within;
    if (is_the_row(at, r)) {
      out.agrees = matches;
      out.what = matches ? "the rises armed it and the spike followed in time"
                         : "rises and spike do not make the sequence";
      out.numbers = {{"above", above}, {"rises", count}};
      if (matches) {
        out.numbers["value"] = walk.numbers["value"];
        out.numbers["age_s"] = static_cast<double>(r.event_ns - armed) / 1e9;
      }
      if (matches) return false;
    }
    if (matches) armed = no_time;
    const auto value = r.values.find(of);
    if (value == r.values.end() || !now.fresh(of)) return true;
    const bool rise = previous && value->second > *previous && value->second > above;
    previous = value->second;
    in_a_row = rise ? in_a_row + 1 : 0;
    if (in_a_row >= count) armed = r.event_ns;
    return true;
  });
  return out;
}

std::optional<std::vector<int>> z_score_sides(const rule_case& at, const config_node& rule) {
  const auto window = find_window(at.model, text_of(rule, "window", ""));
  if (!window || !unknown_key(rule, z_keys).empty()) return std::nullopt;
  z_walk walk(rule, *window);
  std::vector<int> out;
  walk_z(at, *window, walk, [&](const row&, const knowledge&, std::optional<int> side) {
    out.push_back(side.value_or(0));
    return true;
  });
  return out;
}

} // namespace pollux::domain::audit
