// SPDX-License-Identifier: Apache-2.0
#include "actors/intake.hpp"
#include "domain/base/twin_id.hpp"
#include "messages/hash.hpp"
#include "messages/observability/log.hpp"
#include <bit>
#include <chrono>

namespace pollux::actors {

using namespace std::chrono;
namespace logging = messages::log;

namespace {
constexpr double heavy_load = 32'000; ///< inputs a second
constexpr auto sync_patience = 5s;
} // namespace

/// Lives in a segment; gives the credits back when the last twin has let go of it (decision 4).
struct intake::credit_return {
  intake& owner;
  std::uint64_t bytes, inputs;
  credit_return(intake& o, std::uint64_t b, std::uint64_t i) : owner(o), bytes(b), inputs(i) {}
  credit_return(const credit_return&) = delete;
  credit_return& operator=(const credit_return&) = delete;
  ~credit_return() {
    owner.used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    owner.used_inputs_.fetch_sub(inputs, std::memory_order_relaxed);
  }
};

intake::intake(persistence::log& journal, persistence::store& tables, const model_catalog& models,
               messages::metrics& metrics, intake_options options)
    : log_(journal), store_(tables), models_(models), options_(options),
      dirty_((journal.shards() + 63) / 64),
      stored_readings_(metrics.make_counter("pollux_journal_readings_total",
                                            "Readings committed to the log since the start")),
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
          metrics.make_histogram("pollux_journal_sync_seconds", "Time of one fsync of the log")) {
  for (std::uint32_t i = 0; i < journal.shards(); ++i)
    inboxes_.push_back(std::make_unique<inbox>());
  metrics.make_gauge_callback(
      "pollux_inlet_credit_used_inputs", "Inputs submitted and not yet applied by their twins",
      [this] { return static_cast<double>(used_inputs_.load(std::memory_order_relaxed)); });
  metrics.make_gauge_callback(
      "pollux_inlet_credit_used_bytes", "Bytes submitted and not yet applied by their twins",
      [this] { return static_cast<double>(used_bytes_.load(std::memory_order_relaxed)); });
}

intake::~intake() { stop(); }

