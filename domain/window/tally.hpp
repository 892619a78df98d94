// SPDX-License-Identifier: Apache-2.0
// What a run of readings adds up to: a left fold in event-time order, one reading or one later run
// after the other. The same runs in that order give the same bits, whoever folds them and when.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/window/fold.hpp"
#include <memory>

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

  [[nodiscard]] std::uint64_t count() const noexcept { return all_.count; }
  [[nodiscard]] std::int64_t first_ns() const noexcept {
    return all_.first_ns;
  }                                                                            ///< when count() > 0
  [[nodiscard]] std::int64_t last_ns() const noexcept { return all_.last_ns; } ///< when count() > 0
  [[nodiscard]] std::size_t heap_bytes() const noexcept;
  void save(const aggregate_plan& plan, byte_writer& out) const;
  [[nodiscard]] bool load(const aggregate_plan& plan, byte_reader& in); ///< false on damage

private:
  fold_basics all_;
  std::unique_ptr<tally_extras> extras_; ///< only when the plan needs it
};

} // namespace pollux::domain
