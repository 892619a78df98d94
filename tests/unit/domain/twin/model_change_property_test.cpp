// SPDX-License-Identifier: Apache-2.0
// Live equals replay, and a crash anywhere is as no crash: over random models of every type of
// operator, random streams, random changes of the model and random crash points.
#include "domain/model/compatibility.hpp"
#include "domain/twin/twin_state.hpp"
#include "tests/unit/domain/twin/random_inputs.hpp"
#include "tests/unit/domain/twin/random_versions.hpp"
#include <set>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::size_t inputs_each = 500;

using inputs = std::vector<std::unique_ptr<kept_input>>;

// A node that ends at any input and begins again from the newest snapshot it has.
class crashing_node {
public:
  crashing_node(const library& models, const inputs& journal, unsigned seed)
      : models_(models), journal_(journal), random_(seed) {}
  // Applies input `i`: as the twin that lives did, of which `told_` has what it told.
  void apply(std::size_t i, const std::string& told_by_live) {
    told_.push_back(told_by_live);
    effects out;
    step(models_, state, journal_[i]->in, out);
    REQUIRE(as_text(out) == told_by_live);
    if (random_() % 25 == 0) snapshots_.emplace_back(i + 1, saved(state));
  }
  [[nodiscard]] bool crashes() { return random_() % 20 == 0; }
  // Loads what was saved last, goes through what came since, the last of it delivered twice.
  void crash(std::size_t upto) {
    twin_state again("test:all");
    std::size_t from = 0;
    if (!snapshots_.empty()) {
      from = snapshots_.back().first;
      auto loaded = load(models_, "test:all", snapshots_.back().second);
      REQUIRE_MESSAGE(loaded.ok(), (loaded.ok() ? "" : loaded.error().what));
      REQUIRE(saved(*loaded) == snapshots_.back().second);
      again = std::move(*loaded);
    }
    for (std::size_t i = from < 3 ? 0 : from - 3; i < upto; ++i) {
      effects out;
      step(models_, again, journal_[i]->in, out);
      REQUIRE(as_text(out) == (i < from ? "" : told_[i]));
    }
    state = std::move(again);
  }
  twin_state state{"test:all"};

private:
  const library& models_;
  const inputs& journal_;
  std::mt19937 random_;
  std::vector<std::string> told_;
  std::vector<std::pair<std::size_t, std::string>> snapshots_; ///< after so many inputs
};

// Who listens to a twin knows by now which incidents stand: those the twin takes for open.
class watcher {
public:
  void hear(const effects& all) {
    for (const auto& e : all) {
      if (e.kind != effect_kind::alert) continue;
      REQUIRE(ids_.insert(to_string(e.id)).second);
      const auto incident = to_string(e.alert.incident);
      switch (e.alert.transition) {
      case alert_transition::emitted: emitted_.insert(incident); break;
      case alert_transition::raised:
      case alert_transition::corrected:
      case alert_transition::reopened:
        if (emitted_.count(incident) == 0) open_.insert(incident);
        break;
      case alert_transition::cleared:
      case alert_transition::retracted: open_.erase(incident); break;
      default: break;
      }
    }
  }
  void compare(const twin_state& state) const {
    std::set<std::string> really;
    if (state.get().rare)
      for (const auto& a : state.get().rare->alerts.all())
        if (a.open()) really.insert(to_string(a.incident));
    for (const auto& i : really) REQUIRE_MESSAGE(open_.count(i) == 1, "nobody knows of " << i);
    for (const auto& i : open_) REQUIRE_MESSAGE(really.count(i) == 1, "nobody ended " << i);
  }

private:
  std::set<std::string> ids_, open_, emitted_;
};

// What the stream met: without that the property would say little.
struct encounters {
  std::map<std::string, int> what;
  void note(const effects& out, const std::string& before, const twin_state& now,
            const library& models) {
    for (const auto& e : out)
      if (e.kind == effect_kind::alert) {
        ++what[to_string(e.alert.transition)];
        if (e.alert.late) ++what[std::string("late ") + to_string(e.alert.transition)];
        ++what["by " + e.alert.type];
      }
    if (before.empty() || now.model_hash() == before) return;
    const auto was = models.find(before), is = models.find(now.model_hash());
    if (!was || !is) return;
    const auto difference = domain::compare(*was, *is);
    for (const auto& o : difference.operators) ++what[std::string("operator ") + to_string(o.fate)];
    if (!was->event_time.orders() && is->event_time.orders()) ++what["begins to amend"];
    if (was->event_time.orders() && !is->event_time.orders()) ++what["ends to amend"];
    if (was->event_time.orders() && is->event_time.orders()) ++what["goes on to amend"];
    for (const auto& t : difference.telemetry)
      if (t.fate == item_fate::changed) ++what["retyped"];
  }
};

void try_seed(unsigned seed, encounters& met) {
  CAPTURE(seed);
  library models;
  random_versions versions(seed);
  input_stream stream(seed);
  stream.hashes.clear();
  for (int i = 0; i < 6; ++i) {
    const auto hash = "version" + std::to_string(i);
    const auto text = versions.text();
    CAPTURE(text);
    REQUIRE(compile_error(text) == "");
    models.add(hash, text);
    stream.hashes.push_back(hash);
    versions.change();
  }
  stream.one_change_in = 1;
  stream.delay_ns = std::int64_t(seed % 4) * 20 * ns_per_s + ns_per_s;
  const auto journal = stream.make(models, inputs_each);

  twin_state live("test:all");
  crashing_node node(models, journal, seed + 1000);
  watcher who;
  std::vector<std::string> all_told;
  for (std::size_t i = 0; i < journal.size(); ++i) {
    CAPTURE(i);
    effects out;
    const std::string before(live.model_hash());
    step(models, live, journal[i]->in, out);
    all_told.push_back(as_text(out));
    met.note(out, before, live, models);
    who.hear(out);
    who.compare(live);
    node.apply(i, all_told.back());
    if (!node.crashes()) continue;
    node.crash(i + 1);
    REQUIRE(saved(node.state) == saved(live));
  }
  REQUIRE(saved(node.state) == saved(live));

  twin_state replayed("test:all");
  for (std::size_t i = 0; i < journal.size(); ++i) {
    effects out;
    step(models, replayed, journal[i]->in, out);
    REQUIRE(as_text(out) == all_told[i]);
  }
  CHECK(saved(replayed) == saved(live));
}

} // namespace

TEST_CASE("property: live is replay and a crash is none, across random models and their changes") {
  encounters met;
  for (unsigned seed = 0; seed < 60; ++seed) try_seed(seed, met);
  for (const auto* must :
       {"raised",        "cleared",          "emitted",         "acknowledged",
        "corrected",     "retracted",        "latched",         "reopened",
        "late raised",   "late corrected",   "late retracted",  "operator kept",
        "operator anew", "operator added",   "operator gone",   "begins to amend",
        "ends to amend", "goes on to amend", "retyped",         "by threshold",
        "by z_score",    "by sequence",      "by pattern",      "by ewma",
        "by cusum",      "by seasonal",      "by robust",       "by absence",
        "by window",     "by nearest",       "by multivariate", "by machine_alert"}) {
    CAPTURE(must);
    CHECK(met.what[must] > 10);
  }
}
