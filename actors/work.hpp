// SPDX-License-Identifier: Apache-2.0
// What travels between the actors of one node: by shared pointer, never over a wire.
//
//   intake --hand_over--> shard host --twin_work--> twin --twin_effects--> outbox
//                             ^  ^                    |  \--store_snapshot--^
//                 restored ---'  '--timer_at, timer_due, passivated, crashed
//   reader <--restore-- shard host
#pragma once
#include "domain/twin/twin.hpp"
#include "messages/node_api.hpp"
#include "persistence/log.hpp"
#include "persistence/store.hpp"
#include <caf/all.hpp>
#include <memory>
#include <set>
#include <vector>

namespace pollux::actors {

/// A twin's place in the node.
struct twin_place {
  std::uint32_t shard = 0, row = 0;
  auto operator<=>(const twin_place&) const = default;
};

/// One input of a delivery: where its bytes lie and its id in the journal.
struct delivery_item {
  std::uint32_t segment = 0, entry = 0;
  domain::input_id id;
};

/// Everything one hand-over brings to the twins of one host; shared by their messages. Each twin's
/// items stand together, in journal order. Holds the segments (and their credits) until the last
/// twin is done.
struct delivery {
  std::vector<persistence::segment_ptr> segments;
  std::vector<delivery_item> items;
  std::int64_t committed_ns = 0; ///< earliest commit of the segments, wall clock; 0 = not known
  bool look = false;             ///< whose items are the last is looked at for the samples
};

struct hand_over_batch {
  std::shared_ptr<const std::vector<persistence::positioned_segment>> segments;
};
/// node -> outbox: the command of that id goes out with this W3C traceparent. Not journaled.
struct traced_command {
  std::string id, traceparent;
};
struct twin_work {
  std::shared_ptr<const delivery> from;
  std::uint32_t first = 0, count = 0;
};

// twin -> host
struct timer_at {
  twin_place twin;
  std::int64_t due_ns = 0;
  std::uint32_t timer = 0;
};
struct timer_due {
  twin_place twin;
  std::uint32_t timer = 0;
  std::uint64_t generation = 0;
};
struct passivated {
  twin_place twin;
  domain::input_id at; ///< of the snapshot on its way to the store
  std::int64_t due_ns = 0;
  std::uint32_t timer = 0;
  std::uint64_t generation = 0;
};
struct crashed {
  twin_place twin;
  domain::input_id at;
  std::string what;
};

// host -> twin
struct check_timer {
  std::int64_t now_ns = 0;
};
struct take_snapshot {
  bool and_quit = false;
};
struct set_watched {
  bool on = false;
};
struct describe_ask {
  std::int64_t now_ns = 0;
};

// twin -> outbox
struct twin_effects {
  twin_place twin;
  std::string key;
  std::shared_ptr<domain::effects> what;
};
struct store_snapshot {
  twin_place twin;
  std::shared_ptr<persistence::snapshot> what;
  caf::actor tell;
};
// outbox -> host
struct snapshot_stored {
  std::vector<std::pair<twin_place, domain::input_id>> twins;
  bool ok = true;
};

// host <-> reader
struct restore {
  twin_place twin;
  std::string key;
  bool replay = false;
  domain::input_id upto;
  std::set<domain::input_id> skips;
};
struct restored_state {
  domain::twin_state state;
  domain::effects effects; ///< of the replayed inputs; the outbox drops what has gone out before
  explicit restored_state(domain::twin_state s) : state(std::move(s)) {}
};
struct restored {
  twin_place twin;
  std::shared_ptr<restored_state> what;
  domain::input_id poison;
  std::string why;
};

/// Asks the host for a twin by place: answered by the twin, or from its snapshot when it sleeps.
struct ask_twin {
  twin_place twin;
  std::string key;
  std::int64_t now_ns = 0;
  std::shared_ptr<const delivery> wide =
      nullptr; ///< shard-wide inputs a sleeping twin has yet to hear of
};
/// The twin's state bytes when it is awake; empty otherwise.
struct ask_bytes {
  twin_place twin;
};
struct ask_brief {
  std::vector<std::pair<twin_place, std::string>> twins;
  std::int64_t now_ns = 0;
};

/// The rows asked for, in order; a row that could not be had has an empty id.
struct brief_rows {
  std::shared_ptr<std::vector<messages::twin_row>> rows;
};

/// Every twin of the shard shall have a snapshot at or after its last input below `below`; answered
/// when it is so.
struct snapshot_below {
  std::uint32_t shard = 0;
  domain::position below;
};
/// A snapshot_below that came before everything below it was handed out: looked at again.
struct pending_round {
  snapshot_below want;
  caf::typed_response_promise<caf::ok_atom> answer;
  int tries_left = 0;
};
struct host_counts {
  std::uint64_t twins = 0, awake = 0, timers = 0, recovered = 0;
};
struct watch_glob {
  std::uint64_t watch = 0;
  std::string glob;
  bool on = true;
};
struct feed_event {
  std::string kind, twin, document;
};

/// Asks a host how far a change of models has come (ingest time of its records). Answered when
/// every shard has it and every awake twin has been told, at the latest after `patience_ns`.
struct spread_ask {
  std::int64_t at_ns = 0;
  std::int64_t patience_ns = 0;
};
struct spread_state {
  std::uint32_t shards = 0, shards_pending = 0;
  std::uint64_t awake = 0, pending = 0, asleep = 0;
};

} // namespace pollux::actors

