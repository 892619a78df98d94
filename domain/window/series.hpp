// SPDX-License-Identifier: Apache-2.0
// The readings of one telemetry that its windows still need, in event-time order, and exact
// statistics over any event-time interval of them. Every result is a pure function of the
// content (decision 21): the same readings in any order of arrival give the same bits.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/base/time.hpp"
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace pollux::domain {

class window_cache;
struct fold;
struct fold_parts;
struct slice_summary;

struct window_statistics {
  std::uint64_t count = 0;
  double mean = 0;
  double m2 = 0; ///< sum of squared deviations from the mean
  double min = 0;
  double max = 0;
  std::int64_t from_ns = no_time; ///< event time of the oldest and newest reading inside
  std::int64_t to_ns = no_time;
  /// sqrt(m2 / (n-1)); 0 below two readings
  [[nodiscard]] double sample_stddev() const noexcept;
  /// sqrt(m2 / n); 0 for none
  [[nodiscard]] double population_stddev() const noexcept;
};

class series {
public:
  /// Keeps what lies within `span_ns` before the newest reading, at most `max_entries`
  /// (beyond it the oldest go, and `truncated()` counts them). Memory: 48 bytes and one block of
  /// 16 bytes an entry, rounded up to 8 entries; nothing on the heap before the first reading.
  explicit series(std::int64_t span_ns, std::size_t max_entries = 200'000);
  series(series&&) noexcept;
  series& operator=(series&&) noexcept;
  ~series();

  enum class placed : std::uint8_t { newest, late, duplicate, correction, too_old };
  /// Puts a reading in its event-time place. Same time and same value: duplicate, dropped; same
  /// time with another value: correction, replaces. Older than the span: too_old, dropped.
  /// A value that is not finite is dropped as a duplicate: doors refuse those, and one here would
  /// spoil every window. Cost: amortised O(1) for the newest, O(distance) for a late one; no
  /// allocation when warm. What is later than `keep_after_ns` is kept beyond the span, too: late
  /// readings may need it once more (domain/twin/rerun.hpp).
  placed insert(std::int64_t event_time_ns, double value, std::int64_t keep_after_ns = never);

  /// Exact statistics of the readings with from < t < to (open_end) or from < t <= to.
  /// Two passes (the mean, then the deviations from it) over up to 512 readings; above, folds of
  /// blocks aligned to the epoch, remembered (block_scan.hpp). Values so large that their sum
  /// overflows give results that are not finite. Cost: about 0.7 ns a reading up to 512; above,
  /// amortised O(1) for intervals of about one length that move on with the newest reading.
  [[nodiscard]] window_statistics over(std::int64_t from_ns, std::int64_t to_ns,
                                       bool open_end) const;

  /// What the readings with from < t <= to add up to. Cost: amortised O(1) and O(log n) to find
  /// the ends, for intervals of about one length that move on with the newest reading; a late
  /// reading costs what is to be added again between it and the next aligned place.
  [[nodiscard]] fold folded(const fold_parts& parts, std::int64_t from_ns,
                            std::int64_t to_ns) const;
  /// What all readings add up to, in a series that is cut only by max_entries.
  [[nodiscard]] fold folded(const fold_parts& parts) const;
  /// Of the readings with from < t <= to the smallest that at least permille / 1000 of all do not
  /// exceed, and how many are different; nullopt when there are none. Windows of one `span_ns`
  /// share what is remembered, which follows them. Cost: O(log n) and moves of at most 4 KB for
  /// each reading between two questions.
  [[nodiscard]] std::optional<double> quantile(unsigned permille, std::int64_t span_ns,
                                               std::int64_t from_ns, std::int64_t to_ns) const;
  [[nodiscard]] std::optional<double> distinct(std::int64_t span_ns, std::int64_t from_ns,
                                               std::int64_t to_ns) const;

  /// Visits (event time, value) with from < t <= to, oldest first.
  template <class F> void each(std::int64_t from_ns, std::int64_t to_ns, F&& visit) const;

  struct dated {
    std::int64_t event_time_ns;
    double value;
  };
  /// The newest reading at or before `time_ns`. Cost: O(log n), O(1) near the newest.
  [[nodiscard]] std::optional<dated> last_at(std::int64_t time_ns) const noexcept;
  /// Reading `index`, the oldest is 0. Index of the first one later than `time_ns`, or size().
  [[nodiscard]] dated at(std::size_t index) const noexcept {
    const std::size_t place_of = place(index);
    return {times()[place_of], values()[place_of]};
  }
  [[nodiscard]] std::size_t first_after(std::int64_t time_ns) const noexcept;
  /// Forgets the readings up to and including `time_ns`.
  void drop_through(std::int64_t time_ns) noexcept;
  /// How many readings have from < t <= to.
  [[nodiscard]] std::size_t count(std::int64_t from_ns, std::int64_t to_ns) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::int64_t newest_ns() const noexcept; ///< no_time when empty
  [[nodiscard]] std::uint64_t truncated() const noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept; ///< heap bytes held
  void save(byte_writer& out) const; ///< canonical: content only, no caches, no capacity
  /// False on damage. `beyond_span`: readings may have been kept beyond the span.
  [[nodiscard]] bool load(byte_reader& in, bool beyond_span = false);

private:
  // Readings 0 .. size_-1, oldest first, in a ring: block_ holds capacity_ times, then as many
  // values; reading i stands at (head_ + i) mod capacity_.
  [[nodiscard]] std::size_t place(std::size_t i) const noexcept {
    const std::size_t at = std::size_t{head_} + i;
    return at < capacity_ ? at : at - capacity_;
  }
  [[nodiscard]] std::int64_t* times() const noexcept {
    return reinterpret_cast<std::int64_t*>(block_.get());
  }
  [[nodiscard]] double* values() const noexcept {
    return reinterpret_cast<double*>(block_.get() + std::size_t{capacity_} * sizeof(std::int64_t));
  }
  [[nodiscard]] std::int64_t time(std::size_t i) const noexcept { return times()[place(i)]; }
  [[nodiscard]] slice_summary summarise(std::size_t from, std::size_t to) const noexcept;
  template <class Groups, class Rest>
  void runs(std::size_t from, std::size_t to, Groups&& groups, Rest&& rest) const;
  [[nodiscard]] window_cache& cache() const;
  placed insert_late(std::int64_t event_time_ns, double value, std::int64_t keep_after_ns);
  void drop_oldest() noexcept;
  void resize(std::size_t capacity);
  void clear() noexcept;

  std::unique_ptr<std::byte[]> block_;
  mutable std::unique_ptr<window_cache> cache_; ///< only once a window needs it
  std::int64_t span_ns_;
  std::uint64_t truncated_ = 0;
  std::uint32_t capacity_ = 0;
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t max_entries_;
};

static_assert(sizeof(series) <= 48, "there are several in each of a million twins");

template <class F> void series::each(std::int64_t from_ns, std::int64_t to_ns, F&& visit) const {
  const std::size_t end = first_after(to_ns);
  for (std::size_t i = first_after(from_ns); i < end; ++i) {
    const std::size_t at = place(i);
    visit(times()[at], values()[at]);
  }
}

/// Reads what formats before 3 of a twin's state kept of count windows and of windows by key: a
/// number of pairs of time and value, at most `most`, into an empty series. False, and a failed
/// reader, on damage.
[[nodiscard]] bool load_pairs(byte_reader& in, series& into, std::size_t most);

} // namespace pollux::domain
