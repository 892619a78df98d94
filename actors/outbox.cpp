// SPDX-License-Identifier: Apache-2.0
#include "actors/outbox.hpp"
#include "actors/directory.hpp"
#include "actors/parent_post.hpp"
#include "actors/stage_metrics.hpp"
#include "messages/documents.hpp"
#include "messages/observability/log.hpp"
#include "messages/observability/trace_context.hpp"
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

namespace pollux::actors {

namespace {

using flush_atom = caf::atom_constant<caf::atom("flush")>;
using retry_atom = caf::atom_constant<caf::atom("retry")>;
using sent_atom = caf::atom_constant<caf::atom("sent")>;
namespace logging = messages::log;

constexpr std::size_t max_batch = 512;
constexpr std::size_t max_traces = 10'000; // of commands that have not gone out yet
const std::string mqtt_destination = "mqtt";

struct queued {
  persistence::outbox_row row;
  messages::publication what;
};

class outbox_actor : public caf::event_based_actor {
public:
  outbox_actor(caf::actor_config& config, outbox_surroundings with)
      : caf::event_based_actor(config), with_(std::move(with)),
        parents_(with_.inlet, *with_.metrics, with_.now),
        published_(with_.metrics->make_counter("pollux_outbox_published_total",
                                               "Effects acknowledged by the broker")),
        dropped_(with_.metrics->make_counter("pollux_outbox_replayed_total",
                                             "Effects of a replay that had gone out before")),
        expired_(with_.metrics->make_counter("pollux_outbox_expired_total",
                                             "Commands not sent because they had expired")),
        faults_(
            with_.metrics->make_counter("pollux_twin_faults_total", "Inputs a twin could not use")),
        alerts_(with_.metrics->make_counter("pollux_alert_transitions_total",
                                            "Alert transitions, replays excluded")),
        waiting_(with_.metrics->make_gauge("pollux_outbox_waiting",
                                           "Effects not yet acknowledged by the broker")),
        memory_(with_.metrics->make_gauge(
            "pollux_memory_bytes",
            "Memory by owner; of twins, windows and outbox estimated by samples",
            {{"owner", "outbox"}})),
        to_alert_(stage_seconds(*with_.metrics, "ingest_to_alert")),
        to_sent_(stage_seconds(*with_.metrics, "command_to_sent")) {}

  caf::behavior make_behavior() override {
    take_up();
    send(this, retry_atom::value);
    return {
        [this](const twin_effects& e) { take(e); },
        [this](const store_snapshot& s) {
          open_batch();
          batch_->put_snapshot(s.twin.shard, s.twin.row, *s.what);
          told_.push_back(s);
          if (++batched_ >= max_batch) write();
        },
        [this](flush_atom) {
          flushing_ = false;
          write();
        },
        [this](sent_atom, std::uint64_t number, bool ok) { on_sent(number, ok); },
        [this](retry_atom) {
          if (!batch_ && !unwritten_.empty()) retake();
          pump();
          delayed_send(this, std::chrono::milliseconds{200}, retry_atom::value);
        },
        [this](const set_watched& w) { watched_ = w.on; },
        [this](const traced_command& t) { note_trace(t); },
        [this](caf::get_atom) {
          return std::uint64_t{queue_.size() + in_flight_.size() + parents_.size()};
        },
    };
  }

  void on_exit() override { told_.clear(); } // they hold the hosts

private:
  void note_trace(const traced_command& t) {
    if (!traces_.try_emplace(t.id, t.traceparent).second) return;
    traced_.push_back(t.id);
    if (traced_.size() <= max_traces) return;
    traces_.erase(traced_.front());
    traced_.pop_front();
  }

  // By the command's id; a command that is sent again goes with the same trace. An alert has that
  // of the reading that brought it about.
  void add_trace(const std::string& twin, const domain::effect& effect,
                 messages::publication& to) const {
    if (effect.kind != domain::effect_kind::command) {
      if (with_.traces != nullptr) to.traceparent = with_.traces->find(twin, effect.ingest_time_ns);
      return;
    }
    const auto known = traces_.find(effect.command.command_id);
    if (known != traces_.end()) to.traceparent = known->second;
  }

  void open_batch() {
    if (!batch_) batch_ = with_.tables->batch();
    if (flushing_) return;
    flushing_ = true;
    send(this,
         flush_atom::value); // behind what already waits in the mailbox: one batch for all of it
  }

