// SPDX-License-Identifier: Apache-2.0
#include "supervision/storage.hpp"
#include "actors/directory.hpp"
#include "messages/observability/log.hpp"
#include "persistence/durable_folder.hpp"
#include "persistence/whole_registry.hpp"

namespace pollux::supervision {

result<storage> open_storage(const config::settings& settings) {
  if (auto made = persistence::make_folder(settings.node.data); !made)
    return made.error().within("data folder");
  storage out;
  persistence::leveldb_log_options log_options;
  log_options.folder = settings.node.data + "/log";
  log_options.shards = settings.node.shards;
  log_options.min_free_bytes = settings.journal.min_free_bytes;
  auto journal = persistence::open_leveldb_log(log_options);
  if (!journal) return journal.error();
  out.journal = std::move(*journal);
  persistence::leveldb_store_options store_options;
  store_options.folder = settings.node.data + "/store";
  auto tables = persistence::open_leveldb_store(store_options);
  if (!tables) return tables.error();
  out.tables = std::move(*tables);
  auto files = persistence::cold_folder::open(settings.node.data + "/history");
  if (!files) return files.error();
  out.files = std::move(*files);
  out.tables->set_cold_source(out.files);
  return out;
}

status load_directory(const persistence::log& journal, persistence::store& tables,
                      actors::intake& inlet) {
  auto batch = tables.batch();
  std::uint64_t restored = 0;
  for (std::uint32_t shard = 0; shard < inlet.shards(); ++shard) {
    auto registry = persistence::whole_registry(journal, tables, shard);
    if (!registry) return registry.error();
    inlet.with_directory(shard, [&](actors::shard_directory& d) {
      for (const auto& row : registry->rows) {
        d.add(actors::journal_key(row.id, row.incarnation));
        if (row.deleted) d.mark_deleted(row.row);
      }
    });
    for (const auto& row : registry->restored) batch->put_registry(shard, row);
    restored += registry->restored.size();
  }
  if (restored == 0) return {};
  messages::log::warning("storage", "twins of the registry were lost and are known again",
                         {{"twins", restored}});
  return tables.write(*batch, true);
}

} // namespace pollux::supervision
