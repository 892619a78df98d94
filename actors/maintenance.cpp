// SPDX-License-Identifier: Apache-2.0
#include "actors/maintenance.hpp"
#include "messages/observability/log.hpp"
#include "persistence/history.hpp"
#include <chrono>
#include <deque>

namespace pollux::actors {

namespace {

using look_atom = caf::atom_constant<caf::atom("look")>;
using move_atom = caf::atom_constant<caf::atom("move")>;
namespace logging = messages::log;

/// A shard whose log shall be sealed whatever its length.
struct wanted_seal {
  std::uint32_t shard = 0;
  domain::position below;
  caf::typed_response_promise<caf::ok_atom> answer;
};

/// One shard is sealed at a time: blocks, then snapshots of its twins, then the trim.
struct maintenance_state {
  maintenance_surroundings with;
  std::uint32_t next_shard = 0;
  bool sealing = false;
  std::unique_ptr<tier_keeper> tiers;
  bool moving = false; ///< the next slice is on its way
  std::deque<wanted_seal> wanted;
  bool was_writable = true;
  messages::counter* sealed_readings = nullptr;
  messages::histogram* seal_seconds = nullptr;
  static inline const char* name = "maintenance";
};

using maintenance_actor = caf::stateful_actor<maintenance_state>;

void tell(const maintenance_surroundings& with, const char* step) {
  if (with.at_step) with.at_step(step);
}

constexpr std::uint64_t readings_a_pass = 200'000; // bounds the memory of one pass

bool tail_is_long(const maintenance_surroundings& with) {
  const auto state = with.journal->state();
  // From three quarters of the bound on, so that the bound itself is hardly ever reached, and a
  // pass still finds many readings of each twin: few at a time cost several times as much.
  return state.writable && (state.tail_bytes > with.tail_bytes / 4 * 3 ||
                            state.tail_readings > with.tail_readings / 4 * 3);
}

void trimmed(maintenance_actor* self, std::uint32_t shard, domain::position sealed_below) {
  auto& s = self->state;
  // The snapshots are made durable by the synced empty batch before what they replace goes.
  tell(s.with, "seal: sync the snapshots");
  auto batch = s.with.tables->batch();
  auto synced = s.with.tables->write(*batch, true);
  tell(s.with, "seal: trim");
  if (synced) synced = s.with.journal->trim(shard, sealed_below);
  tell(s.with, "sealed");
  if (!synced) {
    logging::error("maintenance", "the log could not be trimmed",
                   {{"shard", shard}, {"why", synced.error().what}});
    return;
  }
  if (s.tiers != nullptr) s.tiers->sealed(shard);
  if (!s.wanted.empty() || tail_is_long(s.with)) self->send(self, look_atom::value, false);
}

/// True when there was something to seal.
bool seal_one(maintenance_actor* self, std::uint32_t shard) {
  auto& s = self->state;
  const auto below = s.with.journal->end(shard);
  const auto began = std::chrono::steady_clock::now();
  tell(s.with, "seal: begin");
  auto report = persistence::seal(
      *s.with.journal, *s.with.tables, shard, below, readings_a_pass,
      [&](std::uint32_t in, std::string_view key) { return s.with.inlet->row_of_key(in, key); },
      [&] { tell(s.with, "seal: write blocks"); });
  if (!report) {
    logging::error("maintenance", "a shard could not be sealed",
                   {{"shard", shard}, {"why", report.error().what}});
    return true;
  }
  if (report->segments == 0) {
    tell(s.with, "sealed");
    return false;
  }
  tell(s.with, "seal: ask for snapshots");
  s.seal_seconds->observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  s.sealed_readings->add(report->readings);
  s.sealing = true;
  self->request(s.with.hosts[shard % s.with.hosts.size()], std::chrono::seconds{60},
                snapshot_below{shard, {report->last_sealed.value + 1}})
      .then(
          [self, shard, sealed_below = report->sealed_below](caf::ok_atom) {
            self->state.sealing = false;
            trimmed(self, shard, sealed_below);
          },
          [self, shard](const caf::error& e) {
            self->state.sealing = false;
            logging::warning("maintenance",
                             "snapshots for a trim did not come in time; the trim waits",
                             {{"shard", shard}, {"why", self->system().render(e)}});
          });
  return true;
}

void seal_next(maintenance_actor* self) {
  auto& s = self->state;
  const auto shards = s.with.journal->shards();
  for (std::uint32_t tried = 0; tried < shards; ++tried) {
    const auto shard = s.next_shard;
    s.next_shard = (s.next_shard + 1) % shards;
    if (seal_one(self, shard)) return;
  }
}

/// What somebody waits for goes first. One pass at a time; the trim after it looks again.
void seal_wanted(maintenance_actor* self) {
  auto& s = self->state;
  while (!s.wanted.empty() && !s.sealing) {
    auto& w = s.wanted.front();
    const bool all = !(s.with.journal->trimmed_below(w.shard) < w.below);
    if (!all && seal_one(self, w.shard)) return;
    w.answer.deliver(caf::ok_atom::value);
    s.wanted.pop_front();
  }
}

void move_some(maintenance_actor* self) {
  auto& s = self->state;
  s.moving = false;
  if (s.tiers == nullptr || s.sealing || tail_is_long(s.with) || !s.was_writable) return;
  const auto rest = s.tiers->slice();
  if (!rest) return;
  s.moving = true;
  self->delayed_send(self, *rest, move_atom::value);
}

void look_at_health(maintenance_actor* self) {
  auto& s = self->state;
  auto state = s.with.journal->state();
  if (!state.writable) {
    if (s.was_writable)
      logging::error("journal", "the journal refuses new readings; reads go on",
                     {{"why", state.why}});
    auto healed = s.with.journal->heal();
    if (healed) healed = s.with.tables->heal();
    state = s.with.journal->state();
    if (healed.ok() && state.writable)
      logging::info("journal", "the journal takes new readings again");
  }
  if (state.writable)
    if (auto tables = s.with.tables->heal(); !tables)
      logging::error("maintenance", "the tables cannot be written", {{"why", tables.error().what}});
  s.was_writable = state.writable;
  s.with.conditions->set("journal", state.writable, state.why);
}

void look(maintenance_actor* self) {
  auto& s = self->state;
  look_at_health(self);
  if (auto flushed = s.with.quarantine->flush(); !flushed)
    logging::warning("maintenance", "quarantine records wait for the store",
                     {{"why", flushed.error().what}});
  seal_wanted(self);
  if (!s.sealing && tail_is_long(s.with)) seal_next(self);
  if (!s.moving) move_some(self);
}

caf::result<caf::ok_atom> want_seal(maintenance_actor* self, const seal_shard& order) {
  auto& s = self->state;
  if (order.shard >= s.with.journal->shards())
    return messages::to_caf({errc::invalid_argument, "there is no such shard"});
  s.wanted.push_back(
      {order.shard, s.with.journal->end(order.shard), self->make_response_promise<caf::ok_atom>()});
  auto answer = s.wanted.back().answer;
  seal_wanted(self);
  return answer;
}

caf::result<caf::ok_atom> erase(maintenance_actor* self, const erase_rows& order) {
  auto& s = self->state;
  if (s.tiers == nullptr) return messages::to_caf({errc::unavailable, "no tiers here"});
  auto done = s.tiers->erase(*order.what);
  if (!done) return messages::to_caf(done.error());
  *order.what = std::move(*done);
  return caf::ok_atom::value;
}

void begin_tiers(maintenance_actor* self) {
  auto& s = self->state;
  if (s.with.files == nullptr) return;
  s.tiers = std::make_unique<tier_keeper>(
      tier_surroundings{s.with.journal, s.with.tables, s.with.files, s.with.models, s.with.inlet,
                        s.with.metrics, s.with.now, s.with.at_step});
  s.tiers->resume_erasures();
}

caf::behavior maintenance(maintenance_actor* self, maintenance_surroundings with) {
  auto& m = *with.metrics;
  self->state.sealed_readings = &m.make_counter("pollux_sealed_readings_total",
                                                "Readings moved from the log into history blocks");
  self->state.seal_seconds =
      &m.make_histogram("pollux_seal_seconds", "Time to seal one shard's oldest segments");
  m.make_gauge_callback(
      "pollux_journal_tail_readings", "Readings in the log that are not yet trimmed",
      [j = with.journal] { return static_cast<double>(j->state().tail_readings); });
  m.make_gauge_callback("pollux_journal_tail_bytes", "Bytes in the log that are not yet trimmed",
                        [j = with.journal] { return static_cast<double>(j->state().tail_bytes); });
  m.make_gauge_callback("pollux_journal_free_bytes", "Free bytes on the journal's file system",
                        [j = with.journal] { return static_cast<double>(j->state().free_bytes); });
  m.make_gauge_callback("pollux_ready", "1 while all conditions of /readyz are met",
                        [c = with.conditions] { return c->ready() ? 1.0 : 0.0; });
  self->state.with = std::move(with);
  begin_tiers(self);
  self->send(self, look_atom::value, true);
  return {
      [self](look_atom, bool periodic) {
        look(self);
        self->state.with.metrics->turn_slices();
        if (periodic)
          self->delayed_send(self, std::chrono::milliseconds{500}, look_atom::value, true);
      },
      [self](move_atom) { move_some(self); },
      [self](const seal_shard& order) { return want_seal(self, order); },
      [self](const erase_rows& order) { return erase(self, order); },
      // Seals everything there is, for tests and drills: answered when one pass over all shards is
      // done.
      [self](caf::flush_atom) {
        seal_next(self);
        return self->state.sealing;
      },
  };
}

} // namespace

caf::actor spawn_maintenance(caf::actor_system& system, maintenance_surroundings with) {
  return system.spawn<caf::detached>(maintenance, std::move(with));
}

} // namespace pollux::actors
