// SPDX-License-Identifier: Apache-2.0
#include "actors/node.hpp"
#include "actors/directory.hpp"
#include "actors/glob.hpp"
#include "actors/historian.hpp"
#include "actors/node_acknowledge.hpp"
#include "actors/node_alert_actions.hpp"
#include "actors/node_inputs.hpp"
#include "actors/node_models.hpp"
#include "actors/node_state.hpp"
#include "actors/node_stats.hpp"
#include "actors/poison.hpp"
#include "actors/reader.hpp"
#include "actors/searcher.hpp"
#include "domain/base/twin_id.hpp"
#include "messages/hash.hpp"
#include "messages/input_document.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <chrono>

namespace pollux::actors {

namespace {

using namespace messages;
using self_pointer = node_pointer;

constexpr auto past_timeout = std::chrono::seconds{60};
constexpr auto search_timeout = std::chrono::seconds{30};

const caf::actor& host_of(const node_state& s, twin_place place) {
  return s.with.hosts[place.shard % s.with.hosts.size()];
}
const caf::actor& reader_of(const node_state& s, twin_place place) {
  return s.with.readers[place.row % s.with.readers.size()];
}

/// Asks another actor and hands its answer on; the asker's time-out is the limit.
template <class Answer, class Question>
caf::typed_response_promise<Answer> forward(self_pointer self, const caf::actor& to,
                                            Question question,
                                            std::chrono::seconds limit = ask_timeout) {
  auto promise = self->template make_response_promise<Answer>();
  self->request(to, limit, std::move(question))
      .then([promise](Answer& a) mutable { promise.deliver(std::move(a)); },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

// ls: ids in byte order, page by page. The ids are gathered under one shard lock after the other.
std::vector<std::pair<std::string, std::pair<twin_place, std::string>>>
matching(const node_state& s, const twin_list_query& q, std::size_t limit) {
  std::vector<std::pair<std::string, std::pair<twin_place, std::string>>> found;
  const auto glob = q.glob.empty() ? std::string_view{"*"} : std::string_view{q.glob};
  for (std::uint32_t shard = 0; shard < s.with.inlet->shards(); ++shard) {
    s.with.inlet->with_directory(shard, [&](shard_directory& d) {
      for (std::uint32_t row = 0; row < d.size(); ++row) {
        if (d.deleted(row)) continue;
        const auto id = split_key(d.key(row)).id;
        if (id > q.after && matches_glob(glob, id))
          found.push_back({std::string{id}, {{shard, row}, std::string{d.key(row)}}});
      }
    });
    if (found.size() <= limit * 4 + 1024)
      continue; // keep the smallest: memory is bounded by the page
    std::ranges::nth_element(found, found.begin() + static_cast<std::ptrdiff_t>(limit) + 1);
    found.resize(limit + 2);
  }
  std::ranges::sort(found);
  return found;
}

caf::result<twin_list> list_twins(self_pointer self, const twin_list_query& q) {
  const auto limit = std::clamp<std::uint32_t>(q.limit, 1, max_page);
  auto found = matching(self->state, q, limit);
  auto page = std::make_shared<twin_list>();
  if (found.size() > limit) {
    found.resize(limit);
    page->next = found.back().first;
  }
  auto promise = self->make_response_promise<twin_list>();
  if (found.empty()) {
    promise.deliver(*page);
    return promise;
  }
  page->rows.resize(found.size());
  const auto& hosts = self->state.with.hosts;
  auto open = std::make_shared<std::size_t>(0);
  for (std::size_t h = 0; h < hosts.size(); ++h) {
    ask_brief ask{{}, self->state.with.now()};
    auto indices = std::make_shared<std::vector<std::size_t>>();
    for (std::size_t i = 0; i < found.size(); ++i)
      if (found[i].second.first.shard % hosts.size() == h) {
        ask.twins.push_back(found[i].second);
        indices->push_back(i);
        page->rows[i].id = found[i].first;
      }
    if (indices->empty()) continue;
    ++*open;
    const auto finish = [page, open, promise] {
      auto to = promise;
      if (--*open == 0) to.deliver(std::move(*page));
    };
    self->request(hosts[h], ask_timeout, std::move(ask))
        .then(
            [page, indices, finish](const brief_rows& rows) {
              for (std::size_t i = 0; i < indices->size(); ++i)
                if (!(*rows.rows)[i].id.empty())
                  page->rows[(*indices)[i]] = std::move((*rows.rows)[i]);
              finish();
            },
            [finish](const caf::error&) { finish(); });
  }
  return promise;
}

caf::result<command_answer> command_state(self_pointer self, const command_query& q) {
  auto twin = find_twin(self->state, q.twin);
  if (!twin) return to_caf(twin.error());
  auto promise = self->make_response_promise<command_answer>();
  self->request(host_of(self->state, twin->place), ask_timeout,
                ask_twin{twin->place, twin->key, self->state.with.now()})
      .then(
          [promise, q](twin_answer& a) mutable {
            auto answer = command_in(a.document, q.id);
            if (answer)
              promise.deliver(std::move(*answer));
            else
              promise.deliver(to_caf(answer.error()));
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

caf::result<command_answer> take_command(self_pointer self, const command_request& r) {
  auto& s = self->state;
  auto twin = find_twin(s, r.twin);
  if (!twin) return to_caf(twin.error());
  auto in = command_input(r, s.with.now());
  if (!in) return to_caf(in.error());
  // before the journal: the outbox hears of it earlier than of the command
  if (!r.traceparent.empty()) caf::anon_send(s.with.outbox, traced_command{r.id, r.traceparent});
  if (auto written = journal(s, r.twin, {}, (*in)->in); !written) return to_caf(written.error());
  return command_answer{r.id, "accepted", "journaled; ask for its state by id", {}};
}

caf::result<quarantine_list> list_quarantine(const node_state& s, const quarantine_query& q) {
  auto rows =
      s.with.tables->quarantine_page(q.after, std::clamp<std::uint32_t>(q.limit, 1, max_page));
  if (!rows) return to_caf(rows.error());
  quarantine_list page;
  page.total = s.with.tables->quarantine_size();
  for (auto& r : *rows)
    page.rows.push_back({r.id, r.record.ingest_time_ns, messages::to_string(r.record.reason),
                         r.record.topic, r.record.detail, r.record.payload, r.record.mapping});
  return page;
}

// A poison input is in the journal as it came; the record says where. A record of an earlier
// release holds the input's own bytes instead, which the mapping's side reads.
status replay_poison(const node_state& s, const messages::quarantined& record) {
  auto where = place_in(record.payload);
  if (!where) return where.error();
  const auto [shard, row] = where->twin;
  if (shard >= s.with.inlet->shards())
    return failure{errc::not_found,
                   "the record is of another data folder: no shard " + std::to_string(shard)};
  const bool living = s.with.inlet->with_directory(shard, [&](shard_directory& d) {
    if (row >= d.size() || d.deleted(row)) return false;
    where->key = d.key(row);
    return true;
  });
  if (!living) return failure{errc::not_found, "twin " + record.topic + " has been deleted since"};
  status taken;
  auto seen = visit_input(*s.with.journal, *s.with.tables, *where, [&](const domain::input& was) {
    if (was.kind != domain::input_kind::readings) {
      taken = failure{errc::refused, std::string{"only readings are replayed; this is a "} +
                                         input_kind_text(was.kind) +
                                         ", to be sent anew if it still holds"};
      return;
    }
    auto again = was;
    again.id = {};
    again.ingest_time_ns = s.with.now();
    for (auto& r : again.readings) r.sequence = 0; // its number lies behind those that came since
    if (auto in = s.with.inlet->submit(split_key(where->key).id, {}, again); !in)
      taken = in.error();
  });
  return seen ? taken : seen;
}

status replay_record(const node_state& s, const messages::quarantined& record) {
  if (record.reason == messages::quarantine_reason::poison && record.payload.starts_with('{'))
    return replay_poison(s, record);
  if (record.payload.empty())
    return failure{errc::refused, "the record has no payload: nothing to replay"};
  if (!s.with.replay_quarantined) return failure{errc::unavailable, "no ingress is configured"};
  return s.with.replay_quarantined(record);
}

caf::result<done> replay_quarantine(const node_state& s, const quarantine_replay& q) {
  auto rows = s.with.tables->quarantine_page(q.id == 0 ? 0 : q.id - 1, 1);
  if (!rows) return to_caf(rows.error());
  if (rows->empty() || rows->front().id != q.id)
    return to_caf({errc::not_found, "no quarantined record " + std::to_string(q.id)});
  if (auto replayed = replay_record(s, rows->front().record); !replayed)
    return to_caf(replayed.error());
  if (auto written = s.with.inlet->flush(durability::d0); !written) return to_caf(written.error());
  if (auto erased = s.with.tables->erase_quarantine(q.id); !erased) return to_caf(erased.error());
  return done{"decoded and journaled"};
}

caf::result<done> create_twin(const node_state& s, const twin_create& c) {
  if (auto known = find_twin(s, c.id); known)
    return to_caf({errc::already_exists, "twin " + c.id + " exists"});
  if (!s.with.models->current(c.model)) return to_caf({errc::not_found, "no model " + c.model});
  domain::input
      in; // a twin comes to life with its first input: that it is connected is not claimed
  in.kind = domain::input_kind::connection_changed;
  in.ingest_time_ns = s.with.now();
  in.connected = true;
  if (auto written = journal(s, c.id, c.model, in); !written) return to_caf(written.error());
  return done{"created"};
}

caf::result<done> delete_twin(const node_state& s, const twin_delete& d) {
  auto row = s.with.inlet->remove(d.id, s.with.now());
  if (!row) return to_caf(row.error());
  if (auto written = s.with.inlet->flush(durability::d0); !written) return to_caf(written.error());
  return done{"deleted"};
}

const caf::actor& watch_owner(const node_state& s, std::uint64_t watch) {
  const bool live = (watch & live_search_bit) != 0 && s.with.searcher;
  return live ? s.with.searcher : s.with.feed;
}

template <class Answer, class Question>
caf::result<Answer> search(self_pointer self, const Question& q) {
  if (!self->state.with.searcher)
    return to_caf({errc::unavailable, "the twins of this node are not searched"});
  return forward<Answer>(self, self->state.with.searcher, q, search_timeout);
}

node_front::behavior_type node(self_pointer self, node_surroundings with) {
  self->state.with = std::move(with);
  auto& s = self->state;
  return {
      [self](const twin_query& q) -> caf::result<twin_answer> {
        auto twin = find_twin(self->state, q.id);
        if (!twin) return to_caf(twin.error());
        return forward<twin_answer>(self, host_of(self->state, twin->place),
                                    ask_twin{twin->place, twin->key, self->state.with.now()});
      },
      [self](const twin_list_query& q) { return list_twins(self, q); },
      [self](const history_query& q) -> caf::result<history_page> {
        auto twin = find_twin(self->state, q.id);
        if (!twin) return to_caf(twin.error());
        return forward<history_page>(self, reader_of(self->state, twin->place),
                                     history_ask{twin->place, twin->key, q},
                                     std::chrono::seconds{30});
      },
      [self](const watch_open& w) -> caf::result<watch_opened> {
        return forward<watch_opened>(self, self->state.with.feed, w);
      },
      [self](const watch_pull& w) -> caf::result<watch_page> {
        return forward<watch_page>(self, watch_owner(self->state, w.watch), w);
      },
      [self](const watch_close& w) -> caf::result<done> {
        return forward<done>(self, watch_owner(self->state, w.watch), w);
      },
      [self](const command_request& r) { return take_command(self, r); },
      [self](const command_query& q) { return command_state(self, q); },
      [self](const alert_list_query& q) -> caf::result<alert_list> {
        return forward<alert_list>(self, self->state.with.readers.back(), q,
                                   std::chrono::seconds{30});
      },
      [self](const alert_query& q) -> caf::result<alert_answer> {
        return forward<alert_answer>(self, self->state.with.readers.back(), q,
                                     std::chrono::seconds{30});
      },
      [self](const alert_acknowledge& a) { return acknowledge(self, a); },
      [self](const alert_action& a) { return act_on_alert(self, a); },
      [self](const parent_set& p) { return set_parent(self, p); },
      [self](const twin_patch& p) { return patch_twin(self, p); },
      [self](const twin_search& q) { return search<search_answer>(self, q); },
      [self](const search_watch& q) { return search<watch_opened>(self, q); },
      [self](const alert_verify& a) -> caf::result<alert_verified> {
        auto twin = find_twin(self->state, a.twin);
        if (!twin) return to_caf(twin.error());
        return forward<alert_verified>(self, self->state.with.readers.back(),
                                       audit_ask{twin->place, twin->key, a},
                                       std::chrono::seconds{60});
      },
      [&s](const quarantine_query& q) { return list_quarantine(s, q); },
      [&s](const quarantine_replay& q) { return replay_quarantine(s, q); },
      [&s](const stats_query&) { return stats_of(s.with); },
      [self](const verify_start& v) -> caf::result<verify_answer> {
        return forward<verify_answer>(self, self->state.with.verifier, v, std::chrono::seconds{60});
      },
      [self](const verify_query& v) -> caf::result<verify_answer> {
        return forward<verify_answer>(self, self->state.with.verifier, v, std::chrono::seconds{60});
      },
      [&s](const twin_create& c) { return create_twin(s, c); },
      [&s](const twin_delete& d) { return delete_twin(s, d); },
      [](const log_level_set& l) -> caf::result<done> {
        messages::log::level level;
        if (!messages::log::parse_level(l.level, level))
          return to_caf(
              {errc::invalid_argument,
               "no log level " + l.level + "; there are trace, debug, info, warning, error, off"});
        messages::log::set_level(level);
        return done{"log level is " + l.level};
      },
      // models: node_models.cpp
      [&s](const model_list_query& q) { return list_models(s, q); },
      [&s](const model_text_query& q) { return text_of_model(s, q); },
      [self](const model_apply& a) { return apply_model(self, a); },
      [self](const model_rollback& r) { return roll_back_model(self, r); },
      [&s](const shadow_order& o) { return order_shadow(s, o); },
      // the past, and long work
      [self](const series_query& q) -> caf::result<series_answer> {
        auto twin = find_twin(self->state, q.id);
        if (!twin) return to_caf(twin.error());
        return forward<series_answer>(self, self->state.with.historian,
                                      series_ask{twin->place, twin->key, q}, past_timeout);
      },
      [self](const completeness_query& q) -> caf::result<history_document> {
        return forward<history_document>(self, self->state.with.historian, q, past_timeout);
      },
      [self](const replay_query& q) -> caf::result<replay_answer> {
        auto twin = find_twin(self->state, q.id);
        if (!twin) return to_caf(twin.error());
        return forward<replay_answer>(self, self->state.with.historian,
                                      replay_ask{twin->place, twin->key, q}, past_timeout);
      },
      [self](const retention_order& o) -> caf::result<history_document> {
        return forward<history_document>(self, self->state.with.historian, o, past_timeout);
      },
      [&s](const readings_submit& r) -> caf::result<done> {
        if (!s.with.take_batch) return to_caf({errc::unavailable, "this node takes no imports"});
        auto taken = s.with.take_batch(r);
        if (!taken) return to_caf(taken.error());
        return done{std::move(*taken)};
      },
      [self](const job_start& j) -> caf::result<job_answer> {
        return forward<job_answer>(self, self->state.with.jobs, j);
      },
      [self](const job_query& j) -> caf::result<job_answer> {
        return forward<job_answer>(self, self->state.with.jobs, j);
      },
      [self](const job_cancel& j) -> caf::result<job_answer> {
        return forward<job_answer>(self, self->state.with.jobs, j);
      },
      [self](look_atom, std::uint64_t waiter) {
        if (!look_at_action(self, waiter)) look_again(self, waiter);
      },
  };
}

} // namespace

result<found_twin> find_twin(const node_state& s, const std::string& id) {
  if (auto parts = parse_twin_id(id); !parts) return parts.error();
  const auto shard = shard_of(id, s.with.inlet->shards());
  return s.with.inlet->with_directory(shard, [&](shard_directory& d) -> result<found_twin> {
    const auto row = d.find_living(id);
    if (row == unknown_row) return failure{errc::not_found, "no twin " + id};
    return found_twin{{shard, row}, std::string{d.key(row)}};
  });
}

status journal(const node_state& s, const std::string& id, const std::string& create_as,
               const domain::input& in) {
  auto ticket = s.with.inlet->submit(id, create_as, in);
  if (!ticket) return ticket.error();
  return s.with.inlet->flush(messages::durability::d0, *ticket);
}

messages::node_actor spawn_node(caf::actor_system& system, node_surroundings with) {
  return system.spawn<caf::detached>(node, std::move(with));
}

} // namespace pollux::actors
