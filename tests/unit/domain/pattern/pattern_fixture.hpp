// SPDX-License-Identifier: Apache-2.0
// Patterns over letters. An event is a letter and perhaps a number that tells it from others: a,
// b1, b2; <a> in a pattern is the condition "is an a", <ab> "is an a or a b". One event a second.
#pragma once
#include "domain/model/operator.hpp"
#include "domain/pattern/pattern_operator.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <algorithm>
#include <sstream>

namespace pollux::domain::testing {

/// Writes <ab> out as an expression over the telemetry x.
inline std::string spelled_out(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '<' || pattern[i + 1] < 'a') {
      out += pattern[i];
      continue;
    }
    out += '[';
    for (++i; pattern[i] != '>'; ++i)
      out += (out.back() == '[' ? "x == " : " || x == ") + std::to_string(pattern[i] - 'a' + 1);
    out += ']';
  }
  return out;
}

inline std::string letter_model(std::string_view keys) {
  return R"({"name": "letters", "telemetry": {"x": {}, "y": {}}, "operators": [
    {"name": "p", "type": "pattern", )" +
         std::string(keys) + "}]}";
}

/// One twin under one pattern of letters.
class letters {
public:
  /// `keys`: of the operator, as JSON. <a> may stand in them.
  explicit letters(const std::string& keys) {
    models_.add("m", letter_model(spelled_out(keys)));
    twin_ = std::make_unique<hand>(models_, "m");
  }
  static letters of(const std::string& pattern, const std::string& more = {}) {
    return letters("\"pattern\": \"" + pattern + "\"" + (more.empty() ? "" : ", " + more));
  }

  letters& feed(const std::string& events) {
    std::istringstream in(events);
    for (std::string e; in >> e;) event(e, static_cast<double>(++time_s_));
    return *this;
  }
  letters& event(const std::string& name, double at_s) {
    names_[static_cast<std::int64_t>(at_s * 1e9)] = name;
    time_s_ = static_cast<int>(at_s);
    twin_->now_s = time_s_;
    keep(twin_->reading(at_s, {{"x", name[0] - 'a' + 1.0},
                               {"y", name.size() > 1 ? std::stod(name.substr(1)) : 0}}));
    return *this;
  }
  /// Event time is past `at_s`.
  letters& pass(double at_s) {
    input in;
    in.id = {{2}, ++passes_};
    effects out;
    step_context at{twin_->state.get(), in, out, twin_->now_s * ns_per_s};
    op().pass_watermark(at, static_cast<std::int64_t>(at_s * 1e9), false);
    keep(out);
    return *this;
  }
  letters& end() { return pass(time_s_ + 1e6); }
  void reload() { twin_->reload(); }

  [[nodiscard]] const twin_operator& op() const { return *models_.find("m")->find_operator("p"); }
  [[nodiscard]] const pattern_state& state() const {
    return static_cast<const pattern_state&>(*twin_->state.get().states[op().identity().state]);
  }
  [[nodiscard]] std::string why() const { return twin_->why("p"); }
  [[nodiscard]] hand& twin() { return *twin_; }
  /// The matches in the order of their alerts, each as "a b1 c"; time-outs as "a b1 ...".
  [[nodiscard]] const std::vector<std::string>& told() const { return told_; }
  [[nodiscard]] const std::vector<alert_effect>& alerts() const { return alerts_; }
  /// told(), sorted and joined by " | ".
  [[nodiscard]] std::string set() const {
    auto sorted = told_;
    std::sort(sorted.begin(), sorted.end());
    return joined(sorted);
  }
  [[nodiscard]] std::string in_order() const { return joined(told_); }

private:
  static std::string joined(const std::vector<std::string>& all) {
    std::string out;
    for (const auto& m : all) out += (out.empty() ? "" : " | ") + m;
    return out;
  }
  void keep(const effects& more) {
    for (const auto& e : more) {
      if (e.kind != effect_kind::alert) continue;
      std::string text;
      for (const auto t : e.alert.proof.event_times_ns)
        text += (text.empty() ? "" : " ") + names_.at(t);
      if (e.alert.proof.explanation.starts_with("timed out")) text += " ...";
      told_.push_back(text);
      alerts_.push_back(e.alert);
    }
  }
  library models_;
  std::unique_ptr<hand> twin_;
  std::map<std::int64_t, std::string> names_;
  std::vector<std::string> told_;
  std::vector<alert_effect> alerts_;
  int time_s_ = 0;
  std::uint32_t passes_ = 0;
};

/// The set of matches of a pattern on events, with a last word from the watermark.
inline std::string matches(const std::string& pattern, const std::string& events,
                           const std::string& more = {}) {
  return letters::of(pattern, more).feed(events).end().set();
}

} // namespace pollux::domain::testing
