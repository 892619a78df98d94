// SPDX-License-Identifier: Apache-2.0
#include "supervision/offline_retention.hpp"
#include "actors/retention_rules.hpp"
#include "supervision/model_rows.hpp"
#include "supervision/offline_storage.hpp"
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

namespace pollux::supervision {

namespace {

/// An offline catalogue knows all versions, but not which of them rules for whom.
status let_rule(offline_storage& s) {
  const auto rows = s.tables->models();
  if (!rows) return rows.error();
  std::set<std::string> names;
  for (const auto& row : *rows) names.insert(row.name);
  for (const auto& name : names)
    if (const auto ruling = let_stored_rule(*s.tables, s.models, name); !ruling)
      return ruling.error();
  return {};
}

} // namespace

result<std::string> tiers_offline(const std::string& data) {
  const auto opened = open_offline(data, "*");
  if (!opened) return opened.error();
  return actors::tiers_document(*(*opened)->tables, (*opened)->journal->shards());
}

result<std::string> move_offline(const std::string& data, std::int64_t now_ns,
                                 const std::function<bool(std::uint64_t)>& progress) {
  const auto opened = open_offline(data, "*");
  if (!opened) return opened.error();
  auto& s = **opened;
  if (auto known = let_rule(s); !known) return known.error();
  auto files = persistence::cold_folder::open(data + "/history");
  if (!files) return files.error();
  s.tables->set_cold_source(*files);
  persistence::tiering_options options;
  options.shards = s.journal->shards();
  options.rules = [&](std::uint32_t shard) {
    return actors::retention_rules_of(*s.tables, s.models, shard);
  };
  persistence::tiering tiers(*s.tables, *files, std::move(options));
  const auto began = std::chrono::steady_clock::now();
  for (;;) {
    const auto more = tiers.step(now_ns, std::chrono::milliseconds{200});
    if (!more) return more.error();
    if (!*more || (progress && !progress(tiers.counts().moved_readings))) break;
  }
  const auto& c = tiers.counts();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  return nlohmann::ordered_json{
      {"readings_moved", c.moved_readings}, {"inputs_moved", c.moved_inputs},
      {"inputs_expired", c.expired_inputs}, {"files_written", c.files_written},
      {"files_removed", c.files_removed},   {"skipped", c.skipped},
      {"trouble", tiers.last_trouble()},    {"seconds", took.count()}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace pollux::supervision
