// SPDX-License-Identifier: Apache-2.0
#include "tests/support/disk_record.hpp"
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace recorder {

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

namespace {

struct record_head {
  std::uint32_t what;
  std::int32_t fd;
  std::uint64_t time_ns; ///< monotonic
  std::uint64_t offset;
  std::uint32_t name_bytes, data_bytes;
};

struct mapping {
  char* at;
  char* seen; ///< the bytes as they were last recorded
  std::size_t size, upto;
  std::uint64_t offset;
  int fd; ///< of its own, for the file's may be closed
};

constexpr int most_fds = 4096, most_mappings = 64;
constexpr std::size_t page = 4096;
int next_mapping = 1'000'000;

std::atomic<unsigned char> kinds[most_fds];
mapping mappings[most_mappings];
std::atomic<int> mapped{0};
std::atomic<std::uint64_t> syncs{0};
char root[PATH_MAX];
std::size_t root_bytes = 0;
int record_fd = -1, port = 0;
long sync_us = 0;
std::atomic<bool> ready{false};

std::uint64_t now_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(t.tv_nsec);
}

} // namespace

void put(std::uint32_t what, int fd, std::uint64_t offset, const char* name, const void* data,
         std::size_t bytes) {
  const auto name_bytes = name == nullptr ? 0 : std::strlen(name);
  record_head head{what,
                   fd,
                   now_ns(),
                   offset,
                   static_cast<std::uint32_t>(name_bytes),
                   static_cast<std::uint32_t>(bytes)};
  iovec parts[3] = {{&head, sizeof head},
                    {const_cast<char*>(name), name_bytes},
                    {const_cast<void*>(data), bytes}};
  const auto whole = static_cast<long>(sizeof head + name_bytes + bytes);
  if (ask(SYS_writev, record_fd, parts, 3) != whole) std::abort(); // half a record proves nothing
}

namespace {

/// Records what was copied into mappings since the last look. `all`: looks at every page; else it
/// ends after 64 KiB without a change, which is the most LevelDB's writer copies at once.
void look_at_mappings(bool all) {
  for (auto& m : mappings) {
    if (m.at == nullptr) continue;
    std::size_t same = 0;
    for (std::size_t at = all ? 0 : m.upto / page * page; at < m.size; at += page) {
      const auto here = m.size - at < page ? m.size - at : page;
      if (std::memcmp(m.at + at, m.seen + at, here) == 0) {
        same += here;
        if (!all && same >= 64 << 10) break;
        continue;
      }
      same = 0;
      std::size_t from = here, to = 0;
      for (std::size_t i = 0; i < here; ++i) { // once each: somebody may be writing there
        const char now = static_cast<volatile char*>(m.at)[at + i];
        if (now == m.seen[at + i]) continue;
        m.seen[at + i] = now;
        if (from == here) from = i;
        to = i + 1;
      }
      if (from == here) continue;
      put(written, m.fd, m.offset + at + from, nullptr, m.seen + at + from, to - from);
      if (at + to > m.upto) m.upto = at + to;
    }
  }
}

void start() {
  const char* folder_name = std::getenv("DISK_RECORD_FOLDER");
  const char* file_name = std::getenv("DISK_RECORD_FILE");
  const char* port_text = std::getenv("DISK_RECORD_PORT");
  const char* sync_text = std::getenv("DISK_RECORD_SYNC_US");
  if (folder_name == nullptr || file_name == nullptr) return;
  root_bytes = std::strlen(folder_name);
  if (root_bytes == 0 || root_bytes >= sizeof root) return;
  std::memcpy(root, folder_name, root_bytes + 1);
  port = port_text == nullptr ? 0 : std::atoi(port_text);
  sync_us = sync_text == nullptr ? 0 : std::atol(sync_text);
  const auto fd =
      ask<int>(SYS_openat, AT_FDCWD, file_name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) std::abort();
  record_fd = ask<int>(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 1000); // out of the program's way
  ask(SYS_close, fd);
  if (record_fd < 0) std::abort();
  put(started, -1, 0, nullptr, nullptr, 0);
  ready = true;
}

__attribute__((constructor)) void begin() { start(); }

} // namespace

tracked kind_of(int fd) {
  return fd >= 0 && fd < most_fds ? static_cast<tracked>(kinds[fd].load()) : no;
}

