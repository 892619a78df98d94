// SPDX-License-Identifier: Apache-2.0
// Deliveries: what the intake has written, grouped by twin.
#include "actors/shard_host.hpp"
#include "actors/desk.hpp"
#include "messages/observability/log.hpp"
#include <chrono>

namespace pollux::actors {

namespace {
using tick_atom = caf::atom_constant<caf::atom("hosttick")>;
using recover_atom = caf::atom_constant<caf::atom("recover")>;
using rewake_atom = caf::atom_constant<caf::atom("rewake")>;
using spread_atom = caf::atom_constant<caf::atom("spread")>;

// Two hosts must not overwrite each other's gauge; a host is known by its first shard.
messages::labels host_label(const std::vector<std::uint32_t>& shards) {
  return {{"host", shards.empty() ? "none" : std::to_string(shards.front())}};
}
} // namespace

std::int64_t system_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

caf::actor spawn_shard_host(caf::actor_system& system, host_surroundings with,
                            std::vector<std::uint32_t> shards, host_options options) {
  return system.spawn<shard_host>(std::move(with), std::move(shards), std::move(options));
}

shard_host::shard_host(caf::actor_config& config, host_surroundings with,
                       std::vector<std::uint32_t> shards, host_options options)
    : caf::event_based_actor(config), with_(std::move(with)), options_(std::move(options)),
      label_(host_label(shards)),
      crashes_(with_.metrics->make_counter(
          "pollux_twin_crashes_total",
          "Twins that an input crashed; each was restarted from its journal")),
      poisoned_(with_.metrics->make_counter(
          "pollux_twin_poison_inputs_total",
          "Inputs skipped and quarantined after crashing their twin three times")),
      woken_(with_.metrics->make_counter("pollux_twin_wakeups_total",
                                         "Twins woken from their snapshot")),
      passivations_(
          with_.metrics->make_counter("pollux_twin_passivations_total", "Twins put to sleep")),
      awake_now_(with_.metrics->make_gauge("pollux_twins_awake", "Twins in memory", label_)),
      armed_now_(with_.metrics->make_gauge("pollux_timers_armed",
                                           "Twins whose timer is in its host's queue", label_)) {
  for (const auto number : shards) {
    shards_.push_back(std::make_unique<hosted_shard>());
    shards_.back()->number = number;
    by_number_[number] = shards_.back().get();
  }
  awake_now_.set(0); // a core that is rebuilt finds what the one before it counted
  armed_now_.set(0);
}

caf::behavior shard_host::make_behavior() {
  around_ = std::make_shared<twin_surroundings>();
  around_->models = with_.models;
  around_->shadows = with_.shadows;
  around_->host = caf::actor_cast<caf::actor>(this);
  around_->outbox = with_.outbox;
  around_->node = with_.node;
  around_->board = with_.board;
  around_->count_in(*with_.metrics);
  around_->samples = std::make_shared<twin_samples>();
  export_samples(*with_.metrics, label_, around_->samples, awake_now_);
  send(this, recover_atom::value);
  return {
      [this](const hand_over_batch& batch) { deliver(*batch.segments); },
      [this](const restored& r) { on_restored(r); },
      [this](const timer_at& t) { on_timer_at(t); },
      [this](const timer_due& t) { on_timer_due(t); },
      [this](const passivated& p) { on_passivated(p); },
      [this](const crashed& c) { on_crashed(c.twin, c.at, c.what); },
      [this](const snapshot_stored& s) { on_stored(s); },
      [this](tick_atom) { on_tick(); },
      [this](spread_atom) { spread(); },
      [this](const spread_ask& ask) { return on_spread_ask(ask); },
      [this](recover_atom) {
        if (!recovered_all_) recover();
        delayed_send(this, std::chrono::nanoseconds{options_.tick_ns}, tick_atom::value);
      },
      [this](rewake_atom, std::uint32_t shard, std::uint32_t row) {
        wake({shard, row}, true);
      },
      [this](const ask_twin& ask) {
        auto* shard = shard_of(ask.twin);
        const bool known = shard != nullptr && ask.twin.row < shard->rows.size();
        auto wide = known ? outstanding_wide(*shard, shard->rows[ask.twin.row]) : nullptr;
        if (known && shard->rows[ask.twin.row].mode == row_mode::awake) {
          auto& row = shard->rows[ask.twin.row];
          tell_wide(*shard, row);
          delegate(row.twin, describe_ask{ask.now_ns});
        } else {
          delegate(reader_for(ask.twin), ask_twin{ask.twin, ask.key, ask.now_ns, std::move(wide)});
        }
        return caf::delegated<messages::twin_answer>{};
      },
      [this](const look_for& look) { on_look(look); },
      [this](const ask_brief& ask) {
        auto promise = make_response_promise<brief_rows>();
        auto rows = std::make_shared<std::vector<messages::twin_row>>(ask.twins.size());
        auto left = std::make_shared<std::size_t>(ask.twins.size());
        if (ask.twins.empty()) promise.deliver(brief_rows{rows});
        for (std::size_t i = 0; i < ask.twins.size(); ++i) {
          auto* shard = shard_of(ask.twins[i].first);
          const bool awake = shard != nullptr && ask.twins[i].first.row < shard->rows.size() &&
                             shard->rows[ask.twins[i].first.row].mode == row_mode::awake;
          const auto& who =
              awake ? shard->rows[ask.twins[i].first.row].twin : reader_for(ask.twins[i].first);
          const auto one_less = [rows, left, promise] {
            auto to = promise;
            if (--*left == 0) to.deliver(brief_rows{rows});
          };
          request(who, std::chrono::seconds{4}, ask_brief{{ask.twins[i]}, ask.now_ns})
              .then(
                  [rows, i, one_less](messages::twin_row& r) {
                    (*rows)[i] = std::move(r);
                    one_less();
                  },
                  [one_less](const caf::error&) { one_less(); });
        }
        return promise;
      },
      [this](const ask_bytes& ask) -> caf::result<std::string> {
        auto* shard = shard_of(ask.twin);
        if (shard == nullptr || ask.twin.row >= shard->rows.size() ||
            shard->rows[ask.twin.row].mode != row_mode::awake)
          return std::string{};
        delegate(shard->rows[ask.twin.row].twin, ask);
        return caf::delegated<std::string>{};
      },
      [this](const snapshot_below& want) {
        auto answer = make_response_promise<caf::ok_atom>();
        ask_snapshots(want, answer, 500);
        return answer;
      },
      [this](const pending_round& again) {
        ask_snapshots(again.want, again.answer, again.tries_left);
      },
      [this](const watch_glob& w) {
        if (w.on)
          watches_[w.watch] = w.glob;
        else
          watches_.erase(w.watch);
        for (auto& shard : shards_)
          for (std::uint32_t row = 0; row < shard->rows.size(); ++row)
            if (shard->rows[row].mode == row_mode::awake) {
              const bool wanted = is_watched({shard->number, row});
              if (wanted == shard->rows[row].watched) continue;
              shard->rows[row].watched = wanted;
              send(shard->rows[row].twin, set_watched{wanted});
            }
      },
      [this](caf::get_atom) {
        if (!recovered_all_) recover(); // asked before its first message: ready means recovered
        host_counts counts;
        for (const auto& shard : shards_) counts.twins += shard->rows.size();
        counts.awake = awake_;
        counts.timers = armed_;
        counts.recovered = recovered_;
        return counts;
      },
  };
}

// Children are not linked (a million links cost memory): the host stops them itself.
void shard_host::on_exit() {
  for (auto& shard : shards_)
    for (auto& row : shard->rows)
      if (row.twin) anon_send_exit(row.twin, caf::exit_reason::user_shutdown);
  shards_.clear();
  by_number_.clear();
  waiting_.clear();
  // A promise holds us and who asked: kept, they would wait for each other, and a node that stops
  // while it seals would wait for both.
  rounds_.clear();
  spread_waiters_.clear();
  around_.reset();
  with_ = {};
}

hosted_shard* shard_host::shard_of(twin_place place) {
  const auto it = by_number_.find(place.shard);
  return it == by_number_.end() ? nullptr : it->second;
}

host_row& shard_host::row_at(hosted_shard& shard, std::uint32_t row) {
  if (row >= shard.rows.size()) shard.rows.resize(row + 1);
  return shard.rows[row];
}

// A question from the desk: its answer goes to the slip, not through here.
void shard_host::on_look(const look_for& look) {
  if (look.slip->too_late()) return look.slip->give(failure{errc::timed_out, "no answer in time"});
  std::string key;
  const auto place =
      with_.inlet->with_directory(look.shard, [&](const shard_directory& d) -> twin_place {
        const auto row = d.find_living(look.id);
        if (row != unknown_row) key = d.key(row);
        return {look.shard, row};
      });
  if (place.row == unknown_row)
    return look.slip->give(failure{errc::not_found, "no twin " + look.id});
  auto* shard = shard_of(place);
  const bool known = shard != nullptr && place.row < shard->rows.size();
  const auto now_ns = options_.now();
  if (known && shard->rows[place.row].mode == row_mode::awake) {
    auto& row = shard->rows[place.row];
    tell_wide(*shard, row);
    return send(row.twin, look_here{now_ns, look.slip});
  }
  auto wide = known ? outstanding_wide(*shard, shard->rows[place.row]) : nullptr;
  request(reader_for(place), longest_look, ask_twin{place, std::move(key), now_ns, std::move(wide)})
      .then([slip = look.slip](messages::twin_answer& a) { slip->give(std::move(a)); },
            [slip = look.slip](const caf::error& e) { slip->give(messages::from_caf(e)); });
}

void shard_host::deliver(const std::vector<persistence::positioned_segment>& segments) {
  for (const auto& s : segments) {
    if (s.committed_ns != 0 && (committed_ns_ == 0 || s.committed_ns < committed_ns_))
      committed_ns_ = s.committed_ns;
    if (auto* shard = shard_of({s.shard, 0})) take_segment(*shard, s);
  }
  send_pending();
  committed_ns_ = 0;
}

void shard_host::take_segment(hosted_shard& shard, const persistence::positioned_segment& s) {
  if (s.at <= shard.delivered) return; // recovery has read it from the log already
  shard.delivered = s.at;
  const auto& entries = s.content->entries();
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    const domain::input_id id{s.at, i};
    if (entries[i].twin == messages::shard_wide_twin)
      take_wide(shard, s.content, i, id);
    else
      put(shard, s.content->rows[entries[i].twin], s.content, i, id);
  }
}

