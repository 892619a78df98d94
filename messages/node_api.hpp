// SPDX-License-Identifier: Apache-2.0
// The table of contents of a running node: everything a door (remote gateway, HTTP, a CAF program
// of yours) can ask. One typed actor, `node_actor`; every answer comes or fails within the asker's
// own time-out. Documents (JSON) carry what people read, plain members what programs decide on.
// The type names travel on the wire: renaming one breaks a mixed-release deployment.
#pragma once
#include "domain/base/result.hpp"
#include "messages/alert_api.hpp"
#include "messages/door_api.hpp"
#include "messages/history_api.hpp"
#include "messages/model_api.hpp"
#include <caf/all.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::messages {

inline constexpr std::uint32_t max_page = 1000; ///< rows in one answer, whatever limit asks for

struct twin_query {
  std::string id;
};
struct twin_answer {
  std::string id, kind, model, model_hash;
  std::uint64_t revision = 0; ///< position of the last input applied
  std::uint64_t readings = 0;
  std::int64_t last_event_time_ns = 0;
  std::uint32_t active_alerts = 0;
  std::string document; ///< JSON, docs/mqtt_topics.md and README show it
};

struct twin_list_query {
  std::string glob;  ///< "*", "plant1:press-*"; * and ? match within the id
  std::string after; ///< id to go on after; empty = from the start (ids in byte order)
  std::uint32_t limit = 100;
};
struct twin_row {
  std::string id, kind, model;
  bool awake = false;
  std::uint64_t readings = 0;
  std::int64_t last_event_time_ns = 0;
  std::uint32_t active_alerts = 0;
};
struct twin_list {
  std::vector<twin_row> rows;
  std::string next; ///< empty: that was all
};

struct history_query {
  std::string id, telemetry;           ///< telemetry empty = all
  std::int64_t from_ns = 0, to_ns = 0; ///< event time, both ends inclusive
  std::uint32_t limit = 1000;
};
struct history_row {
  std::int64_t event_time_ns = 0, ingest_time_ns = 0;
  std::string name;
  std::string value; ///< as JSON
};
struct history_page {
  std::vector<history_row> rows;
  bool complete = true;           ///< false: more than limit; ask again from the last time
  std::vector<std::string> tiers; ///< those that were read: cold, warm, hot, tail
};

/// Pull with acknowledgement (decision 27): the node buffers at most 10,000 events a watcher, then
/// drops the oldest and says how many in `missed`. An idle watch ends after 60 s without a pull.
struct watch_open {
  std::string glob;
};
struct watch_opened {
  std::uint64_t watch = 0;
};
struct watch_pull {
  std::uint64_t watch = 0, acknowledged = 0;
  std::uint32_t limit = 100;
};
struct watch_event {
  std::uint64_t number = 0;
  std::string kind;
  std::string twin;
  std::string document;
}; ///< kind: state, alert, command
struct watch_page {
  std::vector<watch_event> events;
  std::uint64_t missed = 0;
};
struct watch_close {
  std::uint64_t watch = 0;
};

struct command_request {
  std::string twin, id, name; ///< id: idempotency key, chosen by the asker
  std::string arguments;      ///< JSON object
  std::int64_t ttl_ns = 0;    ///< 0 = the model's
  std::string by;
  std::string traceparent = {}; ///< W3C Trace Context, handed on with the command; may be empty
};
struct command_query {
  std::string twin, id;
};
struct command_answer {
  std::string id, phase, detail;
  std::string document;
}; ///< phase: as domain::to_string, or "accepted"

struct alert_list_query {
  std::string glob;
  bool active_only = true;
  std::uint32_t limit = 100;
  std::string after;
  std::string state, severity,
      rule; ///< empty = any; rule is a glob; a state goes before active_only
};
struct alert_query {
  std::string twin, incident;
};
struct alert_acknowledge {
  std::string twin, incident, by, comment;
};
struct alert_answer {
  std::string twin, incident, rule, severity, state;
  std::int64_t raised_at_ns = 0;
  std::string document;
}; ///< state: as alert_state() in documents.hpp
struct alert_list {
  std::vector<alert_answer> rows;
  std::string next;
};

/// Works an alert's verdicts out again from the journal, by code of its own (domain/audit).
struct alert_verify {
  std::string twin, incident;
};
struct alert_verified {
  std::string says; ///< confirmed, contradicted, unsettled: of all its transitions
  std::string document;
};

struct quarantine_query {
  std::uint64_t after = 0;
  std::uint32_t limit = 100;
};
struct quarantine_entry {
  std::uint64_t id = 0;
  std::int64_t ingest_time_ns = 0;
  std::string reason, topic, detail, payload, mapping;
};
struct quarantine_list {
  std::vector<quarantine_entry> rows;
  std::uint64_t total = 0;
};
struct quarantine_replay {
  std::uint64_t id = 0;
}; ///< decodes again with the present mapping; erased when it went through
struct done {
  std::string detail;
};

struct stats_query {};
struct stats_answer {
  bool ready = false;
  std::uint64_t received = 0, stored = 0, twins = 0;
  std::string document;
};

