// SPDX-License-Identifier: Apache-2.0
#include "actors/shadow.hpp"
#include "actors/directory.hpp"
#include "domain/base/time.hpp"
#include <algorithm>

namespace pollux::actors {

namespace {

constexpr std::size_t max_ticks_at_once = 1000; ///< a message of a twin waits for no more
constexpr std::size_t max_leads = 10'000;

bool opens(domain::alert_transition t) {
  return t == domain::alert_transition::raised || t == domain::alert_transition::reopened;
}
bool closes(domain::alert_transition t) {
  return t == domain::alert_transition::cleared || t == domain::alert_transition::latched ||
         t == domain::alert_transition::retracted;
}

} // namespace

void shadow_turn::take(const domain::input& in, const domain::effect* born, std::size_t count) {
  run_->take(*twin_, in, born, count);
}

shadow_run::shadow_run(std::shared_ptr<const domain::model> candidate, const model_catalog& known,
                       shadow_limits limits, shadow_origin origin)
    : candidate_(std::move(candidate)), known_(known), limits_(limits), origin_(std::move(origin)) {
}

std::shared_ptr<const domain::model> shadow_run::find(std::string_view hash) const {
  return hash == candidate_->hash ? candidate_ : known_.find(hash);
}

shadow_turn shadow_run::join(twin_place place, std::string_view key,
                             const domain::twin_state& state) {
  std::shared_ptr<shadow_twin> twin;
  {
    std::lock_guard lock{twins_mutex_};
    auto& slot = twins_[place];
    if (!slot) {
      if (twins_.size() > limits_.twins) {
        twins_.erase(place);
        full_.store(true, std::memory_order_relaxed);
        return {};
      }
      slot = std::make_shared<shadow_twin>();
    }
    twin = slot;
  }
  shadow_turn turn{shared_from_this(), twin};
  // A twin that crashed was brought back from the journal: what it was given there is missing here.
  if (!twin->failed && (!twin->life || twin->seen < state.last_applied()))
    copy(*twin, state, split_key(key).id);
  return turn;
}

void shadow_run::copy(shadow_twin& twin, const domain::twin_state& state, std::string_view id) {
  std::string bytes;
  domain::save(state, bytes);
  auto copied = domain::load(*this, id, bytes);
  if (!copied) {
    twin.failed = true;
    failed_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  copies_.fetch_add(1, std::memory_order_relaxed);
  twin.id = id;
  twin.life =
      std::make_unique<domain::sandbox>(*this, std::move(*copied), limits_.grace_ns, began_ns());
  twin.seen = state.last_applied();
  twin.rules.clear();
  domain::input change;
  change.kind = domain::input_kind::model_changed;
  change.model_name = candidate_->name;
  change.model_hash = candidate_->hash;
  domain::effects withdrawn; // as at an apply; no verdict of either version
  give(twin, change, withdrawn);
}

void shadow_run::give(shadow_twin& twin, const domain::input& in, domain::effects& out) {
  try {
    twin.life->apply(in, out);
  } catch (const std::exception&) {
    give_up(twin);
  }
}

// The journal holds the ruling version's ticks; the candidate's timers go off by themselves.
void shadow_run::let_time_pass(shadow_twin& twin, std::int64_t now_ns, domain::effects& out) {
  try {
    (void)twin.life->let_time_pass(now_ns, out, max_ticks_at_once);
  } catch (const std::exception&) {
    give_up(twin);
  }
}

// The candidate's own defect must not touch the twin.
void shadow_run::give_up(shadow_twin& twin) {
  twin.failed = true;
  twin.life.reset();
  failed_.fetch_add(1, std::memory_order_relaxed);
}

void shadow_run::take(shadow_twin& twin, const domain::input& in, const domain::effect* born,
                      std::size_t count) {
  if (twin.failed || !twin.life || in.id <= twin.seen) return;
  twin.seen = in.id;
  inputs_.fetch_add(1, std::memory_order_relaxed);
  thread_local domain::effects out;
  out.clear();
  let_time_pass(twin, in.ingest_time_ns, out);
  const bool its_own = in.kind == domain::input_kind::tick ||
                       in.kind == domain::input_kind::model_changed ||
                       in.kind == domain::input_kind::twin_created;
  if (!its_own && twin.life) give(twin, in, out);
  compare(twin, born, count, out);
  if (in.kind == domain::input_kind::twin_created) twin.life.reset(); // copied anew
}

void shadow_run::compare(shadow_twin& twin, const domain::effect* ruling, std::size_t count,
                         const domain::effects& candidate) {
  const auto alert = [](const domain::effect& e) { return e.kind == domain::effect_kind::alert; };
  if (std::none_of(ruling, ruling + count, alert) && std::ranges::none_of(candidate, alert)) return;
  std::lock_guard lock{tally_mutex_};
  for (std::size_t i = 0; i < count; ++i)
    if (alert(ruling[i])) note(twin, ruling[i].alert, false);
  for (const auto& e : candidate)
    if (alert(e)) note(twin, e.alert, true);
  compare_single(twin, ruling, count, candidate);
}

// Alerts without a life of their own: the same when both versions give one for the same instant.
void shadow_run::compare_single(shadow_twin& twin, const domain::effect* ruling, std::size_t count,
                                const domain::effects& candidate) {
  const auto emitted = [](const domain::effect& e) {
    return e.kind == domain::effect_kind::alert &&
           e.alert.transition == domain::alert_transition::emitted;
  };
  std::vector<const domain::alert_effect*> open;
  for (std::size_t i = 0; i < count; ++i)
    if (emitted(ruling[i])) open.push_back(&ruling[i].alert);
  for (const auto& e : candidate) {
    if (!emitted(e)) continue;
    const auto same = std::ranges::find_if(open, [&](const domain::alert_effect* a) {
      return a->rule == e.alert.rule && a->event_time_ns == e.alert.event_time_ns;
    });
    if (same == open.end()) {
      ++tally_[e.alert.rule].only_candidate;
      differ(twin, e.alert.rule, e.alert.event_time_ns, true);
    } else {
      auto& tally = tally_[e.alert.rule];
      ++tally.both;
      if (tally.leads_ns.size() < max_leads) tally.leads_ns.push_back(0);
      open.erase(same);
    }
  }
  for (const auto* a : open) {
    ++tally_[a->rule].only_ruling;
    differ(twin, a->rule, a->event_time_ns, false);
  }
}

// Two incidents are one when they were open together for a moment. Only incidents that began after
// the copy are looked at: both versions have the earlier ones in common.
void shadow_run::note(shadow_twin& twin, const domain::alert_effect& alert, bool by_candidate) {
  auto& pair = twin.rules[alert.rule];
  auto& mine = by_candidate ? pair.candidate : pair.ruling;
  auto& other = by_candidate ? pair.ruling : pair.candidate;
  if (opens(alert.transition) && !mine.open) {
    mine = {true, other.open, alert.event_time_ns};
    if (!other.open || other.matched) return;
    other.matched = true;
    auto& tally = tally_[alert.rule];
    ++tally.both;
    if (tally.leads_ns.size() < max_leads)
      tally.leads_ns.push_back(pair.ruling.event_time_ns - pair.candidate.event_time_ns);
  } else if (closes(alert.transition) && mine.open) {
    mine.open = false;
    if (mine.matched) return;
    auto& tally = tally_[alert.rule];
    ++(by_candidate ? tally.only_candidate : tally.only_ruling);
    differ(twin, alert.rule, mine.event_time_ns, by_candidate);
  }
}

void shadow_run::differ(const shadow_twin& twin, const std::string& rule,
                        std::int64_t event_time_ns, bool by_candidate) {
  ++differences_total_;
  if (differences_.size() < limits_.differences)
    differences_.push_back({twin.id, rule, event_time_ns, by_candidate, false});
}

shadow_turn shadow_board::join(twin_place place, std::string_view key,
                               const domain::twin_state& state, const model_catalog& models,
                               std::int64_t ingest_time_ns) const {
  const auto rules = models.find(state.model_hash());
  if (!rules || state.deleted()) return {};
  const auto run = of(rules->name);
  if (!run || run->candidate().hash == rules->hash || ingest_time_ns < run->began_ns()) return {};
  return run->join(place, key, state);
}

void shadow_board::start(std::shared_ptr<shadow_run> run) {
  std::unique_lock lock{mutex_};
  const auto& name = run->candidate().name;
  runs_.insert_or_assign(name, std::move(run));
  count_.store(runs_.size(), std::memory_order_relaxed);
}

bool shadow_board::stop(std::string_view model_name) {
  std::unique_lock lock{mutex_};
  const auto found = runs_.find(model_name);
  if (found == runs_.end()) return false;
  runs_.erase(found);
  count_.store(runs_.size(), std::memory_order_relaxed);
  return true;
}

std::vector<std::shared_ptr<shadow_run>> shadow_board::all() const {
  std::shared_lock lock{mutex_};
  std::vector<std::shared_ptr<shadow_run>> out;
  for (const auto& [name, run] : runs_) out.push_back(run);
  return out;
}

std::shared_ptr<shadow_run> shadow_board::of(std::string_view model_name) const {
  std::shared_lock lock{mutex_};
  const auto found = runs_.find(model_name);
  return found == runs_.end() ? nullptr : found->second;
}

} // namespace pollux::actors
