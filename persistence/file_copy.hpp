// SPDX-License-Identifier: Apache-2.0
// Files of a backup: copied with their checksum, synced, and listed in a form that sha256sum(1)
// checks, too.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace pollux::persistence {

/// One line of SHA256SUMS; `name` is relative to the folder, with '/'.
struct file_sum {
  std::string name, sha256;
};

inline constexpr const char* sums_file = "SHA256SUMS";

/// Asked after each piece of at most 1 MB with its size; false: stop.
using piece_visitor = std::function<bool(std::uint64_t bytes)>;

/// 64 hex digits. Errors: io, unavailable (stopped).
[[nodiscard]] result<std::string> sha256_of_file(const std::string& file,
                                                 const piece_visitor& piece = {});
/// Copies, syncs, and gives the SHA-256 of what was read. `to` must not exist. Errors: io,
/// no_space, unavailable (stopped).
[[nodiscard]] result<std::string> copy_file(const std::string& from, const std::string& to,
                                            const piece_visitor& piece = {});
/// Writes a small file and syncs it. Errors: io, no_space.
[[nodiscard]] status write_file(const std::string& file, const std::string& content);
/// Errors: io, not_found.
[[nodiscard]] result<std::string> read_file(const std::string& file);

/// Syncs a folder's entries, so that names survive a power cut.
[[nodiscard]] status sync_folder(const std::string& folder);
/// All regular files below `folder`, sorted, synced each, with their sums.
[[nodiscard]] result<std::vector<file_sum>> sum_folder(const std::string& folder,
                                                       const piece_visitor& piece = {});
[[nodiscard]] status write_sums(const std::string& folder, const std::vector<file_sum>& files);
/// Errors: not_found (no SHA256SUMS: not a backup, or an unfinished one), corrupt.
[[nodiscard]] result<std::vector<file_sum>> read_sums(const std::string& folder);

} // namespace pollux::persistence
