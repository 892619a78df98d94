// SPDX-License-Identifier: Apache-2.0
// What a run of readings adds up to: a left fold in event-time order, one reading or one later run
// after the other. The same runs in that order give the same bits, whoever folds them and when.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/window/aggregates.hpp"
#include <memory>
#include <optional>

namespace pollux::domain {

struct tally_extras;

class tally {
public:
  tally();
  tally(tally&&) noexcept;
  tally& operator=(tally&&) noexcept;
  ~tally();

  /// Adds a reading no older than the newest one inside. Cost: some 10 ns, more for quantiles,
  /// distinct, ewma and circular_mean; no allocation once warm.
  void add(const aggregate_plan& plan, std::int64_t time_ns, double value);
  /// Adds a run whose readings all are no older than the newest one inside.
  void merge(const aggregate_plan& plan, const tally& later);
  /// One aggregate; nullopt where too few readings give none, or it is not finite. A time-weighted
  /// mean holds the last value until `end_ns`.
  [[nodiscard]] std::optional<double> value(const aggregate& asked, std::int64_t end_ns) const;
  void clear() noexcept; ///< keeps its memory for the next window

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::int64_t first_ns() const noexcept { return first_ns_; } ///< when count() > 0
  [[nodiscard]] std::int64_t last_ns() const noexcept { return last_ns_; }   ///< when count() > 0
  [[nodiscard]] std::size_t heap_bytes() const noexcept;
  void save(const aggregate_plan& plan, byte_writer& out) const;
  [[nodiscard]] bool load(const aggregate_plan& plan, byte_reader& in); ///< false on damage

private:
  void add_sum(double value) noexcept;
  void add_extras(const aggregate_plan& plan, std::int64_t time_ns, double value);
  void merge_extras(const aggregate_plan& plan, const tally& later);
  [[nodiscard]] double total() const noexcept { return sum_ + carry_; }
  [[nodiscard]] std::optional<double> ordered_value(const aggregate& asked,
                                                    std::int64_t end_ns) const;

  std::uint64_t count_ = 0;
  double sum_ = 0, carry_ = 0; ///< Neumaier 1974: the carry holds what the sum's rounding lost
  double mean_ = 0, m2_ = 0;   ///< Welford 1962; only when the plan has moments
  double min_ = 0, max_ = 0;
  double first_ = 0, last_ = 0;
  std::int64_t first_ns_ = 0, last_ns_ = 0;
  std::unique_ptr<tally_extras> extras_; ///< only when the plan needs it
};

} // namespace pollux::domain
