// SPDX-License-Identifier: Apache-2.0
// All half matches of a pattern, event by event (docs/patterns.md, "How stages follow one another",
// "Time", "Skip").
#include "domain/audit/plain_pattern_ways.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <tuple>

namespace pollux::domain::audit {
namespace {

constexpr std::size_t most_half_matches = 5'000;

struct half {
  taken_path path;
  std::vector<pattern_way> ways;                // still possible
  std::vector<std::string> not_next, not_until; // what must not come here
  std::optional<pattern_gap> end;               // only a not at the end is still to be seen
  bool untouched = true;                        // no event since its last one
  bool was_match = false;
  [[nodiscard]] std::size_t start() const { return path.front().event; }
};

// A match that may have to wait for half matches that began earlier.
struct found {
  taken_path path;
  std::size_t end = 0; // the event at which it was found
  std::int64_t at_ns = 0;

  // Who is told first: by beginning and end, the longer one, the earlier events, earlier stages.
  [[nodiscard]] auto order() const {
    std::vector<std::size_t> events, stages;
    for (const auto& t : path) {
      events.push_back(t.event);
      stages.push_back(t.stage);
    }
    return std::tuple(path.front().event, end, most_half_matches - path.size(), events, stages);
  }
};

class walk {
public:
  walk(const rule_case& at, const config_node& rule, const plain_pattern& pattern)
      : at_(at), pattern_(pattern), view_(at, pattern), begin_(ways_to_begin(pattern)) {
    const auto* block = key(at.model, "event_time");
    disorder_ = block == nullptr ? 0 : duration_of(*block, "disorder", 0);
    idle_ = block != nullptr && key(*block, "idle") != nullptr;
    (void)rule;
  }

  pattern_story run() {
    std::int64_t newest = no_time, heard = no_time;
    for (row_ = 0; row_ < at_.rows.size() && story_.why_not.empty(); ++row_) {
      const auto& r = at_.rows[row_];
      const bool event = view_.learn(r, row_);
      if (!view_.why_not.empty()) break;
      by_reading_ = true;
      if (event) take_in();
      by_reading_ = false;
      if (!r.brings()) continue;
      newest = std::max(newest, r.event_ns);
      heard = std::max(heard, r.ingest_ns);
      pass(saturating_add(newest, -disorder_));
    }
    // A silent twin's watermark goes on with our clock.
    if (idle_ && newest != no_time && at_.alert.ingest_time_ns > heard) {
      row_ = at_.rows.size() - 1;
      pass(saturating_add(newest, at_.alert.ingest_time_ns - heard - disorder_));
    }
    if (!view_.why_not.empty()) story_.why_not = view_.why_not;
    story_.events = view_.events();
    return std::move(story_);
  }

private:
  [[nodiscard]] std::int64_t time_of(std::size_t event) const {
    return view_.events()[event].time_ns;
  }
  [[nodiscard]] std::int64_t bound(const half& h, std::int64_t step_ns) const {
    auto at = never;
    if (pattern_.within_ns > 0) at = saturating_add(time_of(h.start()), pattern_.within_ns);
    if (step_ns > 0) at = std::min(at, saturating_add(time_of(h.path.back().event), step_ns));
    return at;
  }
  [[nodiscard]] std::int64_t bound_of_end(const half& h) const {
    const auto& last = pattern_.steps.back();
    return bound(h, last.negative && last.before != 'x' ? last.step_ns : 0);
  }
  // When time next decides something about it.
  [[nodiscard]] std::int64_t deadline(const half& h) const {
    const auto decided = h.end ? bound_of_end(h) : never;
    if (h.ways.empty()) return decided;
    std::int64_t last = no_time;
    for (const auto& w : h.ways) last = std::max(last, bound(h, w.step->step_ns));
    return std::min(decided, last);
  }
  [[nodiscard]] bool any(const std::vector<std::string>& conditions, const half& h) {
    return std::any_of(conditions.begin(), conditions.end(),
                       [&](const auto& c) { return view_.holds(c, h.path); });
  }

  void pass(std::int64_t time_ns) {
    while (true) {
      auto due = never;
      for (const auto& h : halves_) due = std::min(due, deadline(h));
      if (due >= time_ns) return;
      std::vector<half> left;
      for (auto& h : halves_)
        if (deadline(h) != due || !fall_due(h, due)) left.push_back(std::move(h));
      halves_ = std::move(left);
      tell();
    }
  }
  // True when nothing can follow any more.
  bool fall_due(half& h, std::int64_t due) {
    if (h.end && !h.end->not_until.empty() && bound_of_end(h) == due) {
      done_.push_back({h.path, view_.events().size() - 1 - (by_reading_ ? 1 : 0), due});
      h.end.reset();
      h.was_match = true;
      if (!h.ways.empty() && deadline(h) > due) return false;
    }
    if (!h.was_match) story_.time_outs.push_back({h.path, due, row_, by_reading_});
    return true;
  }