void shard_host::take_wide(hosted_shard& shard, const persistence::segment_ptr& in,
                           std::uint32_t entry, domain::input_id id) {
  if (!shard.wide.empty() && id <= shard.wide.back().id) return;
  domain::input decoded;
  in->decode(entry, id.at, decoded);
  if (decoded.kind == domain::input_kind::input_skipped) shard.skipped.insert(decoded.skipped);
  // A copy of its own: the segment's credit must not stay out for the life of the node.
  messages::segment_builder alone;
  alone.add(messages::no_row, {}, decoded);
  shard.wide.push_back({alone.finish(), 0, id});
  if (decoded.kind != domain::input_kind::model_changed) return;
  shard.models_ns = std::max(shard.models_ns, decoded.ingest_time_ns);
  shard.told = 0;
  if (!std::exchange(spreading_, true)) send(this, spread_atom::value);
}

void shard_host::put(hosted_shard& shard, std::uint32_t row_number,
                     const persistence::segment_ptr& in, std::uint32_t entry, domain::input_id id) {
  auto& row = row_at(shard, row_number);
  if (row.mode == row_mode::gone || shard.skipped.contains(id)) return;
  if (id <= row.last) return;
  const twin_place place{shard.number, row_number};
  if (row.chain == 0) {
    touched_.push_back({place, 0, 0});
    row.chain = static_cast<std::uint32_t>(touched_.size());
  }
  auto& chain = touched_[row.chain - 1];
  const auto add = [&](const waiting_item& item) {
    links_.push_back({item, 0});
    const auto at = static_cast<std::uint32_t>(links_.size()); // index + 1; 0 ends a chain
    if (chain.head == 0)
      chain.head = at;
    else
      links_[chain.tail - 1].next = at;
    chain.tail = at;
  };
  // Shard-wide inputs reach a twin, in order, at the latest before its next own input.
  for (; row.wide_seen < shard.wide.size() && shard.wide[row.wide_seen].id < id; ++row.wide_seen) {
    const auto& w = shard.wide[row.wide_seen];
    add({w.in, w.entry, w.id});
  }
  if (in->entries()[entry].kind == domain::input_kind::twin_deleted) row.deleted = true;
  add({in, entry, id});
  row.last = id;
}