  // What was in the outbox when the node stopped.
  void take_up() {
    spilled_ = false;
    auto read = with_.tables->each_outbox([this](const persistence::outbox_row& row) {
      if (in_flight_rows_.contains({{row.shard, row.row}, row.what.id})) return;
      if (queue_.size() + parents_.size() >= max_outbox_in_memory) {
        spilled_ = true;
        return;
      }
      if (row.destination == parent_destination) return parents_.add(row);
      auto publication = publication_of(with_.rules, row.twin, row.what);
      if (publication) queue_.push_back({row, std::move(*publication)});
    });
    if (!read)
      logging::error("outbox", "undelivered effects cannot be read", {{"why", read.error().what}});
  }

  [[nodiscard]] domain::effect_id& taken(twin_place place) {
    const auto [it, fresh] = taken_.try_emplace(place);
    if (fresh) {
      auto known = with_.tables->taken_upto(place.shard, place.row);
      if (known && *known)
        it->second = **known;
      else if (!known)
        logging::error("outbox", "a delivery mark cannot be read", {{"why", known.error().what}});
    }
    return it->second;
  }

  void take(const twin_effects& e) {
    auto& upto = taken(e.twin);
    const std::string twin{split_key(e.key).id};
    bool any = false;
    for (const auto& effect : *e.what) {
      if (effect.id <= upto) {
        dropped_.add();
        continue;
      }
      any = true;
      open_batch();
      project(e.twin, twin, effect);
      upto = effect.id;
      ++batched_;
    }
    if (!any) return;
    batch_->mark_taken(e.twin.shard, e.twin.row, upto);
    unwritten_.push_back(e);
    if (batched_ >= max_batch) write();
  }

  void project(twin_place place, const std::string& twin, const domain::effect& effect) {
    switch (effect.kind) {
    case domain::effect_kind::alert: {
      alerts_.add();
      persistence::alert_row row{
          place.shard, place.row, twin, to_string(effect.alert.incident), {}};
      const auto key = std::pair{place, row.incident};
      if (const auto staged = staged_alerts_.find(key); staged != staged_alerts_.end())
        row = staged->second;
      else if (auto known = with_.tables->find_alert(place.shard, place.row, row.incident);
               known && *known)
        row = std::move(**known);
      row.transitions.push_back(effect);
      batch_->put_alert(row);
      staged_alerts_[key] = row;
      if (watched_)
        send(with_.node,
             feed_event{"alert", twin, messages::alert_document(twin, row.transitions)});
      break;
    }
    case domain::effect_kind::command:
      if (watched_)
        send(with_.node, feed_event{"command", twin, messages::cloud_event(twin, effect)});
      break;
    case domain::effect_kind::fault:
      faults_.add();
      with_.quarantine->put({effect.ingest_time_ns,
                             messages::quarantine_reason::invalid_value,
                             twin,
                             effect.fault.what,
                             {},
                             {}});
      return;
    }
    if (is_for_parent(effect)) {
      persistence::outbox_row row{place.shard, place.row, twin, parent_destination, effect};
      batch_->put_outbox(row);
      staged_for_parents_.push_back(std::move(row));
    }
    auto publication = publication_of(with_.rules, twin, effect);
    if (!publication) return;
    add_trace(twin, effect, *publication);
    persistence::outbox_row row{place.shard, place.row, twin, mqtt_destination, effect};
    batch_->put_outbox(row);
    staged_.push_back({std::move(row), std::move(*publication)});
  }

  void write() {
    if (!batch_) return;
    auto written = with_.tables->write(*batch_, false);
    batch_.reset();
    batched_ = 0;
    staged_alerts_.clear();
    tell_snapshots(written.ok());
    if (!written) {
      // Nothing of it may leave: the effects are taken again when the store writes again.
      logging::error("outbox", "effects cannot be stored; they wait and are tried again",
                     {{"why", written.error().what}});
      staged_.clear();
      staged_for_parents_.clear();
      for (const auto& e : unwritten_) taken_.erase(e.twin);
      return;
    }
    unwritten_.clear();
    for (auto& s : staged_) {
      if (queue_.size() >= max_outbox_in_memory)
        spilled_ = true;
      else
        queue_.push_back(std::move(s));
    }
    staged_.clear();
    for (auto& row : staged_for_parents_) {
      if (parents_.size() >= max_outbox_in_memory)
        spilled_ = true;
      else
        parents_.add(std::move(row));
    }
    staged_for_parents_.clear();
    pump();
  }

  void retake() {
    auto again = std::move(unwritten_);
    unwritten_.clear();
    for (const auto& e : again) take(e);
  }

  void tell_snapshots(bool ok) {
    std::map<caf::actor, snapshot_stored> by_host;
    for (auto& s : told_) {
      auto& told = by_host[s.tell];
      told.ok = ok;
      told.twins.emplace_back(s.twin, s.what->at);
    }
    if (ok)
      for (auto& [host, told] : by_host) send(host, std::move(told));
    else
      for (auto& s : told_)
        delayed_send(this, std::chrono::seconds{1}, s); // tried again; the host waits
    told_.clear();
  }

