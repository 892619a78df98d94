// SPDX-License-Identifier: Apache-2.0
#include "domain/audit/plain_pattern_ways.hpp"

namespace pollux::domain::audit {
namespace {

using steps = std::vector<pattern_step>;
using untils = std::vector<plain_until>;

// Where a walk stands: how the first event of a group follows what is before the group (0: no
// group, or it has taken one), and the untils of all groups around.
struct place {
  char entering = 0;
  untils around;

  [[nodiscard]] place after_an_event() const {
    place out{0, around};
    for (auto& u : out.around) u.inside = true;
    return out;
  }
  [[nodiscard]] untils and_of(const pattern_step& s, bool again) const {
    auto out = around;
    if (!s.until.empty()) out.push_back({s.until, again});
    return out;
  }
};

void walk(gathered& into, const steps& all, std::size_t i, const pattern_gap& gap, const place& at,
          const what_follows& then, bool took);

// Round k of a step that may be repeated.
void rounds(gathered& into, const pattern_step& s, std::size_t k, char how, const pattern_gap& gap,
            const place& at, const what_follows& then) {
  const what_follows after = [&s, k, at, then](gathered& more, const pattern_gap& left, bool) {
    const bool again = s.most == 0 || k < s.most;
    const auto behind = at.after_an_event();
    if (k >= s.least) {
      auto out = left;
      if (s.greedy && again) out.greedy.push_back({&s, s.inside, behind.and_of(s, true)});
      then(more, out, true);
    }
    if (again) rounds(more, s, k + 1, s.inside, left, behind, then);
  };
  if (s.members.empty())
    into.ways.push_back({&s, how, at.and_of(s, k > 1), gap, after});
  else
    walk(into, s.members, 0, gap, {how, at.and_of(s, k > 1)}, after, false);
}

void walk(gathered& into, const steps& all, std::size_t i, const pattern_gap& gap, const place& at,
          const what_follows& then, bool took) {
  if (i == all.size()) return then(into, gap, took);
  const auto& s = all[i];
  if (s.negative) {
    auto further = gap;
    (s.before == 'x' ? further.not_next : further.not_until).push_back(s.where);
    return walk(into, all, i + 1, further, at, then, took);
  }
  const what_follows rest = [&all, i, at, then, took](gathered& more, const pattern_gap& left,
                                                      bool now) {
    walk(more, all, i + 1, left, now ? at.after_an_event() : at, then, took || now);
  };
  const char how = at.entering != 0 ? at.entering : s.before;
  if (s.optional) {
    auto without = gap;
    if (s.greedy) without.greedy.push_back({&s, how, at.and_of(s, false)});
    rest(into, without, false);
  }
  rounds(into, s, 1, how, gap, at, rest);
}

} // namespace

gathered ways_to_begin(const plain_pattern& pattern) {
  gathered out;
  walk(
      out, pattern.steps, 0, {}, {},
      [](gathered& into, const pattern_gap& gap, bool) { into.end = gap; }, false);
  return out;
}

gathered ways_after(const pattern_way& taken) {
  gathered out;
  taken.then(out, {}, true);
  return out;
}

} // namespace pollux::domain::audit
