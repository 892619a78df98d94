// SPDX-License-Identifier: Apache-2.0
// A twin that lives under two versions of a model at once: under the ruling one as a node lets it
// live, journaled with its timers' ticks; under the candidate beside it, with a clock wound by
// hand. And the difference between what the two told, found the slow way. Nothing of the back-test
// is used.
#pragma once
#include "messages/model_codec.hpp"
#include "persistence/backtest.hpp"
#include "persistence/history.hpp"
#include "tests/unit/domain/twin/random_stream.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include <doctest/doctest.h>
#include <map>
#include <set>

namespace pollux::persistence::testing {

class known_models final : public domain::model_source {
public:
  std::shared_ptr<const domain::model> add(const std::string& text) {
    auto parsed = messages::parse_model(text, "model.json");
    if (!parsed) FAIL(parsed.error().what);
    by_hash_[(*parsed)->hash] = *parsed;
    return *parsed;
  }
  [[nodiscard]] std::shared_ptr<const domain::model> find(std::string_view hash) const override {
    const auto found = by_hash_.find(hash);
    return found == by_hash_.end() ? nullptr : found->second;
  }

private:
  std::map<std::string, std::shared_ptr<const domain::model>, std::less<>> by_hash_;
};

/// Alerts as a listener has them in the end.
struct heard_alert {
  std::string rule;
  std::int64_t event_ns = 0, end_ns = never;
  bool single = false;
};
class slow_listener {
public:
  void hear(const domain::effects& all) {
    using domain::alert_transition;
    for (const auto& e : all) {
      if (e.kind != domain::effect_kind::alert) continue;
      const auto id = to_string(e.alert.incident);
      const auto t = e.alert.transition;
      if (t == alert_transition::raised && !alerts.contains(id))
        alerts[id] = {e.alert.rule, e.alert.event_time_ns, never, false};
      else if (t == alert_transition::emitted)
        alerts[id] = {e.alert.rule, e.alert.event_time_ns, e.alert.event_time_ns, true};
      else if (t == alert_transition::retracted)
        alerts.erase(id);
      else if (auto known = alerts.find(id); known != alerts.end()) {
        auto& a = known->second;
        if (t == alert_transition::cleared) a.end_ns = e.alert.event_time_ns;
        if (t == alert_transition::raised || t == alert_transition::reopened) a.end_ns = never;
        if (t == alert_transition::corrected) {
          if (!e.alert.proof.numbers.empty()) a.event_ns = e.alert.event_time_ns;
          a.end_ns = a.single ? a.event_ns : never;
        }
      }
      if (t == alert_transition::raised) newest[e.alert.rule] = id;
      if (t == alert_transition::raised) rule_of[id] = e.alert.rule;
    }
  }
  /// The incident of a rule that is open now; empty when there is none.
  [[nodiscard]] std::string open(const std::string& rule) const {
    std::string found; // ids rise
    for (const auto& [id, a] : alerts)
      if (a.rule == rule && !a.single) found = a.end_ns == never ? id : std::string{};
    return found;
  }
  std::map<std::string, heard_alert> alerts;
  std::map<std::string, std::string> newest, rule_of; ///< by rule; by incident
};

/// "gained high - 12" and the like, one line a difference, sorted.
inline std::multiset<std::string> slow_difference(const slow_listener& ruling,
                                                  const slow_listener& candidate,
                                                  std::int64_t from_ns, std::int64_t to_ns,
                                                  std::int64_t tolerance_ns) {
  std::vector<heard_alert> a, b;
  for (const auto& [id, x] : ruling.alerts) a.push_back(x);
  for (const auto& [id, x] : candidate.alerts) b.push_back(x);
  std::multiset<std::string> out;
  const auto inside = [&](std::int64_t t) { return from_ns <= t && t <= to_ns; };
  std::vector<bool> a_gone(a.size()), b_gone(b.size());
  for (;;) { // the nearest two of all that are left
    std::int64_t nearest = never;
    std::size_t first = 0, second = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
      for (std::size_t j = 0; j < b.size(); ++j) {
        if (a_gone[i] || b_gone[j] || a[i].rule != b[j].rule || a[i].single != b[j].single)
          continue;
        const auto far = std::abs(a[i].event_ns - b[j].event_ns);
        const bool together =
            std::max(a[i].event_ns, b[j].event_ns) < std::min(a[i].end_ns, b[j].end_ns);
        if (far >= nearest || (far > tolerance_ns && !together)) continue;
        nearest = far;
        first = i;
        second = j;
      }
    if (nearest == never) break;
    a_gone[first] = b_gone[second] = true;
    if (nearest != 0 && (inside(a[first].event_ns) || inside(b[second].event_ns)))
      out.insert("moved " + a[first].rule + " " + std::to_string(a[first].event_ns) + " " +
                 std::to_string(b[second].event_ns));
  }
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!a_gone[i] && inside(a[i].event_ns))
      out.insert("lost " + a[i].rule + " " + std::to_string(a[i].event_ns) + " -");
  for (std::size_t j = 0; j < b.size(); ++j)
    if (!b_gone[j] && inside(b[j].event_ns))
      out.insert("gained " + b[j].rule + " - " + std::to_string(b[j].event_ns));
  return out;
}

