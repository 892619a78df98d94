// SPDX-License-Identifier: Apache-2.0
// What the windows over one series remember between readings: folds of its blocks, and its values
// in order. None of it is state: it follows the series reading by reading, late ones too, and what
// is missing is found again from the readings, to the same bits.
#pragma once
#include "domain/window/block_scan.hpp"
#include "domain/window/sorted_values.hpp"

namespace pollux::domain {

/// The values of one window in order.
class sorted_window {
public:
  explicit sorted_window(std::int64_t span_ns) : span_ns_(span_ns) {}
  /// Those with from < t <= to. Cost: O(log n) for each reading between this and the last look.
  const sorted_values& look(const series& of, std::int64_t from_ns, std::int64_t to_ns);
  void add(std::int64_t time_ns, double value);
  void remove(std::int64_t time_ns, double value);
  [[nodiscard]] std::int64_t span_ns() const noexcept { return span_ns_; }
  [[nodiscard]] std::size_t heap_bytes() const noexcept { return values_.heap_bytes(); }

private:
  [[nodiscard]] bool holds(std::int64_t time_ns) const noexcept {
    return valid_ && time_ns > from_ns_ && time_ns <= to_ns_;
  }
  void move_to(const series& of, std::int64_t from_ns, std::int64_t to_ns);
  std::int64_t span_ns_;
  std::int64_t from_ns_ = 0, to_ns_ = 0;
  bool valid_ = false;
  sorted_values values_;
};

/// At most 32 of each; what was not asked for during 4,096 questions is forgotten.
class window_cache {
public:
  /// See block_scans. Valid until the next call.
  block_scans& scans(const fold_parts& parts, unsigned shift, std::uint64_t per_block);
  sorted_window& sorted(std::int64_t span_ns);

  void came(std::int64_t time_ns) noexcept; ///< the newest reading
  void late(const series& of, std::int64_t time_ns, double value);
  void corrected(const series& of, std::int64_t time_ns, double before, double value);
  /// The oldest reading goes, the `gone`th that does; the one after it is at `next_ns`.
  void goes(std::int64_t time_ns, double value, std::int64_t next_ns, std::uint64_t gone);
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
  template <class T> struct noted {
    T what;
    std::uint64_t used;
  };
  template <class T, class Fits, class Make>
  T& find(std::vector<noted<T>>& all, Fits&& fits, Make&& make);
  std::vector<noted<block_scans>> scans_;
  std::vector<noted<sorted_window>> sorted_;
  std::uint64_t asked_ = 0;
};

} // namespace pollux::domain