/// The whole name of a file below the folder; nullptr when it is elsewhere.
const char* place(int folder_fd, const char* name, char* out) {
  if (!ready || name == nullptr) return nullptr;
  out[0] = '\0';
  if (name[0] != '/') {
    char link[64];
    if (folder_fd == AT_FDCWD)
      std::snprintf(link, sizeof link, "/proc/self/cwd");
    else
      std::snprintf(link, sizeof link, "/proc/self/fd/%d", folder_fd);
    const auto n = ask(SYS_readlinkat, AT_FDCWD, link, out, std::size_t{PATH_MAX - 1});
    if (n < 0) return nullptr;
    out[n] = '\0';
    std::strncat(out, "/", PATH_MAX - std::strlen(out) - 1);
  }
  std::strncat(out, name, PATH_MAX - std::strlen(out) - 1);
  return std::strncmp(out, root, root_bytes) == 0 &&
                 (out[root_bytes] == '/' || out[root_bytes] == '\0')
             ? out
             : nullptr;
}

bool there(const char* name) { return ask(SYS_faccessat, AT_FDCWD, name, F_OK) == 0; }

/// After a successful open, under the lock.
void note_open(int fd, const char* where, bool made, int flags, bool by_stdio) {
  if (fd >= most_fds) {
    put(unknown, fd, 0, "too many descriptors", nullptr, 0);
    return;
  }
  struct stat s {};
  const bool is_folder = ::fstat(fd, &s) == 0 && S_ISDIR(s.st_mode);
  kinds[fd] = is_folder ? folder : file;
  put(opened, fd, (made ? 1u : 0u) | ((flags & O_TRUNC) != 0 ? 2u : 0u), where, nullptr, 0);
  if (by_stdio) put(hidden, fd, 0, nullptr, nullptr, 0);
}

int open_at(int folder_fd, const char* name, int flags, mode_t mode) {
  char buffer[PATH_MAX];
  const char* where = place(folder_fd, name, buffer);
  if (where == nullptr) return ask<int>(SYS_openat, folder_fd, name, flags, mode);
  const locked lock;
  const bool made = (flags & O_CREAT) != 0 && !there(where);
  const int fd = ask<int>(SYS_openat, folder_fd, name, flags, mode);
  const int error = errno;
  if (fd >= 0) note_open(fd, where, made, flags, false);
  errno = error;
  return fd;
}

void note_close(int fd) {
  if (kind_of(fd) == no) return;
  const locked lock;
  look_at_mappings(true);
  put(closed, fd, 0, nullptr, nullptr, 0);
  kinds[fd] = no;
}

/// After `n` bytes went to a file at its current place.
void note_written(int fd, const iovec* parts, int count, long n, std::int64_t at) {
  if (n <= 0) return;
  const int error = errno;
  const locked lock;
  look_at_mappings(false);
  if (at < 0) at = ask(SYS_lseek, fd, 0L, SEEK_CUR) - n;
  auto left = static_cast<std::size_t>(n);
  for (int i = 0; i < count && left > 0; ++i) {
    const auto part = parts[i].iov_len < left ? parts[i].iov_len : left;
    put(written, fd, static_cast<std::uint64_t>(at), nullptr, parts[i].iov_base, part);
    at += static_cast<std::int64_t>(part);
    left -= part;
  }
  errno = error;
}

/// What is about to be said; a full buffer of the kernel may take less.
void note_saying(int fd, const iovec* parts, std::size_t count) {
  const locked lock;
  look_at_mappings(false);
  static char joined[1 << 20];
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto room = sizeof joined - size;
    const auto part = parts[i].iov_len < room ? parts[i].iov_len : room;
    std::memcpy(joined + size, parts[i].iov_base, part);
    size += part;
  }
  if (size == sizeof joined)
    put(unknown, fd, 0, "more said at once than the buffer holds", nullptr, 0);
  put(saying, fd, 0, nullptr, joined, size);
}

void note_said(int fd, long n) {
  const int error = errno;
  const locked lock;
  put(said, fd, static_cast<std::uint64_t>(n < 0 ? 0 : n), nullptr, nullptr, 0);
  errno = error;
}

void note_heard(int fd, const iovec* parts, std::size_t count, long n) {
  if (n <= 0) return;
  const int error = errno;
  const locked lock;
  auto left = static_cast<std::size_t>(n);
  for (std::size_t i = 0; i < count && left > 0; ++i) {
    const auto part = parts[i].iov_len < left ? parts[i].iov_len : left;
    put(heard, fd, 0, nullptr, parts[i].iov_base, part);
    left -= part;
  }
  errno = error;
}

int sync_file(long call, int fd) {
  const auto what = kind_of(fd);
  if (what != file && what != folder) return ask<int>(call, fd);
  const auto number = ++syncs;
  {
    const locked lock;
    look_at_mappings(true);
    put(sync_begun, fd, number, nullptr, nullptr, 0);
  }
  const int done = ask<int>(call, fd);
  const int error = errno;
  if (sync_us > 0) {
    const auto us = static_cast<long>(number * 2654435761u % 1000) * sync_us / 1000;
    const timespec pause{us / 1'000'000, us % 1'000'000 * 1000};
    ::nanosleep(&pause, nullptr);
  }
  const locked lock;
  look_at_mappings(false);
  if (done == 0) put(sync_done, fd, number, nullptr, nullptr, 0);
  errno = error;
  return done;
}

