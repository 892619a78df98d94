// SPDX-License-Identifier: Apache-2.0
// Counters, gauges and histograms the whole node shares; rendered as Prometheus text or
// OpenMetrics. Adding to one is a relaxed atomic add: safe on the hot path. Labels are bounded:
// never a twin id.
#pragma once
#include "messages/observability/histogram.hpp"
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace pollux::messages {

class counter {
public:
  void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<std::uint64_t> value_{0};
};

class gauge {
public:
  void set(double v) noexcept { value_.store(v, std::memory_order_relaxed); }
  [[nodiscard]] double value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<double> value_{0};
};

using labels = std::vector<std::pair<std::string, std::string>>;

enum class exposition : std::uint8_t {
  prometheus, ///< text format 0.0.4
  openmetrics ///< OpenMetrics 1.0.0
};
struct render_options {
  exposition as = exposition::prometheus;
  bool all_buckets = false; ///< of histograms all eight an octave, else the octaves
};

/// Owns the instruments; references stay valid as long as the registry. Thread-safe.
class metrics {
public:
  /// How long a slice of time is; quantiles are of the present slice and the one before it.
  static constexpr std::int64_t slice_ns = 150'000'000'000;
  /// `steady_now`: nanoseconds that never go back; empty = the steady clock.
  explicit metrics(std::function<std::int64_t()> steady_now = {});

  /// The same name and labels give the same instrument. Names start with pollux_; counters end in
  /// _total.
  counter& make_counter(const std::string& name, const std::string& help, labels l = {});
  gauge& make_gauge(const std::string& name, const std::string& help, labels l = {});
  histogram& make_histogram(const std::string& name, const std::string& help, labels l = {});
  /// A gauge read when rendered; `read` must be thread-safe and quick.
  void make_gauge_callback(const std::string& name, const std::string& help,
                           std::function<double()> read, labels l = {});

  /// The same for a count that only rises; the name ends in _total.
  void make_counter_callback(const std::string& name, const std::string& help,
                             std::function<double()> read, labels l = {});

  /// Everything, standard process_* metrics included. A histogram `x_seconds` is followed by a
  /// summary `x_quantile_seconds`: p50, p99 and p999 of the last 2.5 to 5 minutes.
  [[nodiscard]] std::string render(render_options how = {}) const;
  /// Ends a slice when it is time; render() does, too. Called now and then, so that quantiles are
  /// recent also when nobody has asked for long.
  void turn_slices() const;
  /// The sum over all labels of a counter or gauge, of a histogram's counts; 0 when unknown. For
  /// stats and tests.
  [[nodiscard]] double total(const std::string& name) const;

private:
  struct entry {
    std::string name, help;
    labels l;
    char type;
    counter* c;
    gauge* g;
    histogram* h;
    std::function<double()> read;
  };
  entry& claim(const std::string& name, const std::string& help, labels l, char type);
  [[nodiscard]] std::vector<entry> snapshot() const;
  std::function<std::int64_t()> steady_now_;
  mutable std::mutex slice_mutex_; ///< taken before mutex_
  mutable std::int64_t slice_began_ns_;
  mutable std::mutex mutex_;
  std::deque<counter> counters_;
  std::deque<gauge> gauges_;
  std::deque<histogram> histograms_;
  std::deque<entry> entries_;
};

} // namespace pollux::messages
