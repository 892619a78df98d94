// SPDX-License-Identifier: Apache-2.0
#include "persistence/durable_folder.hpp"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace pollux::persistence {

namespace {

namespace fs = std::filesystem;

failure failed(const std::string& doing, int number) {
  return {number == ENOSPC || number == EDQUOT ? errc::no_space : errc::io,
          doing + ": " + std::strerror(number)};
}

status sync_entries(const fs::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return errno == EACCES || errno == EPERM ? status{}
                                             : failed("opening " + folder.string(), errno);
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (error == 0 || error == EINVAL || error == EROFS) return {}; // no such thing there
  return failed("syncing " + folder.string(), error);
}

} // namespace

status make_folder(const std::string& folder) {
  std::error_code error;
  auto path = fs::absolute(folder, error).lexically_normal();
  if (error) return failure{errc::io, "creating " + folder + ": " + error.message()};
  if (!path.has_filename()) path = path.parent_path(); // "a/b/"
  const auto above = path.parent_path();
  if (above == path) return {}; // the root
  if (!fs::exists(above, error))
    if (auto s = make_folder(above.string()); !s) return s;
  fs::create_directory(path, error);
  if (error) return failed("creating " + folder, error.value());
  return sync_entries(above);
}

} // namespace pollux::persistence
