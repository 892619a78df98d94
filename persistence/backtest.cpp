// SPDX-License-Identifier: Apache-2.0
#include "persistence/backtest.hpp"
#include "domain/model/operator.hpp"
#include "persistence/shard_history.hpp"
#include <algorithm>
#include <array>
#include <thread>

namespace pollux::persistence {

void backtest_counts::add(const backtest_counts& other) {
  same += other.same;
  moved += other.moved;
  gained += other.gained;
  lost += other.lost;
  changed += other.changed;
}

namespace {

template <class Map> backtest_counts sum(const Map& counts) {
  backtest_counts all;
  for (const auto& [key, one] : counts) all.add(one);
  return all;
}

template <class Map> void add_all(Map& to, const Map& from) {
  for (const auto& [key, one] : from) to[key].add(one);
}

} // namespace

backtest_counts twin_backtest::total() const { return sum(rules); }
backtest_counts backtest_result::total() const { return sum(rules); }

backtest::backtest(const log& journal, const store& tables, const domain::model_source& models,
                   std::vector<verify_target> targets, backtest_order order,
                   std::int64_t alive_until_ns)
    : journal_(journal), source_{&tables, &models, alive_until_ns}, targets_(std::move(targets)),
      order_(std::move(order)) {
  std::sort(targets_.begin(), targets_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.shard, a.row) < std::tie(b.shard, b.row);
  });
}

// Twins come shard by shard, so few shards are held at a time.
result<std::shared_ptr<const shard_history>> backtest::shard(std::uint32_t number) {
  const std::lock_guard lock(shards_mutex_);
  if (const auto known = shards_.find(number); known != shards_.end()) return known->second;
  auto read = shard_history::read(journal_, *source_.tables, number);
  if (!read) return read.error();
  while (shards_.size() > 2) shards_.erase(shards_.begin());
  shards_[number] = *read;
  return *read;
}

void backtest::work() {
  for (;;) {
    const auto i = next_.fetch_add(1);
    if (i >= targets_.size() || cancelled_) return;
    const auto& target = targets_[i];
    twin_backtest one;
    one.twin = target.id;
    if (auto held = shard(target.shard); !held) {
      one.failure = held.error().what;
    } else {
      auto run = backtest_twin(source_, **held, target, order_,
                               [this](std::uint64_t) { return !cancelled_.load(); });
      if (run)
        one = std::move(*run);
      else if (cancelled_)
        return; // half a twin says nothing
      else
        one.failure = run.error().what;
    }
    take(std::move(one));
    done_.fetch_add(1);
  }
}

void backtest::take(twin_backtest&& one) {
  const std::lock_guard lock(mutex_);
  auto& r = result_;
  ++r.twins_done;
  r.inputs += one.inputs;
  r.readings += one.readings;
  if (!one.failure.empty()) {
    ++r.twins_failed;
    r.failures[one.twin] = one.failure;
    if (r.failures.size() > most_failures_told) r.failures.erase(std::prev(r.failures.end()));
    return;
  }
  if (!one.compared) {
    ++r.twins_of_other_models;
    return;
  }
  ++r.twins_compared;
  r.twins_began_empty += one.candidate_began_empty ? 1 : 0;
  r.actions_left_out += one.actions_left_out;
  r.retracted_ruling += one.retracted_ruling;
  r.retracted_candidate += one.retracted_candidate;
  r.commands_ruling += one.commands_ruling;
  r.commands_candidate += one.commands_candidate;
  r.ruling_models.merge(one.ruling_models);
  if (!one.rules.empty()) r.twins[one.twin] = one.total();
  add_all(r.rules, one.rules);
  add_all(r.days, one.days);
  r.leads_ns.insert(r.leads_ns.end(), one.leads_ns.begin(), one.leads_ns.end());
  for (auto& d : one.differences) r.differences.push_back(std::move(d));
  if (r.differences.size() > 4 * std::size_t{order_.differences} + 1000) finish();
}