#define POLLUX_LOCAL_MESSAGE(type)                                                                 \
  namespace caf {                                                                                  \
  template <> struct allowed_unsafe_message_type<type> : std::true_type {};                        \
  }
POLLUX_LOCAL_MESSAGE(pollux::actors::hand_over_batch)
POLLUX_LOCAL_MESSAGE(pollux::actors::twin_work)
POLLUX_LOCAL_MESSAGE(pollux::actors::traced_command)
POLLUX_LOCAL_MESSAGE(pollux::actors::timer_at)
POLLUX_LOCAL_MESSAGE(pollux::actors::timer_due)
POLLUX_LOCAL_MESSAGE(pollux::actors::passivated)
POLLUX_LOCAL_MESSAGE(pollux::actors::crashed)
POLLUX_LOCAL_MESSAGE(pollux::actors::check_timer)
POLLUX_LOCAL_MESSAGE(pollux::actors::take_snapshot)
POLLUX_LOCAL_MESSAGE(pollux::actors::set_watched)
POLLUX_LOCAL_MESSAGE(pollux::actors::describe_ask)
POLLUX_LOCAL_MESSAGE(pollux::actors::twin_effects)
POLLUX_LOCAL_MESSAGE(pollux::actors::store_snapshot)
POLLUX_LOCAL_MESSAGE(pollux::actors::snapshot_stored)
POLLUX_LOCAL_MESSAGE(pollux::actors::restore)
POLLUX_LOCAL_MESSAGE(pollux::actors::restored)
POLLUX_LOCAL_MESSAGE(pollux::actors::ask_twin)
POLLUX_LOCAL_MESSAGE(pollux::actors::ask_brief)
POLLUX_LOCAL_MESSAGE(pollux::actors::ask_bytes)
POLLUX_LOCAL_MESSAGE(pollux::actors::brief_rows)
POLLUX_LOCAL_MESSAGE(pollux::actors::snapshot_below)
POLLUX_LOCAL_MESSAGE(pollux::actors::pending_round)
POLLUX_LOCAL_MESSAGE(pollux::actors::host_counts)
POLLUX_LOCAL_MESSAGE(pollux::actors::watch_glob)
POLLUX_LOCAL_MESSAGE(pollux::actors::feed_event)
POLLUX_LOCAL_MESSAGE(pollux::actors::spread_ask)
POLLUX_LOCAL_MESSAGE(pollux::actors::spread_state)