  void pump() {
    parents_.pump([this](const persistence::outbox_row& row) { forget(row); });
    while (!queue_.empty() && with_.egress != nullptr) {
      auto& next = queue_.front();
      if (next.what.expires_at_ns != 0 && next.what.expires_at_ns <= with_.now()) {
        expired_.add();
        forget(next.row);
        queue_.pop_front();
        continue;
      }
      const auto number = ++last_number_;
      auto me = caf::actor_cast<caf::actor>(this);
      auto sent = with_.egress->publish(
          next.what, [me, number](bool ok) { caf::anon_send(me, sent_atom::value, number, ok); });
      if (!sent)
        break; // full window or no connection: the next acknowledgement or the retry goes on
      in_flight_rows_.insert({{next.row.shard, next.row.row}, next.row.what.id});
      in_flight_.emplace(number, std::move(next));
      queue_.pop_front();
    }
    if (queue_.empty() && in_flight_.empty() && parents_.size() == 0 && spilled_) take_up();
    const auto held = static_cast<double>(queue_.size() + in_flight_.size() + parents_.size());
    waiting_.set(held);
    memory_.set(held * mean_bytes_);
  }

  void on_sent(std::uint64_t number, bool ok) {
    const auto it = in_flight_.find(number);
    if (it == in_flight_.end()) return;
    auto sent = std::move(it->second);
    in_flight_.erase(it);
    in_flight_rows_.erase({{sent.row.shard, sent.row.row}, sent.row.what.id});
    if (ok) {
      published_.add();
      measure(sent);
      forget(sent.row);
      pump();
      return;
    }
    // Back to where it stood, so that a device's commands keep their order; the retry sends it
    // again.
    auto place = queue_.begin();
    const auto key = [](const persistence::outbox_row& r) {
      return std::tuple{r.shard, r.row, r.what.id};
    };
    while (place != queue_.end() && key(place->row) < key(sent.row)) ++place;
    queue_.insert(place, std::move(sent));
  }

  // From the ingest time of the input the effect came of: the reading, or the command's request.
  void measure(const queued& sent) {
    const bool alert = sent.row.what.kind == domain::effect_kind::alert;
    (alert ? to_alert_ : to_sent_)
        .observe(seconds_between(sent.row.what.ingest_time_ns, with_.now()));
    const auto bytes = static_cast<double>(sizeof(queued) + sent.what.payload.size() +
                                           sent.what.topic.size() + sent.row.twin.size());
    mean_bytes_ += (bytes - mean_bytes_) / 64;
    const auto trace = messages::trace_id_of(sent.what.traceparent);
    if (trace.empty()) return;
    const auto& what = sent.row.what;
    if (alert)
      logging::info("outbox", "an alert is published",
                    {{"twin", sent.row.twin}, {"rule", what.alert.rule}, {"trace_id", trace}});
    else
      logging::info(
          "outbox", "a command is published",
          {{"twin", sent.row.twin}, {"command_id", what.command.command_id}, {"trace_id", trace}});
  }

  void forget(const persistence::outbox_row& row) {
    open_batch();
    batch_->erase_outbox(row.destination, row.shard, row.row, row.what.id);
    if (++batched_ >= max_batch) write();
  }

  outbox_surroundings with_;
  std::unique_ptr<persistence::store_batch> batch_;
  std::size_t batched_ = 0;
  bool flushing_ = false, spilled_ = false, watched_ = false;
  std::vector<queued> staged_;
  std::vector<persistence::outbox_row> staged_for_parents_;
  std::vector<store_snapshot> told_;
  std::deque<twin_effects> unwritten_;
  std::map<std::pair<twin_place, std::string>, persistence::alert_row> staged_alerts_;
  std::deque<queued> queue_;
  std::map<std::uint64_t, queued> in_flight_;
  std::set<std::pair<twin_place, domain::effect_id>> in_flight_rows_;
  std::map<twin_place, domain::effect_id> taken_;
  std::uint64_t last_number_ = 0;
  parent_post parents_;
  messages::counter &published_, &dropped_, &expired_, &faults_, &alerts_;
  messages::gauge &waiting_, &memory_;
  messages::histogram &to_alert_, &to_sent_;
  std::unordered_map<std::string, std::string> traces_; ///< command id -> traceparent
  std::deque<std::string> traced_;                      ///< their ids, oldest first
  double mean_bytes_ = sizeof(queued) + 256;            ///< of lately sent ones
};

} // namespace

caf::actor spawn_outbox(caf::actor_system& system, outbox_surroundings with) {
  return system.spawn<outbox_actor, caf::detached>(std::move(with));
}

} // namespace pollux::actors
