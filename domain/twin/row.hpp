// SPDX-License-Identifier: Apache-2.0
// One reading on its way through a twin: which telemetry it brought, and what was found about it.
#pragma once
#include "domain/model/model.hpp"
#include "domain/twin/step_context.hpp"
#include <array>
#include <cstdint>

namespace pollux::domain {

/// A set of small numbers without allocation.
template <std::size_t N> class bit_set {
public:
  void insert(std::size_t i) noexcept { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  [[nodiscard]] bool has(std::size_t i) const noexcept {
    return (words_[i / 64] >> (i % 64) & 1) != 0;
  }
  [[nodiscard]] bool empty() const noexcept {
    for (const auto w : words_)
      if (w != 0) return false;
    return true;
  }

private:
  std::array<std::uint64_t, (N + 63) / 64> words_{};
};

/// Which way an operator found a reading to lie outside.
enum class verdict : std::uint8_t { none, lower, upper };

class row {
public:
  row(step_context& at, std::int64_t event_time_ns) : at_(at), event_time_ns_(event_time_ns) {}
  row(const row&) = delete;
  row& operator=(const row&) = delete;

  [[nodiscard]] step_context& at() const noexcept { return at_; }
  [[nodiscard]] twin_state::body& twin() const noexcept { return at_.twin; }
  [[nodiscard]] std::int64_t event_time_ns() const noexcept { return event_time_ns_; }

  /// The reading brought this telemetry, newer than any before: it may be judged.
  [[nodiscard]] bool fresh(int slot) const noexcept { return fresh_.has(std::size_t(slot)); }
  /// The reading brought this telemetry, fresh, late or as a correction.
  [[nodiscard]] bool arrived(int slot) const noexcept { return arrived_.has(std::size_t(slot)); }
  /// The reading brought something newer than what was judged before: a newer value of any
  /// telemetry, or, whatever it brought, a newer time than all before.
  [[nodiscard]] bool anything_fresh() const noexcept { return newest_ || !fresh_.empty(); }
  /// The value as a number; only where fresh() and numeric.
  [[nodiscard]] double value(int slot) const noexcept { return values_[std::size_t(slot)]; }

  void note_fresh(int slot, double value) noexcept {
    fresh_.insert(std::size_t(slot));
    values_[std::size_t(slot)] = value;
  }
  void note_newest() noexcept { newest_ = true; } ///< of all readings of the twin
  void note_arrived(int slot) noexcept { arrived_.insert(std::size_t(slot)); }

  /// What an operator found about this reading, for the operators after it.
  [[nodiscard]] verdict found(std::uint32_t op) const noexcept {
    return upper_.has(op) ? verdict::upper : lower_.has(op) ? verdict::lower : verdict::none;
  }
  void find(std::uint32_t op, verdict v) noexcept {
    if (v == verdict::upper) upper_.insert(op);
    if (v == verdict::lower) lower_.insert(op);
  }

private:
  step_context& at_;
  std::int64_t event_time_ns_;
  bool newest_ = false;
  bit_set<max_telemetry> fresh_, arrived_;
  bit_set<max_operators> upper_, lower_;
  std::array<double, max_telemetry> values_; // set where fresh_ says so
};

} // namespace pollux::domain
