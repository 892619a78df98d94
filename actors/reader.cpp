// SPDX-License-Identifier: Apache-2.0
#include "actors/reader.hpp"
#include "actors/alert_audit.hpp"
#include "actors/black_box.hpp"
#include "actors/directory.hpp"
#include "actors/glob.hpp"
#include "actors/sample_rows.hpp"
#include "actors/twin_actor.hpp"
#include "messages/documents.hpp"
#include "persistence/history.hpp"
#include <algorithm>
#include <map>

namespace pollux::actors {

namespace {

struct reader_state {
  const persistence::log* journal = nullptr;
  const persistence::store* tables = nullptr;
  const model_catalog* models = nullptr;
  static inline const char* name = "reader";
};

using reader_actor = caf::stateful_actor<reader_state>;

restored restore_twin(const reader_state& with, const restore& want) {
  restored out{want.twin, nullptr, {}, {}};
  auto base = load_newest(*with.tables, *with.models, want.twin, want.key);
  if (!base) {
    out.why = base.error().what;
    return out;
  }
  auto made = std::make_shared<restored_state>(std::move(*base));
  if (want.replay) {
    domain::input_id at;
    try {
      auto replayed = persistence::each_input(
          *with.journal, *with.tables, want.twin.shard, want.twin.row, want.key,
          made->state.last_applied(), [&](const domain::input& in) {
            if (in.id > want.upto) return false;
            if (want.skips.contains(in.id)) return true;
            at = in.id;
            const black_box_mark mark{want.twin.shard, want.twin.row, in.id};
            domain::step(*with.models, made->state, in, made->effects);
            return true;
          });
      if (!replayed) {
        out.why = replayed.error().what;
        return out;
      }
    } catch (const std::exception& e) {
      out.poison = at;
      out.why = e.what();
      return out;
    }
  }
  out.what = std::move(made);
  return out;
}

messages::alert_answer alert_of(const persistence::alert_row& row, bool with_document) {
  const auto& first = row.transitions.front();
  return {row.twin,
          row.incident,
          first.alert.rule,
          domain::to_string(messages::alert_severity(row.transitions)),
          messages::alert_state(row.transitions),
          first.alert.event_time_ns,
          with_document ? messages::alert_document(row.twin, row.transitions) : std::string{}};
}

caf::result<messages::alert_list> list_alerts(const reader_state& with,
                                              const messages::alert_list_query& q) {
  // The smallest cursors, one more than the page holds: a document costs much more than a row, and
  // a node may hold a hundred thousand alerts.
  std::map<std::string, persistence::alert_row> chosen;
  const auto limit = std::clamp<std::uint32_t>(q.limit, 1, messages::max_page);
  auto read = with.tables->each_alert([&](const persistence::alert_row& row) {
    auto cursor = row.twin + " " + row.incident;
    if (row.transitions.empty() || cursor <= q.after ||
        (chosen.size() > limit && cursor >= chosen.rbegin()->first) ||
        !matches_glob(q.glob.empty() ? "*" : q.glob, row.twin))
      return true;
    if (!q.rule.empty() && !matches_glob(q.rule, row.transitions.front().alert.rule)) return true;
    const auto state = messages::alert_state(row.transitions);
    if (q.state.empty() ? q.active_only && messages::is_over(state) : q.state != state) return true;
    if (!q.severity.empty() &&
        q.severity != domain::to_string(messages::alert_severity(row.transitions)))
      return true;
    chosen.emplace(std::move(cursor), row);
    if (chosen.size() > limit + 1) chosen.erase(std::prev(chosen.end()));
    return true;
  });
  if (!read) return messages::to_caf(read.error());
  messages::alert_list page;
  for (const auto& [cursor, row] : chosen) {
    if (page.rows.size() == limit) {
      page.next = page.rows.back().twin + " " + page.rows.back().incident;
      break;
    }
    page.rows.push_back(alert_of(row, true));
  }
  return page;
}

caf::result<messages::alert_answer> one_alert(const reader_state& with,
                                              const messages::alert_query& q) {
  messages::alert_answer found;
  auto read = with.tables->each_alert([&](const persistence::alert_row& row) {
    if (row.twin != q.twin || row.incident != q.incident || row.transitions.empty()) return true;
    found = alert_of(row, true);
    return false;
  });
  if (!read) return messages::to_caf(read.error());
  if (found.incident.empty())
    return messages::to_caf({errc::not_found, "no alert " + q.incident + " of twin " + q.twin});
  return found;
}

caf::result<messages::alert_answer> alert_at(const reader_state& with, const alert_ask& ask) {
  auto row = with.tables->find_alert(ask.twin.shard, ask.twin.row, ask.what.incident);
  if (!row) return messages::to_caf(row.error());
  if (!*row || (*row)->transitions.empty())
    return one_alert(with, ask.what); // an earlier incarnation
  return alert_of(**row, true);
}

caf::result<messages::history_page> history(const reader_state& with, const history_ask& ask) {
  const auto limit = std::clamp<std::uint32_t>(ask.what.limit, 1, 100'000);
  persistence::series_origin origin;
  auto values = persistence::values_between(*with.journal, *with.tables, ask.twin.shard,
                                            ask.twin.row, ask.key, ask.what.telemetry,
                                            ask.what.from_ns, ask.what.to_ns, limit + 1, &origin);
  if (!values) return messages::to_caf(values.error());
  messages::history_page page;
  page.complete = values->size() <= limit;
  if (!page.complete) values->resize(limit);
  page.tiers = origin.names();
  page.rows.reserve(values->size());
  for (auto& v : *values)
    page.rows.push_back(
        {v.event_time_ns, v.ingest_time_ns, std::move(v.name), messages::value_json(v.value)});
  auto filled = add_samples(*with.journal, *with.tables, {ask.twin.shard, ask.twin.row, ask.key},
                            ask.what, page);
  if (!filled) return messages::to_caf(filled.error());
  return page;
}

// On a copy that is thrown away: the sleeper itself hears of it when it wakes.
caf::result<messages::twin_answer> describe_sleeper(const reader_state& with, const ask_twin& ask) {
  auto state = load_newest(*with.tables, *with.models, ask.twin, ask.key);
  if (!state) return messages::to_caf(state.error());
  domain::input in;
  domain::effects nowhere;
  if (ask.wide)
    for (const auto& item : ask.wide->items) {
      ask.wide->segments[item.segment]->decode(item.entry, item.id.at, in);
      in.id = item.id;
      domain::step(*with.models, *state, in, nowhere);
    }
  return answer_for(*with.models, *state, ask.now_ns);
}

caf::behavior reader(reader_actor* self, const persistence::log* journal,
                     const persistence::store* tables, const model_catalog* models) {
  self->state = {journal, tables, models};
  return {
      [self](const restore& want) {
        self->send(caf::actor_cast<caf::actor>(self->current_sender()),
                   restore_twin(self->state, want));
      },
      [self](const ask_twin& ask) { return describe_sleeper(self->state, ask); },
      [self](const ask_brief& ask) -> caf::result<messages::twin_row> {
        const auto& [place, key] = ask.twins.front();
        auto state = load_newest(*self->state.tables, *self->state.models, place, key);
        if (!state) return messages::to_caf(state.error());
        return row_for(*self->state.models, *state, false, ask.now_ns);
      },
      [self](const history_ask& ask) { return history(self->state, ask); },
      [self](const messages::alert_list_query& q) { return list_alerts(self->state, q); },
      [self](const messages::alert_query& q) { return one_alert(self->state, q); },
      [self](const alert_ask& ask) { return alert_at(self->state, ask); },
      [self](const audit_ask& ask) -> caf::result<messages::alert_verified> {
        auto opinion = audit_alert(*self->state.journal, *self->state.tables, ask);
        if (!opinion) return messages::to_caf(opinion.error());
        return std::move(*opinion);
      },
  };
}

} // namespace

result<domain::twin_state> load_newest(const persistence::store& tables,
                                       const model_catalog& models, twin_place place,
                                       std::string_view key) {
  auto newest = tables.newest_snapshot(place.shard, place.row);
  if (!newest) return newest.error();
  const auto id = split_key(key).id;
  if (!*newest) return domain::twin_state{id};
  return domain::load(models, id, (*newest)->state);
}

caf::actor spawn_reader(caf::actor_system& system, const persistence::log& journal,
                        const persistence::store& tables, const model_catalog& models) {
  return system.spawn<caf::detached>(reader, &journal, &tables, &models);
}

} // namespace pollux::actors
