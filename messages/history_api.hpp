// SPDX-License-Identifier: Apache-2.0
// The part of the node's interface that asks the past, and that orders long work (jobs).
// node_api.hpp takes it into node_actor. Documents are JSON; docs/history.md shows them.
#pragma once
#include <caf/all.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::messages {

/// Values over time, worked up. Errors: not_found, invalid_argument (an unknown function, more
/// points than the bound), corrupt (a block, named).
struct series_query {
  std::string id;
  std::vector<std::string> telemetry;  ///< empty: all that have numbers
  std::int64_t from_ns = 0, to_ns = 0; ///< event time, both ends inclusive
  std::string function;                ///< buckets (count, min, max, mean), m4, aggregate
  std::int64_t bucket_ns = 0;          ///< buckets: their width; 0 = what gives `points`
  std::uint32_t points = 1000;         ///< buckets, m4: at most so many buckets
};
struct series_answer {
  std::string document;           ///< {"series": [...], "tiers": [...]}
  std::vector<std::string> tiers; ///< those that were read: hot, warm, cold, tail
};

/// What arrived of what was due: counts and gaps per twin and period.
struct completeness_query {
  std::string glob;
  std::int64_t from_ns = 0, to_ns = 0; ///< event time, both ends inclusive
  std::int64_t period_ns = 0;          ///< of the report; 0 = the whole interval
  std::int64_t expected_ns = 0;        ///< between readings; 0 = as the twin's median says
};
struct history_document {
  std::string document;
};

/// A twin as it was. Errors: not_found, invalid_argument, corrupt.
struct replay_query {
  std::string id;
  std::string clock; ///< ingest (what the node knew then), event
  bool steps =
      false; ///< false: the state at `to_ns`; true: each input of the interval with effects
  std::int64_t from_ns = 0, to_ns = 0; ///< both ends inclusive
  std::string after;                   ///< steps: input id to go on after; empty: from the start
  std::uint32_t limit = 100;           ///< steps in one answer
};
struct replay_answer {
  std::string document;
  std::string next; ///< steps: ask again with this as `after`; empty: that was all
};

/// Who keeps what for how long. Verbs: status (per tier), hold, release (legal hold of one twin).
struct retention_order {
  std::string verb, twin, by, detail;
};

/// Readings that did not come by a broker: an import. Answered when they are journaled; the same
/// reading again changes nothing in the twin. Errors: not_found (no such twin, and no model to make
/// it with), invalid_argument (naming the reading), overloaded, no_space.
struct readings_submit {
  std::string twin, model; ///< model: for a twin that is not there yet
  std::string batch;       ///< pollux.telemetry.Batch (messages/proto/telemetry.proto)
  std::string by;
};

/// Long work of the node: backtest, backup, erase, import, ... `arguments` is a JSON object.
struct job_start {
  std::string kind, arguments, by;
};
struct job_query {
  std::uint64_t id = 0; ///< 0: the document lists all jobs that are remembered
};
struct job_cancel {
  std::uint64_t id = 0;
};
struct job_answer {
  std::uint64_t id = 0;
  std::string kind;
  std::string state; ///< queued, running, done, failed, cancelled
  std::uint64_t done = 0, total = 0;
  std::string what;     ///< what is being done now, or why it failed
  std::string document; ///< the result, once there is one; of a cancelled job what there was
};

#define POLLUX_HISTORY_TYPES(use)                                                                  \
  use(series_query) use(series_answer) use(completeness_query) use(history_document)               \
      use(replay_query) use(replay_answer) use(retention_order) use(job_start) use(job_query)      \
          use(job_cancel) use(job_answer) use(readings_submit)

template <class Inspector> typename Inspector::result_type inspect(Inspector& f, series_query& x) {
  return f(caf::meta::type_name("pollux.series_query"), x.id, x.telemetry, x.from_ns, x.to_ns,
           x.function, x.bucket_ns, x.points);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, series_answer& x) {
  return f(caf::meta::type_name("pollux.series_answer"), x.document, x.tiers);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, completeness_query& x) {
  return f(caf::meta::type_name("pollux.completeness_query"), x.glob, x.from_ns, x.to_ns,
           x.period_ns, x.expected_ns);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, history_document& x) {
  return f(caf::meta::type_name("pollux.history_document"), x.document);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, replay_query& x) {
  return f(caf::meta::type_name("pollux.replay_query"), x.id, x.clock, x.steps, x.from_ns, x.to_ns,
           x.after, x.limit);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, replay_answer& x) {
  return f(caf::meta::type_name("pollux.replay_answer"), x.document, x.next);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, retention_order& x) {
  return f(caf::meta::type_name("pollux.retention_order"), x.verb, x.twin, x.by, x.detail);
}
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, readings_submit& x) {
  return f(caf::meta::type_name("pollux.readings_submit"), x.twin, x.model, x.batch, x.by);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, job_start& x) {
  return f(caf::meta::type_name("pollux.job_start"), x.kind, x.arguments, x.by);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, job_query& x) {
  return f(caf::meta::type_name("pollux.job_query"), x.id);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, job_cancel& x) {
  return f(caf::meta::type_name("pollux.job_cancel"), x.id);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, job_answer& x) {
  return f(caf::meta::type_name("pollux.job_answer"), x.id, x.kind, x.state, x.done, x.total,
           x.what, x.document);
}

} // namespace pollux::messages
