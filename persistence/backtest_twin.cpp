// SPDX-License-Identifier: Apache-2.0
// Both versions of one twin, side by side over its inputs. The ruling one is given all of them as
// they were journaled; the candidate is a sandbox of its own, which its timers' ticks and its
// model's changes do not reach.
#include "domain/twin/sandbox.hpp"
#include "persistence/backtest.hpp"
#include "persistence/shard_history.hpp"
#include <algorithm>

namespace pollux::persistence {

namespace {

using domain::input_kind;

constexpr std::uint64_t inputs_between_looks = 256;
constexpr std::int64_t ns_per_day = 24 * 3600 * ns_per_s;

std::int64_t day_of(std::int64_t t) {
  return t >= 0 ? t / ns_per_day : -((-(t + 1)) / ns_per_day) - 1;
}

class twin_runs {
public:
  twin_runs(const backtest_source& from, const shard_history& shard, const verify_target& twin,
            const backtest_order& order, const std::function<bool(std::uint64_t)>& go_on)
      : from_(from), shard_(shard), twin_(twin), order_(order), go_on_(go_on),
        id_(twin.id.substr(0, twin.id.find('#'))), candidate_(order.candidate), ruling_(id_) {
    out_.twin = twin.id;
  }
  result<twin_backtest> run();

private:
  [[nodiscard]] bool all() const noexcept { return order_.warm_up_ns == warm_up_all; }
  [[nodiscard]] std::int64_t begin_ns() const {
    return saturating_add(order_.from_ns, -order_.warm_up_ns);
  }
  [[nodiscard]] bool inside(std::int64_t t) const {
    return order_.from_ns <= t && t <= order_.to_ns && t > known_from_ns_;
  }
  [[nodiscard]] result<domain::input_id> start_before_warm_up();
  [[nodiscard]] status go_on_from(const snapshot& s);
  [[nodiscard]] bool take(const domain::input& in);
  [[nodiscard]] bool first_own(const domain::input& in);
  [[nodiscard]] bool is_behind(const domain::input& in) const;
  void feed_ruling(const domain::input& in);
  void feed_candidate(const domain::input& in);
  void begin_candidate(const domain::input& at);
  void act(const domain::input& in);
  void note_maintenance();
  void compare();
  void compare_pair(told_alert& ruling, told_alert& candidate);
  void tell(std::vector<std::pair<std::int64_t, backtest_difference>>& told);

