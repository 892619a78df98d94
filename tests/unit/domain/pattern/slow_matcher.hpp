// SPDX-License-Identifier: Apache-2.0
// The slow, obvious matcher: tries every choice of events for every stage and checks the definition
// of each rule on the stream itself. No automaton, no state between events. What it finds is put in
// order and thinned by the skip strategy at the very end.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace pollux::domain::testing {

/// An event: a letter by number, a size that conditions compare, a time.
struct slow_event {
  int letter;
  int size;
  int time;
};

/// A condition: one of some letters and, with `above` >= 0, larger than the last event of that
/// stage.
struct slow_condition {
  unsigned letters = 0; // one bit each
  int above = -1;
  [[nodiscard]] std::string text() const {
    std::string out;
    for (int i = 0; i < 8; ++i)
      if ((letters >> i & 1) != 0)
        out += (out.empty() ? "x == " : " || x == ") + std::to_string(i + 1);
    if (above >= 0) out = "(" + out + ") && y > last(t" + std::to_string(above) + ".y)";
    return out;
  }
};

struct slow_element {
  char kind = 's';   // s stage, g group, n not
  char before = 't'; // x next, t then, a thenAny
  char inside = 't';
  int stage = 0;
  slow_condition where, until; // until.letters == 0: none
  std::vector<slow_element> members;
  int least = 1, most = 1; // most 0: without end
  bool optional = false, greedy = false;

  [[nodiscard]] static std::string text(const std::vector<slow_element>& sequence) {
    std::string out;
    for (const auto& e : sequence) {
      if (!out.empty())
        out += e.before == 'x' ? " next " : e.before == 't' ? " then " : " thenAny ";
      if (e.kind == 'n') out += "not ";
      out += e.kind == 'g' ? "(" + text(e.members) + ")"
                           : "t" + std::to_string(e.stage) + ": [" + e.where.text() + "]";
      if (e.most != 1 || e.least != 1)
        out +=
            "{" + std::to_string(e.least) + "," + (e.most == 0 ? "" : std::to_string(e.most)) + "}";
      if (e.optional) out += "?";
      if (e.greedy) out += " greedy";
      if (e.inside != 't') out += e.inside == 'x' ? " consecutive" : " combinations";
      if (e.until.letters != 0) out += " until [" + e.until.text() + "]";
    }
    return out;
  }
};

struct slow_match {
  std::vector<std::pair<int, int>> path; // (event, stage)
  int end = 0;                           // the event that completed it
  [[nodiscard]] int start() const { return path.front().first; }
};

class slow_matcher {
public:
  slow_matcher(const std::vector<slow_element>& sequence, const std::vector<slow_event>& events,
               int within)
      : sequence_(sequence), events_(events), within_(within) {}

  std::vector<slow_match> all() {
    row(sequence_, 0, {}, nullptr, [&](const gap& g) { finish(g); });
    return found_;
  }

private:
  // A greedy element that was left, or left out, since the last event.
  struct watch {
    const slow_element* element;
    bool repeating;
    char how;
  };
  // What lies between the last event taken and the next.
  struct gap {
    std::vector<slow_condition> not_next, not_until;
    std::vector<watch> greedy;
  };
  using next = std::function<void(const gap&)>;

  [[nodiscard]] bool holds(const slow_condition& c, int event) const {
    if ((c.letters >> events_[std::size_t(event)].letter & 1) == 0) return false;
    if (c.above < 0) return true;
    for (auto i = path_.rbegin(); i != path_.rend(); ++i)
      if (i->second == c.above)
        return events_[std::size_t(event)].size > events_[std::size_t(i->first)].size;
    return false;
  }
  [[nodiscard]] bool until(const slow_element& e, int event) const {
    return e.until.letters != 0 && holds(e.until, event);
  }
  [[nodiscard]] int last() const { return path_.empty() ? -1 : path_.back().first; }

  // `entering`: how the first event of a group follows, while none was taken.
  void row(const std::vector<slow_element>& list, std::size_t i, const gap& g, const char* entering,
           const next& then) {
    if (i == list.size()) return then(g);
    const auto& e = list[i];
    if (e.kind == 'n') {
      auto more = g;
      (e.before == 'x' ? more.not_next : more.not_until).push_back(e.where);
      return row(list, i + 1, more, entering, then);
    }
    const auto depth = path_.size();
    const char how = entering != nullptr ? *entering : e.before;
    const auto rest = [&, entering](const gap& after) {
      row(list, i + 1, after, path_.size() == depth ? entering : nullptr, then);
    };
    if (e.optional) {
      auto without = g;
      if (e.greedy) without.greedy.push_back({&e, false, how});
      rest(without);
    }
    rounds(e, 1, how, g, rest);
  }

  void rounds(const slow_element& e, int k, char how, const gap& g, const next& then) {
    const auto after = [&](const gap& left) {
      const bool more = e.most == 0 || k < e.most;
      if (k >= e.least) {
        auto out = left;
        if (e.greedy && more) out.greedy.push_back({&e, true, e.inside});
        then(out);
      }
      if (more) rounds(e, k + 1, e.inside, left, then);
    };
    if (e.kind == 'g')
      row(e.members, 0, g, &how, after);
    else
      take(e, k > 1, how, g, after);
  }

