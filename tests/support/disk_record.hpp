// SPDX-License-Identifier: Apache-2.0
// What the hooks of disk_recorder.cpp share: which descriptors are followed, and one entry in the
// record for each thing that happened to them. Everything asks the kernel itself and allocates
// nothing, so that an allocator may be the caller.
#pragma once
#include <cstddef>
#include <cstdint>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace recorder {

enum kind : std::uint32_t {
  opened = 1, ///< offset: 1 = made, 2 = emptied
  closed,
  written,
  sized,
  allocated,
  sync_begun, ///< offset: number of the sync
  sync_done,
  renamed, ///< data: the new name
  unlinked,
  folder_made,
  folder_removed,
  connected,
  heard,
  saying,  ///< before it is said
  said,    ///< offset: bytes of what was to be said
  unknown, ///< something this library does not understand
  started, ///< a process
  shared,  ///< a file is mapped; its bytes come under the descriptor `offset` until that is closed
  hidden   ///< written by stdio from now on, which nobody sees
};

/// What a descriptor is to us.
enum tracked : unsigned char { no = 0, file = 1, folder = 2, peer = 3 };

extern pthread_mutex_t mutex;

/// While it lives nothing else is recorded.
class locked {
public:
  locked() { pthread_mutex_lock(&mutex); }
  ~locked() { pthread_mutex_unlock(&mutex); }
  locked(const locked&) = delete;
  locked& operator=(const locked&) = delete;
};

/// The kernel's answer; errno as ever.
template <class Result = long, class... Args> Result ask(long number, Args... args) {
  return static_cast<Result>(::syscall(number, args...));
}

/// The library's own function, where the kernel alone cannot do it.
template <class Function> Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

[[nodiscard]] tracked kind_of(int fd);
/// The whole name of a file below the folder, in `out` (PATH_MAX bytes); nullptr: it is elsewhere.
[[nodiscard]] const char* place(int folder_fd, const char* name, char* out);
[[nodiscard]] bool there(const char* name);

// Under the lock.
void put(std::uint32_t what, int fd, std::uint64_t offset, const char* name, const void* data,
         std::size_t bytes);
/// After a successful open.
void note_open(int fd, const char* where, bool made, int flags, bool by_stdio);

// Take the lock themselves.
void note_close(int fd);
/// After `n` bytes went to a file, at `at` or (negative) up to its current place.
void note_written(int fd, const iovec* parts, int count, long n, std::int64_t at);
/// What is about to be said; a full buffer of the kernel may take less.
void note_saying(int fd, const iovec* parts, std::size_t count);
void note_said(int fd, long n);
void note_heard(int fd, const iovec* parts, std::size_t count, long n);
void note_connect(int fd, int to_port);
void note_unknown(const char* what, const char* name);

// What the hooks do, with its entries.
int open_at(int folder_fd, const char* name, int flags, mode_t mode);
int sync_file(long call, int fd);
int set_size(long call, int fd, off_t size);
int allocate(int fd, int mode, off_t from, off_t size);
int rename_at(int from_fd, const char* from, int to_fd, const char* to, unsigned flags);
int unlink_at(int folder_fd, const char* name, int flags);
int make_folder(int folder_fd, const char* name, mode_t mode);
void* map(void* wanted, std::size_t size, int access, int flags, int fd, off_t offset);
int unmap(void* at, std::size_t size);

} // namespace recorder