  const backtest_source& from_;
  const shard_history& shard_;
  const verify_target& twin_;
  const backtest_order& order_;
  const std::function<bool(std::uint64_t)>& go_on_;
  std::string id_;
  domain::only_model candidate_;
  domain::twin_state ruling_;
  std::unique_ptr<domain::sandbox> box_;
  alert_ledger old_, new_;
  domain::effects of_ruling_, of_candidate_;
  domain::input changed_; ///< reused
  std::string incident_;
  std::map<std::string, std::string, std::less<>> maintenance_; ///< ruling's id to the candidate's
  std::set<domain::input_id> skipped_;
  std::string hash_noted_;
  std::int64_t known_from_ns_ = no_time; ///< what the ruling version told before is not known
  std::vector<std::pair<std::int64_t, backtest_difference>> told_;
  bool begun_ = false, of_another_model_ = false, cut_off_ = false, stopped_ = false;
  twin_backtest out_;
};

// Blocks before the warm-up are not read: the ruling version goes on from its newest state there.
result<domain::input_id> twin_runs::start_before_warm_up() {
  domain::input_id before;
  auto s = from_.tables->each_block_info(twin_.shard, twin_.row, false, [&](const block_info& b) {
    if (b.least_event_time_ns <= b.greatest_event_time_ns && b.greatest_event_time_ns >= begin_ns())
      return false;
    before = b.last;
    return true;
  });
  if (!s) return s.error();
  std::optional<snapshot> base;
  s = from_.tables->each_snapshot(twin_.shard, twin_.row, [&](const snapshot& kept) {
    if (kept.at > before) return false;
    base = kept;
    return true;
  });
  if (!s) return s.error();
  if (!base) return domain::input_id{};
  if (auto loaded = go_on_from(*base); !loaded) return loaded.error();
  return base->at;
}

status twin_runs::go_on_from(const snapshot& s) {
  auto loaded = domain::load(*from_.models, id_, s.state);
  if (!loaded) return loaded.error().within("a stored state of " + twin_.id);
  ruling_ = std::move(*loaded);
  begun_ = true;
  for (const auto& a : domain::describe(*from_.models, ruling_, 0).alerts) {
    domain::effect_id id;
    if (domain::parse_effect_id(a.incident, id))
      old_.assume(id, a.rule, a.level, a.raised_at_ns, a.message);
  }
  return {};
}

// Where the beginning of the journal is gone, the oldest state that is left has it in it.
bool twin_runs::first_own(const domain::input& in) {
  begun_ = true;
  if (in.kind == input_kind::twin_created) return true;
  status loaded =
      failure{errc::not_found, "its creation is no longer in the journal, and no state"};
  auto s = from_.tables->each_snapshot(twin_.shard, twin_.row, [&](const snapshot& kept) {
    if (kept.at < in.id) return true; // it may have missed what was between
    loaded = go_on_from(kept);
    if (loaded) known_from_ns_ = domain::describe(*from_.models, ruling_, 0).last_event_time_ns;
    return false;
  });
  out_.candidate_began_empty = true;
  if (s && loaded) return true;
  out_.failure = !s ? s.error().what : loaded.error().what;
  return false;
}

bool twin_runs::is_behind(const domain::input& in) const {
  if (in.kind != input_kind::readings || order_.to_ns == never) return false;
  const auto end = saturating_add(order_.to_ns, late_reach_ns);
  return std::all_of(in.readings.begin(), in.readings.end(),
                     [&](const domain::reading& r) { return r.event_time_ns > end; });
}

void twin_runs::feed_ruling(const domain::input& in) {
  of_ruling_.clear();
  if (in.id <= ruling_.last_applied()) return;
  const auto due = ruling_.next_wakeup_ns();
  domain::step(*from_.models, ruling_, in, of_ruling_);
  const auto lag = in.kind == input_kind::tick && due != never && due < in.ingest_time_ns
                       ? in.ingest_time_ns - due
                       : std::int64_t{0};
  for (const auto& e : of_ruling_) {
    old_.hear(e, lag);
    if (e.kind == domain::effect_kind::command &&
        e.command.phase == domain::command_phase::dispatched && inside(e.ingest_time_ns))
      ++out_.commands_ruling;
  }
}

// A stand-in for the twin's creation, where the candidate begins later.
void twin_runs::begin_candidate(const domain::input& at) {
  box_ = std::make_unique<domain::sandbox>(candidate_, id_, order_.grace_ns);
  changed_.clear();
  changed_.kind = input_kind::twin_created;
  changed_.model_hash = candidate_.get().hash;
  changed_.model_name = candidate_.get().name;
  changed_.incarnation = 1;
  changed_.ingest_time_ns = at.ingest_time_ns;
  box_->give(changed_, of_candidate_);
  const auto twin = domain::describe(*from_.models, ruling_, at.ingest_time_ns);
  changed_.clear();
  changed_.ingest_time_ns = at.ingest_time_ns;
  if (!twin.connected) {
    changed_.kind = input_kind::connection_changed;
    box_->give(changed_, of_candidate_);
  }
  if (!twin.parent.empty()) {
    changed_.kind = input_kind::parent_changed;
    changed_.rule = twin.parent;
    box_->give(changed_, of_candidate_);
  }
}

// People acted on the ruling version's alerts; where the candidate has one of the same rule open it
// is meant, too.
void twin_runs::act(const domain::input& in) {
  changed_ = in;
  if (in.verb == domain::alert_verb::stop_maintenance) {
    const auto known = maintenance_.find(in.incident);
    if (known == maintenance_.end()) {
      ++out_.actions_left_out;
      (void)box_->let_time_pass(in.ingest_time_ns, of_candidate_);
      return;
    }
    incident_ = known->second;
  } else {
    const auto rule = old_.rule_of(in.incident);
    const auto open = rule.empty() ? std::nullopt : new_.open_of(rule);
    if (!open) {
      ++out_.actions_left_out;
      (void)box_->let_time_pass(in.ingest_time_ns, of_candidate_);
      return;
    }
    incident_ = domain::to_string(*open);
  }
  changed_.incident = incident_;
  box_->give(changed_, of_candidate_);
}

void twin_runs::feed_candidate(const domain::input& in) {
  of_candidate_.clear();
  if (!box_) {
    const bool of_interest =
        std::any_of(in.readings.begin(), in.readings.end(), [&](const domain::reading& r) {
          return all() || r.event_time_ns >= begin_ns();
        });
    const bool now = of_interest && (!all() || out_.candidate_began_empty);
    if (all() && in.kind == input_kind::twin_created) {
      box_ = std::make_unique<domain::sandbox>(candidate_, id_, order_.grace_ns);
    } else if (now) {
      begin_candidate(in);
    } else {
      return;
    }
  }
  switch (in.kind) {
  case input_kind::tick:
  case input_kind::model_changed:
    (void)box_->let_time_pass(in.ingest_time_ns, of_candidate_);
    break;
  case input_kind::twin_created:
    changed_ = in;
    changed_.model_hash = candidate_.get().hash;
    box_->give(changed_, of_candidate_);
    break;
  case input_kind::alert_acknowledged: act(in); break;
  case input_kind::alert_action:
    if (in.incident.empty())
      box_->give(in, of_candidate_);
    else
      act(in);
    break;
  default: box_->give(in, of_candidate_);
  }
  if (of_candidate_.empty()) return;
  for (const auto& e : of_candidate_) {
    new_.hear(e);
    if (e.kind == domain::effect_kind::command &&
        e.command.phase == domain::command_phase::dispatched && inside(e.ingest_time_ns))
      ++out_.commands_candidate;
  }
  if (in.verb == domain::alert_verb::start_maintenance) note_maintenance();
}

void twin_runs::note_maintenance() {
  const auto started = [](const domain::effect& e) {
    return e.kind == domain::effect_kind::alert &&
           e.alert.transition == domain::alert_transition::maintenance_started;
  };
  const auto a = std::find_if(of_ruling_.begin(), of_ruling_.end(), started);
  const auto b = std::find_if(of_candidate_.begin(), of_candidate_.end(), started);
  if (a != of_ruling_.end() && b != of_candidate_.end())
    maintenance_[domain::to_string(a->id)] = domain::to_string(b->id);
}

bool twin_runs::take(const domain::input& in) {
  if (skipped_.contains(in.id)) return true;
  const bool own = !domain::is_shard_wide(in.kind);
  if (own && !begun_ && !first_own(in)) return false;
  if (is_behind(in)) {
    cut_off_ = true;
    return false;
  }
  if (++out_.inputs % inputs_between_looks == 0 && !go_on_(out_.inputs)) {
    stopped_ = true;
    return false;
  }
  out_.readings += in.readings.size();
  feed_ruling(in);
  if (own && ruling_.model_hash() != hash_noted_) {
    hash_noted_ = ruling_.model_hash();
    const auto rules = from_.models->find(hash_noted_);
    of_another_model_ = !rules || rules->name != candidate_.get().name;
    if (of_another_model_) return false;
    out_.ruling_models.insert(hash_noted_);
  }
  try {
    feed_candidate(in);
  } catch (const std::exception& e) {
    out_.failure = "the candidate cannot go on at input " +
                   domain::to_string(domain::effect_id{in.id, 0}) + ": " + e.what();
    return false;
  }
  return true;
}

void twin_runs::compare_pair(told_alert& ruling, told_alert& candidate) {
  auto& day = out_.days[day_of(ruling.event_ns)];
  auto& rule = out_.rules[ruling.rule];
  const bool moved = !at_one_time(ruling, candidate);
  ++(moved ? rule.moved : rule.same);
  ++(moved ? day.moved : day.same);
  const bool same_end = ruling.end_ns == candidate.end_ns || ruling.single;
  if (!same_end || ruling.level != candidate.level) {
    ++rule.changed;
    ++day.changed;
  }
  if (!moved) return;
  out_.leads_ns.push_back(ruling.event_ns - candidate.event_ns);
  const auto at = std::min(ruling.event_ns, candidate.event_ns);
  backtest_difference d{out_.twin, difference_kind::moved, std::move(ruling), std::move(candidate)};
  told_.emplace_back(at, std::move(d));
}

void twin_runs::compare() {
  auto &ruling = old_.all(), &candidate = new_.all();
  for (const auto& a : ruling) out_.retracted_ruling += a.retracted && inside(a.event_ns) ? 1 : 0;
  for (const auto& a : candidate)
    out_.retracted_candidate += a.retracted && inside(a.event_ns) ? 1 : 0;
  std::vector<bool> paired_ruling(ruling.size()), paired_candidate(candidate.size());
  for (const auto& p : pair_alerts(ruling, candidate, order_.tolerance_ns)) {
    paired_ruling[p.ruling] = paired_candidate[p.candidate] = true;
    if (inside(ruling[p.ruling].event_ns) || inside(candidate[p.candidate].event_ns))
      compare_pair(ruling[p.ruling], candidate[p.candidate]);
  }
  const auto alone = [&](std::vector<told_alert>& alerts, const std::vector<bool>& paired,
                         bool gained) {
    for (std::size_t i = 0; i < alerts.size(); ++i) {
      auto& a = alerts[i];
      if (paired[i] || a.retracted || !inside(a.event_ns)) continue;
      auto& day = out_.days[day_of(a.event_ns)];
      auto& rule = out_.rules[a.rule];
      ++(gained ? rule.gained : rule.lost);
      ++(gained ? day.gained : day.lost);
      backtest_difference d{out_.twin, gained ? difference_kind::gained : difference_kind::lost,
                            std::nullopt, std::nullopt};
      const auto at = a.event_ns;
      (gained ? d.candidate : d.ruling) = std::move(a);
      told_.emplace_back(at, std::move(d));
    }
  };
  alone(ruling, paired_ruling, false);
  alone(candidate, paired_candidate, true);
  tell(told_);
}

void twin_runs::tell(std::vector<std::pair<std::int64_t, backtest_difference>>& told) {
  const auto rule_of = [](const backtest_difference& d) -> const std::string& {
    return d.ruling ? d.ruling->rule : d.candidate->rule;
  };
  std::stable_sort(told.begin(), told.end(), [&](const auto& a, const auto& b) {
    return std::tie(a.first, rule_of(a.second), a.second.kind) <
           std::tie(b.first, rule_of(b.second), b.second.kind);
  });
  if (told.size() > order_.differences) told.resize(order_.differences);
  for (auto& [at, d] : told) out_.differences.push_back(std::move(d));
  std::sort(out_.leads_ns.begin(), out_.leads_ns.end());
}

result<twin_backtest> twin_runs::run() {
  for (const auto& w : shard_.shard_wide())
    if (w.kind == input_kind::input_skipped) skipped_.insert(w.skipped);
  domain::input_id after;
  if (!all()) {
    auto start = start_before_warm_up();
    if (!start) return start.error();
    after = *start;
  }
  auto read = shard_.each_input(*from_.tables, twin_.row, twin_.id, after,
                                [&](const domain::input& in) { return take(in); });
  if (!read) return read.error();
  if (stopped_) return failure{errc::unavailable, "cancelled"};
  if (of_another_model_ || !out_.failure.empty()) return std::move(out_);
  if (!cut_off_ && box_ && from_.alive_until_ns != no_time) {
    of_candidate_.clear();
    (void)box_->let_time_pass(from_.alive_until_ns, of_candidate_);
    for (const auto& e : of_candidate_) new_.hear(e);
  }
  out_.compared = true;
  compare();
  return std::move(out_);
}

} // namespace

result<twin_backtest> backtest_twin(const backtest_source& from, const shard_history& shard,
                                    const verify_target& twin, const backtest_order& order,
                                    const std::function<bool(std::uint64_t)>& go_on) {
  try {
    return twin_runs(from, shard, twin, order, go_on).run();
  } catch (const std::exception& e) {
    return failure{errc::internal,
                   twin.id + ": the ruling version cannot be replayed: " + e.what()};
  }
}

} // namespace pollux::persistence
