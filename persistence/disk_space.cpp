// SPDX-License-Identifier: Apache-2.0
#include "persistence/disk_space.hpp"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace pollux::persistence {

std::uint64_t free_bytes(const std::string& folder) noexcept {
  struct statvfs v {};
  if (::statvfs(folder.c_str(), &v) != 0) return 0;
  return std::uint64_t{v.f_bavail} * v.f_frsize;
}

ballast::ballast(std::string folder, std::uint64_t bytes)
    : name_(std::move(folder) + "/ballast"), bytes_(bytes) {}

bool ballast::held() const noexcept {
  struct stat s {};
  return ::stat(name_.c_str(), &s) == 0 && static_cast<std::uint64_t>(s.st_size) >= bytes_;
}

void ballast::keep(std::uint64_t free, std::uint64_t reserve) noexcept {
  if (bytes_ == 0 || held() || free < reserve + 2 * bytes_) return;
  const int fd = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return;
  const bool made = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes_)) == 0;
  ::close(fd);
  if (!made) drop();
}

void ballast::drop() noexcept { ::unlink(name_.c_str()); }

} // namespace pollux::persistence
