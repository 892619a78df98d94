// SPDX-License-Identifier: Apache-2.0
#include "persistence/alert_repair.hpp"
#include "persistence/replay.hpp"
#include <map>
#include <optional>

namespace pollux::persistence {

namespace {

class alert_replay {
public:
  alert_replay(const log& journal, const store& tables, const domain::model_source& models,
               const verify_target& twin)
      : journal_(journal), tables_(tables), models_(models), twin_(twin) {}

  /// Errors: io; whatever else kept the replay from its end is in `why`.
  [[nodiscard]] status run(std::string& why) {
    if (auto s = find_end(); !s) return s;
    if (!end_) return {}; // nothing of it was told yet
    auto done = replay_from({}, true);
    if (!done && done.error().code == errc::not_found && oldest_) {
      rows_.clear();
      done = replay_from(*oldest_, false);
    }
    if (!done && done.error().code == errc::io) return done.error();
    if (!done) why = done.error().what;
    return {};
  }
  /// By incident; complete from the raising on, as far as the replay came.
  [[nodiscard]] std::map<std::string, alert_row>& rows() { return rows_; }

private:
  /// What the outbox took last. Without that mark everything behind the newest state is told again.
  [[nodiscard]] status find_end() {
    auto s = tables_.each_snapshot(twin_.shard, twin_.row, [&](const snapshot& kept) {
      if (!oldest_) oldest_ = kept.at;
      end_ = {kept.at, UINT32_MAX};
      return true;
    });
    if (!s && s.error().code != errc::corrupt) return s;
    const auto taken = tables_.taken_upto(twin_.shard, twin_.row);
    if (!taken && taken.error().code != errc::corrupt) return taken.error();
    if (taken && *taken) end_ = **taken;
    return {};
  }

  [[nodiscard]] result<replayed> replay_from(domain::input_id after, bool from_creation) {
    replay_interval all;
    all.after = after;
    replay_visit visit;
    visit.step = [&](const domain::input& in, const domain::effects& born,
                     const domain::twin_state&) {
      for (const auto& e : born)
        if (e.kind == domain::effect_kind::alert && e.id <= *end_) keep(e);
      return in.id <= end_->cause;
    };
    return replay(journal_, tables_, models_, twin_, all, from_creation, visit);
  }

  void keep(const domain::effect& e) {
    const auto incident = to_string(e.alert.incident);
    auto known = rows_.find(incident);
    if (known == rows_.end()) {
      if (e.id != e.alert.incident) return; // its raising is not in the history any more
      const auto id = twin_.id.substr(0, twin_.id.find('#'));
      known = rows_.emplace(incident, alert_row{twin_.shard, twin_.row, id, incident, {}}).first;
    }
    known->second.transitions.push_back(e);
  }

  const log& journal_;
  const store& tables_;
  const domain::model_source& models_;
  const verify_target& twin_;
  std::optional<domain::effect_id> end_;
  std::optional<domain::input_id> oldest_;
  std::map<std::string, alert_row> rows_;
};

} // namespace

result<rebuilt_alerts> rebuild_alerts(const log& journal, const store& tables,
                                      const domain::model_source& models, const verify_target& twin,
                                      const std::set<std::string>& wanted, store_batch& batch) {
  rebuilt_alerts out;
  alert_replay replay(journal, tables, models, twin);
  if (auto s = replay.run(out.why); !s) return s.error();
  if (!out.why.empty()) return out; // an alert might be told in part
  for (const auto& [incident, row] : replay.rows()) {
    if (!wanted.empty() && !wanted.contains(incident)) continue;
    if (wanted.empty()) {
      const auto there = tables.find_alert(twin.shard, twin.row, incident);
      if (!there && there.error().code != errc::corrupt) return there.error();
      if (!there || *there) continue; // a damaged one was wanted by name
    }
    batch.put_alert(row);
    out.incidents.insert(incident);
  }
  return out;
}

} // namespace pollux::persistence
