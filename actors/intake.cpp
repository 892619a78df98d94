// SPDX-License-Identifier: Apache-2.0
// The inboxes: what doors submit, the credits it borrows, twins that come and go.
#include "actors/intake.hpp"
#include "actors/stage_metrics.hpp"
#include "domain/base/twin_id.hpp"
#include "messages/hash.hpp"

namespace pollux::actors {

intake::intake(persistence::log& journal, persistence::store& tables, const model_catalog& models,
               messages::metrics& metrics, intake_options options)
    : log_(journal), store_(tables), models_(models), options_(options),
      dirty_((journal.shards() + 63) / 64),
      stored_readings_(metrics.make_counter("pollux_journal_readings_total",
                                            "Readings committed to the log since the start")),
      stored_inputs_(metrics.make_counter(
          "pollux_journal_inputs_total",
          "Inputs committed to the log since the start, readings and all others")),
      flushes_(metrics.make_counter("pollux_journal_flushes_total", "Batches written to the log")),
      refused_(
          metrics.make_counter("pollux_inlet_refused_total",
                               "Inputs the inlet did not take: no credit, or the journal refuses")),
      lost_(
          metrics.make_counter("pollux_journal_unwritten_inputs_total",
                               "Inputs in batches the log could not write; none was acknowledged")),
      commit_seconds_(metrics.make_histogram("pollux_journal_commit_seconds",
                                             "Time to write one batch to the log")),
      sync_seconds_(
          metrics.make_histogram("pollux_journal_sync_seconds", "Time of one fsync of the log")),
      ingest_to_journal_(stage_seconds(metrics, "ingest_to_journal")) {
  for (std::uint32_t i = 0; i < journal.shards(); ++i)
    inboxes_.push_back(std::make_unique<inbox>());
  export_gauges(metrics);
}

intake::~intake() { stop(); }

result<std::uint32_t> intake::create(inbox& box, std::uint32_t shard, std::string_view id,
                                     std::string_view model_name, std::int64_t ingest_time_ns) {
  if (auto parts = parse_twin_id(id); !parts) return parts.error();
  if (model_name.empty())
    return failure{errc::not_found, "no twin " + std::string{id} +
                                        ", and its mapping names no model to create it from"};
  const auto model = models_.ruling(model_name, id);
  if (!model)
    return failure{errc::not_found, "no model " + std::string{model_name} + " to create twin " +
                                        std::string{id} + " from"};
  const auto incarnation = box.directory.next_incarnation(id);
  const auto row = box.directory.add(journal_key(id, incarnation));
  domain::input made;
  made.kind = domain::input_kind::twin_created;
  made.ingest_time_ns = ingest_time_ns;
  made.model_hash = model->hash;
  made.model_name = model->name;
  made.incarnation = incarnation;
  box.builder.add(row, box.directory.key(row), made);
  {
    std::lock_guard lock{rows_mutex_};
    new_rows_.emplace_back(shard,
                           persistence::registry_row{row, std::string{id}, incarnation, model->name,
                                                     model->hash, ingest_time_ns, false});
  }
  return row;
}

result<messages::ticket> intake::submit(std::string_view id, std::string_view create_as,
                                        const domain::input& in) {
  if (closed_.load(std::memory_order_relaxed))
    return failure{errc::unavailable, "the node is stopping"};
  if (broken_.load(std::memory_order_relaxed)) {
    if (auto state = log_.state(); !state.writable) {
      refused_.add();
      return failure{errc::no_space, "the journal refuses writes: " + state.why};
    }
    broken_.store(false, std::memory_order_relaxed);
  }
  if (!has_credit()) {
    refused_.add();
    paused_.store(true, std::memory_order_relaxed);
    return failure{errc::overloaded,
                   "the inlet's credits ran dry; try again when the twins have caught up"};
  }
  const auto shard = messages::shard_of(id, shards());
  auto& box = *inboxes_[shard];
  std::lock_guard lock{box.mutex};
  auto row = box.directory.find_living(id);
  const auto before = box.builder.size_bytes();
  if (row == unknown_row) {
    auto made = create(box, shard, id, create_as, in.ingest_time_ns);
    if (!made) return made.error();
    row = *made;
  }
  if (box.first_ns == 0) box.first_ns = in.ingest_time_ns;
  box.builder.add(row, box.directory.key(row), in);
  return entered(box, shard, box.builder.size_bytes() - before);
}

result<messages::ticket> intake::submit_shard_wide(std::uint32_t shard, const domain::input& in) {
  if (closed_.load(std::memory_order_relaxed))
    return failure{errc::unavailable, "the node is stopping"};
  auto& box = *inboxes_[shard];
  std::lock_guard lock{box.mutex};
  const auto before = box.builder.size_bytes();
  box.builder.add(messages::no_row, {}, in);
  return entered(box, shard, box.builder.size_bytes() - before);
}

// Called under the shard's lock, after the builder took the input. The bit comes before the ticket:
// a flush that has read next_ticket_ with this ticket in it finds the bit, or waits for the lock in
// an earlier drain that took it; never does a ticket count as written while its input is here.
result<messages::ticket> intake::entered(inbox& box, std::uint32_t shard, std::size_t bytes) {
  box.lent_bytes += bytes;
  box.lent_inputs += 1;
  used_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  used_inputs_.fetch_add(1, std::memory_order_relaxed);
  auto& word = dirty_[shard / 64];
  const auto bit = std::uint64_t{1} << (shard % 64);
  if (!(word.load(std::memory_order_relaxed) & bit)) word.fetch_or(bit, std::memory_order_acq_rel);
  const messages::ticket mine{next_ticket_.fetch_add(1, std::memory_order_acq_rel) + 1};
  if (tick_idle_.load(std::memory_order_acquire)) wake_tick();
  return mine;
}

bool intake::has_credit() const {
  return used_bytes_.load(std::memory_order_relaxed) < options_.inbox_bytes &&
         used_inputs_.load(std::memory_order_relaxed) < options_.inbox_inputs;
}

bool intake::accepting() const {
  if (!paused_.load(std::memory_order_relaxed)) return true;
  const auto bytes = used_bytes_.load(std::memory_order_relaxed),
             inputs = used_inputs_.load(std::memory_order_relaxed);
  if (bytes > options_.inbox_bytes / 2 || inputs > options_.inbox_inputs / 2) return false;
  if (!log_.state().writable) return false;
  paused_.store(false, std::memory_order_relaxed);
  return true;
}

result<std::uint32_t> intake::remove(std::string_view id, std::int64_t ingest_time_ns) {
  if (closed_.load(std::memory_order_relaxed))
    return failure{errc::unavailable, "the node is stopping"};
  const auto shard = messages::shard_of(id, shards());
  auto& box = *inboxes_[shard];
  std::lock_guard lock{box.mutex};
  const auto row = box.directory.find_living(id);
  if (row == unknown_row) return failure{errc::not_found, "no twin " + std::string{id}};
  const auto key = box.directory.key(row);
  domain::input gone;
  gone.kind = domain::input_kind::twin_deleted;
  gone.ingest_time_ns = ingest_time_ns;
  gone.incarnation = split_key(key).incarnation;
  const auto before = box.builder.size_bytes();
  box.builder.add(row, key, gone);
  box.directory.mark_deleted(row);
  {
    std::lock_guard rows{rows_mutex_};
    new_rows_.emplace_back(
        shard, persistence::registry_row{
                   row, std::string{id}, gone.incarnation, {}, {}, ingest_time_ns, true});
  }
  if (auto mine = entered(box, shard, box.builder.size_bytes() - before); !mine)
    return mine.error();
  return row;
}

std::uint32_t intake::row_of_key(std::uint32_t shard, std::string_view key) const {
  std::lock_guard lock{inboxes_[shard]->mutex};
  return inboxes_[shard]->directory.find_key(key);
}

std::uint64_t intake::twins() const {
  std::uint64_t all = 0;
  for (const auto& box : inboxes_) {
    std::lock_guard lock{box->mutex};
    all += box->directory.living();
  }
  return all;
}

} // namespace pollux::actors