int set_size(long call, int fd, off_t size) {
  if (kind_of(fd) != file) return ask<int>(call, fd, size);
  const locked lock;
  look_at_mappings(true);
  const int done = ask<int>(call, fd, size);
  if (done == 0) put(sized, fd, static_cast<std::uint64_t>(size), nullptr, nullptr, 0);
  return done;
}

int allocate(int fd, int mode, off_t from, off_t size) {
  if (kind_of(fd) != file) return ask<int>(SYS_fallocate, fd, mode, from, size);
  const locked lock;
  look_at_mappings(false);
  const int done = ask<int>(SYS_fallocate, fd, mode, from, size);
  if (done != 0) return done;
  if (mode == 0)
    put(allocated, fd, static_cast<std::uint64_t>(from + size), nullptr, nullptr, 0);
  else
    put(unknown, fd, 0, "fallocate with a mode", nullptr, 0);
  return done;
}

int rename_at(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) {
  char one[PATH_MAX], two[PATH_MAX];
  const char* here = place(from_fd, from, one);
  const char* new_place = place(to_fd, to, two);
  if (here == nullptr && new_place == nullptr)
    return ask<int>(SYS_renameat2, from_fd, from, to_fd, to, flags);
  const locked lock;
  look_at_mappings(false);
  const int done = ask<int>(SYS_renameat2, from_fd, from, to_fd, to, flags);
  if (done != 0) return done;
  if (here == nullptr || new_place == nullptr || flags != 0)
    put(unknown, -1, 0, "a rename into or out of the folder", nullptr, 0);
  else
    put(renamed, -1, 0, here, new_place, std::strlen(new_place));
  return done;
}

int unlink_at(int folder_fd, const char* name, int flags) {
  char buffer[PATH_MAX];
  const char* where = place(folder_fd, name, buffer);
  if (where == nullptr) return ask<int>(SYS_unlinkat, folder_fd, name, flags);
  const locked lock;
  look_at_mappings(false);
  const int done = ask<int>(SYS_unlinkat, folder_fd, name, flags);
  if (done == 0)
    put((flags & AT_REMOVEDIR) != 0 ? folder_removed : unlinked, -1, 0, where, nullptr, 0);
  return done;
}

int make_folder(int folder_fd, const char* name, mode_t mode) {
  char buffer[PATH_MAX];
  const char* where = place(folder_fd, name, buffer);
  if (where == nullptr) return ask<int>(SYS_mkdirat, folder_fd, name, mode);
  const locked lock;
  const int done = ask<int>(SYS_mkdirat, folder_fd, name, mode);
  if (done == 0) put(folder_made, -1, 0, where, nullptr, 0);
  return done;
}

void note_unknown(const char* what, const char* name) {
  char buffer[PATH_MAX];
  if (place(AT_FDCWD, name, buffer) == nullptr) return;
  const locked lock;
  put(unknown, -1, 0, what, nullptr, 0);
}

void* map(void* wanted, std::size_t size, int access, int flags, int fd, off_t offset) {
  void* at = reinterpret_cast<void*>(ask(SYS_mmap, wanted, size, access, flags, fd, offset));
  if (at == MAP_FAILED || kind_of(fd) != file || (flags & MAP_SHARED) == 0 ||
      (access & PROT_WRITE) == 0)
    return at;
  const locked lock;
  for (auto& m : mappings) {
    if (m.at != nullptr) continue;
    void* seen = reinterpret_cast<void*>(
        ask(SYS_mmap, nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L));
    if (seen == MAP_FAILED) break;
    std::memcpy(seen, at, size);
    m = {static_cast<char*>(at),
         static_cast<char*>(seen),
         size,
         0,
         static_cast<std::uint64_t>(offset),
         next_mapping++};
    ++mapped;
    put(shared, fd, static_cast<std::uint64_t>(m.fd), nullptr, nullptr, 0);
    return at;
  }
  put(unknown, fd, 0, "a mapping that cannot be followed", nullptr, 0);
  return at;
}

int unmap(void* at, std::size_t size) {
  if (mapped > 0) {
    const locked lock;
    for (auto& m : mappings) {
      if (m.at != at) continue;
      look_at_mappings(true);
      put(closed, m.fd, 0, nullptr, nullptr, 0);
      ask(SYS_munmap, m.seen, m.size);
      m = {};
      --mapped;
    }
  }
  return ask<int>(SYS_munmap, at, size);
}

void note_connect(int fd, int to_port) {
  if (!ready || fd >= most_fds || to_port != port) return;
  const locked lock;
  if (kinds[fd].exchange(peer) != peer) put(connected, fd, 0, nullptr, nullptr, 0);
}

} // namespace recorder
