// SPDX-License-Identifier: Apache-2.0
// An alert of a pattern against all that the plain walk found.
#include "domain/audit/plain_pattern.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain::audit {
namespace {

constexpr std::size_t most_told = 64; // events, and numbers, that evidence names

// The evidence a path makes.
struct plain_evidence {
  std::map<std::string, double> numbers;
  std::map<std::string, std::int64_t> times;
  std::vector<std::int64_t> event_times;
};

plain_evidence evidence_of(const told_path& told, const pattern_story& story,
                           const plain_pattern& pattern, const char* end) {
  plain_evidence out;
  const auto& first = story.events[told.path.front().event];
  const auto& last = story.events[told.path.back().event];
  out.numbers["events"] = static_cast<double>(told.path.size());
  out.numbers["span_s"] = static_cast<double>(last.time_ns - first.time_ns) / 1e9;
  if (pattern.within_ns > 0) out.numbers["within_s"] = static_cast<double>(pattern.within_ns) / 1e9;
  std::map<std::size_t, std::size_t> seen;
  for (const auto& taken : told.path) {
    const auto& event = story.events[taken.event];
    const auto label =
        pattern.stages[taken.stage] + "[" + std::to_string(seen[taken.stage]++) + "]";
    for (const auto& [telemetry, value] : event.values)
      out.numbers[label + "." + telemetry] = value;
    if (out.event_times.size() >= most_told) continue;
    out.event_times.push_back(event.time_ns);
    out.times[label] = event.time_ns;
  }
  out.times[end] = told.at_ns;
  return out;
}

bool same_times(const plain_evidence& again, const evidence& proof) {
  std::map<std::string, std::int64_t> stated;
  for (const auto& t : proof.times) stated[t.name] = t.time_ns;
  return stated == again.times && proof.event_times_ns == again.event_times;
}

// Every number that evidence gives is one of the path's, and none is left out.
bool same_names(const plain_evidence& again, const evidence& proof) {
  const auto known = std::all_of(proof.numbers.begin(), proof.numbers.end(),
                                 [&](const auto& n) { return again.numbers.contains(n.name); });
  return known && proof.numbers.size() == std::min(again.numbers.size(), most_told);
}

// Two events of one instant can only be told apart by what was known at them.
bool same_numbers(const plain_evidence& again, const evidence& proof) {
  return std::all_of(proof.numbers.begin(), proof.numbers.end(), [&](const auto& n) {
    return std::fabs(again.numbers.at(n.name) - n.value) <= 1e-9 * std::fabs(n.value);
  });
}

rule_answer compare_stories(const rule_case& at, const pattern_story& story,
                            const plain_pattern& pattern) {
  const auto& alert = at.alert.alert;
  const auto& proof = alert.proof;
  const bool timed_out = std::any_of(proof.times.begin(), proof.times.end(),
                                     [](const named_time& t) { return t.name == "timed out"; });
  rule_answer out{true,
                  false,
                  timed_out ? "no half match of this path ran out of time then"
                            : "there is no match of this path at this time",
                  {}};
  for (const auto& told : timed_out ? story.time_outs : story.matches) {
    if (told.at_ns != alert.event_time_ns) continue;
    const auto again = evidence_of(told, story, pattern, timed_out ? "timed out" : "matched");
    // A correction may leave the evidence to what was told before.
    const bool silent = alert.transition == alert_transition::corrected && proof.times.empty();
    if (!silent && (!same_times(again, proof) || !same_names(again, proof))) continue;
    out.agrees = true;
    out.numbers = again.numbers;
    out.times = again.times;
    out.what = std::to_string(told.path.size()) + " events went through its stages" +
               (timed_out ? ", and what was to follow did not come in time" : "");
    if (silent || same_numbers(again, proof)) break;
  }
  return out;
}

} // namespace

rule_answer judge_pattern(const rule_case& at) {
  const keys known = {"stages",  "pattern", "within",      "skip",
                      "skip_to", "emit",    "max_partial", "max_events"};
  if (const auto key = unknown_key(at.rule, known); !key.empty())
    return not_known("the plain pattern does not know the key " + key);
  const auto t = at.alert.alert.transition;
  if (t != alert_transition::emitted && t != alert_transition::corrected)
    return {true, false, "a pattern emits alerts; it neither raises nor clears", {}};
  const auto pattern = read_plain_pattern(at.rule);
  if (!pattern) return not_known("the plain check does not read this pattern's text");
  const auto story = walk_pattern(at, at.rule, *pattern);
  if (!story.why_not.empty()) return not_known(story.why_not);
  auto out = compare_stories(at, story, *pattern);
  if (!out.agrees && story.crowded)
    return not_known("there were more half matches than max_partial: which gave way is not "
                     "worked out here");
  const auto emits = text_of(at.rule, "emit", "match");
  const bool timed_out = out.times.contains("timed out");
  if (out.agrees && emits != "both" && emits != (timed_out ? "timeout" : "match")) {
    out.agrees = false;
    out.what = "the rule does not tell of this";
  }
  return out;
}

} // namespace pollux::domain::audit