inline std::multiset<std::string> told_difference(const backtest_result& found,
                                                  const std::string& twin) {
  std::multiset<std::string> out;
  for (const auto& d : found.differences) {
    if (d.twin != twin) continue;
    const char* const kinds[] = {"gained ", "lost ", "moved "};
    out.insert(kinds[static_cast<int>(d.kind)] + (d.ruling ? d.ruling->rule : d.candidate->rule) +
               " " + (d.ruling ? std::to_string(d.ruling->event_ns) : "-") + " " +
               (d.candidate ? std::to_string(d.candidate->event_ns) : "-"));
  }
  return out;
}

struct journal_of_lives {
  scratch_folder folder;
  known_models models;
  std::unique_ptr<persistence::log> tail = make_memory_log(2);
  std::unique_ptr<persistence::store> tables;
  std::vector<verify_target> targets;
  journal_of_lives() {
    auto opened = open_leveldb_store({.folder = folder / "store"});
    REQUIRE(opened.ok());
    tables = std::move(*opened);
  }
  domain::input_id write(std::uint32_t row, std::string_view id, const domain::input& in) {
    messages::segment_builder b;
    b.add(row, id, in);
    REQUIRE(tail->append(1, b.finish()).ok());
    REQUIRE(tail->commit().ok());
    return {tail->poll().at(0).at, 0};
  }
  void seal_all() {
    const auto report =
        seal(*tail, *tables, 1, tail->end(1), 1'000'000, [&](auto, std::string_view id) {
          for (const auto& t : targets)
            if (t.id == id) return t.row;
          return std::uint32_t{0};
        });
    REQUIRE(report.ok());
    REQUIRE(tail->trim(1, report->sealed_below).ok());
  }
};

class two_lives {
public:
  two_lives(journal_of_lives& journal, std::string id, std::shared_ptr<const domain::model> ruling,
            std::shared_ptr<const domain::model> candidate, std::int64_t now_ns)
      : journal_(journal), row_(static_cast<std::uint32_t>(journal.targets.size())),
        id_(std::move(id)), candidate_(std::move(candidate)) {
    journal_.targets.push_back({1, row_, id_});
    domain::input in;
    in.kind = domain::input_kind::twin_created;
    in.model_hash = ruling->hash;
    in.model_name = ruling->name;
    in.incarnation = 1;
    in.ingest_time_ns = now_ns;
    give(in);
  }

  /// An input that reaches both.
  void give(const domain::input& in) {
    if (in.kind != domain::input_kind::node_started) pass(in.ingest_time_ns);
    if (domain::is_shard_wide(in.kind))
      live(in, false);
    else
      live(in, true);
    auto copy = in;
    if (in.kind == domain::input_kind::model_changed) return;
    if (in.kind == domain::input_kind::twin_created) copy.model_hash = candidate_->hash;
    std::string incident;
    if (!in.incident.empty()) {
      const auto known = of_ruling.rule_of.find(std::string(in.incident));
      incident = known == of_ruling.rule_of.end() ? "" : of_candidate.open(known->second);
      if (incident.empty()) return;
      copy.incident = incident;
    }
    beside(copy);
  }
  /// Timers of both go off until then.
  void pass(std::int64_t now_ns) {
    for (;;) {
      const auto due = ruling_.next_wakeup_ns();
      if (due == never || due > now_ns) break;
      domain::input tick;
      tick.kind = domain::input_kind::tick;
      tick.timer = ruling_.next_timer();
      tick.generation = ruling_.timer_generation();
      tick.ingest_time_ns = std::max(due, last_ruling_ns_);
      live(tick, true);
    }
    for (;;) {
      const auto due = under_candidate_.next_wakeup_ns();
      if (due == never || due > now_ns) break;
      domain::input tick;
      tick.kind = domain::input_kind::tick;
      tick.timer = under_candidate_.next_timer();
      tick.generation = under_candidate_.timer_generation();
      tick.ingest_time_ns = std::max(due, last_beside_ns_);
      beside(tick);
    }
  }
  /// The ruling version's next timer goes off at `now_ns`, however long it was due.
  void late_timer(std::int64_t now_ns) {
    domain::input tick;
    tick.kind = domain::input_kind::tick;
    tick.timer = ruling_.next_timer();
    tick.generation = ruling_.timer_generation();
    tick.ingest_time_ns = now_ns;
    live(tick, true);
  }
  [[nodiscard]] const std::string& id() const { return id_; }

  slow_listener of_ruling, of_candidate;

private:
  void live(domain::input in, bool own) {
    in.id = journal_.write(own ? row_ : messages::no_row, own ? id_ : std::string(), in);
    last_ruling_ns_ = std::max(last_ruling_ns_, in.ingest_time_ns);
    out_.clear();
    domain::step(journal_.models, ruling_, in, out_);
    of_ruling.hear(out_);
  }
  void beside(domain::input in) {
    in.id = {{++position_}, 0};
    last_beside_ns_ = std::max(last_beside_ns_, in.ingest_time_ns);
    out_.clear();
    domain::step(journal_.models, under_candidate_, in, out_);
    of_candidate.hear(out_);
  }

  journal_of_lives& journal_;
  std::uint32_t row_;
  std::string id_;
  std::shared_ptr<const domain::model> candidate_;
  domain::twin_state ruling_{id_}, under_candidate_{id_};
  domain::effects out_;
  std::uint64_t position_ = 0;
  std::int64_t last_ruling_ns_ = no_time, last_beside_ns_ = no_time;
};

} // namespace pollux::persistence::testing
