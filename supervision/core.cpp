// SPDX-License-Identifier: Apache-2.0
#include "supervision/core.hpp"
#include "actors/feed.hpp"
#include "actors/historian.hpp"
#include "actors/jobs.hpp"
#include "actors/maintenance.hpp"
#include "actors/reader.hpp"
#include "actors/searcher.hpp"
#include "actors/verifier.hpp"
#include "messages/observability/log.hpp"
#include "supervision/batch_door.hpp"
#include <chrono>
#include <thread>

namespace pollux::supervision {

namespace {

std::uint32_t host_count(const config::settings& s) {
  return s.node.hosts != 0 ? s.node.hosts : std::max(1u, std::thread::hardware_concurrency());
}

actors::host_options host_options_of(const config::settings& s) {
  actors::host_options out;
  out.passivate_after_ns = s.twins.passivate_after_ns;
  out.max_awake = std::max<std::uint64_t>(1, s.twins.max_active / host_count(s));
  out.start_grace_ns = s.twins.start_grace_ns;
  return out;
}

void spawn_hosts(caf::actor_system& system, const core_surroundings& with,
                 const std::shared_ptr<actors::search_board>& board, core& made) {
  actors::host_surroundings around{with.inlet,   with.journal,    with.tables,  with.models,
                                   with.shadows, with.quarantine, with.metrics, made.outbox,
                                   made.feed,    made.readers,    board};
  const auto count = host_count(with.settings);
  auto options = host_options_of(with.settings);
  if (with.faults != nullptr) options.now = with.faults->clock(options.now);
  for (std::uint32_t h = 0; h < count; ++h) {
    std::vector<std::uint32_t> mine;
    for (std::uint32_t shard = h; shard < with.journal->shards(); shard += count)
      mine.push_back(shard);
    made.hosts.push_back(actors::spawn_shard_host(system, around, std::move(mine), options));
  }
}

status wait_recovered(caf::actor_system& system, const core& made) {
  caf::scoped_actor self{system, true};
  status outcome;
  std::uint64_t recovered = 0;
  for (const auto& host : made.hosts)
    self->request(host, std::chrono::minutes{10}, caf::get_atom::value)
        .receive([&](const actors::host_counts& counts) { recovered += counts.recovered; },
                 [&](const caf::error& e) {
                   outcome = failure{errc::timed_out,
                                     "a shard host did not recover: " + system.render(e)};
                 });
  if (outcome) messages::log::info("core", "recovered", {{"snapshots", recovered}});
  return outcome;
}

} // namespace

std::vector<caf::actor> core::all() const {
  std::vector<caf::actor> out{outbox,    feed, verifier, maintenance,
                              historian, jobs, searcher, caf::actor_cast<caf::actor>(node)};
  out.insert(out.end(), readers.begin(), readers.end());
  out.insert(out.end(), hosts.begin(), hosts.end());
  return out;
}

void core::stop() {
  // The doors' side first, the outbox last: it writes what the twins still tell it.
  std::vector<caf::actor> order{
      caf::actor_cast<caf::actor>(node), searcher, jobs, historian, verifier, maintenance};
  order.insert(order.end(), hosts.begin(), hosts.end());
  order.insert(order.end(), readers.begin(), readers.end());
  order.push_back(feed);
  order.push_back(outbox);
  for (const auto& a : order)
    if (a) caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  *this = {};
}

result<core> spawn_core(caf::actor_system& system, const core_surroundings& with) {
  core made;
  made.feed = actors::spawn_feed(system, with.metrics);
  made.outbox = actors::spawn_outbox(system, {with.tables, with.egress, with.quarantine,
                                              with.metrics, with.egress_rules, made.feed,
                                              actors::system_now_ns, with.inlet, with.traces});
  for (int i = 0; i < 2; ++i)
    made.readers.push_back(actors::spawn_reader(system, *with.journal, *with.tables, *with.models));
  const auto board = std::make_shared<actors::search_board>(with.journal->shards());
  spawn_hosts(system, with, board, made);
  made.searcher = actors::spawn_searcher(
      system, {with.inlet, with.tables, with.models, with.metrics, board, actors::system_now_ns});
  made.verifier = actors::spawn_verifier(
      system, {with.journal, with.tables, with.models, with.inlet, made.hosts});
  actors::maintenance_surroundings upkeep{with.journal,
                                          with.tables,
                                          with.inlet,
                                          with.quarantine,
                                          with.conditions,
                                          with.metrics,
                                          made.hosts,
                                          with.settings.journal.tail_bytes,
                                          with.settings.journal.tail_readings,
                                          with.files,
                                          with.models,
                                          actors::system_now_ns,
                                          {}};
  if (with.faults != nullptr) upkeep.at_step = with.faults->steps();
  made.maintenance = actors::spawn_maintenance(system, std::move(upkeep));
  made.historian = actors::spawn_historian(
      system, {with.journal, with.tables, with.models, with.inlet, actors::system_now_ns});
  actors::job_surroundings work{with.journal,
                                with.tables,
                                with.models,
                                with.inlet,
                                with.model_changes,
                                made.maintenance,
                                made.hosts,
                                with.settings.node.data,
                                actors::system_now_ns,
                                {}};
  if (with.faults != nullptr) work.at_step = with.faults->steps();
  made.jobs = actors::spawn_jobs(system, std::move(work));
  actors::node_surroundings front;
  front.inlet = with.inlet;
  front.journal = with.journal;
  front.tables = with.tables;
  front.models = with.models;
  front.model_changes = with.model_changes;
  front.metrics = with.metrics;
  front.conditions = with.conditions;
  front.hosts = made.hosts;
  front.readers = made.readers;
  front.feed = made.feed;
  front.verifier = made.verifier;
  front.outbox = made.outbox;
  front.historian = made.historian;
  front.jobs = made.jobs;
  front.searcher = made.searcher;
  front.replay_quarantined = with.replay_quarantined;
  front.take_batch = [door = batch_door{with.inlet, with.models, actors::system_now_ns}](
                         const messages::readings_submit& batch) { return door.take(batch); };
  front.now = actors::system_now_ns;
  made.node = actors::spawn_node(system, std::move(front));
  caf::anon_send(made.feed, actors::feed_hosts{made.hosts, made.outbox});
  if (auto ready = wait_recovered(system, made); !ready) {
    made.stop();
    return ready.error();
  }
  return made;
}

void hand_over(const std::vector<caf::actor>& hosts,
               std::vector<persistence::positioned_segment>&& segments) {
  std::vector<std::vector<persistence::positioned_segment>> parts(hosts.size());
  for (auto& s : segments) parts[s.shard % hosts.size()].push_back(std::move(s));
  for (std::size_t h = 0; h < hosts.size(); ++h)
    if (!parts[h].empty())
      caf::anon_send(hosts[h],
                     actors::hand_over_batch{
                         std::make_shared<const std::vector<persistence::positioned_segment>>(
                             std::move(parts[h]))});
}

} // namespace pollux::supervision
