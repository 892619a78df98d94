// SPDX-License-Identifier: Apache-2.0
// The shard host: one actor per core, home of many logical shards. It keeps a row per twin and its
// life cycle: asleep -> waking -> awake -> passivating -> asleep, and backing off after a crash.
//
//   hand_over_batch   group by twin, wake who sleeps, one twin_work message a twin
//   restored          a woken or restarted twin's state has come from the reader
//   crashed           same input three times: a journaled skip and quarantine; else restart with
//   back-off tick              timers that fell due become journaled ticks; idle twins are
//   passivated
//
// What a twin does is none of its business: that is domain::step.
#pragma once
#include "actors/intake.hpp"
#include "actors/twin_actor.hpp"
#include "actors/work.hpp"
#include "messages/quarantine.hpp"
#include <deque>
#include <limits>
#include <map>
#include <queue>
#include <unordered_map>

namespace pollux::actors {

struct look_for;

/// The wall clock of the shells (never of the domain), replaceable in tests.
using clock_ns = std::function<std::int64_t()>;
[[nodiscard]] std::int64_t system_now_ns();

struct host_options {
  std::int64_t passivate_after_ns = 600'000'000'000;
  std::uint64_t max_awake = 1'000'000;
  std::int64_t start_grace_ns = 60'000'000'000;
  std::int64_t tick_ns = 250'000'000;
  clock_ns now = system_now_ns;
};

/// What a host works with. Everything outlives it.
struct host_surroundings {
  intake* inlet = nullptr;
  persistence::log* journal = nullptr;
  persistence::store* tables = nullptr;
  const model_catalog* models = nullptr;
  const shadow_board* shadows = nullptr;
  messages::quarantine_port* quarantine = nullptr;
  messages::metrics* metrics = nullptr;
  caf::actor outbox, node;
  std::vector<caf::actor> readers;
  std::shared_ptr<search_board> board; ///< nullptr: nobody searches here
};

/// Spawns the host of `shards`. It recovers them first: rows from the registry and snapshot heads,
/// shard-wide inputs, then the log's tail through the same path as live input. Ready when it
/// answers caf::get_atom with host_counts.
caf::actor spawn_shard_host(caf::actor_system& system, host_surroundings with,
                            std::vector<std::uint32_t> shards, host_options options);

enum class row_mode : std::uint8_t { asleep, waking, awake, passivating, backing_off, gone };

struct host_row {
  caf::actor twin;                ///< only while awake or passivating
  domain::input_id last;          ///< last input given to the twin or waiting for it
  domain::input_id stored;        ///< its newest stored snapshot
  std::int64_t due_ns = never;    ///< earliest time its timer may fall due, as far as told
  std::int64_t queued_ns = never; ///< when timers_ looks at it next; later entries are stale
  std::uint64_t generation = 0;
  std::uint32_t timer = 0;
  std::uint32_t active_s = 0;  ///< seconds (clock) of the last input
  std::uint32_t wide_seen = 0; ///< shard-wide inputs it has been given
  std::uint32_t chain = 0;     ///< within one hand-over: its place in touched_, plus 1
  row_mode mode = row_mode::asleep;
  bool watched = false;
  bool deleted = false; ///< twin_deleted has been handed out: the next sleep is the last
};

/// A shard-wide input (decision 7) and where its bytes lie.
struct wide_input {
  persistence::segment_ptr in;
  std::uint32_t entry = 0;
  domain::input_id id;
};

struct waiting_item {
  persistence::segment_ptr in;
  std::uint32_t entry = 0;
  domain::input_id id;
};

struct hosted_shard {
  std::uint32_t number = 0;
  std::vector<host_row> rows;
  std::vector<wide_input> wide;
  std::set<domain::input_id> skipped;
  domain::position delivered; ///< everything up to here has been handed to rows
  std::int64_t models_ns = 0; ///< ingest time of the newest change of models
  std::size_t told = std::numeric_limits<std::size_t>::max(); ///< rows below know of it
};

class shard_host : public caf::event_based_actor {
public:
  shard_host(caf::actor_config& config, host_surroundings with, std::vector<std::uint32_t> shards,
             host_options options);
  caf::behavior make_behavior() override;
  void on_exit() override;

private:
  // shard_host.cpp: deliveries
  void deliver(const std::vector<persistence::positioned_segment>& segments);
  void take_segment(hosted_shard& shard, const persistence::positioned_segment& s);
  void take_wide(hosted_shard& shard, const persistence::segment_ptr& in, std::uint32_t entry,
                 domain::input_id id);
  void put(hosted_shard& shard, std::uint32_t row, const persistence::segment_ptr& in,
           std::uint32_t entry, domain::input_id id);
  void send_pending();
  void on_look(const look_for& look);
  host_row& row_at(hosted_shard& shard, std::uint32_t row);
  hosted_shard* shard_of(twin_place place);

