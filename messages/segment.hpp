// SPDX-License-Identifier: Apache-2.0
// A segment: the inputs of one flush for one shard, as immutable bytes
// (messages/proto/journal.proto) plus an index over them. Encoded once when a reading arrives,
// written as it is, and decoded straight from the same bytes by the twins: nothing is copied per
// reading on the way.
#pragma once
#include "domain/base/result.hpp"
#include "domain/twin/input.hpp"
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::messages {

inline constexpr std::uint32_t shard_wide_twin = 0xffffffff;
inline constexpr std::uint32_t no_row = 0xffffffff;

struct segment_entry {
  std::uint32_t twin = shard_wide_twin; ///< index into twins(), or shard_wide_twin
  std::uint32_t offset = 0, size = 0;   ///< of the encoded Input in bytes()
  domain::input_kind kind = domain::input_kind::none;
  std::uint32_t readings = 0; ///< how many readings the input carries
};

class segment {
  /// Only parse() and the builder make segments: views point into a segment, so it never moves.
  struct key {
    explicit key() = default;
  };

public:
  explicit segment(key) noexcept {}
  segment(const segment&) = delete;
  segment& operator=(const segment&) = delete;

  /// Takes bytes as found in the log. Errors: corrupt, version_mismatch. Never crashes on damage;
  /// a segment that parses decodes without error. Cost: one pass.
  static result<std::shared_ptr<segment>> parse(std::string bytes);

  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  [[nodiscard]] const std::vector<segment_entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] const std::vector<std::string_view>& twins() const noexcept { return twins_; }
  [[nodiscard]] std::uint64_t readings() const noexcept { return readings_; }

  /// Decodes entry `index` into `out` (cleared first); views point into this segment.
  /// Cost: no allocation once `out` is warm.
  void decode(std::size_t index, domain::position at, domain::input& out) const;

  /// The rows of the twins in their shard's directory, in the order of twins(). Not persisted:
  /// set once, before the segment is shared, by whoever built or read it. no_row = unknown.
  std::vector<std::uint32_t> rows;
  /// Returns what the inlet lent for these bytes when the last holder lets go (decision 4).
  std::shared_ptr<void> credit;

private:
  friend class segment_builder;
  std::string bytes_;
  std::vector<std::string_view> twins_, names_;
  std::vector<segment_entry> entries_;
  std::uint64_t readings_ = 0;
};

/// Collects the inputs of one shard until the next flush. Not thread-safe (the shard's lock guards
/// it).
class segment_builder {
public:
  segment_builder();
  ~segment_builder();
  segment_builder(segment_builder&&) noexcept;

  /// Appends an input of the twin `id` with directory row `row` (twins are recognised by row, or,
  /// without one, by id), or a shard-wide one (row = no_row, id empty). `in.id` is ignored. Where
  /// an input has readings, only the fields of its readings are kept. Gives the entry's index.
  /// Cost: amortised no allocation once warm.
  std::uint32_t add(std::uint32_t row, std::string_view id, const domain::input& in);

  [[nodiscard]] bool empty() const noexcept;
  [[nodiscard]] std::size_t size_bytes() const noexcept;
  [[nodiscard]] std::size_t inputs() const noexcept;
  [[nodiscard]] std::uint64_t readings() const noexcept;
  /// The finished segment; the builder is empty again and keeps its memory.
  std::shared_ptr<segment> finish();

private:
  struct body;
  std::unique_ptr<body> body_;
};

/// One input as stand-alone bytes (a Segment that holds it alone, without a twin): what history
/// blocks keep of inputs that are not readings, and what quarantine keeps. `encode_input` appends
/// to `out`; `decode_input` is its inverse (out.id is left alone) and its views point into `bytes`.
/// Errors of decode_input: corrupt, version_mismatch.
void encode_input(const domain::input& in, std::string& out);
[[nodiscard]] status decode_input(std::string_view bytes, domain::input& out);

} // namespace pollux::messages
