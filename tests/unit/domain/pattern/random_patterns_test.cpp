// SPDX-License-Identifier: Apache-2.0
// Random patterns on random streams: the automaton finds what the definition says.
#include "tests/unit/domain/pattern/pattern_fixture.hpp"
#include "tests/unit/domain/pattern/slow_matcher.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

class pattern_maker {
public:
  explicit pattern_maker(std::uint32_t seed) : random_(seed) {}
  int below(int n) { return int(random_() % std::uint32_t(n)); }
  bool one_in(int n) { return below(n) == 0; }

  std::vector<slow_element> pattern() {
    auto out = sequence(1 + below(3), 1);
    if (one_in(4)) out.push_back(negative());
    return out;
  }
  int stages() const { return stages_; }

private:
  slow_condition condition() {
    slow_condition c;
    c.letters = 1U << below(3);
    if (one_in(3)) c.letters |= 1U << below(3);
    if (!takers_.empty() && one_in(6)) c.above = takers_[std::size_t(below(int(takers_.size())))];
    return c;
  }
  slow_element negative() {
    slow_element e;
    e.kind = 'n';
    e.before = one_in(2) ? 'x' : 't';
    e.where = condition();
    e.stage = stages_++;
    return e;
  }
  std::vector<slow_element> sequence(int length, int depth) {
    std::vector<slow_element> out;
    for (int i = 0; i < length; ++i) {
      if (i > 0 && !out.back().optional && one_in(6)) out.push_back(negative());
      out.push_back(element(depth));
    }
    return out;
  }
  slow_element element(int depth) {
    slow_element e;
    e.before = "xtta"[below(4)];
    e.optional = one_in(4);
    const int repeat = below(6);
    if (repeat == 0) e.most = 0;
    if (repeat == 1) e.least = e.most = 2;
    if (repeat == 2) e.most = 2 + below(2);
    if (repeat == 3) {
      e.least = 2;
      e.most = 0;
    }
    if (e.most != 1) e.inside = "ttxa"[below(4)];
    if (depth < 2 && one_in(5)) {
      e.kind = 'g';
      e.members = sequence(1 + below(2), depth + 1);
      e.members.front().optional = false;
      return e;
    }
    e.stage = stages_++;
    if (one_in(4)) takers_.push_back(e.stage); // a repetition may look back at itself
    e.where = condition();
    takers_.push_back(e.stage);
    e.greedy = (e.optional || e.most != e.least) && one_in(3);
    if (e.most != 1 && one_in(4)) e.until = condition();
    return e;
  }
  std::mt19937 random_;
  int stages_ = 0;
  std::vector<int> takers_;
};

struct trial {
  std::vector<slow_element> pattern;
  std::vector<slow_event> events;
  std::string skip, text;
  int skip_stage = 0, within = 0;
};

bool takes(const std::vector<slow_element>& list, int stage) {
  return std::any_of(list.begin(), list.end(), [&](const slow_element& e) {
    return e.kind == 'g' ? takes(e.members, stage) : e.kind == 's' && e.stage == stage;
  });
}

trial make_trial(std::uint32_t seed) {
  pattern_maker maker(seed);
  trial t;
  t.pattern = maker.pattern();
  int time = 1;
  for (int i = 0, n = 3 + maker.below(7); i < n; ++i) {
    t.events.push_back({maker.below(4), maker.below(4), time});
    time += 1 + (maker.one_in(5) ? maker.below(4) : 0);
  }
  t.within = maker.one_in(2) ? 1000 : 2 + maker.below(8);
  const char* const skips[] = {"none", "next", "past_last", "to_first", "to_last"};
  t.skip = skips[maker.below(5)];
  t.skip_stage = maker.below(maker.stages());
  if (t.skip.starts_with("to_") && !takes(t.pattern, t.skip_stage)) t.skip = "none";
  t.text = slow_element::text(t.pattern) + " within " + std::to_string(t.within) + "s skip " +
           t.skip + (t.skip.starts_with("to_") ? " t" + std::to_string(t.skip_stage) : "");
  return t;
}

std::string expected(const trial& t) {
  std::vector<std::string> out;
  for (const auto& m :
       skipped(slow_matcher(t.pattern, t.events, t.within).all(), t.skip, t.skip_stage)) {
    std::string text;
    for (const auto& [e, s] : m.path)
      text += (text.empty() ? "" : " ") + std::to_string(e) + ":t" + std::to_string(s);
    out.push_back(text);
  }
  std::sort(out.begin(), out.end());
  std::string all;
  for (const auto& m : out) all += m + " | ";
  return all;
}

// The path as evidence tells it: the event times with their stages.
std::string path_of(const evidence& proof, const std::vector<slow_event>& events) {
  std::string text;
  for (const auto& [label, time] : proof.times) {
    const auto bracket = label.find('[');
    if (bracket == std::string::npos) continue;
    const auto at = std::find_if(events.begin(), events.end(), [&, t = time](const slow_event& e) {
      return e.time * ns_per_s == t;
    });
    text += (text.empty() ? "" : " ") + std::to_string(at - events.begin()) + ":" +
            label.substr(0, bracket);
  }
  return text;
}

std::string got(const trial& t, bool reload, std::uint64_t& evicted) {
  auto l = letters::of(t.text, R"("max_partial": 1024)");
  std::mt19937 random(7);
  for (const auto& e : t.events) {
    l.event(std::string(1, char('a' + e.letter)) + std::to_string(e.size), e.time);
    if (reload && random() % 2 == 0) l.reload();
  }
  l.end();
  evicted = l.state().matches.counts.evicted + l.state().matches.counts.too_long;
  std::vector<std::string> out;
  for (const auto& a : l.alerts()) out.push_back(path_of(a.proof, t.events));
  std::sort(out.begin(), out.end());
  std::string all;
  for (const auto& m : out) all += m + " | ";
  CHECK(l.state().matches.partial.empty());
  CHECK(l.state().matches.held.empty());
  return all;
}

// A pattern the model refuses (everything optional, what follows a not is optional) is no trial.
bool accepted(const trial& t) {
  return compile_error(letter_model("\"pattern\": \"" + t.text + "\"")).empty();
}

} // namespace

TEST_CASE("any pattern finds on any stream what its definition says") {
  int tried = 0, with_matches = 0;
  for (std::uint32_t seed = 1; tried < 3000; ++seed) {
    REQUIRE(seed < 20000);
    const auto t = make_trial(seed);
    if (!accepted(t)) continue;
    ++tried;
    CAPTURE(seed);
    CAPTURE(t.text);
    std::uint64_t evicted = 0;
    const auto want = expected(t);
    const auto have = got(t, false, evicted);
    REQUIRE(evicted == 0);
    REQUIRE(have == want);
    with_matches += want.empty() ? 0 : 1;
  }
  CHECK(with_matches > 800); // not an empty promise
}

TEST_CASE("saving and loading between events changes nothing") {
  int tried = 0;
  for (std::uint32_t seed = 100'000; tried < 300; ++seed) {
    const auto t = make_trial(seed);
    if (!accepted(t)) continue;
    ++tried;
    CAPTURE(seed);
    CAPTURE(t.text);
    std::uint64_t evicted = 0;
    REQUIRE(got(t, true, evicted) == got(t, false, evicted));
  }
}
