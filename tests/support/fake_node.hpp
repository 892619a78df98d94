// SPDX-License-Identifier: Apache-2.0
// A node_actor that answers from a small table in memory: for tests of what stands in front of a
// node (gateway, client, command line), not of the node.
#pragma once
#include "messages/node_api.hpp"
#include <algorithm>
#include <map>
#include <string>

namespace pollux::tests {

struct fake_node_state {
  std::map<std::string, messages::twin_answer> twins;
  std::map<std::string, messages::command_answer> commands;
  std::map<std::uint64_t, std::uint64_t> watches; ///< watch -> last number handed out
  std::vector<caf::typed_response_promise<messages::twin_answer>> unanswered;
  std::uint64_t last_watch = 0;
  std::uint64_t verified = 0;
  bool verifying = false;
  std::string level = "info";
  static inline const char* name = "fake_node";
};
using fake_node_pointer = messages::node_actor::stateful_pointer<fake_node_state>;

inline messages::twin_answer fake_twin(const std::string& id) {
  messages::twin_answer twin;
  twin.id = id;
  twin.kind = "motor";
  twin.model = "motor";
  twin.model_hash = "0123456789abcdef0123456789abcdef";
  twin.revision = 7;
  twin.readings = 12;
  twin.last_event_time_ns = 1'700'000'000'000'000'000;
  twin.document =
      R"({"id":")" + id +
      R"(","kind":"motor","model":{"name":"motor","hash":"0123"},"incarnation":1,)"
      R"("revision":"0000000000000007-0","connected":true,)"
      R"("last_event_time":"2023-11-14T22:13:20Z","last_ingest_time":"2023-11-14T22:13:20Z",)"
      R"("next_wakeup":null,"readings":{"applied":12,"late":0,"duplicates":0,"corrections":0},)"
      R"("memory":{"state_bytes":640,"window_bytes":192},)"
      R"("telemetry":{"temperature":{"value":71.5,"unit":"Cel","event_time":)"
      R"("2023-11-14T22:13:20Z","age_s":1.5,"readings":12,"declared":true}},)"
      R"("windows":[{"name":"temperature_5m","telemetry":"temperature","span":"5m","count":12,)"
      R"("mean":70.25,"sample_stddev":0.5,"population_stddev":0.48,"min":69,"max":71.5,)"
      R"("from":"2023-11-14T22:12:20Z","to":"2023-11-14T22:13:20Z"}],)"
      R"("rules":[{"name":"drift","type":"z_score","state":"warming up",)"
      R"("explanation":"12 of 30 samples"}],"alerts":[],"commands":[]})";
  return twin;
}

/// * and ? only; enough for a test.
inline bool fake_glob(const char* pattern, const char* text) {
  if (*pattern == '\0') return *text == '\0';
  if (*pattern == '*')
    return fake_glob(pattern + 1, text) || (*text != '\0' && fake_glob(pattern, text + 1));
  return *text != '\0' && (*pattern == '?' || *pattern == *text) &&
         fake_glob(pattern + 1, text + 1);
}

inline caf::error fake_missing(const std::string& id) {
  return messages::to_caf({errc::not_found, "no such twin: " + id});
}

inline messages::alert_answer fake_alert(const std::string& state) {
  return {"plant1:motor-1",
          "0000000000000007-0-0",
          "overheating",
          "critical",
          state,
          1'700'000'000'000'000'000,
          R"({"twin":"plant1:motor-1","incident":"0000000000000007-0-0","rule":"overheating",)"
          R"("severity":"critical","state":")" +
              state +
              R"(","message":"temperature 91.5 is above 90","raised_at":"2023-11-14T22:13:20Z",)"
              R"("transitions":[{"id":"0000000000000007-0-0","transition":"raised",)"
              R"("time":"2023-11-14T22:13:20Z","severity":"critical",)"
              R"("message":"temperature 91.5 is above 90","model_hash":"0123",)"
              R"("evidence":{"field":"temperature","numbers":{"value":91.5,"limit":90},)"
              R"("times":{},"event_times":["2023-11-14T22:13:20Z"],"explanation":"91.5 > 90"}}]})"};
}

