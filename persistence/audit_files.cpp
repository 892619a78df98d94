// SPDX-License-Identifier: Apache-2.0
#include "persistence/audit_files.hpp"
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace pollux::persistence {

namespace {

namespace fs = std::filesystem;

failure trouble(const std::string& path, const char* what) {
  return {errno == ENOSPC || errno == EDQUOT ? errc::no_space : errc::io,
          path + ": cannot " + what + ": " + std::generic_category().message(errno)};
}

struct open_file {
  int descriptor = -1;
  explicit open_file(int d) : descriptor(d) {}
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  ~open_file() {
    if (descriptor >= 0) ::close(descriptor); // and the lock goes
  }
};

result<std::string> content_of(int file, const std::string& path) {
  std::string out;
  char block[64 << 10];
  for (;;) {
    const auto n = ::read(file, block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return trouble(path, "be read");
    if (n == 0) return out;
    out.append(block, static_cast<std::size_t>(n));
  }
}

/// The lines with the id replaced; counts those that had it.
std::string without_id(std::string_view text, const id_pattern& wanted, const std::string& instead,
                       std::uint64_t& lines) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    std::string line(text.substr(0, end));
    text.remove_prefix(end);
    if (wanted.in(line)) {
      ++lines;
      for (auto at = line.find(wanted.id()); at != line.npos;
           at = line.find(wanted.id(), at + instead.size()))
        line.replace(at, wanted.id().size(), instead);
    }
    out += line;
  }
  return out;
}

status replace(const std::string& path, std::string_view content) {
  const auto fresh = path + ".new";
  open_file to(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (to.descriptor < 0) return trouble(fresh, "be made");
  while (!content.empty()) {
    const auto n = ::write(to.descriptor, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return trouble(fresh, "be written");
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(to.descriptor) != 0 || std::rename(fresh.c_str(), path.c_str()) != 0)
    return trouble(path, "be replaced");
  const open_file folder(
      ::open(fs::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.descriptor >= 0) ::fsync(folder.descriptor);
  return {};
}

result<std::uint64_t> forget_in_file(const std::string& path, const id_pattern& wanted,
                                     const std::string& instead) {
  const open_file file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.descriptor < 0 && errno == ENOENT) return std::uint64_t{0};
  if (file.descriptor < 0) return trouble(path, "be opened");
  if (::flock(file.descriptor, LOCK_EX) != 0) return trouble(path, "be locked");
  const auto content = content_of(file.descriptor, path);
  if (!content) return content.error();
  std::uint64_t lines = 0;
  const auto changed = without_id(*content, wanted, instead, lines);
  if (lines == 0) return lines;
  if (auto done = replace(path, changed); !done) return done.error();
  return lines;
}

} // namespace

result<std::uint64_t> forget_in_audit(const std::string& folder, const id_pattern& wanted,
                                      const std::string& instead) {
  std::uint64_t lines = 0;
  std::error_code wrong, ignored;
  fs::directory_iterator at(folder, wrong);
  for (; !wrong && at != fs::directory_iterator(); at.increment(wrong)) {
    const auto path = at->path().string();
    if (path.ends_with(".jsonl.new")) fs::remove(at->path(), ignored); // of a crash
    if (!path.ends_with(".jsonl") || !at->is_regular_file(ignored)) continue;
    const auto found = forget_in_file(path, wanted, instead);
    if (!found) return found.error();
    lines += *found;
  }
  if (wrong && wrong != std::errc::no_such_file_or_directory)
    return failure{errc::io, folder + ": " + wrong.message()};
  return lines;
}

} // namespace pollux::persistence
