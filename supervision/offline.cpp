// SPDX-License-Identifier: Apache-2.0
#include "supervision/offline.hpp"
#include "actors/directory.hpp"
#include "supervision/offline_storage.hpp"
#include <algorithm>
#include <vector>

namespace pollux::supervision {

result<persistence::verify_report>
verify_offline(const std::string& data, const std::string& glob,
               const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  auto opened = open_offline(data, glob);
  if (!opened) return opened.error();
  auto& s = **opened;
  persistence::verify_report report;
  std::uint64_t done = 0;
  for (const auto& target : s.twins) {
    auto verified = persistence::verify_twin(*s.journal, *s.tables, s.models, target, {}, report);
    if (!verified) {
      ++report.findings_total;
      if (report.findings.size() < 1000)
        report.findings.push_back({target.id, verified.error().what});
    }
    ++done;
    if (progress) progress(done, s.twins.size());
  }
  return report;
}

result<std::uint64_t> count_readings_offline(const std::string& data) {
  auto opened = open_offline(data, "*");
  if (!opened) return opened.error();
  auto& s = **opened;
  std::uint64_t readings = 0;
  // A shard's sealed inputs may still be in its untrimmed tail: what a twin's blocks cover does not
  // count again.
  std::vector<std::vector<domain::input_id>> sealed(s.journal->shards());
  for (const auto& t : s.twins) {
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
    for (const auto& t : s.twins)
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
