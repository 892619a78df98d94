// SPDX-License-Identifier: Apache-2.0
// Recovery of a host's shards (decision 11): rows and snapshot heads, shard-wide inputs, then the
// log's tail through the very path of live input. Independent of the length of history.
#include "actors/shard_host.hpp"
#include "messages/observability/log.hpp"
#include "persistence/history.hpp"
#include <algorithm>

namespace pollux::actors {

void shard_host::recover() {
  started_ns_ = options_.now();
  for (auto& shard : shards_) recover_shard(*shard);
  recovered_all_ = true;
}

// Shard-wide inputs that sealing has moved out of the log.
void shard_host::recover_wide(hosted_shard& shard) {
  auto read = with_.tables->each_block(
      shard.number, persistence::shard_wide_row, {}, [&](std::string_view block) {
        auto decoded = persistence::decode_any_block(block, [&](const domain::input& in) {
          if (in.kind == domain::input_kind::input_skipped) shard.skipped.insert(in.skipped);
          messages::segment_builder alone;
          alone.add(messages::no_row, {}, in);
          shard.wide.push_back({alone.finish(), 0, in.id});
        });
        if (!decoded)
          messages::log::error("recovery", "a block of shard-wide inputs is damaged",
                               {{"shard", shard.number}, {"why", decoded.error().what}});
        return true;
      });
  if (!read)
    messages::log::error("recovery", "shard-wide inputs cannot be read",
                         {{"shard", shard.number}, {"why", read.error().what}});
}

void shard_host::recover_shard(hosted_shard& shard) {
  recover_wide(shard);
  const auto known = with_.inlet->with_directory(shard.number, [](shard_directory& d) {
    std::vector<bool> deleted;
    for (std::uint32_t row = 0; row < d.size(); ++row) deleted.push_back(d.deleted(row));
    return deleted;
  });
  if (shard.rows.size() < known.size()) shard.rows.resize(known.size());
  const auto wide_before = [&](domain::input_id id) {
    return static_cast<std::uint32_t>(
        std::ranges::upper_bound(shard.wide, id, {}, &wide_input::id) - shard.wide.begin());
  };
  auto heads =
      with_.tables->each_snapshot_head(shard.number, [&](const persistence::snapshot_head& h) {
        auto& row = row_at(shard, h.row);
        row.last = row.stored = h.at;
        row.wide_seen = wide_before(h.at);
        row.due_ns = h.next_wakeup_ns;
        row.timer = h.timer;
        row.generation = h.generation;
        arm({shard.number, h.row}, row.due_ns, row.timer);
        ++recovered_;
      });
  if (!heads)
    messages::log::error("recovery", "snapshot heads cannot be read",
                         {{"shard", shard.number}, {"why", heads.error().what}});

  // Skips first: the input that crashed its twin comes before the record that says so.
  auto scan_skips =
      with_.journal->scan(shard.number, {}, [&](const persistence::positioned_segment& s) {
        domain::input in;
        for (std::uint32_t i = 0; i < s.content->entries().size(); ++i) {
          if (s.content->entries()[i].kind != domain::input_kind::input_skipped) continue;
          s.content->decode(i, s.at, in);
          shard.skipped.insert(in.skipped);
        }
        return true;
      });
  if (!scan_skips)
    messages::log::error("recovery", "the log's tail is damaged",
                         {{"shard", shard.number}, {"why", scan_skips.error().what}});

  std::size_t taken = 0;
  auto scanned =
      with_.journal->scan(shard.number, {}, [&](const persistence::positioned_segment& s) {
        auto& segment =
            const_cast<messages::segment&>(*s.content); // fresh from the log, not yet shared
        segment.rows.clear();
        with_.inlet->with_directory(shard.number, [&](shard_directory& d) {
          for (const auto key : segment.twins()) {
            auto row = d.find_key(key);
            // The registry's last rows may be lost with the power; the log's order gives them the
            // same numbers.
            if (row == unknown_row) row = d.add(key);
            segment.rows.push_back(row);
          }
        });
        take_segment(shard, s);
        if (++taken % 64 == 0) send_pending();
        return true;
      });
  send_pending();
  if (!scanned)
    messages::log::error("recovery", "the log's tail cannot be read",
                         {{"shard", shard.number}, {"why", scanned.error().what}});
  for (std::uint32_t row = 0; row < known.size(); ++row)
    if (known[row] && shard.rows[row].mode == row_mode::asleep)
      shard.rows[row].mode = row_mode::gone;
}

} // namespace pollux::actors
