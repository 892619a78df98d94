// SPDX-License-Identifier: Apache-2.0
// Says what a data folder holds: reads names of folders from its input, one a line, opens each as
// the offline verbs do, and answers with a line of JSON: the event times (ns) of every twin's
// readings in journal order, how many rows the registry has lost, and what verify finds.
#include "actors/directory.hpp"
#include "persistence/whole_registry.hpp"
#include "supervision/offline_storage.hpp"
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

namespace {

using json = nlohmann::ordered_json;
namespace persistence = pollux::persistence;

/// How many rows the registry has lost.
std::uint64_t lost_rows(const pollux::supervision::offline_storage& s) {
  std::uint64_t lost = 0;
  for (std::uint32_t shard = 0; shard < s.journal->shards(); ++shard)
    if (auto registry = persistence::whole_registry(*s.journal, *s.tables, shard))
      lost += registry->restored.size();
  return lost;
}

json look_at(const std::string& folder) {
  auto opened = pollux::supervision::open_offline(folder, "*");
  if (!opened) return {{"error", opened.error().what}};
  const auto& s = **opened;
  json twins = json::object(), errors = json::array(), findings = json::array();
  persistence::verify_report report;
  for (const auto& t : s.twins) {
    auto& times = twins[std::string(pollux::actors::split_key(t.id).id)];
    times = json::array();
    auto read = persistence::each_input(*s.journal, *s.tables, t.shard, t.row, t.id, {},
                                        [&](const pollux::domain::input& in) {
                                          for (const auto& r : in.readings)
                                            times.push_back(r.event_time_ns);
                                          return true;
                                        });
    if (!read) errors.push_back(t.id + ": " + read.error().what);
    auto verified = persistence::verify_twin(*s.journal, *s.tables, s.models, t, {}, report);
    if (!verified) errors.push_back(t.id + ": " + verified.error().what);
  }
  for (const auto& f : report.findings) findings.push_back(f.twin + ": " + f.what);
  return {{"twins", std::move(twins)},       {"errors", std::move(errors)},
          {"findings", std::move(findings)}, {"lost_rows", lost_rows(s)},
          {"blocks", report.blocks},         {"segments", report.segments}};
}

} // namespace

int main() {
  for (std::string folder; std::getline(std::cin, folder);)
    std::cout << look_at(folder).dump() << std::endl;
}
