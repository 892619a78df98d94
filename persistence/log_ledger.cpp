// SPDX-License-Identifier: Apache-2.0
#include "persistence/log_ledger.hpp"
#include <algorithm>
#include <iterator>

namespace pollux::persistence {

namespace {
/// Watermarks never fall, whoever writes last.
std::uint64_t raise(std::atomic<std::uint64_t>& mark, std::uint64_t to) {
  auto seen = mark.load();
  while (seen < to && !mark.compare_exchange_weak(seen, to)) {
  }
  return std::max(seen, to);
}
} // namespace

messages::ticket log_ledger::stage(std::uint32_t shard, segment_ptr content) {
  const std::lock_guard lock(mutex_);
  const messages::ticket ticket{++tickets_};
  staged_.push_back({shard, ticket, std::move(content)});
  return ticket;
}

void log_ledger::take_staged(std::vector<staged_segment>& out) {
  out.clear();
  const std::lock_guard lock(mutex_);
  out.swap(staged_);
}

void log_ledger::committed(messages::ticket upto, std::vector<positioned_segment>& written,
                           std::int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  if (unpolled_.empty())
    unpolled_.swap(written);
  else
    unpolled_.insert(unpolled_.end(), std::make_move_iterator(written.begin()),
                     std::make_move_iterator(written.end()));
  written.clear();
  if (syncing_ && since_sync_began_ == none) since_sync_began_ = now_ns;
  if (unsynced_since_ == none) unsynced_since_ = now_ns;
  raise(committed_, upto.value);
}

messages::ticket log_ledger::begin_sync() {
  const std::lock_guard lock(mutex_);
  syncing_ = true;
  since_sync_began_ = none;
  return {committed_};
}

void log_ledger::end_sync(messages::ticket covered, bool success) {
  const std::lock_guard lock(mutex_);
  syncing_ = false;
  if (!success) return;
  unsynced_since_ = since_sync_began_;
  raise(synced_, covered.value);
}

messages::ticket log_ledger::durable_upto(messages::durability at, std::int64_t now_ns) const {
  switch (at) {
  case messages::durability::d0: return {committed_};
  case messages::durability::d2: return {synced_};
  case messages::durability::d1: break;
  }
  const auto upto = committed_.load(); // before the age: a later commit cannot sneak past it
  return {raise(d1_, sync_age_ns(now_ns) > d1_bound_ns ? synced_.load() : upto)};
}

std::int64_t log_ledger::sync_age_ns(std::int64_t now_ns) const {
  const auto since = unsynced_since_.load();
  return since == none ? 0 : std::max<std::int64_t>(0, now_ns - since);
}

std::vector<positioned_segment> log_ledger::poll() {
  std::vector<positioned_segment> out;
  const std::lock_guard lock(mutex_);
  out.swap(unpolled_);
  return out;
}

} // namespace pollux::persistence
