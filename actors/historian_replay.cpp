// SPDX-License-Identifier: Apache-2.0
// Time travel: the state of a twin at a moment, and the steps of its reasoning (docs/history.md).
#include "actors/directory.hpp"
#include "actors/historian.hpp"
#include "domain/base/time.hpp"
#include "messages/documents.hpp"
#include "messages/hash.hpp"
#include "messages/input_document.hpp"
#include "persistence/replay.hpp"
#include <algorithm>
#include <nlohmann/json.hpp>

namespace pollux::actors {

namespace {

using json = nlohmann::ordered_json;

json parsed(const std::string& document) { return json::parse(document, nullptr, false); }

std::string text_of(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string hash_of(const domain::twin_state& state) {
  std::string bytes;
  domain::save(state, bytes);
  return messages::content_hash(bytes);
}

/// The twin's document at the ingest time of its newest input.
json twin_at(const domain::model_source& models, const domain::twin_state& state,
             std::int64_t now_ns) {
  return parsed(messages::twin_document(domain::describe(models, state, now_ns), now_ns));
}

/// What differs of the parts of a twin that reason: rules, windows, alerts, commands, the timer.
json changes_between(const json& before, const json& after) {
  json out = json::array();
  for (const auto* part : {"rules", "windows", "alerts", "commands"}) {
    const auto key = [&](const json& one) {
      for (const auto* name : {"name", "incident", "id"})
        if (one.contains(name)) return one.at(name).dump();
      return one.dump();
    };
    const auto find = [&](const json& in, const std::string& wanted) -> const json* {
      for (const auto& one : in.at(part))
        if (key(one) == wanted) return &one;
      return nullptr;
    };
    for (const auto& now : after.at(part)) {
      const auto* was = find(before, key(now));
      if (was == nullptr || *was != now)
        out.push_back({{"part", part}, {"before", was == nullptr ? json() : *was}, {"after", now}});
    }
    for (const auto& was : before.at(part))
      if (find(after, key(was)) == nullptr)
        out.push_back({{"part", part}, {"before", was}, {"after", nullptr}});
  }
  if (before.at("next_wakeup") != after.at("next_wakeup"))
    out.push_back({{"part", "next_wakeup"},
                   {"before", before.at("next_wakeup")},
                   {"after", after.at("next_wakeup")}});
  return out;
}

class replay_answerer {
public:
  replay_answerer(const historian_surroundings& with, const replay_ask& ask)
      : with_(with), ask_(ask), id_(split_key(ask.key).id) {}

  result<messages::replay_answer> run() {
    const auto& q = ask_.what;
    persistence::replay_interval what;
    if (q.clock == "event")
      what.clock = persistence::replay_clock::event;
    else if (!q.clock.empty() && q.clock != "ingest")
      return failure{errc::invalid_argument,
                     "clock: no " + q.clock + "; there are ingest and event"};
    what.to_ns = q.to_ns;
    what.from_ns = q.from_ns;
    if (what.from_ns > what.to_ns && q.steps)
      return failure{errc::invalid_argument, "from: lies behind to"};
    if (!q.after.empty() && !messages::parse_input_id(q.after, what.after))
      return failure{errc::invalid_argument, "after: no input id: " + q.after};
    return q.steps ? steps(what) : state_at(what);
  }

private:
  [[nodiscard]] result<persistence::replayed> replay(const persistence::replay_interval& what,
                                                     const persistence::replay_visit& visit) const {
    return persistence::replay(*with_.journal, *with_.tables, *with_.models,
                               {ask_.twin.shard, ask_.twin.row, ask_.key}, what, false, visit);
  }

  result<messages::replay_answer> state_at(const persistence::replay_interval& what) {
    std::int64_t now_ns = what.to_ns;
    auto done = replay(what, {});
    if (!done) return done.error();
    if (done->state.model_hash().empty())
      return failure{errc::not_found, id_ + " did not exist yet at " + format_rfc3339(what.to_ns)};
    const auto seen = domain::describe(*with_.models, done->state, 0);
    // ages are told as of the moment, by the clock it was meant by
    if (now_ns == never) now_ns = seen.last_ingest_time_ns;
    json document = twin_at(*with_.models, done->state, now_ns);
    document["at"] = {{"clock", ask_.what.clock.empty() ? "ingest" : ask_.what.clock},
                      {"time", what.to_ns == never ? json() : json(format_rfc3339(what.to_ns))},
                      {"input", messages::input_id_text(done->state.last_applied())},
                      {"state_hash", hash_of(done->state)},
                      {"replayed_inputs", done->inputs},
                      {"from_state_at", done->base == domain::input_id{}
                                            ? json("creation")
                                            : json(messages::input_id_text(done->base))}};
    return messages::replay_answer{text_of(document), {}};
  }

  result<messages::replay_answer> steps(const persistence::replay_interval& what) {
    const auto limit = std::clamp<std::uint32_t>(ask_.what.limit, 1, messages::max_page);
    json rows = json::array(), before;
    messages::replay_answer answer;
    persistence::replay_visit visit;
    visit.before = [&](const domain::input&, const domain::twin_state& state) {
      if (before.is_object()) return;
      before = twin_at(*with_.models, state,
                       domain::describe(*with_.models, state, 0).last_ingest_time_ns);
    };
    visit.step = [&](const domain::input& in, const domain::effects& born,
                     const domain::twin_state& after) {
      if (rows.size() == limit) {
        answer.next = rows.back().at("input").get<std::string>();
        return false;
      }
      auto row = messages::input_document(in);
      row["effects"] = json::array();
      for (const auto& e : born)
        row["effects"].push_back(parsed(messages::effect_document(id_, e)));
      auto now = twin_at(*with_.models, after, in.ingest_time_ns);
      row["changes"] = changes_between(before, now);
      row["state_hash"] = hash_of(after);
      before = std::move(now);
      rows.push_back(std::move(row));
      return true;
    };
    auto done = replay(what, visit);
    if (!done) return done.error();
    answer.document = text_of({{"id", id_}, {"steps", std::move(rows)}});
    return answer;
  }

  const historian_surroundings& with_;
  const replay_ask& ask_;
  std::string id_;
};

} // namespace

result<messages::replay_answer> replay_of(const historian_surroundings& with,
                                          const replay_ask& ask) {
  return replay_answerer(with, ask).run();
}

} // namespace pollux::actors
