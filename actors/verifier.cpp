// SPDX-License-Identifier: Apache-2.0
#include "actors/verifier.hpp"
#include "actors/directory.hpp"
#include "actors/glob.hpp"
#include <chrono>
#include <nlohmann/json.hpp>

namespace pollux::actors {

namespace {

using next_atom = caf::atom_constant<caf::atom("next")>;

struct verifier_state {
  verifier_surroundings with;
  std::vector<persistence::verify_target> targets;
  std::size_t done = 0;
  bool running = false;
  persistence::verify_report report;
  static inline const char* name = "verifier";
};

using verifier_actor = caf::stateful_actor<verifier_state>;

messages::verify_answer answer(const verifier_state& s) {
  return {s.running, s.done, s.targets.size(), s.report.findings_total,
          verify_document(s.report, s.running)};
}

// A finding that sealing caused by moving an input while it was read does not come twice.
void verify_one(verifier_state& s, const persistence::verify_target& target,
                const std::string& live) {
  const auto before = s.report;
  auto verified = persistence::verify_twin(*s.with.journal, *s.with.tables, *s.with.models, target,
                                           live, s.report);
  if (verified.ok() && s.report.findings_total == before.findings_total) return;
  s.report = before;
  verified = persistence::verify_twin(*s.with.journal, *s.with.tables, *s.with.models, target, live,
                                      s.report);
  if (verified) return;
  ++s.report.findings_total;
  if (s.report.findings.size() < 1000)
    s.report.findings.push_back({target.id, "could not be verified: " + verified.error().what});
}

void next(verifier_actor* self) {
  auto& s = self->state;
  if (s.done >= s.targets.size()) {
    s.running = false;
    return;
  }
  const auto target = s.targets[s.done];
  const auto go_on = [self, target](const std::string& live) {
    verify_one(self->state, target, live);
    ++self->state.done;
    self->send(self, next_atom::value);
  };
  self->request(s.with.hosts[target.shard % s.with.hosts.size()], std::chrono::seconds{5},
                ask_bytes{{target.shard, target.row}})
      .then([go_on](const std::string& live) { go_on(live); },
            [go_on](const caf::error&) { go_on({}); });
}

void begin(verifier_state& s, const std::string& glob) {
  s.targets.clear();
  s.done = 0;
  s.report = {};
  for (std::uint32_t shard = 0; shard < s.with.inlet->shards(); ++shard)
    s.with.inlet->with_directory(shard, [&](shard_directory& d) {
      for (std::uint32_t row = 0; row < d.size(); ++row)
        if (matches_glob(glob.empty() ? "*" : glob, split_key(d.key(row)).id))
          s.targets.push_back({shard, row, std::string{d.key(row)}});
    });
  s.running = true;
}

caf::behavior verifier(verifier_actor* self, verifier_surroundings with) {
  self->state.with = std::move(with);
  return {
      [self](const messages::verify_start& start) {
        if (!self->state.running) {
          begin(self->state, start.glob);
          self->send(self, next_atom::value);
        }
        return answer(self->state);
      },
      [self](const messages::verify_query&) { return answer(self->state); },
      [self](next_atom) { next(self); },
  };
}

} // namespace

std::string verify_document(const persistence::verify_report& r, bool running) {
  nlohmann::ordered_json findings = nlohmann::json::array();
  for (const auto& f : r.findings) findings.push_back({{"twin", f.twin}, {"what", f.what}});
  nlohmann::ordered_json out{
      {"state", running                 ? "running"
                : r.findings_total == 0 ? "clean"
                                        : "damaged"},
      {"twins", r.twins},
      {"inputs", r.inputs},
      {"readings", r.readings},
      {"values", r.values},
      {"blocks", r.blocks},
      {"segments", r.segments},
      {"snapshots_compared", r.snapshots_compared},
      {"alerts_compared", r.alerts_compared},
      {"revised_states", r.revised_states},
      {"revised_alerts", r.revised_alerts},
      {"vouches_from", r.vouches_from_ns == 0
                           ? nlohmann::ordered_json{}
                           : nlohmann::ordered_json(format_rfc3339(r.vouches_from_ns))},
      {"findings_total", r.findings_total},
      {"findings", findings}};
  return out.dump();
}

caf::actor spawn_verifier(caf::actor_system& system, verifier_surroundings with) {
  return system.spawn<caf::detached>(verifier, std::move(with));
}

} // namespace pollux::actors
