// SPDX-License-Identifier: Apache-2.0
// A library to preload into a program under test: it writes down, in the order in which they
// happened, what the program does to the files below one folder (also through shared mappings),
// what it syncs, and what it says and hears on its connection to one port. From this record
// power_loss.py makes the disk as a power cut at any moment may leave it.
//   DISK_RECORD_FOLDER  files below it are recorded; an absolute path without links in it
//   DISK_RECORD_FILE    the record
//   DISK_RECORD_PORT    TCP connections to this port are recorded
//   DISK_RECORD_SYNC_US each sync takes up to so much longer, as on a slower disk
#include "tests/support/disk_record.hpp"
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

using namespace recorder;

#pragma GCC visibility push(default)
extern "C" {

int open(const char* name, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at(AT_FDCWD, name, flags, mode);
}
int open64(const char* name, int flags, ...) __attribute__((alias("open")));
int openat(int folder_fd, const char* name, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return open_at(folder_fd, name, flags, mode);
}
int openat64(int folder_fd, const char* name, int flags, ...) __attribute__((alias("openat")));
int __open_2(const char* name, int flags) { return open_at(AT_FDCWD, name, flags, 0); }
int __open64_2(const char* name, int flags) { return open_at(AT_FDCWD, name, flags, 0); }
int creat(const char* name, mode_t mode) {
  return open_at(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int mkostemp(char* name, int flags) {
  static auto* const real = next<int(char*, int)>("mkostemp");
  char buffer[PATH_MAX];
  if (place(AT_FDCWD, name, buffer) == nullptr) return real(name, flags);
  const locked lock;
  const int fd = real(name, flags);
  if (fd >= 0) note_open(fd, place(AT_FDCWD, name, buffer), true, 0, false);
  return fd;
}
int mkostemp64(char* name, int flags) { return mkostemp(name, flags); }
int mkstemp(char* name) { return mkostemp(name, 0); }
int mkstemp64(char* name) { return mkostemp(name, 0); }
FILE* fopen(const char* name, const char* mode) {
  static auto* const real = next<FILE*(const char*, const char*)>("fopen");
  char buffer[PATH_MAX];
  const char* where = place(AT_FDCWD, name, buffer);
  if (where == nullptr) return real(name, mode);
  const locked lock;
  const bool made = !there(where);
  FILE* const f = real(name, mode);
  if (f != nullptr && mode[0] != 'r')
    note_open(::fileno(f), where, made, mode[0] == 'w' ? O_TRUNC : 0, true);
  return f;
}
FILE* fdopen(int fd, const char* mode) {
  static auto* const real = next<FILE*(int, const char*)>("fdopen");
  if (kind_of(fd) == file && mode[0] != 'r') {
    const locked lock;
    put(hidden, fd, 0, nullptr, nullptr, 0);
  }
  return real(fd, mode);
}
FILE* fopen64(const char* name, const char* mode) { return fopen(name, mode); }
int fclose(FILE* f) {
  static auto* const real = next<int(FILE*)>("fclose");
  note_close(::fileno(f));
  return real(f);
}
int close(int fd) {
  note_close(fd);
  return ask<int>(SYS_close, fd);
}

ssize_t write(int fd, const void* data, std::size_t size) {
  const iovec part{const_cast<void*>(data), size};
  const auto what = kind_of(fd);
  if (what == peer) note_saying(fd, &part, 1);
  const auto n = ask<ssize_t>(SYS_write, fd, data, size);
  if (what == peer) note_said(fd, n);
  if (what == file) note_written(fd, &part, 1, n, -1);
  return n;
}
ssize_t writev(int fd, const iovec* parts, int count) {
  const auto what = kind_of(fd);
  if (what == peer) note_saying(fd, parts, static_cast<std::size_t>(count));
  const auto n = ask<ssize_t>(SYS_writev, fd, parts, count);
  if (what == peer) note_said(fd, n);
  if (what == file) note_written(fd, parts, count, n, -1);
  return n;
}
ssize_t pwrite(int fd, const void* data, std::size_t size, off_t at) {
  const auto n = ask<ssize_t>(SYS_pwrite64, fd, data, size, at);
  const iovec part{const_cast<void*>(data), size};
  if (kind_of(fd) == file) note_written(fd, &part, 1, n, at);
  return n;
}
ssize_t pwrite64(int fd, const void* data, std::size_t size, off_t at)
    __attribute__((alias("pwrite")));

ssize_t send(int fd, const void* data, std::size_t size, int flags) {
  const iovec part{const_cast<void*>(data), size};
  const bool to_peer = kind_of(fd) == peer;
  if (to_peer) note_saying(fd, &part, 1);
  const auto n = ask<ssize_t>(SYS_sendto, fd, data, size, flags, nullptr, 0);
  if (to_peer) note_said(fd, n);
  return n;
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  const bool to_peer = kind_of(fd) == peer;
  if (to_peer) note_saying(fd, message->msg_iov, message->msg_iovlen);
  const auto n = ask<ssize_t>(SYS_sendmsg, fd, message, flags);
  if (to_peer) note_said(fd, n);
  return n;
}
ssize_t read(int fd, void* data, std::size_t size) {
  const auto n = ask<ssize_t>(SYS_read, fd, data, size);
  const iovec part{data, size};
  if (kind_of(fd) == peer) note_heard(fd, &part, 1, n);
  return n;
}
ssize_t readv(int fd, const iovec* parts, int count) {
  const auto n = ask<ssize_t>(SYS_readv, fd, parts, count);
  if (kind_of(fd) == peer) note_heard(fd, parts, static_cast<std::size_t>(count), n);
  return n;
}
ssize_t recv(int fd, void* data, std::size_t size, int flags) {
  const auto n = ask<ssize_t>(SYS_recvfrom, fd, data, size, flags, nullptr, nullptr);
  const iovec part{data, size};
  if (kind_of(fd) == peer && (flags & MSG_PEEK) == 0) note_heard(fd, &part, 1, n);
  return n;
}
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  const auto n = ask<ssize_t>(SYS_recvmsg, fd, message, flags);
  if (kind_of(fd) == peer && (flags & MSG_PEEK) == 0)
    note_heard(fd, message->msg_iov, message->msg_iovlen, n);
  return n;
}
int connect(int fd, const sockaddr* to, socklen_t size) {
  if (to->sa_family == AF_INET)
    note_connect(fd, ntohs(reinterpret_cast<const sockaddr_in*>(to)->sin_port));
  return ask<int>(SYS_connect, fd, to, size);
}

int fsync(int fd) { return sync_file(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_file(SYS_fdatasync, fd); }
int ftruncate(int fd, off_t size) { return set_size(SYS_ftruncate, fd, size); }
int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));
int truncate(const char* name, off_t size) {
  note_unknown("truncate by name", name);
  return ask<int>(SYS_truncate, name, size);
}
int truncate64(const char* name, off_t size) __attribute__((alias("truncate")));
int fallocate(int fd, int mode, off_t from, off_t size) { return allocate(fd, mode, from, size); }
int fallocate64(int fd, int mode, off_t from, off_t size) __attribute__((alias("fallocate")));
int posix_fallocate(int fd, off_t from, off_t size) {
  return allocate(fd, 0, from, size) == 0 ? 0 : errno;
}
int posix_fallocate64(int fd, off_t from, off_t size) __attribute__((alias("posix_fallocate")));
ssize_t sendfile(int to, int from, off_t* offset, std::size_t size) {
  if (kind_of(to) != no) {
    errno = EINVAL; // as on a file system that cannot: the caller copies by hand
    return -1;
  }
  return ask<ssize_t>(SYS_sendfile, to, from, offset, size);
}
ssize_t sendfile64(int to, int from, off_t* offset, std::size_t size)
    __attribute__((alias("sendfile")));

int rename(const char* from, const char* to) { return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_fd, const char* from, int to_fd, const char* to) {
  return rename_at(from_fd, from, to_fd, to, 0);
}
int unlink(const char* name) { return unlink_at(AT_FDCWD, name, 0); }
int unlinkat(int folder_fd, const char* name, int flags) {
  return unlink_at(folder_fd, name, flags);
}
int rmdir(const char* name) { return unlink_at(AT_FDCWD, name, AT_REMOVEDIR); }
int remove(const char* name) {
  struct stat s {};
  const bool is_folder = ::lstat(name, &s) == 0 && S_ISDIR(s.st_mode);
  return unlink_at(AT_FDCWD, name, is_folder ? AT_REMOVEDIR : 0);
}
int mkdir(const char* name, mode_t mode) { return make_folder(AT_FDCWD, name, mode); }
int mkdirat(int folder_fd, const char* name, mode_t mode) {
  return make_folder(folder_fd, name, mode);
}
int link(const char* from, const char* to) {
  note_unknown("a hard link", to);
  return ask<int>(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

void* mmap(void* wanted, std::size_t size, int access, int flags, int fd, off_t offset) {
  return map(wanted, size, access, flags, fd, offset);
}
void* mmap64(void* wanted, std::size_t size, int access, int flags, int fd, off_t offset) {
  return map(wanted, size, access, flags, fd, offset);
}
int munmap(void* at, std::size_t size) { return unmap(at, size); }
}
#pragma GCC visibility pop
