// SPDX-License-Identifier: Apache-2.0
// The registry of instruments and its Prometheus text. Rendering copies the list of instruments
// first, so that a callback may take its time (or ask this registry) without holding anyone up.
#include "messages/observability/metrics.hpp"
#include "domain/base/ensure.hpp"
#include "messages/observability/process_metrics.hpp"
#include "messages/observability/prometheus_text.hpp"
#include <algorithm>
#include <chrono>
#include <map>

namespace pollux::messages {

namespace {
// c counter, k counter read when rendered, g gauge, f gauge read when rendered, h histogram
bool is_counter(char type) { return type == 'c' || type == 'k'; }
bool is_gauge(char type) { return type == 'g' || type == 'f'; }

const char* type_name(char type) {
  return is_counter(type) ? "counter" : type == 'h' ? "histogram" : "gauge";
}

std::int64_t steady_clock_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

/// x_seconds -> x_quantile_seconds
std::string quantile_name(const std::string& name) {
  constexpr std::string_view unit = "_seconds";
  const auto stem = name.ends_with(unit) ? name.substr(0, name.size() - unit.size()) : name;
  return stem + "_quantile" + std::string(unit);
}
} // namespace

metrics::metrics(std::function<std::int64_t()> steady_now)
    : steady_now_(steady_now ? std::move(steady_now) : steady_clock_ns),
      slice_began_ns_(steady_now_()) {}

metrics::entry& metrics::claim(const std::string& name, const std::string& help, labels l,
                               char type) {
  std::sort(l.begin(), l.end());
  for (auto& e : entries_) {
    if (e.name != name) continue;
    const bool gauges = is_gauge(type) && is_gauge(e.type);
    const bool counters = is_counter(type) && is_counter(e.type);
    ensure(e.type == type || gauges || counters, "one metric name stands for one type");
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

void metrics::make_counter_callback(const std::string& name, const std::string& help,
                                    std::function<double()> read, labels l) {
  const std::lock_guard lock(mutex_);
  claim(name, help, std::move(l), 'k').read = std::move(read);
}

void metrics::turn_slices() const {
  const std::lock_guard turning(slice_mutex_);
  const auto now = steady_now_();
  if (now - slice_began_ns_ < slice_ns) return;
  // after a long silence what was before belongs to no slice any more
  const int turns = now - slice_began_ns_ < 2 * slice_ns ? 1 : 2;
  slice_began_ns_ = now;
  for (const auto& e : snapshot())
    for (int i = 0; e.h != nullptr && i < turns; ++i) e.h->turn();
}

std::vector<metrics::entry> metrics::snapshot() const {
  const std::lock_guard lock(mutex_);
  return {entries_.begin(), entries_.end()};
}

std::string metrics::render(render_options how) const {
  turn_slices();
  const auto entries = snapshot();
  // samples of one name stand together, names in the order in which they were first made
  std::vector<std::vector<const entry*>> families;
  std::map<std::string_view, std::size_t> index;
  for (const auto& e : entries) {
    const auto [it, fresh] = index.try_emplace(e.name, families.size());
    if (fresh) families.emplace_back();
    families[it->second].push_back(&e);
  }
  prometheus_text out{how};
  for (const auto& family : families) {
    out.head(family.front()->name, family.front()->help, type_name(family.front()->type));
    for (const auto* e : family) {
      if (e->c) out.sample(e->name, e->l, e->c->value());
      if (e->g) out.sample(e->name, e->l, e->g->value());
      if (e->read) out.sample(e->name, e->l, e->read());
      if (e->h) out.histogram_samples(e->name, e->l, *e->h);
    }
    if (!family.front()->h) continue;
    const auto quantiles = quantile_name(family.front()->name);
    out.head(quantiles, family.front()->help + " (of the last minutes, at most five)", "summary");
    for (const auto* e : family) out.quantile_samples(quantiles, e->l, e->h->recent());
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
