// SPDX-License-Identifier: Apache-2.0
#include "supervision/storage.hpp"
#include "actors/directory.hpp"
#include <filesystem>

namespace pollux::supervision {

result<storage> open_storage(const config::settings& settings) {
  std::error_code error;
  std::filesystem::create_directories(settings.node.data, error);
  if (error) return failure{errc::io, "data folder " + settings.node.data + ": " + error.message()};
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

status load_directory(const persistence::store& tables, actors::intake& inlet) {
  status outcome;
  for (std::uint32_t shard = 0; shard < inlet.shards() && outcome; ++shard) {
    auto read = tables.each_registry(shard, [&](const persistence::registry_row& row) {
      inlet.with_directory(shard, [&](actors::shard_directory& d) {
        const auto key = actors::journal_key(row.id, row.incarnation);
        if (d.find_key(key) != actors::unknown_row) return;
        if (d.add(key) != row.row)
          outcome = failure{errc::corrupt, "registry of shard " + std::to_string(shard) + ": row " +
                                               std::to_string(row.row) + " is out of order"};
        if (row.deleted) d.mark_deleted(row.row);
      });
    });
    if (!read) return read;
  }
  return outcome;
}

} // namespace pollux::supervision