  // shard_recovery.cpp
  void recover();
  void recover_shard(hosted_shard& shard);
  void recover_wide(hosted_shard& shard);

  // shard_spread.cpp: changes of models reach twins that hear nothing else
  void spread();
  void tell_wide(hosted_shard& shard, host_row& row);
  [[nodiscard]] spread_state spread_since(std::int64_t at_ns) const;
  void answer_spread(bool only_late);
  caf::result<spread_state> on_spread_ask(const spread_ask& ask);

  // shard_lifecycle.cpp: waking, sleeping, crashing, timers, snapshots
  void wake(twin_place place, bool replay);
  void on_restored(const restored& r);
  void on_crashed(twin_place place, domain::input_id at, const std::string& what);
  void skip_poison(hosted_shard& shard, twin_place place, domain::input_id at,
                   const std::string& what);
  void on_passivated(const passivated& p);
  void on_stored(const snapshot_stored& s);
  void on_timer_at(const timer_at& t);
  void on_timer_due(const timer_due& t);
  [[nodiscard]] std::shared_ptr<delivery> outstanding_wide(hosted_shard& shard, host_row& row);
  void arm(twin_place place, std::int64_t due_ns, std::uint32_t timer);
  void look_at(twin_place place, std::int64_t at_ns);
  void on_tick();
  void fire_timers(std::int64_t now_ns);
  void journal_tick(twin_place place, std::uint32_t timer, std::uint64_t generation);
  void passivate_idle(std::int64_t now_ns);
  void sleep(host_row& row);
  void hand_out_waiting(hosted_shard& shard, twin_place place, domain::input_id at);
  void ask_snapshots(const snapshot_below& want, caf::typed_response_promise<caf::ok_atom> answer,
                     int tries_left);
  void check_snapshot_rounds();
  [[nodiscard]] bool is_watched(twin_place place) const;
  [[nodiscard]] std::string key_of(twin_place place) const;
  [[nodiscard]] const caf::actor& reader_for(twin_place place) const;

  host_surroundings with_;
  host_options options_;
  messages::labels label_; ///< of its gauges
  std::shared_ptr<twin_surroundings> around_;
  std::vector<std::unique_ptr<hosted_shard>> shards_;
  std::unordered_map<std::uint32_t, hosted_shard*> by_number_;

  // one hand-over at a time: items chained per row until they are sent as one delivery
  struct chained {
    twin_place place;
    std::uint32_t head = 0, tail = 0;
  };
  struct link {
    waiting_item item;
    std::uint32_t next = 0;
  };
  std::int64_t committed_ns_ = 0; ///< earliest commit of what is being handed over; 0 = not known
  std::int64_t looked_ns_ = 0;    ///< when a twin was last looked at for the samples
  std::vector<chained> touched_;
  std::vector<link> links_;

  std::map<twin_place, std::vector<waiting_item>>
      waiting_; ///< for twins that are not awake; bounded by the inlet's credits
  struct timer_entry {
    std::int64_t due_ns;
    twin_place place;
    bool operator>(const timer_entry& o) const { return due_ns > o.due_ns; }
  };
  std::priority_queue<timer_entry, std::vector<timer_entry>, std::greater<>> timers_;
  struct snapshot_round {
    std::uint32_t shard;
    domain::position below;
    std::set<std::uint32_t> open;
    caf::typed_response_promise<caf::ok_atom> answer;
    std::int64_t began_ns;
  };
  std::vector<snapshot_round> rounds_;
  struct spread_waiter {
    spread_ask ask;
    std::int64_t until_ns; ///< by the host's own clock
    caf::typed_response_promise<spread_state> answer;
  };
  std::vector<spread_waiter> spread_waiters_; ///< as many as changes are applied at once: few
  bool spreading_ = false;
  std::map<std::uint64_t, std::string> watches_;
  std::map<twin_place, domain::input_id>
      falling_asleep_; ///< the snapshot whose arrival in the store ends the fall
  struct suspect {
    domain::input_id at;
    int strikes = 0;
  };
  std::map<twin_place, suspect> suspects_; ///< twins whose last restart was after a crash
  std::int64_t started_ns_ =
      0; ///< absence timers that fell due while the node was down wait for the start-up grace
  std::uint64_t awake_ = 0, recovered_ = 0;
  std::uint64_t armed_ = 0; ///< rows with a queued_ns
  std::size_t sweep_shard_ = 0;
  bool recovered_all_ = false;

  messages::counter& crashes_;
  messages::counter& poisoned_;
  messages::counter& woken_;
  messages::counter& passivations_;
  messages::gauge& awake_now_;
  messages::gauge& armed_now_;
};

} // namespace pollux::actors
