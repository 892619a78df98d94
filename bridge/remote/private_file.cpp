// SPDX-License-Identifier: Apache-2.0
#include "bridge/remote/private_file.hpp"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace pollux::bridge::remote {

namespace {

failure system_failure(const std::string& path, const char* doing, int code) {
  const auto what = path + ": cannot " + doing + ": " + std::generic_category().message(code);
  switch (code) {
  case ENOENT: return {errc::not_found, what};
  case EACCES:
  case EPERM:
  case EROFS: return {errc::refused, what};
  case ENOSPC:
  case EDQUOT: return {errc::no_space, what};
  default: return {errc::io, what};
  }
}

/// 0, or the errno of the first thing that failed.
int write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const auto written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(descriptor) == 0 ? 0 : errno;
}

void sync_folder(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path().string();
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

} // namespace

status replace_file(const std::string& path, std::string_view content, unsigned mode) {
  std::string temporary = path + ".XXXXXX";
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC); // made with mode 0600
  if (descriptor < 0) return system_failure(path, "make a file beside it", errno);
  int code = write_all(descriptor, content);
  if (code == 0 && ::fsync(descriptor) != 0) code = errno; // else the name may come without bytes
  if (code == 0 && ::fchmod(descriptor, static_cast<mode_t>(mode)) != 0) code = errno;
  if (::close(descriptor) != 0 && code == 0) code = errno;
  if (code == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) code = errno;
  if (code != 0) {
    ::unlink(temporary.c_str());
    return system_failure(path, "write", code);
  }
  sync_folder(path);
  return {};
}

result<std::string> read_file(const std::string& path) {
  constexpr std::size_t limit = 1 << 20;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return system_failure(path, "open", errno);
  std::string content;
  char block[4096];
  int code = 0;
  while (content.size() <= limit) {
    const auto size = ::read(descriptor, block, sizeof block);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) code = errno;
    if (size <= 0) break;
    content.append(block, static_cast<std::size_t>(size));
  }
  ::close(descriptor);
  if (code != 0) return system_failure(path, "read", code);
  if (content.size() > limit) return failure{errc::invalid_argument, path + ": larger than 1 MB"};
  return content;
}

status check_private(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return system_failure(path, "look at", errno);
  if ((found.st_mode & 077) == 0) return {};
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(found.st_mode & 07777));
  return failure{errc::refused, path + ": is open to other users (mode " + mode +
                                    "), so it may be known to them; make it anew, or, if no one "
                                    "else has had access: chmod 600 " +
                                    path};
}

status make_private_folder(const std::string& path) {
  std::error_code code;
  const auto above = std::filesystem::path(path).parent_path();
  if (!above.empty()) std::filesystem::create_directories(above, code);
  if (code) return system_failure(above.string(), "make the folder", code.value());
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return system_failure(path, "make the folder", errno);
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return system_failure(path, "look at", errno);
  if (!S_ISDIR(found.st_mode)) return failure{errc::io, path + ": is not a folder"};
  if ((found.st_mode & 022) != 0)
    return failure{errc::refused,
                   path + ": other users may write to this folder; chmod 700 " + path};
  return {};
}

result<folder_turn> folder_turn::take(const std::string& folder) {
  const auto path = folder + "/.turn";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return system_failure(path, "open", errno);
  while (::flock(descriptor, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int code = errno;
    ::close(descriptor);
    return system_failure(path, "lock", code);
  }
  return folder_turn(descriptor);
}

folder_turn::~folder_turn() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

} // namespace pollux::bridge::remote