/// One table of three motors. "plant1:silent" is never answered; the command "refuse" is refused,
/// "linger" stays dispatched, all others are confirmed when asked about a second time.
inline messages::node_actor::behavior_type fake_node(fake_node_pointer self) {
  using namespace messages;
  for (const char* id : {"plant1:motor-1", "plant1:motor-2", "site:motor-3"})
    self->state.twins[id] = fake_twin(id);
  return {
      [=](const twin_query& q) -> caf::result<twin_answer> {
        if (q.id == "plant1:silent") {
          auto never = self->make_response_promise<twin_answer>();
          self->state.unanswered.push_back(never);
          return never;
        }
        const auto found = self->state.twins.find(q.id);
        if (found == self->state.twins.end()) return fake_missing(q.id);
        return found->second;
      },
      [=](const twin_list_query& q) {
        twin_list out;
        for (const auto& [id, twin] : self->state.twins) {
          if (id <= q.after || !fake_glob(q.glob.c_str(), id.c_str())) continue;
          if (out.rows.size() == q.limit) {
            out.next = out.rows.back().id;
            break;
          }
          out.rows.push_back({id, twin.kind, twin.model, true, twin.readings,
                              twin.last_event_time_ns, twin.active_alerts});
        }
        return out;
      },
      [=](const history_query& q) -> caf::result<history_page> {
        if (self->state.twins.count(q.id) == 0) return fake_missing(q.id);
        history_page page;
        // one reading a second for 2,500 s: more than two pages
        const std::int64_t first = 1'700'000'000'000'000'000;
        for (std::int64_t i = 0; i < 2500; ++i) {
          const auto at = first + i * 1'000'000'000;
          if (at < q.from_ns || at > q.to_ns) continue;
          if (page.rows.size() == q.limit) {
            page.complete = false;
            break;
          }
          page.rows.push_back({at, at, "temperature", std::to_string(i) + ".5"});
        }
        return page;
      },
      [=](const watch_open&) {
        self->state.watches[++self->state.last_watch] = 0;
        return watch_opened{self->state.last_watch};
      },
      [=](const watch_pull& q) -> caf::result<watch_page> {
        const auto watch = self->state.watches.find(q.watch);
        if (watch == self->state.watches.end()) return to_caf({errc::not_found, "no such watch"});
        watch_page page;
        if (watch->second == q.acknowledged && watch->second < 6) {
          for (int i = 0; i < 2; ++i)
            page.events.push_back({++watch->second, i == 0 ? "state" : "alert", "plant1:motor-1",
                                   R"({"n":)" + std::to_string(watch->second) + "}"});
          page.missed = watch->second == 4 ? 3 : 0;
        }
        return page;
      },
      [=](const watch_close& q) {
        self->state.watches.erase(q.watch);
        return done{"closed"};
      },
      [=](const command_request& q) -> caf::result<command_answer> {
        if (self->state.twins.count(q.twin) == 0) return fake_missing(q.twin);
        if (q.name == "refuse")
          return command_answer{q.id, "refused", "above the maximum of 30", q.arguments};
        self->state.commands[q.id] = {q.id, "dispatched", q.name, q.arguments};
        return command_answer{q.id, "accepted", "", q.arguments};
      },
      [=](const command_query& q) -> caf::result<command_answer> {
        const auto found = self->state.commands.find(q.id);
        if (found == self->state.commands.end())
          return to_caf({errc::not_found, "no such command: " + q.id});
        const auto answer = found->second;
        if (answer.detail != "linger") found->second.phase = "confirmed";
        return answer;
      },
      [=](const alert_list_query& q) {
        alert_list out;
        if (fake_glob(q.glob.c_str(), "plant1:motor-1")) out.rows.push_back(fake_alert("active"));
        return out;
      },
      [=](const alert_query& q) -> caf::result<alert_answer> {
        if (q.incident != "0000000000000007-0-0")
          return to_caf({errc::not_found, "no such incident: " + q.incident});
        return fake_alert("active");
      },
      [=](const alert_acknowledge& q) -> caf::result<alert_answer> {
        if (q.incident != "0000000000000007-0-0")
          return to_caf({errc::not_found, "no such incident: " + q.incident});
        return fake_alert("acknowledged");
      },
      [=](const alert_action& q) -> caf::result<done> {
        if (q.incident != "0000000000000007-0-0")
          return to_caf({errc::not_found, "no such incident: " + q.incident});
        return done{q.verb};
      },
      [=](const parent_set&) { return done{"told"}; },
      [=](const twin_patch&) { return done{"changed"}; },
      [=](const twin_search& q) -> caf::result<search_answer> {
        if (q.filter == "wrong(") return to_caf({errc::invalid_argument, "filter: column 7: end"});
        if (!q.group_by.empty() || !q.values.empty())
          return search_answer{R"({"groups":[{"by":{"model":"motor"},"count":3}]})", {}, 3};
        return search_answer{
            R"({"items":[{"id":"plant1:motor-1","kind":"motor","model":"motor","awake":true,)"
            R"("readings":12,"last_event_time":"2023-11-14T22:13:20Z","active_alerts":0}]})",
            q.cursor.empty() ? "more" : "", q.count ? 3 : -1};
      },
      [=](const search_watch&) {
        self->state.watches[++self->state.last_watch] = 0;
        return watch_opened{self->state.last_watch};
      },
      [=](const alert_verify& q) -> caf::result<alert_verified> {
        if (q.incident != "0000000000000007-0-0")
          return to_caf({errc::not_found, "no such incident: " + q.incident});
        return alert_verified{
            "confirmed",
            R"({"twin":"plant1:motor-1","incident":"0000000000000007-0-0","says":"confirmed",)"
            R"("transitions":[{"transition":"raised","says":"confirmed","findings":[)"
            R"({"agrees":true,"what":"the reading lies beyond the limit"}]}]})"};
      },
      [=](const quarantine_query& q) {
        quarantine_list out;
        for (std::uint64_t id = q.after + 1; id <= 3 && out.rows.size() < q.limit; ++id)
          out.rows.push_back({id, 1'700'000'000'000'000'000, "malformed", "telemetry/motor/x",
                              "not JSON", "{\x01\xff", "telemetry/motor/{name}"});
        out.total = 3;
        return out;
      },
      [=](const quarantine_replay& q) -> caf::result<done> {
        if (q.id > 3) return to_caf({errc::not_found, "no such record"});
        return done{"went through"};
      },
      [=](const stats_query&) {
        return stats_answer{true, 5000, 4990, self->state.twins.size(),
                            R"({"received":5000,"stored":4990,"log":{"bytes":123}})"};
      },
      [=](const verify_start&) {
        self->state.verifying = true;
        self->state.verified = 0;
        return verify_answer{true, 0, 3, 0, "{}"};
      },
      [=](const verify_query&) {
        if (self->state.verifying && ++self->state.verified == 3) self->state.verifying = false;
        return verify_answer{self->state.verifying, self->state.verified, 3, 0,
                             R"({"findings":[],"vouches_from":"2023-11-14T22:13:20Z"})"};
      },
      [=](const twin_create& q) -> caf::result<done> {
        if (self->state.twins.count(q.id) != 0)
          return to_caf({errc::already_exists, "twin exists: " + q.id});
        self->state.twins[q.id] = fake_twin(q.id);
        return done{"created"};
      },
      [=](const twin_delete& q) -> caf::result<done> {
        if (self->state.twins.erase(q.id) == 0) return fake_missing(q.id);
        return done{"deleted"};
      },
      [=](const log_level_set& q) -> caf::result<done> {
        if (q.level != "debug" && q.level != "info")
          return to_caf({errc::invalid_argument, "no such level: " + q.level});
        self->state.level = q.level;
        return done{"level is now " + q.level};
      },
      // models: one, with one version; nothing is changed
      [=](const model_list_query&) {
        model_list out;
        out.rows.push_back({"motor", "motor", "0123", "", "file", "", "*",
                            1'700'000'000'000'000'000, true, false});
        return out;
      },
      [=](const model_text_query& q) -> caf::result<model_text> {
        if (q.name != "motor") return to_caf({errc::not_found, "no model " + q.name});
        return model_text{"motor", "0123", R"({"name":"motor"})", true};
      },
      [=](const model_apply&) {
        return model_applied{"motor", "0123", "0123", "unchanged", 0, 0, 0, 0, 0};
      },
      [=](const model_rollback&) -> caf::result<model_applied> {
        return to_caf({errc::refused, "there is no version before this one"});
      },
      [=](const shadow_order&) { return shadow_answer{R"({"shadows":[]})"}; },
      // the past: none
      [=](const series_query&) {
        return series_answer{R"({"series":[]})", {}};
      },
      [=](const completeness_query&) { return history_document{R"({"twins":[]})"}; },
      [=](const replay_query&) {
        return replay_answer{R"({"steps":[]})", {}};
      },
      [=](const retention_order&) { return history_document{"{}"}; },
      [=](const job_start& q) { return job_answer{1, q.kind, "done", 1, 1, {}, "{}"}; },
      [=](const job_query& q) -> caf::result<job_answer> {
        if (q.id > 1) return to_caf({errc::not_found, "no job " + std::to_string(q.id)});
        return job_answer{q.id, "backtest", "done", 1, 1, {}, "{}"};
      },
      [=](const readings_submit& q) -> caf::result<done> {
        if (self->state.twins.count(q.twin) == 0) return fake_missing(q.twin);
        return done{"journaled"};
      },
      [=](const job_cancel& q) { return job_answer{q.id, "backtest", "cancelled", 0, 1, {}, {}}; }};
}

} // namespace pollux::tests
