// SPDX-License-Identifier: Apache-2.0
// Folds over any interval of a series in a bounded number of steps. The series is cut into blocks
// at places that do not depend on what arrived when: aligned to the epoch, or to the number of
// readings so far. Of each block it is remembered what its first 64, 128 .. readings add up to, and
// its last k, 2k ..: an interval is the end of one block, perhaps a whole one, and the start of
// another. What is kept here only saves work: a fold that is missing is made again from the
// readings, to the same bits.
#pragma once
#include "domain/window/fold.hpp"
#include <cstddef>
#include <vector>

namespace pollux::domain {

class series;

/// What is remembered of a fold, and how often.
struct scan_layout {
  explicit scan_layout(const fold_parts& of) noexcept;
  fold_parts parts;
  std::uint32_t width = 0;  ///< numbers of one fold
  std::uint32_t stride = 1; ///< readings between the ends that are kept: 4 or 8 bytes a reading
};

/// One block: its readings are those of the series in [from, to), as the caller says each time.
class block_scan {
public:
  static constexpr std::uint32_t starts_apart = 64;

  /// What readings [from, to) add up to; `from` is the block's first reading.
  [[nodiscard]] fold start(const scan_layout& how, const series& of, std::size_t from,
                           std::size_t to);
  /// The same; `to` is the end of the block.
  [[nodiscard]] fold end(const scan_layout& how, const series& of, std::size_t from,
                         std::size_t to);
  /// Only the block's first or last `count` readings are still what they were.
  void keep_first(std::size_t count) noexcept;
  void keep_last(const scan_layout& how, std::size_t count) noexcept;
  /// All its readings are gone; other blocks may have its memory.
  void retire(std::vector<double>& spare) noexcept;
  /// Ends are kept of one block at a time, mostly: the memory for them goes from one to the next.
  void lend(std::vector<double>& spare) noexcept;

  std::int64_t id = 0;
  bool live = false;
  /// How many of its first readings were folded last.
  [[nodiscard]] std::size_t folded() const noexcept { return running_; }
  [[nodiscard]] std::size_t heap_bytes() const noexcept {
    return (starts_.capacity() + ends_.capacity()) * sizeof(double);
  }

private:
  std::uint32_t running_ = 0;     ///< readings in the first fold of starts_
  std::uint32_t starts_kept_ = 0; ///< folds after it: of 64, 128 .. readings
  std::uint32_t ends_kept_ = 0;
  std::vector<double> starts_;
  std::vector<double> ends_;
};

/// The blocks that windows of about one length and one choice of aggregates look into.
class block_scans {
public:
  /// Blocks are 2^shift ns wide, or hold `per_block` readings when that is not 0.
  block_scans(const fold_parts& parts, unsigned shift, std::uint64_t per_block)
      : how_(parts), shift_(shift), per_block_(per_block) {}
  [[nodiscard]] bool serves(const fold_parts& parts, unsigned shift,
                            std::uint64_t per_block) const noexcept {
    return shift == shift_ && per_block == per_block_ && parts == how_.parts;
  }
  /// What the readings [from, to) of the series add up to: those with from_ns < t <= last_ns. The
  /// interval is at least one and less than two blocks long.
  [[nodiscard]] fold over(const series& of, std::size_t from, std::size_t to, std::int64_t from_ns,
                          std::int64_t last_ns);
  /// What all readings of a series of at most per_block add up to; `gone` came before them.
  [[nodiscard]] fold all(const series& of, std::uint64_t gone);
  /// The newest reading came.
  void came(std::int64_t time_ns) noexcept;
  /// The reading at `time_ns` came late or changed.
  void changed(const series& of, std::int64_t time_ns) noexcept;
  /// The oldest reading goes, the `gone`th that does; the one after it is at `next_ns`.
  void goes(std::int64_t time_ns, std::int64_t next_ns, std::uint64_t gone) noexcept;
  [[nodiscard]] std::size_t heap_bytes() const noexcept;

private:
  block_scan& find(std::int64_t id);
  [[nodiscard]] std::size_t begin_of(const series& of, std::int64_t id, std::size_t from,
                                     std::size_t to) const noexcept;
  [[nodiscard]] fold end_of(std::int64_t id, const series& of, std::size_t from, std::size_t to);
  scan_layout how_;
  unsigned shift_;
  std::uint64_t per_block_;
  std::vector<block_scan> blocks_;
  std::vector<double> spare_; ///< for ends
};

} // namespace pollux::domain
