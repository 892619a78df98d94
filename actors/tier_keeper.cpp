// SPDX-License-Identifier: Apache-2.0
#include "actors/tier_keeper.hpp"
#include "actors/retention_rules.hpp"
#include "messages/observability/log.hpp"
#include "persistence/id_search.hpp"

namespace pollux::actors {

namespace {

namespace logging = messages::log;
using clock = std::chrono::steady_clock;
constexpr auto slice_length = std::chrono::milliseconds{20};
constexpr int rest_share = 4; // times as long as a slice took
constexpr auto between_looks = std::chrono::seconds{60};
constexpr auto after_trouble = std::chrono::seconds{60};
constexpr std::size_t quarantine_page = 1000;

persistence::tiering_options options_of(const tier_surroundings& with) {
  persistence::tiering_options o;
  o.shards = with.journal->shards();
  o.rules = [tables = with.tables, models = with.models](std::uint32_t shard) {
    return retention_rules_of(*tables, *models, shard);
  };
  return o;
}

/// Topics name a twin by their levels, and mostly without its namespace.
bool has_level(std::string_view topic, std::string_view name) {
  for (std::size_t begin = 0; begin <= topic.size();) {
    const auto end = std::min(topic.find('/', begin), topic.size());
    if (topic.substr(begin, end - begin) == name) return true;
    begin = end + 1;
  }
  return false;
}

/// Quarantined records that name the twin.
result<std::uint64_t> erase_quarantined(persistence::store& tables,
                                        const persistence::id_pattern& wanted) {
  const auto name = std::string_view(wanted.id()).substr(wanted.id().find(':') + 1);
  std::uint64_t erased = 0, after = 0;
  for (;;) {
    const auto page = tables.quarantine_page(after, quarantine_page);
    if (!page) return page.error();
    for (const auto& row : *page) {
      after = row.id;
      if (!has_level(row.record.topic, name) && !wanted.in(row.record.topic) &&
          !wanted.in(row.record.payload) && !wanted.in(row.record.detail))
        continue;
      if (auto s = tables.erase_quarantine(row.id); !s) return s.error();
      ++erased;
    }
    if (page->size() < quarantine_page) return erased;
  }
}

} // namespace

tier_keeper::tier_keeper(tier_surroundings with)
    : with_(std::move(with)), tiers_(*with_.tables, with_.files, options_of(with_)) {
  static constexpr const char* names[] = {"hot", "warm", "cold"};
  auto& m = *with_.metrics;
  for (std::size_t t = 0; t < 3; ++t) {
    const messages::labels l{{"tier", names[t]}};
    blocks_[t] = &m.make_gauge("pollux_tier_blocks", "History blocks by tier", l);
    bytes_[t] = &m.make_gauge("pollux_tier_bytes", "Bytes of history by tier", l);
    readings_[t] = &m.make_gauge("pollux_tier_readings", "Readings in history by tier", l);
  }
  moved_ = &m.make_counter("pollux_tier_moved_readings_total",
                           "Readings written anew by moves between the tiers");
  expired_ = &m.make_counter("pollux_tier_expired_inputs_total",
                             "Inputs that went because they were older than kept");
  skipped_ = &m.make_counter("pollux_tier_skipped_total",
                             "Twins and cold files that could not be moved for damage");
  seconds_ = &m.make_histogram("pollux_tier_move_seconds", "Time of a slice of moving");
}

void tier_keeper::wake_dirty() {
  const auto now = clock::now();
  for (auto shard = dirty_.begin(); shard != dirty_.end();) {
    auto& looked = looked_[*shard];
    if (looked != clock::time_point{} && now - looked < between_looks) {
      ++shard;
      continue;
    }
    looked = now;
    tiers_.sealed(*shard);
    shard = dirty_.erase(shard);
  }
}

std::optional<std::chrono::milliseconds> tier_keeper::slice() {
  const auto began = clock::now();
  if (began < rest_until_) return {};
  wake_dirty();
  const auto skipped = tiers_.counts().skipped;
  const auto more = tiers_.step(with_.now(), slice_length);
  const auto took = clock::now() - began;
  tell_metrics(std::chrono::duration<double>(took).count());
  if (!more) {
    logging::warning("retention", "history could not be moved; it stays where it is",
                     {{"why", more.error().what}});
    rest_until_ = clock::now() + after_trouble;
    return {};
  }
  if (tiers_.counts().skipped != skipped)
    logging::warning("retention", "damaged history was passed over",
                     {{"why", tiers_.last_trouble()}});
  if (!*more) return {};
  return std::chrono::duration_cast<std::chrono::milliseconds>(rest_share * took) +
         std::chrono::milliseconds{1};
}

void tier_keeper::tell_metrics(double seconds) {
  const auto& now = tiers_.counts();
  for (std::size_t t = 0; t < 3; ++t) {
    const auto& total = tiers_.totals()[t];
    blocks_[t]->set(static_cast<double>(total.blocks));
    bytes_[t]->set(static_cast<double>(total.bytes));
    readings_[t]->set(static_cast<double>(total.readings));
  }
  if (now.switches != told_.switches) seconds_->observe(seconds);
  moved_->add(now.moved_readings - told_.moved_readings);
  expired_->add(now.expired_inputs - told_.expired_inputs);
  skipped_->add(now.skipped - told_.skipped);
  told_ = now;
}

result<persistence::erasure> tier_keeper::erase(persistence::erasure what) {
  what.stands = persistence::erasure::state::erasing;
  if (auto s = persistence::put_erasure(*with_.tables, what); !s) return s.error();
  auto batch = with_.tables->batch();
  std::vector<std::string> others;
  for (const auto row : what.rows) {
    persistence::registry_row blank;
    blank.row = row;
    blank.id = "erased:" + what.sha256 + "." + std::to_string(row);
    blank.deleted = true;
    batch->put_registry(what.shard, blank);
    auto s = with_.tables->each_block_info(what.shard, row, true, [&](const auto& b) {
      what.chain_heads.push_back(persistence::to_hex(b.chain));
      return false;
    });
    if (!s && s.error().code != errc::corrupt) return s.error();
    const auto gone = with_.tables->erase_twin(what.shard, row);
    if (!gone) return gone.error();
    what.counts.blocks += gone->blocks;
    what.counts.inputs += gone->inputs;
    what.counts.snapshots += gone->snapshots;
    what.counts.alerts += gone->alerts;
    what.counts.outbox += gone->outbox;
    // counted before the files are written anew: a call that is cut off there goes on counting
    if (auto kept = persistence::put_erasure(*with_.tables, what); !kept) return kept.error();
    const auto files = tiers_.purge(what.shard, row);
    if (!files) return files.error();
    what.files_rewritten += *files;
  }
  for (std::uint32_t shard = 0; shard < with_.inlet->shards(); ++shard)
    with_.inlet->with_directory(shard, [&](shard_directory& d) {
      for (std::uint32_t row = 0; row < d.size(); ++row)
        if (d.key(row).find(what.id) != std::string_view::npos &&
            split_key(d.key(row)).id != what.id)
          others.emplace_back(d.key(row));
    });
  const auto quarantined =
      erase_quarantined(*with_.tables, persistence::id_pattern(what.id, std::move(others)));
  if (!quarantined) return quarantined.error();
  what.quarantined += *quarantined;
  if (auto s = with_.tables->write(*batch, true); !s) return s.error();
  with_.inlet->with_directory(what.shard, [&](shard_directory& d) {
    for (const auto row : what.rows)
      if (row < d.size()) d.forget(row, "erased:" + what.sha256 + "." + std::to_string(row));
  });
  for (auto at = what.reason.find(what.id); at != what.reason.npos; at = what.reason.find(what.id))
    what.reason.replace(at, what.id.size(), "(the twin)");
  what.stands = persistence::erasure::state::compacting;
  what.id.clear();
  if (auto s = persistence::put_erasure(*with_.tables, what); !s) return s.error();
  return what;
}

status tier_keeper::resume_erasures() {
  const auto known = persistence::erasures_in(*with_.tables);
  if (!known) return known.error();
  for (auto e : *known) {
    if (e.stands == persistence::erasure::state::erasing) {
      auto rows = erase(std::move(e));
      if (!rows) return rows.error();
      e = std::move(*rows);
    }
    if (e.stands != persistence::erasure::state::compacting) continue;
    const auto done = finish_erasure(*with_.journal, *with_.tables, std::move(e));
    if (!done) return done.error();
    logging::info("retention", "an erasure that was cut off is complete",
                  {{"sha256", done->sha256}});
  }
  return {};
}

result<persistence::erasure> finish_erasure(persistence::log& journal, persistence::store& tables,
                                            persistence::erasure what) {
  if (auto s = tables.compact(); !s) return s.error();
  if (auto s = journal.compact(); !s) return s.error();
  what.stands = persistence::erasure::state::done;
  if (auto s = persistence::put_erasure(tables, what); !s) return s.error();
  return what;
}

} // namespace pollux::actors