// By twin, each twin's oldest first; a twin that comes early in the alphabet does not push out all
// others: of each twin the first, then of each the second, and so on.
void backtest::finish() {
  auto& all = result_.differences;
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.twin < b.twin; });
  if (all.size() > order_.differences) {
    std::vector<std::size_t> rank(all.size());
    for (std::size_t i = 1; i < all.size(); ++i)
      rank[i] = all[i].twin == all[i - 1].twin ? rank[i - 1] + 1 : 0;
    std::vector<std::size_t> order(all.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return rank[a] < rank[b]; });
    order.resize(order_.differences);
    std::sort(order.begin(), order.end());
    std::vector<backtest_difference> kept;
    kept.reserve(order.size());
    for (const auto i : order) kept.push_back(std::move(all[i]));
    all = std::move(kept);
  }
  std::sort(result_.leads_ns.begin(), result_.leads_ns.end());
}

result<backtest_result> backtest::run() {
  if (order_.from_ns > order_.to_ns)
    return failure{errc::invalid_argument, "the interval ends before it begins"};
  if (order_.warm_up_ns != warm_up_all && order_.from_ns == no_time)
    return failure{errc::invalid_argument,
                   "a warm-up other than \"all\" needs the beginning of the interval"};
  const auto cores = order_.threads != 0 ? order_.threads : std::thread::hardware_concurrency();
  const auto threads = std::clamp<std::size_t>(cores, 1, std::max<std::size_t>(targets_.size(), 1));
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < threads; ++i) others.emplace_back([this] { work(); });
  work();
  for (auto& t : others) t.join();
  finish();
  result_.twins_asked = targets_.size();
  result_.cancelled = result_.twins_done < targets_.size();
  return std::move(result_);
}

result<std::int64_t> last_sign_of_life(const log& journal, const store& tables,
                                       const std::vector<verify_target>& twins) {
  auto newest = no_time;
  for (const auto& t : twins) {
    auto s = tables.each_block_info(t.shard, t.row, true, [&](const block_info& b) {
      if (b.greatest_ingest_time_ns != never) // rows of format 1 do not know
        newest = std::max(newest, b.greatest_ingest_time_ns);
      return false;
    });
    if (!s) return s.error();
  }
  domain::input in;
  for (std::uint32_t shard = 0; shard < journal.shards(); ++shard) {
    auto s = journal.scan(shard, {}, [&](const positioned_segment& p) {
      for (std::uint32_t i = 0; i < p.content->entries().size(); ++i) {
        p.content->decode(i, p.at, in);
        newest = std::max(newest, in.ingest_time_ns);
      }
      return true;
    });
    if (!s && s.error().code != errc::corrupt) return s.error(); // damage is passed over, as ever
  }
  return newest;
}

namespace {

constexpr std::array unbounded_types = {"ewma",    "cusum",        "seasonal",
                                        "nearest", "multivariate", "state_machine"};

/// The longest time named in an operator's own definition.
std::int64_t longest_in(std::string_view definition) {
  std::int64_t longest = 0;
  for (auto at = definition.find(":\""); at != std::string_view::npos;
       at = definition.find(":\"", at)) {
    at += 2;
    const auto end = definition.find('"', at);
    if (end == std::string_view::npos) break;
    if (const auto time = parse_duration(definition.substr(at, end - at)); time)
      longest = std::max(longest, *time);
    at = end;
  }
  return longest;
}

} // namespace

model_memory memory_of(const domain::model& m) {
  model_memory out;
  for (const auto& op : m.operators) {
    const auto& i = op->identity();
    const auto own = std::string_view(i.definition).substr(0, i.own_definition);
    if (const auto longest = longest_in(own); longest > out.longest_ns) {
      out.longest_ns = longest;
      out.longest_of = op->name();
    }
    const bool learns =
        std::find(unbounded_types.begin(), unbounded_types.end(), i.type) != unbounded_types.end();
    if (learns || own.find("kind:\"count\"") != std::string_view::npos)
      out.unbounded.push_back(op->name());
  }
  return out;
}

} // namespace pollux::persistence
