// SPDX-License-Identifier: Apache-2.0
// Counters, gauges and histograms the whole node shares; rendered as Prometheus text. Adding to one
// is a relaxed atomic add: safe on the hot path. Labels are bounded: never a twin id.
#pragma once
#include <array>
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

/// Fixed exponential buckets in seconds: 1 us * 4^k, k = 0..14, then +Inf.
class histogram {
public:
  static constexpr std::size_t buckets = 15;
  void observe(double seconds) noexcept;
  [[nodiscard]] static double bound(std::size_t bucket) noexcept;
  [[nodiscard]] std::uint64_t count_below(std::size_t bucket) const noexcept; ///< not cumulative
  [[nodiscard]] std::uint64_t count() const noexcept;                         ///< of all buckets
  [[nodiscard]] double sum() const noexcept;

private:
  std::array<std::atomic<std::uint64_t>, buckets + 1> counts_{};
  std::atomic<std::uint64_t> sum_ns_{0};
};

using labels = std::vector<std::pair<std::string, std::string>>;

/// Owns the instruments; references stay valid as long as the registry. Thread-safe.
class metrics {
public:
  /// The same name and labels give the same instrument. Names start with pollux_; counters end in
  /// _total.
  counter& make_counter(const std::string& name, const std::string& help, labels l = {});
  gauge& make_gauge(const std::string& name, const std::string& help, labels l = {});
  histogram& make_histogram(const std::string& name, const std::string& help, labels l = {});
  /// A gauge read when rendered; `read` must be thread-safe and quick.
  void make_gauge_callback(const std::string& name, const std::string& help,
                           std::function<double()> read, labels l = {});

  /// Prometheus text format 0.0.4, standard process_* metrics included.
  [[nodiscard]] std::string render() const;
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
  mutable std::mutex mutex_;
  std::deque<counter> counters_;
  std::deque<gauge> gauges_;
  std::deque<histogram> histograms_;
  std::deque<entry> entries_;
};

} // namespace pollux::messages
