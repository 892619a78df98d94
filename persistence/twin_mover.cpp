// SPDX-License-Identifier: Apache-2.0
// Which blocks are written anew, and where they are cut. Writing them: twin_mover_make.cpp.
#include "persistence/twin_mover.hpp"
#include <algorithm>
#include <bit>

namespace pollux::persistence {

namespace {

constexpr int unknown = -1;
constexpr std::size_t most_inputs = 4 * warm_blocks.max_inputs; // of one plan
// A device that sends old and new readings in turns would leave blocks of one reading each: from
// this many changes of tier in one block on, short runs stay with their younger neighbours.
constexpr std::size_t most_runs = 16, short_run = 32;

bool has_readings(const block_info& b) { return b.least_event_time_ns <= b.greatest_event_time_ns; }

constexpr std::size_t blocks_to_join = 8;
constexpr std::size_t days_cut = 7; // of what is left of a block, each into a block of its own

/// Sizes within a class differ by less than eight times.
unsigned size_class(std::size_t inputs) {
  return static_cast<unsigned>(std::bit_width(inputs) - 1) / 3;
}

std::int64_t age(std::int64_t t, std::int64_t now) { return domain::age_in_days(t, now); }

} // namespace

tier tier_of(const domain::retention_rule& rule, std::int64_t event_time_ns,
             std::int64_t now_ns) noexcept {
  const auto days = age(event_time_ns, now_ns);
  return days <= rule.hot_days ? tier::hot : days <= rule.warm_days ? tier::warm : tier::cold;
}

bool may_have_aged(const block_info& b, const domain::retention_rule& rule,
                   std::int64_t now_ns) noexcept {
  const auto oldest = has_readings(b) ? b.least_event_time_ns : b.least_ingest_time_ns;
  const auto newest = has_readings(b) ? b.greatest_event_time_ns : b.greatest_ingest_time_ns;
  if (!has_readings(b) && newest == INT64_MAX) return false; // format 1 does not say
  return tier_of(rule, oldest, now_ns) > b.kept ||
         (rule.keep_days > 0 && (age(newest, now_ns) > rule.keep_days ||
                                 age(oldest, now_ns) > rule.keep_days + rule.keep_days / 10));
}

int twin_mover::place_of(std::int64_t event_time_ns, bool expiring) const noexcept {
  if (expiring && age(event_time_ns, now_ns_) > twin_->rule.keep_days) return gone;
  return static_cast<int>(tier_of(twin_->rule, event_time_ns, now_ns_));
}

result<tier_switch> twin_mover::plan(const aging_twin& twin,
                                     const std::vector<block_info>& blocks) {
  twin_ = &twin;
  blocks_ = &blocks;
  out_ = {};
  out_.shard = twin.shard;
  out_.row = twin.row;
  out_.key = twin.key;
  held_ = ~std::size_t{0};
  if (auto s = find_units(); !s) return s.error().within(twin.key);
  settle_without_readings();
  settle_expiry();
  mark_work();
  join_neighbours();
  if (auto s = make(); !s) return s.error().within(twin.key);
  return std::move(out_);
}

status twin_mover::find_units() {
  units_.clear();
  const auto& rule = twin_->rule;
  for (std::size_t i = 0; i < blocks_->size(); ++i) {
    const auto& b = (*blocks_)[i];
    const int kept = static_cast<int>(b.kept);
    unit u{.source = i, .from = 0, .to = b.inputs, .place = unknown};
    u.before = b.chain_before;
    u.after = b.chain;
    if (has_readings(b)) {
      const bool all = rule.keep_days > 0 && b.last <= twin_->may_expire_upto;
      const bool some =
          all && age(b.least_event_time_ns, now_ns_) > rule.keep_days + rule.keep_days / 10;
      const int youngest = place_of(b.greatest_event_time_ns, all);
      const int oldest = place_of(b.least_event_time_ns, some || youngest == gone);
      if (std::max(youngest, kept) != std::max(oldest, kept)) {
        if (auto s = divide(i, some); !s) return s;
        continue;
      }
      u.place = std::max(youngest, kept);
    }
    units_.push_back(u);
  }
  return {};
}

/// Finds the places of a block's inputs, and where in it they change.
status twin_mover::divide(std::size_t source, bool expiring) {
  const auto inputs = inputs_of(source);
  if (!inputs) return inputs.error();
  const auto& b = (*blocks_)[source];
  const int kept = static_cast<int>(b.kept);
  std::vector<unit> runs;
  std::vector<std::uint32_t> midnights; // inputs that begin another day than the one before
  std::uint32_t ordinal = 0;
  std::int64_t last_age = INT64_MAX;
  auto s = (*inputs)->visit([&](const domain::input& in) {
    if (!in.readings.empty()) {
      const auto days = age(in.readings.front().event_time_ns, now_ns_);
      if (days < last_age) midnights.push_back(ordinal);
      last_age = std::min(last_age, days);
    }
    int place = unknown;
    for (const auto& r : in.readings) {
      const int p = std::max(place_of(r.event_time_ns, expiring), kept);
      place = place == unknown ? p : std::min(place, p);
    }
    if (!runs.empty() && (place == unknown || runs.back().place == unknown))
      place = place == unknown ? runs.back().place : (runs.back().place = place);
    if (runs.empty() || runs.back().place != place)
      runs.push_back(
          {.source = source, .from = ordinal, .to = ordinal, .place = place, .whole = false});
    runs.back().to = ++ordinal;
  });
  if (!s) return s;
  const bool many = runs.size() > most_runs;
  const auto first = units_.size();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    auto& run = runs[i];
    if (many && run.to - run.from < short_run) {
      if (i > 0) run.place = std::min(run.place, runs[i - 1].place);
      if (i + 1 < runs.size()) run.place = std::min(run.place, runs[i + 1].place);
    }
    if (units_.size() > first && units_.back().place == run.place)
      units_.back().to = run.to;
    else
      units_.push_back(run);
  }
  if (units_.size() == first + 1) units_.back().whole = true;
  cut_remainder(first, midnights);
  return chain_cuts(**inputs, first);
}

