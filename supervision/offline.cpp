// SPDX-License-Identifier: Apache-2.0
#include "supervision/offline.hpp"
#include "actors/directory.hpp"
#include "actors/glob.hpp"
#include "actors/models.hpp"
#include "messages/model_codec.hpp"
#include <filesystem>
#include <vector>

namespace pollux::supervision {

namespace {

struct storage {
  std::unique_ptr<persistence::log> journal;
  std::unique_ptr<persistence::store> tables;
  actors::model_catalog models;
  std::vector<persistence::verify_target> targets;
};

// Rows the registry lost with the power are in the log, in the order of their numbers.
status add_tail_rows(storage& s, std::uint32_t shard, actors::shard_directory& known) {
  return s.journal->scan(shard, {}, [&](const persistence::positioned_segment& segment) {
    for (const auto key : segment.content->twins())
      if (known.find_key(key) == actors::unknown_row)
        s.targets.push_back({shard, known.add(key), std::string{key}});
    return true;
  });
}

status find_twins(storage& s, const std::string& glob) {
  for (std::uint32_t shard = 0; shard < s.journal->shards(); ++shard) {
    actors::shard_directory known;
    auto read = s.tables->each_registry(shard, [&](const persistence::registry_row& row) {
      const auto key = actors::journal_key(row.id, row.incarnation);
      if (known.find_key(key) != actors::unknown_row) return;
      s.targets.push_back({shard, known.add(key), key});
    });
    if (!read) return read;
    if (auto tail = add_tail_rows(s, shard, known); !tail) return tail;
  }
  std::erase_if(s.targets, [&](const auto& t) {
    return !actors::matches_glob(glob.empty() ? "*" : glob, actors::split_key(t.id).id);
  });
  return {};
}

result<std::unique_ptr<storage>> open_storage(const std::string& data, const std::string& glob) {
  if (!std::filesystem::exists(data + "/log"))
    return failure{errc::not_found, "no journal in " + data};
  auto s = std::make_unique<storage>();
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
  auto models = s->tables->models();
  if (!models) return models.error();
  for (const auto& row : *models) {
    auto parsed = messages::parse_model(row.json, "stored model " + row.name);
    if (!parsed) return parsed.error();
    s->models.add(*parsed);
  }
  if (auto found = find_twins(*s, glob); !found) return found.error();
  return s;
}

} // namespace

result<persistence::verify_report>
verify_offline(const std::string& data, const std::string& glob,
               const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  auto opened = open_storage(data, glob);
  if (!opened) return opened.error();
  auto& s = **opened;
  persistence::verify_report report;
  std::uint64_t done = 0;
  for (const auto& target : s.targets) {
    auto verified = persistence::verify_twin(*s.journal, *s.tables, s.models, target, {}, report);
    if (!verified) {
      ++report.findings_total;
      if (report.findings.size() < 1000)
        report.findings.push_back({target.id, verified.error().what});
    }
    ++done;
    if (progress) progress(done, s.targets.size());
  }
  return report;
}

result<std::uint64_t> count_readings_offline(const std::string& data) {
  auto opened = open_storage(data, "*");
  if (!opened) return opened.error();
  auto& s = **opened;
  std::uint64_t readings = 0;
  // A shard's sealed inputs may still be in its untrimmed tail: what a twin's blocks cover does not
  // count again.
  std::vector<std::vector<domain::input_id>> sealed(s.journal->shards());
  for (const auto& t : s.targets) {
    auto& upto = sealed[t.shard];
    if (upto.size() <= t.row) upto.resize(t.row + 1);
    auto read = s.tables->each_block_info(t.shard, t.row, false, [&](const auto& b) {
      upto[t.row] = std::max(upto[t.row], b.last);
      readings += b.readings;
      if (b.bytes > 0) return true;
      // an index row of the first format does not count them
      if (auto block = s.tables->block(t.shard, t.row, b.first))
        if (auto header = persistence::read_block_header(*block)) readings += header->readings;
      return true;
    });
    if (!read) return read.error();
  }
  for (std::uint32_t shard = 0; shard < s.journal->shards(); ++shard) {
    actors::shard_directory rows;
    for (const auto& t : s.targets)
      if (t.shard == shard) rows.add(t.id);
    auto read = s.journal->scan(shard, {}, [&](const persistence::positioned_segment& segment) {
      const auto& entries = segment.content->entries();
      for (std::uint32_t i = 0; i < entries.size(); ++i) {
        if (entries[i].twin == messages::shard_wide_twin) continue;
        const auto row = rows.find_key(segment.content->twins()[entries[i].twin]);
        const domain::input_id id{segment.at, i};
        if (row == actors::unknown_row || row >= sealed[shard].size() || sealed[shard][row] < id)
          readings += entries[i].readings;
      }
      return true;
    });
    if (!read) return read.error();
  }
  return readings;
}

} // namespace pollux::supervision