result<std::uint32_t> intake::create(inbox& box, std::uint32_t shard, std::string_view id,
                                     std::string_view model_name, std::int64_t ingest_time_ns) {
  if (auto parts = parse_twin_id(id); !parts) return parts.error();
  if (model_name.empty())
    return failure{errc::not_found, "no twin " + std::string{id} +
                                        ", and its mapping names no model to create it from"};
  const auto model = models_.current(model_name);
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

// Called under the shard's lock, after the builder took the input: a flush that reads next_ticket_
// later than this will find the input when it drains the shard.
result<messages::ticket> intake::entered(inbox& box, std::uint32_t shard, std::size_t bytes) {
  box.lent_bytes += bytes;
  box.lent_inputs += 1;
  used_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  used_inputs_.fetch_add(1, std::memory_order_relaxed);
  const messages::ticket mine{next_ticket_.fetch_add(1, std::memory_order_acq_rel) + 1};
  auto& word = dirty_[shard / 64];
  const auto bit = std::uint64_t{1} << (shard % 64);
  if (!(word.load(std::memory_order_relaxed) & bit)) word.fetch_or(bit, std::memory_order_acq_rel);
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

status intake::write_new_rows() {
  std::vector<std::pair<std::uint32_t, persistence::registry_row>> rows;
  {
    std::lock_guard lock{rows_mutex_};
    rows.swap(new_rows_);
  }
  if (rows.empty()) return {};
  // The registry goes first: a segment may only speak of rows the registry knows (or can rebuild in
  // order).
  auto batch = store_.batch();
  for (const auto& [shard, row] : rows) batch->put_registry(shard, row);
  auto written = store_.write(*batch, false);
  if (!written) {
    std::lock_guard lock{rows_mutex_};
    new_rows_.insert(new_rows_.begin(), rows.begin(), rows.end());
  }
  return written;
}

status intake::drain(std::uint64_t upto) {
  bool any = false;
  status outcome;
  std::uint64_t inputs_drained = 0;
  messages::ticket last;
  std::uint64_t readings = 0;
  for (std::size_t word = 0; word < dirty_.size(); ++word) {
    if (dirty_[word].load(std::memory_order_relaxed) == 0) continue;
    auto bits = dirty_[word].exchange(0, std::memory_order_acq_rel);
    while (bits != 0) {
      const auto shard =
          static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
      bits &= bits - 1;
      auto& box = *inboxes_[shard];
      std::shared_ptr<messages::segment> made;
      {
        std::lock_guard lock{box.mutex};
        if (box.builder.empty()) continue;
        made = box.builder.finish();
        made->credit = std::make_shared<credit_return>(*this, std::exchange(box.lent_bytes, 0),
                                                       std::exchange(box.lent_inputs, 0));
      }
      readings += made->readings();
      inputs_drained += made->entries().size();
      auto taken = log_.append(shard, std::move(made));
      if (taken)
        last = *taken;
      else
        outcome = taken.error();
      any = true;
    }
  }
  if (!any) return {};
  if (outcome.ok()) outcome = write_new_rows();
  const auto began = steady_clock::now();
  // After an earlier error the commit only clears what was staged: a batch is written whole or not
  // at all.
  if (auto committed = log_.commit(); outcome.ok()) outcome = committed;
  if (!outcome) {
    lost_.add(inputs_drained);
    failed_upto_.store(upto, std::memory_order_release);
    return outcome;
  }
  commit_seconds_.observe(duration<double>(steady_clock::now() - began).count());
  flushes_.add();
  stored_readings_.add(readings);
  std::lock_guard lock{flights_mutex_};
  flights_.push_back({last, upto});
  return {};
}

status intake::flush_locked(messages::durability upto) {
  const auto tickets = next_ticket_.load(std::memory_order_acquire);
  if (auto drained = drain(tickets); !drained) {
    // What was drained is lost to this process, unacknowledged: the devices or the broker send it
    // again.
    paused_.store(true, std::memory_order_relaxed);
    broken_.store(true, std::memory_order_relaxed);
    logging::error("journal", "a batch could not be written; its inputs are not acknowledged",
                   {{"why", drained.error().what}});
    return drained;
  }
  if (upto == messages::durability::d2) return pump_sync();
  return {};
}

status intake::flush(messages::durability upto, messages::ticket mine) {
  {
    std::lock_guard lock{journal_mutex_};
    if (mine.value != 0 && mine.value <= failed_upto_.load(std::memory_order_acquire))
      return failure{errc::unavailable, "the batch that held this input could not be written"};
    if (auto written = flush_locked(upto); !written || upto != messages::durability::d1)
      return written;
  }
  return wait_for_sync();
}

// D1's hard bound: while an fsync hangs for more than a second, nothing is acknowledged. The disk
// gets a few seconds to come back before the door has to send its device away.
status intake::wait_for_sync() const {
  const auto behind = [this] {
    return log_.durable_upto(messages::durability::d1) <
           log_.durable_upto(messages::durability::d0);
  };
  if (!behind()) return {};
  const auto patience = steady_clock::now() + sync_patience;
  while (behind()) {
    if (closed_.load(std::memory_order_relaxed) || steady_clock::now() > patience)
      return failure{errc::unavailable, "fsync is more than a second behind"};
    std::this_thread::sleep_for(1ms);
  }
  return {};
}

messages::ticket intake::durable_upto(messages::durability at) const {
  const auto in_log = log_.durable_upto(at);
  auto& settled = settled_[static_cast<std::size_t>(at)];
  std::lock_guard lock{flights_mutex_};
  std::uint64_t reached = settled.load(std::memory_order_relaxed);
  for (const auto& f : flights_)
    if (f.log_ticket <= in_log && f.upto > reached) reached = f.upto;
  settled.store(reached, std::memory_order_relaxed);
  return {reached};
}

status intake::pump_sync() {
  const auto began = steady_clock::now();
  auto synced = log_.sync();
  if (!synced) {
    logging::error("journal", "fsync failed; acknowledgements stop until it works again",
                   {{"why", synced.error().what}});
    return synced;
  }
  sync_seconds_.observe(duration<double>(steady_clock::now() - began).count());
  const auto in_log = log_.durable_upto(messages::durability::d2);
  std::lock_guard lock{flights_mutex_};
  while (!flights_.empty() && flights_.front().log_ticket <= in_log) {
    for (auto& settled : settled_)
      if (settled.load(std::memory_order_relaxed) < flights_.front().upto)
        settled.store(flights_.front().upto, std::memory_order_relaxed);
    flights_.pop_front();
  }
  return {};
}

void intake::on_hand_over(hand_over to) { hand_over_ = std::move(to); }

std::size_t intake::pump() {
  std::vector<persistence::positioned_segment> written;
  {
    std::lock_guard lock{journal_mutex_};
    const bool failed = !flush_locked(options_.sync_before_hand_over ? messages::durability::d2
                                                                     : messages::durability::d0);
    if (failed && options_.sync_before_hand_over) return 0;
    written = log_.poll();
  }
  const auto count = written.size();
  if (count != 0 && hand_over_) hand_over_(std::move(written));
  return count;
}

void intake::wake_tick() {
  {
    std::lock_guard lock{wake_mutex_};
    work_ = true;
  }
  wake_.notify_one();
}

// Adaptive: an input that meets an idle tick is written and handed on at once; under load the
// tick comes every tick_ns, so that a wake-up serves many inputs.
void intake::run_tick() {
  int quiet = 0;
  auto counted = next_ticket_.load(std::memory_order_relaxed);
  auto counted_at = steady_clock::now();
  double rate = 0;
  while (true) {
    const auto handed_on = pump();
    quiet = handed_on == 0 ? quiet + 1 : 0;
    std::unique_lock lock{wake_mutex_};
    if (stopping_) return;
    if (quiet < 3) {
      // Under heavy load a longer tick: each wake-up then serves more inputs.
      const auto tickets = next_ticket_.load(std::memory_order_relaxed);
      const auto now = steady_clock::now();
      const auto lately =
          static_cast<double>(tickets - counted) / duration<double>(now - counted_at).count();
      rate += (lately - rate) * 0.1; // single ticks vary widely
      counted = tickets;
      counted_at = now;
      const auto tick = rate > heavy_load ? options_.tick_ns * 5 : options_.tick_ns;
      wake_.wait_for(lock, nanoseconds{tick}, [this] { return stopping_; });
      continue;
    }
    tick_idle_.store(true, std::memory_order_seq_cst);
    bool pending = false;
    for (const auto& word : dirty_) pending = pending || word.load(std::memory_order_seq_cst) != 0;
    if (!pending) wake_.wait_for(lock, 250ms, [this] { return stopping_ || work_; });
    tick_idle_.store(false, std::memory_order_seq_cst);
    work_ = false;
    quiet = 0;
  }
}

void intake::run_sync() {
  messages::ticket synced_upto;
  while (true) {
    {
      std::unique_lock lock{wake_mutex_};
      sync_wake_.wait_for(lock, nanoseconds{options_.sync_interval_ns},
                          [this] { return stopping_; });
      if (stopping_) return;
    }
    const auto committed = log_.durable_upto(messages::durability::d0);
    if (committed == synced_upto) continue;
    if (pump_sync()) synced_upto = committed;
  }
}

void intake::start() {
  tick_thread_ = std::thread{[this] { run_tick(); }};
  sync_thread_ = std::thread{[this] { run_sync(); }};
}

void intake::stop() {
  {
    std::lock_guard lock{wake_mutex_};
    stopping_ = true;
  }
  closed_.store(true);
  wake_.notify_all();
  sync_wake_.notify_all();
  if (tick_thread_.joinable()) tick_thread_.join();
  if (sync_thread_.joinable()) sync_thread_.join();
  pump();
  if (auto synced = pump_sync(); !synced)
    logging::error("journal", "the last fsync failed", {{"why", synced.error().what}});
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
