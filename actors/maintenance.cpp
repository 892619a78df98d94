// SPDX-License-Identifier: Apache-2.0
#include "actors/maintenance.hpp"
#include "messages/observability/log.hpp"
#include "persistence/history.hpp"
#include <chrono>

namespace pollux::actors {

namespace {

using look_atom = caf::atom_constant<caf::atom("look")>;
namespace logging = messages::log;

/// One shard is sealed at a time: blocks, then snapshots of its twins, then the trim.
struct maintenance_state {
  maintenance_surroundings with;
  std::uint32_t next_shard = 0;
  bool sealing = false;
  bool was_writable = true;
  messages::counter* sealed_readings = nullptr;
  messages::histogram* seal_seconds = nullptr;
  static inline const char* name = "maintenance";
};

using maintenance_actor = caf::stateful_actor<maintenance_state>;

constexpr std::uint64_t readings_a_pass = 200'000; // bounds the memory of one pass

bool tail_is_long(const maintenance_surroundings& with) {
  const auto state = with.journal->state();
  // From three quarters of the bound on, so that the bound itself is hardly ever reached, and a
  // pass still finds many readings of each twin: few at a time cost several times as much.
  return state.writable && (state.tail_bytes > with.tail_bytes / 4 * 3 ||
                            state.tail_readings > with.tail_readings / 4 * 3);
}

void seal_next(maintenance_actor* self) {
  auto& s = self->state;
  const auto shards = s.with.journal->shards();
  for (std::uint32_t tried = 0; tried < shards; ++tried) {
    const auto shard = s.next_shard;
    s.next_shard = (s.next_shard + 1) % shards;
    const auto below = s.with.journal->end(shard);
    const auto began = std::chrono::steady_clock::now();
    auto report = persistence::seal(
        *s.with.journal, *s.with.tables, shard, below, readings_a_pass,
        [&](std::uint32_t in, std::string_view key) { return s.with.inlet->row_of_key(in, key); });
    if (!report) {
      logging::error("maintenance", "a shard could not be sealed",
                     {{"shard", shard}, {"why", report.error().what}});
      return;
    }
    if (report->segments == 0) continue;
    s.seal_seconds->observe(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    s.sealed_readings->add(report->readings);
    s.sealing = true;
    const auto sealed_below = report->sealed_below;
    self->request(s.with.hosts[shard % s.with.hosts.size()], std::chrono::seconds{60},
                  snapshot_below{shard, {report->last_sealed.value + 1}})
        .then(
            [self, shard, sealed_below](caf::ok_atom) {
              self->state.sealing = false;
              // The snapshots are made durable by the synced empty batch before what they replace
              // goes.
              auto batch = self->state.with.tables->batch();
              auto synced = self->state.with.tables->write(*batch, true);
              if (synced) synced = self->state.with.journal->trim(shard, sealed_below);
              if (!synced)
                logging::error("maintenance", "the log could not be trimmed",
                               {{"shard", shard}, {"why", synced.error().what}});
              else if (tail_is_long(self->state.with))
                self->send(self, look_atom::value, false);
            },
            [self, shard](const caf::error& e) {
              self->state.sealing = false;
              logging::warning("maintenance",
                               "snapshots for a trim did not come in time; the trim waits",
                               {{"shard", shard}, {"why", self->system().render(e)}});
            });
    return;
  }
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
  if (!s.sealing && tail_is_long(s.with)) seal_next(self);
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
  self->state.with = std::move(with);
  self->send(self, look_atom::value, true);
  return {
      [self](look_atom, bool periodic) {
        look(self);
        if (periodic)
          self->delayed_send(self, std::chrono::milliseconds{500}, look_atom::value, true);
      },
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
