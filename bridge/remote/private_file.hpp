// SPDX-License-Identifier: Apache-2.0
// Files that hold secrets: written whole or not at all, and never readable by others.
#pragma once
#include "domain/base/result.hpp"
#include <string>
#include <string_view>
#include <utility>

namespace pollux::bridge::remote {

/// Writes a new file beside `path`, syncs it and puts it in the place of `path` in one step.
/// `mode` as for open(2). Errors: no_space, refused (no permission), io; `path` is then unchanged.
status replace_file(const std::string& path, std::string_view content, unsigned mode);

/// The whole file. Errors: not_found, refused (no permission), invalid_argument (over 1 MB), io.
[[nodiscard]] result<std::string> read_file(const std::string& path);

/// Errors: refused when group or others may read or write it (the message says how to mend that),
/// not_found, io.
[[nodiscard]] status check_private(const std::string& path);

/// Makes `path`, and what is missing above it, for the owner alone. An existing folder is taken as
/// it is unless group or others may write to it. Errors: refused, io.
status make_private_folder(const std::string& path);

/// Held by one process at a time; freed when it goes, crash included. Waits for its turn.
class folder_turn {
public:
  /// Errors: refused, io.
  static result<folder_turn> take(const std::string& folder);
  folder_turn(folder_turn&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  folder_turn& operator=(folder_turn&&) = delete;
  ~folder_turn();

private:
  explicit folder_turn(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

} // namespace pollux::bridge::remote
