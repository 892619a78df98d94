// SPDX-License-Identifier: Apache-2.0
#include "persistence/cut.hpp"
#include "persistence/shard_cut.hpp"

namespace pollux::persistence {

namespace {

status drop_quarantined(leveldb_store& tables, std::int64_t to_ns, cut_report& report) {
  std::uint64_t after = 0;
  while (true) {
    const auto page = tables.quarantine_page(after, 1000);
    if (!page) return page.error();
    if (page->empty()) return {};
    for (const auto& row : *page) {
      after = row.id;
      if (row.record.ingest_time_ns <= to_ns) continue;
      if (auto s = tables.erase_quarantine(row.id); !s) return s;
      ++report.quarantined;
    }
  }
}

} // namespace

result<cut_report> cut_after(leveldb_log& journal, leveldb_store& tables,
                             const domain::model_source& models, std::int64_t to_ns) {
  cut_report report;
  for (std::uint32_t shard = 0; shard < journal.shards(); ++shard) {
    auto s = shard_cut(journal, tables, models, shard, to_ns, report).run();
    if (!s) return s.error().within("shard " + std::to_string(shard));
  }
  if (auto s = drop_quarantined(tables, to_ns, report); !s) return s.error();
  if (auto s = journal.sync(); !s) return s.error();
  auto batch = tables.batch();
  if (auto s = tables.write(*batch, true); !s) return s.error();
  return report;
}

} // namespace pollux::persistence
