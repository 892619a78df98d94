// SPDX-License-Identifier: Apache-2.0
#include "persistence/journal_stats.hpp"
#include "domain/base/time.hpp"
#include "persistence/history.hpp"
#include "persistence/leveldb_log.hpp"
#include "persistence/leveldb_store.hpp"
#include "persistence/shard_cut.hpp"
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace pollux::persistence {

namespace {

using json = nlohmann::json;

constexpr std::array tier_names{"hot", "warm", "cold"};

status count_tables(database& of, const std::string& name,
                    std::map<std::string, table_amount>& into) {
  const auto db = of.acquire();
  if (!db) return failure{errc::unavailable, name + ": closed after a failure"};
  const auto rows = db.iterate();
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    auto& table = into[name + "/" + std::string(rows->key().data(), rows->key().empty() ? 0 : 1)];
    ++table.rows;
    table.bytes += rows->key().size() + rows->value().size();
  }
  return to_status(rows->status(), "reading the " + name);
}

/// Rows of the first format say neither readings nor values nor bytes; the block does.
block_info completed(const leveldb_store& tables, std::uint32_t shard, std::uint32_t row,
                     block_info info) {
  if (info.bytes > 0 || info.kept == tier::cold) return info;
  if (const auto bytes = tables.block(shard, row, info.first)) {
    info.bytes = bytes->size();
    if (const auto head = read_block_header(*bytes)) {
      info.readings = head->readings;
      info.values = head->values;
    }
  }
  return info;
}

json describe(const history_amount& a) {
  json out{{"blocks", a.blocks}, {"inputs", a.inputs}, {"readings", a.readings},
           {"values", a.values}, {"bytes", a.bytes},   {"bytes_per_value", nullptr},
           {"oldest", nullptr},  {"newest", nullptr}};
  if (a.values > 0)
    out["bytes_per_value"] = static_cast<double>(a.bytes) / static_cast<double>(a.values);
  if (a.oldest_ns <= a.newest_ns) {
    out["oldest"] = format_rfc3339(a.oldest_ns);
    out["newest"] = format_rfc3339(a.newest_ns);
  }
  return out;
}

json describe(const std::array<history_amount, 3>& tiers) {
  json out = json::object();
  for (std::size_t i = 0; i < tiers.size(); ++i)
    if (tiers[i].blocks > 0) out[tier_names[i]] = describe(tiers[i]);
  return out;
}

} // namespace

result<journal_stats> count_journal(const log& journal, const store& tables, bool by_twin,
                                    const std::function<bool(std::uint32_t)>& each_shard) {
  const auto* tail = dynamic_cast<const leveldb_log*>(&journal);
  const auto* rows = dynamic_cast<const leveldb_store*>(&tables);
  if (tail == nullptr || rows == nullptr)
    return failure{errc::invalid_argument, "statistics: only of a folder"};
  journal_stats out;
  out.shards = journal.shards();
  std::set<std::uint64_t> files;
  for (std::uint32_t shard = 0; shard < out.shards; ++shard) {
    std::map<std::uint32_t, twin_amount> twins;
    auto s = tables.each_registry(shard, [&](const registry_row& r) {
      ++(r.deleted ? out.deleted_twins : out.twins);
      if (by_twin)
        twins[r.row].key = r.incarnation == 1 ? r.id : r.id + "#" + std::to_string(r.incarnation);
    });
    if (!s && s.error().code != errc::corrupt) return s.error();
    s = each_indexed_block(*rows, shard, [&](std::uint32_t row, const block_info& b) {
      const auto info = completed(*rows, shard, row, b);
      const auto at = static_cast<std::size_t>(info.kept);
      if (at >= out.tiers.size()) return;
      out.tiers[at].add(info);
      if (info.kept == tier::cold) files.insert(info.file);
      if (const auto known = twins.find(row); known != twins.end())
        known->second.tiers[at].add(info);
    });
    if (!s) return s.error();
    s = journal.scan(shard, {}, [&](const positioned_segment& p) {
      ++out.tail_segments;
      out.tail_inputs += p.content->entries().size();
      out.tail_readings += p.content->readings();
      out.tail_bytes += p.content->bytes().size();
      return true;
    });
    if (!s && s.error().code != errc::corrupt) return s.error();
    for (auto& [row, amount] : twins) out.by_twin.push_back(std::move(amount));
    if (each_shard && !each_shard(shard + 1)) return failure{errc::unavailable, "given up"};
  }
  auto s = tables.each_alert([&](const alert_row& a) {
    ++out.incidents;
    out.transitions += a.transitions.size();
    return true;
  });
  if (!s && s.error().code != errc::corrupt) return s.error();
  out.cold_files = files.size();
  if (s = count_tables(tail->rows(), "log", out.tables); !s) return s.error();
  if (s = count_tables(rows->rows(), "store", out.tables); !s) return s.error();
  return out;
}

std::string stats_document(const journal_stats& stats) {
  json out{{"shards", stats.shards},
           {"twins", stats.twins},
           {"deleted_twins", stats.deleted_twins},
           {"tiers", describe(stats.tiers)},
           {"tail",
            {{"segments", stats.tail_segments},
             {"inputs", stats.tail_inputs},
             {"readings", stats.tail_readings},
             {"bytes", stats.tail_bytes}}},
           {"alerts", {{"incidents", stats.incidents}, {"transitions", stats.transitions}}},
           {"cold_files", stats.cold_files},
           {"tables", json::object()}};
  history_amount all;
  for (const auto& t : stats.tiers) {
    all.blocks += t.blocks;
    all.inputs += t.inputs;
    all.readings += t.readings;
    all.values += t.values;
    all.bytes += t.bytes;
    all.oldest_ns = std::min(all.oldest_ns, t.oldest_ns);
    all.newest_ns = std::max(all.newest_ns, t.newest_ns);
  }
  out["history"] = describe(all);
  for (const auto& [name, t] : stats.tables)
    out["tables"][name] = {{"rows", t.rows}, {"bytes", t.bytes}};
  if (!stats.by_twin.empty()) out["by_twin"] = json::array();
  for (const auto& t : stats.by_twin)
    out["by_twin"].push_back({{"twin", t.key}, {"tiers", describe(t.tiers)}});
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace pollux::persistence