// One delivery for all twins touched; those that are not awake keep theirs until they are.
void shard_host::send_pending() {
  if (touched_.empty()) return;
  auto whole = std::make_shared<delivery>();
  whole->items.reserve(links_.size());
  struct part {
    caf::actor twin;
    std::uint32_t first, count;
  };
  std::vector<part> parts;
  parts.reserve(touched_.size());
  std::vector<twin_place> to_wake;
  const auto now_ns = options_.now();
  const auto now_s = static_cast<std::uint32_t>(now_ns / ns_per_s);
  whole->committed_ns = committed_ns_;
  whole->look = now_ns - looked_ns_ >= twin_samples::pause_ns;
  if (whole->look) looked_ns_ = now_ns;
  for (const auto& chain : touched_) {
    auto& shard = *by_number_[chain.place.shard];
    auto& row = shard.rows[chain.place.row];
    row.active_s = now_s;
    row.chain = 0;
    if (row.mode != row_mode::awake) {
      auto& queue = waiting_[chain.place];
      for (auto at = chain.head; at != 0; at = links_[at - 1].next)
        queue.push_back(std::move(links_[at - 1].item));
      if (row.mode == row_mode::asleep) to_wake.push_back(chain.place);
      continue;
    }
    const auto first = static_cast<std::uint32_t>(whole->items.size());
    for (auto at = chain.head; at != 0; at = links_[at - 1].next) {
      auto& item = links_[at - 1].item;
      if (whole->segments.empty() || whole->segments.back() != item.in)
        whole->segments.push_back(std::move(item.in));
      whole->items.push_back(
          {static_cast<std::uint32_t>(whole->segments.size() - 1), item.entry, item.id});
    }
    parts.push_back({row.twin, first, static_cast<std::uint32_t>(whole->items.size()) - first});
  }
  touched_.clear();
  links_.clear();
  const std::shared_ptr<const delivery> shared = std::move(whole);
  for (auto& p : parts) send(p.twin, twin_work{shared, p.first, p.count});
  for (const auto place : to_wake) wake(place, false);
}

} // namespace pollux::actors