struct verify_start {
  std::string glob;
};
struct verify_query {};
struct verify_answer {
  bool running = false;
  std::uint64_t twins_done = 0, twins_total = 0, findings = 0;
  std::string document;
};

struct twin_create {
  std::string id, model;
};
struct twin_delete {
  std::string id;
};
struct log_level_set {
  std::string level;
};

using node_actor = caf::typed_actor<
    caf::replies_to<twin_query>::with<twin_answer>,
    caf::replies_to<twin_list_query>::with<twin_list>,
    caf::replies_to<history_query>::with<history_page>,
    caf::replies_to<watch_open>::with<watch_opened>, caf::replies_to<watch_pull>::with<watch_page>,
    caf::replies_to<watch_close>::with<done>,
    caf::replies_to<command_request>::with<command_answer>,
    caf::replies_to<command_query>::with<command_answer>,
    caf::replies_to<alert_list_query>::with<alert_list>,
    caf::replies_to<alert_query>::with<alert_answer>,
    caf::replies_to<alert_acknowledge>::with<alert_answer>,
    caf::replies_to<alert_verify>::with<alert_verified>,
    caf::replies_to<quarantine_query>::with<quarantine_list>,
    caf::replies_to<quarantine_replay>::with<done>,
    caf::replies_to<stats_query>::with<stats_answer>,
    caf::replies_to<verify_start>::with<verify_answer>,
    caf::replies_to<verify_query>::with<verify_answer>, caf::replies_to<twin_create>::with<done>,
    caf::replies_to<twin_delete>::with<done>, caf::replies_to<log_level_set>::with<done>,
    // alerts: alert_api.hpp
    caf::replies_to<alert_action>::with<done>, caf::replies_to<parent_set>::with<done>,
    // what a twin is said to be, and who fits a description: door_api.hpp
    caf::replies_to<twin_patch>::with<done>, caf::replies_to<twin_search>::with<search_answer>,
    caf::replies_to<search_watch>::with<watch_opened>,
    // models: model_api.hpp
    caf::replies_to<model_list_query>::with<model_list>,
    caf::replies_to<model_text_query>::with<model_text>,
    caf::replies_to<model_apply>::with<model_applied>,
    caf::replies_to<model_rollback>::with<model_applied>,
    caf::replies_to<shadow_order>::with<shadow_answer>,
    // the past, and long work: history_api.hpp
    caf::replies_to<series_query>::with<series_answer>,
    caf::replies_to<completeness_query>::with<history_document>,
    caf::replies_to<replay_query>::with<replay_answer>,
    caf::replies_to<retention_order>::with<history_document>,
    caf::replies_to<job_start>::with<job_answer>, caf::replies_to<job_query>::with<job_answer>,
    caf::replies_to<job_cancel>::with<job_answer>, caf::replies_to<readings_submit>::with<done>>;

/// What a query of the interface above is answered with: answer_to<twin_query> is twin_answer.
template <class Query> struct answered_by;
template <class Query> using answer_to = typename answered_by<Query>::type;
#define POLLUX_ANSWERED_BY(query, answer)                                                          \
  template <> struct answered_by<query> { using type = answer; };
POLLUX_ANSWERED_BY(twin_query, twin_answer)
POLLUX_ANSWERED_BY(twin_list_query, twin_list)
POLLUX_ANSWERED_BY(history_query, history_page)
POLLUX_ANSWERED_BY(watch_open, watch_opened)
POLLUX_ANSWERED_BY(watch_pull, watch_page)
POLLUX_ANSWERED_BY(watch_close, done)
POLLUX_ANSWERED_BY(command_request, command_answer)
POLLUX_ANSWERED_BY(command_query, command_answer)
POLLUX_ANSWERED_BY(alert_list_query, alert_list)
POLLUX_ANSWERED_BY(alert_query, alert_answer)
POLLUX_ANSWERED_BY(alert_acknowledge, alert_answer)
POLLUX_ANSWERED_BY(alert_verify, alert_verified)
POLLUX_ANSWERED_BY(quarantine_query, quarantine_list)
POLLUX_ANSWERED_BY(quarantine_replay, done)
POLLUX_ANSWERED_BY(stats_query, stats_answer)
POLLUX_ANSWERED_BY(verify_start, verify_answer)
POLLUX_ANSWERED_BY(verify_query, verify_answer)
POLLUX_ANSWERED_BY(twin_create, done)
POLLUX_ANSWERED_BY(twin_delete, done)
POLLUX_ANSWERED_BY(log_level_set, done)
POLLUX_ANSWERED_BY(alert_action, done)
POLLUX_ANSWERED_BY(parent_set, done)
POLLUX_ANSWERED_BY(twin_patch, done)
POLLUX_ANSWERED_BY(twin_search, search_answer)
POLLUX_ANSWERED_BY(search_watch, watch_opened)
POLLUX_ANSWERED_BY(model_list_query, model_list)
POLLUX_ANSWERED_BY(model_text_query, model_text)
POLLUX_ANSWERED_BY(model_apply, model_applied)
POLLUX_ANSWERED_BY(model_rollback, model_applied)
POLLUX_ANSWERED_BY(shadow_order, shadow_answer)
POLLUX_ANSWERED_BY(series_query, series_answer)
POLLUX_ANSWERED_BY(completeness_query, history_document)
POLLUX_ANSWERED_BY(replay_query, replay_answer)
POLLUX_ANSWERED_BY(retention_order, history_document)
POLLUX_ANSWERED_BY(job_start, job_answer)
POLLUX_ANSWERED_BY(job_query, job_answer)
POLLUX_ANSWERED_BY(job_cancel, job_answer)
POLLUX_ANSWERED_BY(readings_submit, done)
#undef POLLUX_ANSWERED_BY