  // What ends the half match here: every not that may be passed before the next event.
  void take(const slow_element& e, bool repeating, char how, const gap& g, const next& then) {
    if (probing_) {
      seen_.not_next.insert(seen_.not_next.end(), g.not_next.begin(), g.not_next.end());
      seen_.not_until.insert(seen_.not_until.end(), g.not_until.begin(), g.not_until.end());
      return;
    }
    const int from = last();
    const auto forbidden = path_.empty() ? gap{} : forbidden_;
    for (int j = from + 1; j < int(events_.size()); ++j) {
      if (path_.empty() ? !begins(e, j, g) : !follows(e, j, how, repeating, g, forbidden)) continue;
      path_.emplace_back(j, e.stage);
      const auto outer = forbidden_;
      probing_ = true;
      seen_ = {};
      then({});
      forbidden_ = seen_;
      probing_ = false;
      then({});
      forbidden_ = outer;
      path_.pop_back();
    }
  }

  [[nodiscard]] bool begins(const slow_element& e, int j, const gap& g) const {
    if (!holds(e.where, j) || until(e, j)) return false;
    return std::none_of(g.greedy.begin(), g.greedy.end(), [&](const watch& w) {
      return holds(first_of(*w.element).where, j) && !until(*w.element, j);
    });
  }
  static const slow_element& first_of(const slow_element& e) { return e; }

  [[nodiscard]] bool follows(const slow_element& e, int j, char how, bool repeating, const gap& g,
                             const gap& forbidden) const {
    const int i = last();
    if (events_[std::size_t(j)].time - events_[std::size_t(path_.front().first)].time > within_)
      return false;
    if (!holds(e.where, j) || until(e, j)) return false;
    if (how == 'x' && j != i + 1) return false;
    for (int k = i + 1; k <= j; ++k) {
      if (repeating && until(e, k)) return false;
      if (how == 't' && k < j && holds(e.where, k) && !until(e, k)) return false;
      if (ended(forbidden, i, k)) return false;
      for (const auto& w : g.greedy) {
        if (w.how == 'x' && k != i + 1) continue;
        bool stopped = until(*w.element, k);
        for (int m = i + 1; w.repeating && m < k; ++m) stopped = stopped || until(*w.element, m);
        if (!stopped && holds(w.element->where, k)) return false;
      }
    }
    return true;
  }

  [[nodiscard]] bool ended(const gap& by, int i, int k) const {
    const auto at = [&](const slow_condition& c) { return holds(c, k); };
    return std::any_of(by.not_until.begin(), by.not_until.end(), at) ||
           (k == i + 1 && std::any_of(by.not_next.begin(), by.not_next.end(), at));
  }

  void finish(const gap& g) {
    if (probing_) {
      seen_.not_next.insert(seen_.not_next.end(), g.not_next.begin(), g.not_next.end());
      seen_.not_until.insert(seen_.not_until.end(), g.not_until.begin(), g.not_until.end());
      return;
    }
    if (g.not_next.empty() && g.not_until.empty()) {
      found_.push_back({path_, last()});
      return;
    }
    const int i = last();
    const int deadline = events_[std::size_t(path_.front().first)].time + within_;
    int k = i + 1;
    for (; k < int(events_.size()) && events_[std::size_t(k)].time <= deadline; ++k) {
      if (ended(forbidden_, i, k)) return;
      if (g.not_until.empty()) { // the next event decides
        found_.push_back({path_, k});
        return;
      }
    }
    if (!g.not_until.empty()) found_.push_back({path_, k - 1});
  }

  const std::vector<slow_element>& sequence_;
  const std::vector<slow_event>& events_;
  int within_;
  std::vector<std::pair<int, int>> path_;
  bool probing_ = false;
  gap seen_, forbidden_;
  std::vector<slow_match> found_;
};

/// Matches in the order of their first events, each once, without those an earlier one skips.
inline std::vector<slow_match> skipped(std::vector<slow_match> all, const std::string& strategy,
                                       int stage) {
  const auto key = [](const slow_match& m) {
    std::vector<int> events, stages;
    for (const auto& [e, s] : m.path) {
      events.push_back(e);
      stages.push_back(s);
    }
    return std::tuple(m.start(), m.end, -int(m.path.size()), events, stages);
  };
  std::sort(all.begin(), all.end(),
            [&](const slow_match& a, const slow_match& b) { return key(a) < key(b); });
  all.erase(std::unique(all.begin(), all.end(),
                        [&](const slow_match& a, const slow_match& b) { return key(a) == key(b); }),
            all.end());
  std::vector<slow_match> out;
  int below = -1; // those that begin before this event are skipped
  for (const auto& m : all) {
    if (m.start() < below) continue;
    out.push_back(m);
    if (strategy == "next") below = std::max(below, m.start() + 1);
    if (strategy == "past_last") below = std::max(below, m.path.back().first + 1);
    if (strategy != "to_first" && strategy != "to_last") continue;
    int to = -1;
    for (const auto& [e, s] : m.path)
      if (s == stage && (to < 0 || strategy == "to_last")) to = e;
    below = std::max(below, to);
  }
  return out;
}

} // namespace pollux::domain::testing
