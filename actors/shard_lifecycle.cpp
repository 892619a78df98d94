// SPDX-License-Identifier: Apache-2.0
// The life of a row: waking, sleeping, crashing, timers, snapshots for sealing.
#include "actors/glob.hpp"
#include "actors/poison.hpp"
#include "actors/shard_host.hpp"
#include "domain/twin/twin_state.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <chrono>

namespace pollux::actors {

using rewake_atom = caf::atom_constant<caf::atom("rewake")>;
using tick_atom = caf::atom_constant<caf::atom("hosttick")>;
namespace logging = messages::log;

namespace {
constexpr int max_strikes = 3;
constexpr std::int64_t first_back_off_ms = 50; ///< then four times as much each time
} // namespace

std::string shard_host::key_of(twin_place place) const {
  return with_.inlet->with_directory(
      place.shard, [&](shard_directory& d) { return std::string{d.key(place.row)}; });
}

const caf::actor& shard_host::reader_for(twin_place place) const {
  return with_.readers[(place.shard + place.row) % with_.readers.size()];
}

bool shard_host::is_watched(twin_place place) const {
  if (watches_.empty()) return false;
  const auto key = key_of(place);
  return std::ranges::any_of(
      watches_, [&](const auto& w) { return matches_glob(w.second, split_key(key).id); });
}

void shard_host::wake(twin_place place, bool replay) {
  auto* shard = shard_of(place);
  if (shard == nullptr) return;
  auto& row = shard->rows[place.row];
  row.mode = row_mode::waking;
  if (!replay && row.stored == domain::input_id{}) { // never slept: nothing to read
    const auto key = key_of(place);
    return on_restored(
        {place, std::make_shared<restored_state>(domain::twin_state{split_key(key).id}), {}, {}});
  }
  woken_.add();
  // A replay reads everything handed out so far from the journal, so nothing that waits is needed.
  if (replay) waiting_.erase(place);
  send(reader_for(place), restore{place, key_of(place), replay, row.last,
                                  replay ? shard->skipped : std::set<domain::input_id>{}});
}

void shard_host::on_restored(const restored& r) {
  auto* shard = shard_of(r.twin);
  if (shard == nullptr) return;
  auto& row = shard->rows[r.twin.row];
  if (row.mode != row_mode::waking) return;
  if (!r.what) {
    if (r.poison != domain::input_id{}) return on_crashed(r.twin, r.poison, r.why);
    logging::error("host", "a twin cannot be restored; it is tried again in 5 s",
                   {{"twin", key_of(r.twin)}, {"why", r.why}});
    row.mode = row_mode::backing_off;
    delayed_send(this, std::chrono::seconds{5}, rewake_atom::value, r.twin.shard, r.twin.row);
    return;
  }
  auto key = key_of(r.twin);
  if (!r.what->effects.empty())
    send(with_.outbox,
         twin_effects{r.twin, key, std::make_shared<domain::effects>(std::move(r.what->effects))});
  const auto at = r.what->state.last_applied();
  row.twin = spawn_twin(system(), around_, r.twin, std::move(key), std::move(r.what->state));
  row.mode = row_mode::awake;
  awake_now_.set(static_cast<double>(++awake_));
  if (is_watched(r.twin)) {
    row.watched = true;
    send(row.twin, set_watched{true});
  }
  hand_out_waiting(*shard, r.twin, at);
  for (const auto& round : rounds_)
    if (round.shard == r.twin.shard && round.open.contains(r.twin.row))
      send(row.twin, take_snapshot{false});
}

void shard_host::hand_out_waiting(hosted_shard& shard, twin_place place, domain::input_id at) {
  const auto waiting = waiting_.find(place);
  if (waiting == waiting_.end()) return;
  auto mine = std::make_shared<delivery>();
  for (auto& item : waiting->second) {
    if (item.id <= at || shard.skipped.contains(item.id)) continue;
    if (mine->segments.empty() || mine->segments.back() != item.in)
      mine->segments.push_back(item.in);
    mine->items.push_back(
        {static_cast<std::uint32_t>(mine->segments.size() - 1), item.entry, item.id});
  }
  waiting_.erase(waiting);
  const auto count = static_cast<std::uint32_t>(mine->items.size());
  if (count != 0) send(shard.rows[place.row].twin, twin_work{std::move(mine), 0, count});
}

// One-for-one restart from the journal with back-off; the same input a third time is passed over
// by a journaled record, so that every later replay passes it over as well.
void shard_host::on_crashed(twin_place place, domain::input_id at, const std::string& what) {
  auto* shard = shard_of(place);
  if (shard == nullptr) return;
  auto& row = shard->rows[place.row];
  crashes_.add();
  if (row.twin) {
    row.twin = nullptr;
    awake_now_.set(static_cast<double>(--awake_));
  }
  row.mode = row_mode::backing_off;
  auto& seen = suspects_[place];
  if (seen.at != at) seen = {at, 0};
  const auto strikes = ++seen.strikes;
  logging::warning("host", "a twin crashed and restarts from its journal",
                   {{"twin", key_of(place)},
                    {"input", std::to_string(at.at.value) + "-" + std::to_string(at.index)},
                    {"strike", strikes},
                    {"why", what}});
  if (strikes >= max_strikes) {
    suspects_.erase(place);
    skip_poison(*shard, place, at, what);
  }
  auto back_off = std::chrono::milliseconds{first_back_off_ms};
  for (int i = 1; i < strikes; ++i) back_off *= 4;
  delayed_send(this, back_off, rewake_atom::value, place.shard, place.row);
}

void shard_host::skip_poison(hosted_shard& shard, twin_place place, domain::input_id at,
                             const std::string& what) {
  poisoned_.add();
  shard.skipped.insert(at);
  domain::input skip;
  skip.kind = domain::input_kind::input_skipped;
  skip.ingest_time_ns = options_.now();
  skip.skipped = at;
  skip.detail = what;
  if (auto in = with_.inlet->submit_shard_wide(shard.number, skip); !in)
    logging::error(
        "host",
        "the skip of a poison input is not journaled yet; it is tried again after the next crash",
        {{"why", in.error().what}});
  const auto key = key_of(place);
  const auto input_text = std::to_string(at.at.value) + "-" + std::to_string(at.index);
  with_.quarantine->put({options_.now(),
                         messages::quarantine_reason::poison,
                         std::string{split_key(key).id},
                         "input " + input_text + " crashed the twin three times: " + what,
                         poison_document(*with_.journal, *with_.tables, {place, key, at}),
                         {}});
  logging::error("host", "a poison input is skipped and quarantined; the twin lives on",
                 {{"twin", key}, {"input", input_text}});
}

void shard_host::sleep(host_row& row) {
  row.mode = row_mode::passivating;
  passivations_.add();
  send(row.twin, take_snapshot{true});
}

void shard_host::on_passivated(const passivated& p) {
  auto* shard = shard_of(p.twin);
  if (shard == nullptr) return;
  auto& row = shard->rows[p.twin.row];
  row.twin = nullptr;
  row.watched = false;
  awake_now_.set(static_cast<double>(--awake_));
  row.due_ns = p.due_ns;
  row.timer = p.timer;
  row.generation = p.generation;
  row.mode = row_mode::passivating; // also when it left by itself, deleted
  falling_asleep_[p.twin] = p.at;
  arm(p.twin, p.due_ns, p.timer);
}

// A snapshot is in the store: sealing may go on, and a twin that fell asleep may be woken from it.
void shard_host::on_stored(const snapshot_stored& s) {
  for (const auto& [place, at] : s.twins) {
    auto* shard = shard_of(place);
    if (shard == nullptr) continue;
    auto& row = shard->rows[place.row];
    if (row.stored < at) row.stored = at;
    const auto falling = falling_asleep_.find(place);
    if (falling != falling_asleep_.end() && falling->second <= at) {
      falling_asleep_.erase(falling);
      row.mode = row.deleted ? row_mode::gone : row_mode::asleep;
      if (row.mode == row_mode::asleep && waiting_.contains(place)) wake(place, false);
    }
    for (auto& round : rounds_)
      if (round.shard == place.shard) round.open.erase(place.row);
  }
  check_snapshot_rounds();
}

// What a twin would only hear before its next own input; for those who ask about it now.
std::shared_ptr<delivery> shard_host::outstanding_wide(hosted_shard& shard, host_row& row) {
  auto out = std::make_shared<delivery>();
  for (auto i = row.wide_seen; i < shard.wide.size(); ++i) {
    out->segments.push_back(shard.wide[i].in);
    out->items.push_back({static_cast<std::uint32_t>(out->segments.size() - 1), shard.wide[i].entry,
                          shard.wide[i].id});
  }
  return out;
}

void shard_host::on_timer_at(const timer_at& t) {
  auto* shard = shard_of(t.twin);
  if (shard == nullptr) return;
  shard->rows[t.twin.row].due_ns = t.due_ns;
  arm(t.twin, t.due_ns, t.timer);
}

// Silence while the node was down is not the devices' but ours: absence timers wait for the grace.
// A command's expiry does not, nor an operator's silence or an escalation.
void shard_host::arm(twin_place place, std::int64_t due_ns, std::uint32_t timer) {
  if (due_ns == never) return;
  const bool ours =
      due_ns <= started_ns_ && timer != domain::command_timer && timer != domain::alert_timer;
  look_at(place, ours ? started_ns_ + options_.start_grace_ns : due_ns);
}

// One entry a twin counts, the earliest: without that, a twin with a far timer would leave one
// behind each time it wakes and sleeps.
void shard_host::look_at(twin_place place, std::int64_t at_ns) {
  auto* shard = shard_of(place);
  if (shard == nullptr || place.row >= shard->rows.size()) return;
  auto& row = shard->rows[place.row];
  if (row.queued_ns <= at_ns) return;
  if (row.queued_ns == never) armed_now_.set(static_cast<double>(++armed_));
  row.queued_ns = at_ns;
  timers_.push({at_ns, place});
}

void shard_host::on_timer_due(const timer_due& t) { journal_tick(t.twin, t.timer, t.generation); }

void shard_host::journal_tick(twin_place place, std::uint32_t timer, std::uint64_t generation) {
  domain::input tick;
  tick.kind = domain::input_kind::tick;
  tick.ingest_time_ns = options_.now();
  tick.timer = timer;
  tick.generation = generation;
  const auto key = key_of(place);
  auto in = with_.inlet->submit(split_key(key).id, {}, tick);
  if (in) return;
  if (in.error().code == errc::not_found) return; // deleted meanwhile
  look_at(place, tick.ingest_time_ns + ns_per_s); // no credit or no disk: the timer stays due
}

void shard_host::fire_timers(std::int64_t now_ns) {
  while (!timers_.empty() && timers_.top().due_ns <= now_ns) {
    const auto [queued_ns, place] = timers_.top();
    timers_.pop();
    auto* shard = shard_of(place);
    if (shard == nullptr || place.row >= shard->rows.size()) continue;
    auto& row = shard->rows[place.row];
    if (row.queued_ns != queued_ns) continue;
    row.queued_ns = never;
    armed_now_.set(static_cast<double>(--armed_));
    switch (row.mode) {
    case row_mode::awake: send(row.twin, check_timer{now_ns}); break;
    case row_mode::asleep:
      if (row.due_ns <= now_ns)
        journal_tick(place, row.timer, row.generation);
      else if (row.due_ns != never)
        look_at(place, std::max(row.due_ns, now_ns + 1));
      break;
    case row_mode::gone: break;
    default: look_at(place, now_ns + options_.tick_ns); // between two states: look again
    }
  }
}

void shard_host::passivate_idle(std::int64_t now_ns) {
  if (shards_.empty()) return;
  // A slice of the shards at each tick, so that the sweep never holds up deliveries.
  const auto idle_s = options_.passivate_after_ns / ns_per_s;
  const auto now_s = now_ns / ns_per_s;
  const bool crowded = awake_ > options_.max_awake;
  const auto shards_a_tick = std::max<std::size_t>(1, shards_.size() / 8);
  for (std::size_t n = 0; n < shards_a_tick; ++n) {
    auto& shard = *shards_[sweep_shard_++ % shards_.size()];
    for (std::uint32_t i = 0; i < shard.rows.size(); ++i) {
      auto& row = shard.rows[i];
      if (row.mode != row_mode::awake || row.watched) continue;
      const auto idle = now_s - std::int64_t{row.active_s};
      if (idle >= idle_s || (crowded && idle >= 1)) sleep(row);
    }
  }
}

void shard_host::on_tick() {
  const auto now_ns = options_.now();
  fire_timers(now_ns);
  passivate_idle(now_ns);
  answer_spread(true);
  // The asker has given up by then (no space, most likely) and asks anew.
  std::erase_if(rounds_,
                [&](const snapshot_round& r) { return now_ns - r.began_ns > 120 * ns_per_s; });
  delayed_send(this, std::chrono::nanoseconds{options_.tick_ns}, tick_atom::value);
}

// Sealing wants every twin to have a snapshot at or after what is being sealed.
void shard_host::ask_snapshots(const snapshot_below& want,
                               caf::typed_response_promise<caf::ok_atom> answer, int tries_left) {
  auto* shard = shard_of({want.shard, 0});
  if (shard == nullptr) {
    answer.deliver(caf::error{caf::sec::invalid_argument});
    return;
  }
  if (want.below.value > shard->delivered.value + 1) { // still on its way from the log
    if (tries_left > 0)
      delayed_send(this, std::chrono::milliseconds{20},
                   pending_round{want, answer, tries_left - 1});
    else
      answer.deliver(caf::error{caf::sec::request_timeout});
    return;
  }
  snapshot_round round{want.shard, want.below, {}, answer, options_.now()};
  for (std::uint32_t i = 0; i < shard->rows.size(); ++i) {
    auto& row = shard->rows[i];
    if (row.mode == row_mode::gone || row.stored >= row.last) continue;
    if (row.stored.at >= want.below) continue;
    if (row.mode == row_mode::awake) send(row.twin, take_snapshot{false});
    round.open.insert(i); // one that wakes, falls asleep or backs off: its turn comes
  }
  rounds_.push_back(std::move(round));
  check_snapshot_rounds();
}

void shard_host::check_snapshot_rounds() {
  std::erase_if(rounds_, [](snapshot_round& round) {
    if (!round.open.empty()) return false;
    round.answer.deliver(caf::ok_atom::value);
    return true;
  });
}

} // namespace pollux::actors
