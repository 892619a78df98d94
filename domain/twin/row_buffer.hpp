// SPDX-License-Identifier: Apache-2.0
// The readings a twin may have to go through once more, in event-time order. Readings of the same
// event time are one row: which message brought which telemetry cannot matter.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/twin/value.hpp"
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain {

/// One value on its way in: of a declared telemetry, fitting its type.
struct measured {
  std::uint16_t slot = 0;
  value_view value;
};

class row_buffer {
public:
  struct cell {
    std::uint64_t bits = 0; ///< of the number; of a text where it lies: offset << 16 | size
    std::uint16_t slot = 0;
    value_kind kind = value_kind::none;
  };

  [[nodiscard]] std::size_t size() const noexcept { return rows_.size() - gone_; }
  [[nodiscard]] std::int64_t time(std::size_t i) const noexcept { return rows_[gone_ + i].time_ns; }
  [[nodiscard]] std::span<const cell> cells(std::size_t i) const noexcept {
    const auto& r = rows_[gone_ + i];
    return {cells_.data() + r.first, r.count};
  }
  /// Valid until the next change.
  [[nodiscard]] value_view value(const cell& c) const noexcept;
  /// Index of the first row later than `time_ns`; size() when there is none.
  [[nodiscard]] std::size_t first_after(std::int64_t time_ns) const noexcept;
  /// Whether the row at that time holds all of `values` already.
  [[nodiscard]] bool holds(std::int64_t time_ns, std::span<const measured> values) const noexcept;
  /// The value of a telemetry at that time; kind none where there is none.
  [[nodiscard]] value_view find(std::int64_t time_ns, std::uint16_t slot) const noexcept;
  /// Puts the values into the row of that time; the same telemetry again replaces. `values` are
  /// sorted by slot, no slot twice. Amortised O(1) for the newest, O(rows after it) for others.
  void insert(std::int64_t time_ns, std::span<const measured> values);
  /// Forgets rows up to and including that time.
  void forget_through(std::int64_t time_ns);

  [[nodiscard]] std::size_t text_bytes() const noexcept { return live_text_; }
  [[nodiscard]] std::size_t heap_bytes() const noexcept;
  void save(byte_writer& out) const; ///< canonical: rows by time, cells by slot
  [[nodiscard]] bool load(byte_reader& in, std::size_t slots);

private:
  struct entry {
    std::int64_t time_ns = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  void append(const measured& m);
  void keep(std::size_t cell_index);
  void bury(const entry& row) noexcept;
  void merge(entry& row, std::span<const measured> values);
  void tidy();

  std::vector<entry> rows_; ///< from gone_ on, sorted by time
  std::vector<cell> cells_;
  std::string texts_;
  std::size_t gone_ = 0; ///< rows at the front that are forgotten
  std::size_t dead_ = 0; ///< cells no row refers to
  std::size_t live_text_ = 0;
};

} // namespace pollux::domain
