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
  o.at_step = with.at_step;
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

result<std::uint64_t> erase_quarantined_of(persistence::store& tables,
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
  if (!cut_off_.empty() && began >= resume_at_) resume_some();
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

/// The record comes first: from there on the erasure is resumed. One that was begun before keeps
/// what it counted then.
result<persistence::erasure> tier_keeper::begin_erasure(persistence::erasure what) const {
  const auto known = persistence::erasures_in(*with_.tables);
  if (!known) return known.error();
  for (const auto& e : *known)
    if (e.sha256 == what.sha256 && e.at_ns == what.at_ns) return e;
  what.stands = persistence::erasure::state::erasing;
  for (const auto row : what.rows) {
    auto s = with_.tables->each_block_info(what.shard, row, true, [&](const auto& b) {
      what.chain_heads.push_back(persistence::to_hex(b.chain));
      return false;
    });
    if (!s && s.error().code != errc::corrupt) return s.error();
    const auto found = with_.tables->count_twin(what.shard, row);
    if (!found) return found.error();
    what.counts.blocks += found->blocks;
    what.counts.inputs += found->inputs;
    what.counts.snapshots += found->snapshots;
    what.counts.alerts += found->alerts;
    what.counts.outbox += found->outbox;
  }
  tell("erase: record");
  if (auto s = persistence::put_erasure(*with_.tables, what); !s) return s.error();
  return what;
}

/// Quarantined records that name the twin.
result<std::uint64_t> tier_keeper::erase_quarantined(const persistence::erasure& what) const {
  std::vector<std::string> others;
  for (std::uint32_t shard = 0; shard < with_.inlet->shards(); ++shard)
    with_.inlet->with_directory(shard, [&](shard_directory& d) {
      for (std::uint32_t row = 0; row < d.size(); ++row)
        if (d.key(row).find(what.id) != std::string_view::npos &&
            split_key(d.key(row)).id != what.id)
          others.emplace_back(d.key(row));
    });
  return erase_quarantined_of(*with_.tables, persistence::id_pattern(what.id, std::move(others)));
}

result<persistence::erasure> tier_keeper::erase(persistence::erasure order) {
  auto begun = begin_erasure(std::move(order));
  if (!begun || begun->stands != persistence::erasure::state::erasing) return begun;
  auto& what = *begun;
  auto batch = with_.tables->batch();
  const auto blank_id = [&](std::uint32_t row) {
    return "erased:" + what.sha256 + "." + std::to_string(row);
  };
  for (const auto row : what.rows) {
    persistence::registry_row blank;
    blank.row = row;
    blank.id = blank_id(row);
    blank.deleted = true;
    batch->put_registry(what.shard, blank);
    tell("erase: rows");
    if (const auto gone = with_.tables->erase_twin(what.shard, row); !gone) return gone.error();
    tell("erase: cold files");
    const auto files = tiers_.purge(what.shard, row);
    if (!files) return files.error();
    what.files_rewritten += *files;
  }
  tell("erase: quarantine");
  const auto quarantined = erase_quarantined(what);
  if (!quarantined) return quarantined.error();
  what.quarantined += *quarantined;
  tell("erase: its name");
  if (auto s = with_.tables->write(*batch, true); !s) return s.error();
  with_.inlet->with_directory(what.shard, [&](shard_directory& d) {
    for (const auto row : what.rows)
      if (row < d.size()) d.forget(row, blank_id(row));
  });
  for (auto at = what.reason.find(what.id); at != what.reason.npos; at = what.reason.find(what.id))
    what.reason.replace(at, what.id.size(), "(the twin)");
  what.stands = persistence::erasure::state::compacting;
  what.id.clear();
  tell("erase: record that the rows are gone");
  if (auto s = persistence::put_erasure(*with_.tables, what); !s) return s.error();
  return begun;
}

void tier_keeper::resume_erasures() {
  auto known = persistence::erasures_in(*with_.tables);
  if (!known) {
    logging::error("retention", "erasures that were cut off could not be read",
                   {{"why", known.error().what}});
    return;
  }
  for (auto& e : *known)
    if (e.stands != persistence::erasure::state::done) cut_off_.push_back(std::move(e));
  resume_some();
}

void tier_keeper::resume_some() {
  while (!cut_off_.empty()) {
    auto done = erase(cut_off_.front()); // nothing, if its rows are gone
    if (done) done = finish_erasure(*with_.journal, *with_.tables, std::move(*done), with_.at_step);
    if (!done) {
      logging::error("retention", "an erasure that was cut off could not be completed yet",
                     {{"why", done.error().what}});
      resume_at_ = clock::now() + after_trouble;
      return;
    }
    logging::info("retention", "an erasure that was cut off is complete",
                  {{"sha256", done->sha256}});
    cut_off_.erase(cut_off_.begin());
  }
}

result<persistence::erasure> finish_erasure(persistence::log& journal, persistence::store& tables,
                                            persistence::erasure what,
                                            const std::function<void(const char*)>& at_step) {
  const auto tell = [&](const char* step) {
    if (at_step) at_step(step);
  };
  tell("erase: write the store anew");
  if (auto s = tables.compact(); !s) return s.error();
  tell("erase: write the log anew");
  if (auto s = journal.compact(); !s) return s.error();
  what.stands = persistence::erasure::state::done;
  tell("erase: record the proof");
  if (auto s = persistence::put_erasure(tables, what); !s) return s.error();
  return what;
}

} // namespace pollux::actors