  void take_in() {
    const auto event = view_.events().size() - 1;
    pass(time_of(event));
    std::vector<half> next;
    for (auto& h : halves_) go_on(std::move(h), event, next);
    for (const auto& w : begin_.ways)
      if (!blocked(w, {}) && takes(w.untils, w.step->where, {})) begin(w, event, next);
    halves_ = std::move(next);
    if (halves_.size() > most_half_matches)
      story_.why_not = "there are more half matches than the plain check goes through";
    tell();
    story_.crowded = story_.crowded || halves_.size() + held_.size() > pattern_.max_partial;
  }
  [[nodiscard]] bool takes(const std::vector<plain_until>& untils, const std::string& where,
                           const taken_path& path) {
    return std::none_of(untils.begin(), untils.end(),
                        [&](const auto& u) { return view_.holds(u.condition, path); }) &&
           view_.holds(where, path);
  }
  [[nodiscard]] bool blocked(const pattern_way& w, const taken_path& path) {
    return std::any_of(w.gap.greedy.begin(), w.gap.greedy.end(), [&](const greedy_watch& g) {
      return !g.over && takes(g.untils, g.step->where, path);
    });
  }
  void begin(const pattern_way& w, std::size_t event, std::vector<half>& next) {
    extend({}, w, event, next);
  }

  void go_on(half h, std::size_t event, std::vector<half>& next) {
    if (any(h.not_until, h) || (h.untouched && any(h.not_next, h))) return;
    if (h.end && (any(h.end->not_until, h) || (h.untouched && any(h.end->not_next, h)))) return;
    const auto now = time_of(event);
    std::vector<pattern_way> left;
    for (auto& w : h.ways) {
      for (auto& g : w.gap.greedy) // it may be too late for the greedy one
        if (g.step->step_ns > 0 && now > bound(h, g.step->step_ns)) g.over = true;
      const bool ended = w.step->step_ns > 0 && now > bound(h, w.step->step_ns);
      if (ended || blocked(w, h.path)) continue;
      const bool taken = takes(w.untils, w.step->where, h.path);
      if (taken) extend(h.path, w, event, next);
      const bool stopped = std::any_of(w.untils.begin(), w.untils.end(), [&](const auto& u) {
        return u.inside && view_.holds(u.condition, h.path);
      });
      if (stopped || w.how == 'x' || (taken && w.how == 't')) continue;
      for (auto& g : w.gap.greedy)
        g.over = g.over || g.how == 'x' ||
                 std::any_of(g.untils.begin(), g.untils.end(), [&](const auto& u) {
                   return u.inside && view_.holds(u.condition, h.path);
                 });
      left.push_back(std::move(w));
    }
    h.ways = std::move(left);
    if (h.end && h.end->not_until.empty()) { // the next event only had to be another one
      done_.push_back({h.path, event, now});
      h.end.reset();
      h.was_match = true;
    }
    h.untouched = false;
    if (h.end || !h.ways.empty()) next.push_back(std::move(h));
  }

  void extend(taken_path path, const pattern_way& w, std::size_t event, std::vector<half>& next) {
    if (path.size() >= pattern_.max_events) return;
    const auto& names = pattern_.stages;
    const auto stage = std::find(names.begin(), names.end(), w.step->name) - names.begin();
    path.push_back({event, static_cast<std::size_t>(stage)});
    auto after = ways_after(w);
    half h;
    h.path = std::move(path);
    for (const auto& way : after.ways) {
      h.not_next.insert(h.not_next.end(), way.gap.not_next.begin(), way.gap.not_next.end());
      h.not_until.insert(h.not_until.end(), way.gap.not_until.begin(), way.gap.not_until.end());
    }
    h.ways = std::move(after.ways);
    if (after.end && after.end->not_next.empty() && after.end->not_until.empty()) {
      done_.push_back({h.path, event, time_of(event)});
      h.was_match = true;
    } else {
      h.end = std::move(after.end);
    }
    if (h.end || !h.ways.empty()) next.push_back(std::move(h));
  }

  // ---- which matches are told
  // --------------------------------------------------------------------

  void tell() {
    held_.insert(held_.end(), done_.begin(), done_.end());
    done_.clear();
    const auto first = [](const found& a, const found& b) { return a.order() < b.order(); };
    std::sort(held_.begin(), held_.end(), first);
    const bool waits = pattern_.skip != "none";
    while (!held_.empty()) {
      const auto m = held_.front();
      const bool earlier = std::any_of(halves_.begin(), halves_.end(), [&](const half& h) {
        return h.start() < m.path.front().event;
      });
      if (waits && earlier) return;
      held_.erase(held_.begin());
      story_.matches.push_back({m.path, m.at_ns, row_, by_reading_});
      const auto below = skips_to(m);
      std::erase_if(halves_, [&](const half& h) { return h.start() < below; });
      std::erase_if(held_, [&](const found& f) { return f.path.front().event < below; });
    }
  }
  // Those that began before this event go.
  [[nodiscard]] std::size_t skips_to(const found& m) const {
    if (pattern_.skip == "next") return m.path.front().event + 1;
    if (pattern_.skip == "past_last") return m.path.back().event + 1;
    std::size_t below = 0;
    for (const auto& t : m.path) {
      if (pattern_.stages[t.stage] != pattern_.skip_to) continue;
      if (below == 0 || pattern_.skip == "to_last") below = t.event;
      if (pattern_.skip == "to_first") break;
    }
    return below;
  }

  const rule_case& at_;
  const plain_pattern& pattern_;
  pattern_view view_;
  gathered begin_;
  std::int64_t disorder_ = 0;
  bool idle_ = false, by_reading_ = false;
  std::size_t row_ = 0;
  std::vector<half> halves_;
  std::vector<found> held_, done_;
  pattern_story story_;
};

} // namespace

pattern_story walk_pattern(const rule_case& at, const config_node& rule,
                           const plain_pattern& pattern) {
  return walk(at, rule, pattern).run();
}

} // namespace pollux::domain::audit
