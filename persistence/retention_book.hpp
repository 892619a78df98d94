// SPDX-License-Identifier: Apache-2.0
// What people ordered about keeping and erasing history, in the store's meta table: legal holds,
// erasures with their proofs, and who did what why. Rows that outlive a twin name it by its hash.
#pragma once
#include "persistence/store.hpp"
#include <optional>
#include <string>
#include <vector>

namespace pollux::persistence {

/// SHA-256 as 64 lower-case hex digits.
[[nodiscard]] std::string sha256_hex(std::string_view text);

struct legal_hold {
  std::string twin, by, reason;
  std::int64_t since_ns = 0;
};

/// While a twin is on hold its history neither expires nor can be erased. Also notes who and why.
/// Errors: conflict (it is on hold already), io, no_space.
[[nodiscard]] status put_hold(store& tables, const legal_hold& hold);
/// Errors: not_found (it is not on hold), io, no_space.
[[nodiscard]] status release_hold(store& tables, const std::string& twin, const std::string& by,
                                  const std::string& reason, std::int64_t now_ns);
[[nodiscard]] result<std::optional<legal_hold>> hold_of(const store& tables,
                                                        const std::string& twin);
[[nodiscard]] result<std::vector<legal_hold>> holds_in(const store& tables);

/// A line of the audit of retention: verb, sha256 of the twin's id, by, reason, when.
struct retention_note {
  std::string verb, sha256, by, reason;
  std::int64_t at_ns = 0;
};
[[nodiscard]] result<std::vector<retention_note>> retention_notes(const store& tables);

/// The erasure of a twin: what is still to be done, and then its proof.
struct erasure {
  enum class state : std::uint8_t { erasing = 0, compacting = 1, done = 2 };
  std::string sha256; ///< of the id
  std::string id;     ///< only while erasing
  std::string by, reason;
  std::int64_t at_ns = 0;
  std::uint32_t shard = 0;
  std::vector<std::uint32_t> rows; ///< one an incarnation
  state stands = state::erasing;
  erased_rows counts;
  std::uint64_t quarantined = 0, files_rewritten = 0;
  std::vector<std::string> chain_heads; ///< where the chain of each incarnation stood
};
/// The record as it is kept and shown (JSON).
[[nodiscard]] std::string erasure_document(const erasure& e);
[[nodiscard]] status put_erasure(store& tables, const erasure& e);
[[nodiscard]] result<std::vector<erasure>> erasures_in(const store& tables);

} // namespace pollux::persistence
