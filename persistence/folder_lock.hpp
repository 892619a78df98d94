// SPDX-License-Identifier: Apache-2.0
// One process per folder: a locked file that says which process holds it.
#pragma once
#include "domain/base/result.hpp"
#include <string>

namespace pollux::persistence {

/// Holds <folder>/owner.pid locked while it lives. The kernel frees it with the process, so a
/// killed node never has to be cleaned up after.
class folder_lock {
public:
  folder_lock() = default;
  folder_lock(folder_lock&& other) noexcept;
  folder_lock& operator=(folder_lock&& other) noexcept;
  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;
  ~folder_lock();

  /// Makes the folder where it is missing. Errors: locked (names the pid), io.
  [[nodiscard]] static result<folder_lock> take(const std::string& folder);

private:
  int fd_ = -1;
};

} // namespace pollux::persistence