/// Registers every type above with an actor system's configuration; call it in every program that
/// talks to a node.
void add_message_types(caf::actor_system_config& config);

/// Writes and reads one of each message type. Run it at start: CAF replaces a type it does not know
/// by an empty message and tells nobody. Errors: internal, naming the type. Cost: about 1 ms.
[[nodiscard]] status check_message_types(caf::actor_system& system);

/// The project's errors on CAF's wire and back. A CAF error of its own becomes the nearest errc
/// (request_timeout -> timed_out, a lost link -> unavailable).
[[nodiscard]] caf::error to_caf(const failure& f);
[[nodiscard]] failure from_caf(const caf::error& e);

#define POLLUX_INSPECT(type, ...)                                                                  \
  template <class Inspector>                                                                       \
  typename Inspector::result_type inspect(Inspector& f, [[maybe_unused]] type& x) {                \
    return f(caf::meta::type_name("pollux." #type) __VA_OPT__(, ) __VA_ARGS__);                    \
  }
POLLUX_INSPECT(twin_query, x.id)
POLLUX_INSPECT(twin_answer, x.id, x.kind, x.model, x.model_hash, x.revision, x.readings,
               x.last_event_time_ns, x.active_alerts, x.document)
POLLUX_INSPECT(twin_list_query, x.glob, x.after, x.limit)
POLLUX_INSPECT(twin_row, x.id, x.kind, x.model, x.awake, x.readings, x.last_event_time_ns,
               x.active_alerts)
POLLUX_INSPECT(twin_list, x.rows, x.next)
POLLUX_INSPECT(history_query, x.id, x.telemetry, x.from_ns, x.to_ns, x.limit)
POLLUX_INSPECT(history_row, x.event_time_ns, x.ingest_time_ns, x.name, x.value)
POLLUX_INSPECT(history_page, x.rows, x.complete, x.tiers)
POLLUX_INSPECT(watch_open, x.glob)
POLLUX_INSPECT(watch_opened, x.watch)
POLLUX_INSPECT(watch_pull, x.watch, x.acknowledged, x.limit)
POLLUX_INSPECT(watch_event, x.number, x.kind, x.twin, x.document)
POLLUX_INSPECT(watch_page, x.events, x.missed)
POLLUX_INSPECT(watch_close, x.watch)
POLLUX_INSPECT(command_request, x.twin, x.id, x.name, x.arguments, x.ttl_ns, x.by, x.traceparent)
POLLUX_INSPECT(command_query, x.twin, x.id)
POLLUX_INSPECT(command_answer, x.id, x.phase, x.detail, x.document)
POLLUX_INSPECT(alert_list_query, x.glob, x.active_only, x.limit, x.after, x.state, x.severity,
               x.rule)
POLLUX_INSPECT(alert_query, x.twin, x.incident)
POLLUX_INSPECT(alert_acknowledge, x.twin, x.incident, x.by, x.comment)
POLLUX_INSPECT(alert_answer, x.twin, x.incident, x.rule, x.severity, x.state, x.raised_at_ns,
               x.document)
POLLUX_INSPECT(alert_list, x.rows, x.next)
POLLUX_INSPECT(alert_verify, x.twin, x.incident)
POLLUX_INSPECT(alert_verified, x.says, x.document)
POLLUX_INSPECT(quarantine_query, x.after, x.limit)
POLLUX_INSPECT(quarantine_entry, x.id, x.ingest_time_ns, x.reason, x.topic, x.detail, x.payload,
               x.mapping)
POLLUX_INSPECT(quarantine_list, x.rows, x.total)
POLLUX_INSPECT(quarantine_replay, x.id)
POLLUX_INSPECT(done, x.detail)
POLLUX_INSPECT(stats_query)
POLLUX_INSPECT(stats_answer, x.ready, x.received, x.stored, x.twins, x.document)
POLLUX_INSPECT(verify_start, x.glob)
POLLUX_INSPECT(verify_query)
POLLUX_INSPECT(verify_answer, x.running, x.twins_done, x.twins_total, x.findings, x.document)
POLLUX_INSPECT(twin_create, x.id, x.model)
POLLUX_INSPECT(twin_delete, x.id)
POLLUX_INSPECT(log_level_set, x.level)

} // namespace pollux::messages
