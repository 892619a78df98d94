// SPDX-License-Identifier: Apache-2.0
// The registry of instruments and its Prometheus text. Rendering copies the list of instruments
// first, so that a callback may take its time (or ask this registry) without holding anyone up.
#include "messages/observability/metrics.hpp"
#include "domain/base/ensure.hpp"
#include "messages/observability/process_metrics.hpp"
#include "messages/observability/prometheus_text.hpp"
#include <algorithm>
#include <cmath>
#include <map>

namespace pollux::messages {

namespace {
constexpr std::array<double, histogram::buckets> make_bounds() {
  std::array<double, histogram::buckets> out{};
  double bound = 1e-6;
  for (auto& b : out) {
    b = bound;
    bound *= 4;
  }
  return out;
}
constexpr auto bounds = make_bounds();

std::uint64_t to_ns(double seconds) noexcept {
  constexpr double most = 9e18; // below 2^63: a wild value must not wrap the sum
  const double ns = seconds * 1e9;
  return ns > 0 ? static_cast<std::uint64_t>(std::min(ns, most)) : 0; // NaN and negatives add none
}

const char* type_name(char type) {
  return type == 'c' ? "counter" : type == 'h' ? "histogram" : "gauge";
}
} // namespace

void histogram::observe(double seconds) noexcept {
  std::size_t bucket = 0;
  while (bucket < buckets && !(seconds <= bounds[bucket])) ++bucket;
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(to_ns(seconds), std::memory_order_relaxed);
}

double histogram::bound(std::size_t bucket) noexcept {
  return bucket < buckets ? bounds[bucket] : HUGE_VAL;
}

std::uint64_t histogram::count_below(std::size_t bucket) const noexcept {
  return bucket <= buckets ? counts_[bucket].load(std::memory_order_relaxed) : 0;
}

std::uint64_t histogram::count() const noexcept {
  std::uint64_t all = 0;
  for (const auto& c : counts_) all += c.load(std::memory_order_relaxed);
  return all;
}

double histogram::sum() const noexcept {
  return static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) * 1e-9;
}

metrics::entry& metrics::claim(const std::string& name, const std::string& help, labels l,
                               char type) {
  std::sort(l.begin(), l.end());
  for (auto& e : entries_) {
    if (e.name != name) continue;
    const bool gauges = (type == 'g' || type == 'f') && (e.type == 'g' || e.type == 'f');
    ensure(e.type == type || gauges, "one metric name stands for one type");
    if (e.type == type && e.l == l) return e;
  }
  return entries_.emplace_back(
      entry{name, help, std::move(l), type, nullptr, nullptr, nullptr, nullptr});
}

counter& metrics::make_counter(const std::string& name, const std::string& help, labels l) {
  const std::lock_guard lock(mutex_);
  auto& e = claim(name, help, std::move(l), 'c');
  if (!e.c) e.c = &counters_.emplace_back();
  return *e.c;
}

gauge& metrics::make_gauge(const std::string& name, const std::string& help, labels l) {
  const std::lock_guard lock(mutex_);
  auto& e = claim(name, help, std::move(l), 'g');
  if (!e.g) e.g = &gauges_.emplace_back();
  return *e.g;
}

histogram& metrics::make_histogram(const std::string& name, const std::string& help, labels l) {
  const std::lock_guard lock(mutex_);
  auto& e = claim(name, help, std::move(l), 'h');
  if (!e.h) e.h = &histograms_.emplace_back();
  return *e.h;
}

void metrics::make_gauge_callback(const std::string& name, const std::string& help,
                                  std::function<double()> read, labels l) {
  const std::lock_guard lock(mutex_);
  claim(name, help, std::move(l), 'f').read = std::move(read);
}

std::vector<metrics::entry> metrics::snapshot() const {
  const std::lock_guard lock(mutex_);
  return {entries_.begin(), entries_.end()};
}

std::string metrics::render() const {
  const auto entries = snapshot();
  // samples of one name stand together, names in the order in which they were first made
  std::vector<std::vector<const entry*>> families;
  std::map<std::string_view, std::size_t> index;
  for (const auto& e : entries) {
    const auto [it, fresh] = index.try_emplace(e.name, families.size());
    if (fresh) families.emplace_back();
    families[it->second].push_back(&e);
  }
  prometheus_text out;
  for (const auto& family : families) {
    out.head(family.front()->name, family.front()->help, type_name(family.front()->type));
    for (const auto* e : family) {
      if (e->c) out.sample(e->name, e->l, e->c->value());
      if (e->g) out.sample(e->name, e->l, e->g->value());
      if (e->read) out.sample(e->name, e->l, e->read());
      if (e->h) out.histogram_samples(e->name, e->l, *e->h);
    }
  }
  append_process_metrics(out);
  return std::move(out).text();
}

double metrics::total(const std::string& name) const {
  double sum = 0;
  for (const auto& e : snapshot()) {
    if (e.name != name) continue;
    if (e.c) sum += static_cast<double>(e.c->value());
    if (e.g) sum += e.g->value();
    if (e.read) sum += e.read();
    if (e.h) sum += static_cast<double>(e.h->count());
  }
  return sum;
}

} // namespace pollux::messages