/// What stays of a block whose beginning goes is cut, so that not all of it is written anew every
/// time another day goes: at the next midnights, or where a day is little into pieces of twice the
/// size each.
void twin_mover::cut_remainder(std::size_t first_unit,
                               const std::vector<std::uint32_t>& midnights) {
  auto last = units_.back();
  const auto& b = (*blocks_)[last.source];
  if (units_.size() == first_unit + 1 || last.place != static_cast<int>(b.kept)) return;
  units_.pop_back();
  auto piece = units_.back().to - units_.back().from;
  const auto cut_at = [&](std::uint32_t at) {
    auto u = last;
    u.to = at;
    units_.push_back(u);
    last.from = at;
    last.apart = true;
  };
  auto next = std::upper_bound(midnights.begin(), midnights.end(), last.from);
  const auto days = midnights.end() - next;
  if (days > 0 && (last.to - last.from) / static_cast<std::size_t>(days) >= short_run) {
    for (std::size_t cuts = 0; cuts < days_cut && next != midnights.end(); ++next)
      if (*next >= last.from + short_run && last.to > *next) {
        cut_at(*next);
        ++cuts;
      }
  } else {
    for (; last.to - last.from > 2 * piece; piece *= 2) cut_at(last.from + piece);
  }
  units_.push_back(last);
}

/// The chain values where the units from `first_unit` on, all of one block, begin and end.
status twin_mover::chain_cuts(const input_columns& block, std::size_t first_unit) {
  const auto& b = (*blocks_)[units_[first_unit].source];
  units_[first_unit].before = b.chain_before;
  units_.back().after = b.chain;
  if (units_.size() == first_unit + 1 || is_old_format(b)) return {};
  chain_hasher chain;
  chain.begin(b.chain_before);
  auto at = first_unit;
  std::uint32_t ordinal = 0;
  auto s = block.visit([&](const domain::input& in) {
    chain.add(in);
    if (++ordinal != units_[at].to) return;
    units_[at].after = chain.end();
    if (++at < units_.size()) units_[at].before = chain.end();
  });
  if (!s) return s;
  if (chain.end() != b.chain) return failure{errc::corrupt, "the chain of a block is broken"};
  return {};
}

/// What has no readings stays with its elder neighbour, or the younger where it has none.
void twin_mover::settle_without_readings() {
  int place = unknown;
  for (auto& u : units_) {
    if (u.place == unknown) u.place = place;
    place = u.place;
  }
  for (auto u = units_.rbegin(); u != units_.rend(); ++u) {
    if (u->place == unknown) u->place = place;
    place = u->place;
  }
  for (auto& u : units_) {
    const auto& b = (*blocks_)[u.source];
    if (u.place == unknown)
      u.place = b.greatest_ingest_time_ns == INT64_MAX
                    ? 0
                    : static_cast<int>(tier_of(twin_->rule, b.greatest_ingest_time_ns, now_ns_));
    u.place = std::max(u.place, static_cast<int>(b.kept));
  }
}

/// Only the beginning of a journal can go.
void twin_mover::settle_expiry() {
  bool beginning = true;
  for (auto& u : units_) {
    const auto& b = (*blocks_)[u.source];
    beginning = beginning && u.place == gone && b.last <= twin_->may_expire_upto;
    if (!beginning) u.place = std::min(u.place, cold_place);
  }
}

void twin_mover::mark_work() {
  std::size_t inputs = 0;
  for (std::size_t i = 0; i < units_.size();) {
    const auto source = units_[i].source;
    const auto& b = (*blocks_)[source];
    std::size_t end = i;
    bool moves = false;
    for (; end < units_.size() && units_[end].source == source; ++end)
      moves = moves || units_[end].place != static_cast<int>(b.kept);
    if (moves && inputs >= most_inputs) {
      out_.more = true;
      break;
    }
    if (moves) inputs += b.inputs;
    for (; i < end; ++i) units_[i].work = moves;
  }
}

/// Eight blocks of about one size become one: so an input is written anew a few times in each tier,
/// however little comes with each move, and blocks become large.
void twin_mover::join_neighbours() {
  for (std::size_t begin = 0; begin < units_.size();) {
    const int place = units_[begin].place;
    const auto kept = static_cast<int>((*blocks_)[units_[begin].source].kept);
    if (!units_[begin].work || place == gone || place == kept) {
      ++begin;
      continue;
    }
    std::size_t end = begin, inputs = 0;
    for (; end < units_.size() && units_[end].work && units_[end].place == place; ++end)
      inputs += units_[end].to - units_[end].from;
    while (join_left(begin, inputs)) {
    }
    begin = end;
  }
}

/// Takes in the blocks before `begin` that are not of a larger size, when they are enough.
bool twin_mover::join_left(std::size_t& begin, std::size_t& inputs) {
  const auto size = size_class(inputs);
  std::size_t left = begin, together = inputs;
  for (; left > 0; --left) {
    const auto& u = units_[left - 1];
    const auto& b = (*blocks_)[u.source];
    if (u.work || !u.whole || u.place != units_[begin].place || is_old_format(b) ||
        size_class(b.inputs) > size || together + b.inputs > room(u.place))
      break;
    together += b.inputs;
  }
  if (begin - left + 1 < blocks_to_join) return false;
  for (auto i = left; i < begin; ++i) units_[i].work = true;
  begin = left;
  inputs = together;
  return true;
}

} // namespace pollux::persistence
