// SPDX-License-Identifier: Apache-2.0
// The tail of one shard's log, sorted by twin: what has been journaled and is not in blocks yet
// (or is in both: sealing comes before trimming, so readers compare ids).
#pragma once
#include "persistence/log.hpp"
#include <string>
#include <unordered_map>

namespace pollux::persistence {

class tail_view {
public:
  /// For one twin only when `only` is given (memory: that twin's segments), else for all.
  explicit tail_view(std::string only = {}) : only_(std::move(only)) {}

  /// Reads what the shard's tail holds beyond what was read before; another shard starts anew.
  /// Damaged segments are passed over, as recovery passes over them: log::check names them.
  /// Errors: io, unavailable. Cost: a scan of the new part.
  [[nodiscard]] status refresh(const log& from, std::uint32_t shard);

  /// Visits the inputs of a twin in order; views point into the segments held here.
  void each(std::string_view id, const std::function<void(const domain::input&)>& visit) const;
  void each_shard_wide(const std::function<void(const domain::input&)>& visit) const;
  [[nodiscard]] std::uint64_t segments() const noexcept { return segments_; }
  [[nodiscard]] bool holds(const log& from, std::uint32_t shard) const noexcept {
    return from_ == &from && shard_ == shard;
  }

private:
  struct entry {
    std::uint32_t segment = 0, index = 0;
  };
  void take(const positioned_segment& s);
  void visit_entries(const std::vector<entry>& entries,
                     const std::function<void(const domain::input&)>& visit) const;

  std::string only_;
  const log* from_ = nullptr;
  std::uint32_t shard_ = 0;
  domain::position next_; ///< everything below has been read
  std::uint64_t segments_ = 0;
  std::vector<positioned_segment> held_;
  std::unordered_map<std::string_view, std::vector<entry>> of_twin_; ///< keys point into held_
  std::vector<entry> shard_wide_;
};

} // namespace pollux::persistence
