// SPDX-License-Identifier: Apache-2.0
#include "supervision/offline_storage.hpp"
#include "actors/directory.hpp"
#include "actors/glob.hpp"
#include "messages/model_codec.hpp"
#include "persistence/cold_file.hpp"
#include "persistence/whole_registry.hpp"
#include <filesystem>

namespace pollux::supervision {

namespace {

status find_twins(offline_storage& s, const std::string& glob) {
  for (std::uint32_t shard = 0; shard < s.journal->shards(); ++shard) {
    auto registry = persistence::whole_registry(*s.journal, *s.tables, shard);
    if (!registry) return registry.error();
    for (const auto& row : registry->rows) {
      s.twins.push_back({shard, row.row, actors::journal_key(row.id, row.incarnation)});
      if (row.deleted) s.deleted.emplace(shard, row.row);
    }
  }
  std::erase_if(s.twins, [&](const auto& t) {
    return !actors::matches_glob(glob.empty() ? "*" : glob, actors::split_key(t.id).id);
  });
  return {};
}

} // namespace

std::vector<std::string> offline_storage::living_ids(const std::string& glob) const {
  std::set<std::string> ids;
  for (const auto& t : twins) {
    const auto id = actors::split_key(t.id).id;
    if (!deleted.contains({t.shard, t.row}) && actors::matches_glob(glob, id)) ids.emplace(id);
  }
  return {ids.begin(), ids.end()};
}

result<persistence::verify_target> offline_storage::living(const std::string& id) const {
  const persistence::verify_target* newest = nullptr; // rows rise with the incarnations
  for (const auto& t : twins)
    if (actors::split_key(t.id).id == id && !deleted.contains({t.shard, t.row}) &&
        (newest == nullptr || t.row > newest->row))
      newest = &t;
  if (newest == nullptr) return failure{errc::not_found, "no twin " + id};
  return *newest;
}

result<std::unique_ptr<offline_storage>> open_offline(const std::string& data,
                                                      const std::string& glob) {
  if (!std::filesystem::exists(data + "/log"))
    return failure{errc::not_found, "no journal in " + data};
  auto s = std::make_unique<offline_storage>();
  persistence::leveldb_log_options log_options;
  log_options.folder = data + "/log";
  log_options.shards = 0; // whatever is stored
  log_options.min_free_bytes = 0;
  auto journal = persistence::open_leveldb_log(log_options);
  if (!journal) return journal.error();
  s->journal = std::move(*journal);
  persistence::leveldb_store_options store_options;
  store_options.folder = data + "/store";
  auto tables = persistence::open_leveldb_store(store_options);
  if (!tables) return tables.error();
  s->tables = std::move(*tables);
  if (std::filesystem::is_directory(data + "/history")) {
    auto cold = persistence::cold_folder::open(data + "/history");
    if (!cold) return cold.error();
    s->tables->set_cold_source(std::move(*cold));
  }
  auto models = s->tables->models();
  if (!models) return models.error();
  for (const auto& row : *models) {
    auto parsed = messages::parse_model(row.json, "stored model " + row.name);
    if (!parsed) return parsed.error();
    s->models.add_stored(*parsed, row.hash);
  }
  if (glob.empty()) return s;
  if (auto found = find_twins(*s, glob); !found) return found.error();
  return s;
}

} // namespace pollux::supervision
