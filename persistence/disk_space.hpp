// SPDX-License-Identifier: Apache-2.0
// Free space of a file system, and a ballast file that can be given up when the disk is full so
// that LevelDB has room to reopen.
#pragma once
#include <cstdint>
#include <string>

namespace pollux::persistence {

/// Bytes a process without privileges may still write below `folder`; 0 when it cannot be asked.
[[nodiscard]] std::uint64_t free_bytes(const std::string& folder) noexcept;

class ballast {
public:
  ballast(std::string folder, std::uint64_t bytes);
  /// Makes the file where it is missing and `free` leaves `reserve` beside it. Never fails loudly.
  void keep(std::uint64_t free, std::uint64_t reserve) noexcept;
  /// Gives the file up.
  void drop() noexcept;
  [[nodiscard]] bool held() const noexcept;

private:
  std::string name_;
  std::uint64_t bytes_;
};

} // namespace pollux::persistence
