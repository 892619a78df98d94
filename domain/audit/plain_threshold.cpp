// SPDX-License-Identifier: Apache-2.0
// A threshold, walked from the first reading on: since when its condition has been met or gone, how
// often, and the moment at which that is long enough (docs/models.md, "threshold").
#include "domain/audit/plain_expression.hpp"
#include "domain/audit/plain_names.hpp"
#include "domain/audit/plain_rules.hpp"
#include "domain/audit/plain_schedule.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace pollux::domain::audit {
namespace {

double end_of(const config_node& range, std::size_t which) {
  return range.members.size() == 2 ? range.members[which].second.number : 0;
}

// Whether a value is one to raise at.
bool is_met(const config_node& rule, double value) {
  if (const auto* above = key(rule, "above")) return value > above->number;
  if (const auto* below = key(rule, "below")) return value < below->number;
  if (const auto* out = key(rule, "outside"))
    return value < end_of(*out, 0) || value > end_of(*out, 1);
  if (const auto* in = key(rule, "inside")) return end_of(*in, 0) < value && value < end_of(*in, 1);
  return value != 0;
}

// Whether a value is one to clear at.
bool is_back(const config_node& rule, double value) {
  if (const auto* above = key(rule, "above"))
    return value <= number_of(rule, "clear", above->number);
  if (const auto* below = key(rule, "below"))
    return value >= number_of(rule, "clear", below->number);
  const auto* clear = key(rule, "clear");
  if (const auto* out = key(rule, "outside")) {
    const auto& range = clear != nullptr ? *clear : *out;
    return end_of(range, 0) <= value && value <= end_of(range, 1);
  }
  if (const auto* in = key(rule, "inside")) {
    const auto& range = clear != nullptr ? *clear : *in;
    return value <= end_of(range, 0) || value >= end_of(range, 1);
  }
  return value == 0;
}

// Readings in a row that said the same.
struct stretch {
  std::vector<std::int64_t> times;
  void say(bool yes, std::int64_t t) { yes ? times.push_back(t) : times.clear(); }
  // When it has lasted `wait` and held `count` readings; no_time while it has not so many.
  [[nodiscard]] std::int64_t due(std::int64_t wait, std::size_t count) const {
    if (times.size() < count) return no_time;
    return std::max(saturating_add(times.front(), wait), times[count - 1]);
  }
};

class patient_walk {
public:
  explicit patient_walk(const rule_case& at)
      : at_(at), names_(at.model), raising_(raises(at.alert)),
        wait_(duration_of(at.rule, raising_ ? "for" : "clear_for", 0)),
        within_(duration_of(at.rule, "within", 0)),
        count_(raising_ ? static_cast<std::size_t>(number_of(at.rule, "times", 1)) : 1),
        hours_(at.rule) {}

  rule_answer run() {
    if (hours_.end_the_alert(at_.alert)) return {true, true, "the hours ended there", {}, {}};
    for (const auto& r : at_.rows) {
      if (due_at_the_alert() && r.event_ns > moment() && is_the_cause(r)) fall_due();
      if (r.event_ns >= hours_end_) start_over();
      names_.learn(r);
      if (out_.agrees && wait_ > 0 && r.event_ns <= newest_) out_.numbers.erase("value");
      anything_newer_ = r.judged && brings_anything_newer(r);
      newest_ = std::max(newest_, r.event_ns);
      if (r.judged) judge(r);
      if (!why_not_.empty()) return not_known(why_not_);
      if (!out_.agrees && due_at_the_alert() && newest_ >= moment() && is_the_cause(r)) fall_due();
    }
    const auto* clock = key(at_.model, "event_time");
    if (!out_.agrees && due_at_the_alert() && clock != nullptr && key(*clock, "idle") != nullptr)
      fall_due();
    return out_;
  }

private:
  [[nodiscard]] std::int64_t moment() const { return at_.alert.alert.event_time_ns; }
  [[nodiscard]] bool is_the_cause(const row& r) const {
    return at_.in_event_order || r.id == at_.alert.id.cause;
  }
  [[nodiscard]] bool due_at_the_alert() const {
    return wait_ > 0 && so_.due(wait_, count_) == moment() && moment() < hours_end_;
  }

  // Whether a row is the newest of all, or has a newer value of any telemetry of the model.
  bool brings_anything_newer(const row& r) {
    bool newer = r.brings() && r.event_ns > newest_;
    const auto* telemetry = key(at_.model, "telemetry");
    const auto look_at = [&](const std::string& name) {
      if (telemetry == nullptr || key(*telemetry, name) == nullptr) return;
      const auto [known, first] = newest_of_.try_emplace(name, r.event_ns);
      newer = newer || first || r.event_ns > known->second;
      known->second = std::max(known->second, r.event_ns);
    };
    for (const auto& [name, value] : r.values) look_at(name);
    for (const auto& [name, text] : r.texts) look_at(name);
    return newer;
  }

  // Outside of the hours nothing is on its way.
  void start_over() {
    so_.times.clear();
    met_.clear();
    hours_end_ = never;
    within_hours_ = false;
  }

