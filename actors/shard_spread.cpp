// SPDX-License-Identifier: Apache-2.0
// A change of models reaches every twin before its next own input. Those who hear nothing would
// keep an alert that the new version withdraws, so awake twins are told of it without waiting; not
// all in one go, so that a million of them do not hold up deliveries. A sleeping twin takes it when
// it wakes.
#include "actors/shard_host.hpp"
#include <algorithm>

namespace pollux::actors {

namespace {
using spread_atom = caf::atom_constant<caf::atom("spread")>;
constexpr std::size_t rows_at_once = 4096;
} // namespace

void shard_host::tell_wide(hosted_shard& shard, host_row& row) {
  if (row.wide_seen >= shard.wide.size()) return;
  auto news = outstanding_wide(shard, row);
  row.wide_seen = static_cast<std::uint32_t>(shard.wide.size());
  row.last = std::max(row.last, news->items.back().id);
  const auto count = static_cast<std::uint32_t>(news->items.size());
  send(row.twin, twin_work{std::move(news), 0, count});
}

void shard_host::spread() {
  std::size_t left = rows_at_once;
  for (auto& shard : shards_)
    for (; left > 0 && shard->told < shard->rows.size(); ++shard->told, --left)
      if (auto& row = shard->rows[shard->told]; row.mode == row_mode::awake) tell_wide(*shard, row);
  spreading_ = left == 0;
  if (spreading_) send(this, spread_atom::value);
  answer_spread(false);
}

spread_state shard_host::spread_since(std::int64_t at_ns) const {
  spread_state out;
  for (const auto& shard : shards_) {
    ++out.shards;
    const bool has_it = shard->models_ns >= at_ns;
    if (!has_it) ++out.shards_pending;
    for (std::size_t i = 0; i < shard->rows.size(); ++i) {
      const auto& row = shard->rows[i];
      if (row.mode == row_mode::gone) continue;
      if (row.mode == row_mode::asleep || row.mode == row_mode::passivating) {
        ++out.asleep;
      } else {
        ++out.awake;
        if (!has_it || i >= shard->told) ++out.pending;
      }
    }
  }
  return out;
}

// With `only_late` those whose patience is over are answered whatever has come of it.
void shard_host::answer_spread(bool only_late) {
  if (spread_waiters_.empty()) return;
  const auto now_ns = options_.now();
  std::erase_if(spread_waiters_, [&](spread_waiter& w) {
    const bool complete = std::ranges::all_of(shards_, [&](const auto& s) {
      return s->models_ns >= w.ask.at_ns && s->told >= s->rows.size();
    });
    if (!complete && !(only_late && now_ns >= w.until_ns)) return false;
    w.answer.deliver(spread_since(w.ask.at_ns));
    return true;
  });
}

caf::result<spread_state> shard_host::on_spread_ask(const spread_ask& ask) {
  auto promise = make_response_promise<spread_state>();
  spread_waiters_.push_back({ask, options_.now() + ask.patience_ns, promise});
  answer_spread(false);
  return promise;
}

} // namespace pollux::actors