  // The same instant may have come twice with the input: the alert's value says which it was.
  void judge(const row& r) {
    if (!out_.agrees || has_the_value() || !is_the_row(at_, r)) return judge_once(r);
    const auto before = std::exchange(out_, {true, false, no_such_row, {}});
    judge_once(r);
    if (!out_.agrees) out_ = before;
  }
  [[nodiscard]] bool has_the_value() const {
    const auto found = out_.numbers.find("value");
    const auto& stated = at_.alert.alert.proof.numbers;
    return found == out_.numbers.end() || std::any_of(stated.begin(), stated.end(), [&](auto& n) {
             return n.name == "value" &&
                    std::fabs(n.value - found->second) <= 1e-9 * std::max(1.0, std::fabs(n.value));
           });
  }

  void judge_once(const row& r) {
    names_.stated = is_the_row(at_, r) ? &at_.alert.alert.proof : nullptr;
    const auto result =
        evaluate(text_of(at_.rule, "value", ""), [&](std::string_view n) { return names_(n); });
    if (names_.sketched && (wait_ > 0 || count_ > 1))
      why_not_ = "the plain check does not wait on quantiles of bounded exactness";
    if (!names_.beyond.empty()) why_not_ = "the plain check does not know " + names_.beyond;
    if (!result.understood) why_not_ = "the plain check does not know this expression";
    if (!why_not_.empty()) return;
    const bool here = !out_.agrees && is_the_row(at_, r);
    if (!names_.anything_new && !(names_.asked_any && anything_newer_)) {
      if (here) out_.what = "nothing it names came anew there";
      return;
    }
    if (here) out_.what = "the rule is off at this time of the week";
    if (!hours_.on(r.event_ns)) return;
    if (!within_hours_) hours_end_ = hours_.end_after(r.event_ns);
    within_hours_ = true;
    if (here) out_.what = "the expression has no value there";
    if (!result.value) {
      so_.times.clear();
      met_.clear();
      return;
    }
    value_ = *result.value;
    const bool so = raising_ ? is_met(at_.rule, value_) : is_back(at_.rule, value_);
    so_.say(so, r.event_ns);
    if (so) met_.push_back(r.event_ns);
    if (!here) return;
    out_.numbers = names_.used;
    out_.numbers["value"] = value_;
    out_.what = raising_ ? "the value is not beyond the limit" : "the value is not back";
    if (!so) return;
    out_.what = "the value has not been so for long or often enough";
    if (is_enough(r.event_ns)) agree(raising_ ? "the value is beyond the limit" : "it is back");
  }

  [[nodiscard]] bool is_enough(std::int64_t t) const {
    if (within_ > 0 && raising_) {
      const auto last = *std::max_element(met_.begin(), met_.end());
      const auto recent = std::count_if(met_.begin(), met_.end(),
                                        [&](std::int64_t m) { return m >= last - within_; });
      return static_cast<std::size_t>(recent) >= count_;
    }
    const auto due = so_.due(wait_, count_);
    return due != no_time && due <= t;
  }

  // A correction since the last reading judged is not judged, but the twin knows it: which of the
  // two values the evidence has is not settled by the documents, so it is not compared.
  void fall_due() {
    const auto judged =
        out_.agrees && out_.numbers.contains("value") ? out_.numbers["value"] : value_;
    const auto now =
        evaluate(text_of(at_.rule, "value", ""), [&](std::string_view n) { return names_(n); });
    if (!out_.agrees) agree("it fell due");
    if (!now.value || *now.value != judged || judged != value_) out_.numbers.erase("value");
  }

  void agree(const char* why) {
    out_.agrees = true;
    out_.what = why;
    out_.numbers["value"] = value_;
    if (wait_ > 0) out_.numbers["for_s"] = static_cast<double>(wait_) / 1e9;
    if (count_ > 1) out_.numbers["times"] = static_cast<double>(count_);
    if ((wait_ > 0 || count_ > 1) && within_ == 0) out_.times["since"] = so_.times.front();
  }

  const rule_case& at_;
  named_values names_;
  bool raising_;
  std::int64_t wait_, within_;
  std::size_t count_;
  plain_hours hours_;
  std::int64_t hours_end_ = never; ///< of the hours in which the last reading was judged
  bool within_hours_ = false;
  stretch so_;
  std::vector<std::int64_t> met_;
  double value_ = 0;
  std::int64_t newest_ = no_time;
  std::string why_not_;
  bool anything_newer_ = false;                   ///< in the newest row
  std::map<std::string, std::int64_t> newest_of_; ///< by telemetry
  rule_answer out_{true, false, no_such_row, {}};
};

} // namespace

rule_answer judge_threshold(const rule_case& at) {
  const keys known = {"value", "above",  "below",     "inside", "outside", "clear",
                      "for",   "within", "clear_for", "times",  "active"};
  if (const auto key = unknown_key(at.rule, known); !key.empty())
    return not_known("the plain threshold does not know the key " + key);
  return patient_walk(at).run();
}

} // namespace pollux::domain::audit
