// SPDX-License-Identifier: Apache-2.0
#include "persistence/folder_lock.hpp"
#include "persistence/durable_folder.hpp"
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <sys/file.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace pollux::persistence {

namespace {

std::string read_owner(int fd) {
  char text[32];
  const auto n = ::pread(fd, text, sizeof text, 0);
  std::string pid;
  for (ssize_t i = 0; i < n && text[i] >= '0' && text[i] <= '9'; ++i) pid.push_back(text[i]);
  return pid;
}

failure system_failure(const std::string& doing, int number) {
  return {number == ENOSPC ? errc::no_space : errc::io,
          doing + ": " + std::generic_category().message(number)};
}

/// A killed process holds its lock until its memory is given back, which takes a while for a large
/// node; by then it has no program any more. Whoever restarts it at once should not be refused.
bool dying(const std::string& pid) {
  if (pid.empty()) return false;
  char program[16];
  return ::readlink(("/proc/" + pid + "/exe").c_str(), program, sizeof program) < 0 &&
         errno == ENOENT;
}

} // namespace

folder_lock::folder_lock(folder_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

folder_lock& folder_lock::operator=(folder_lock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

folder_lock::~folder_lock() {
  if (fd_ >= 0) ::close(fd_);
}

result<folder_lock> folder_lock::take(const std::string& folder) {
  if (auto s = make_folder(folder); !s) return s.error();
  const std::string name = folder + "/owner.pid";
  folder_lock lock;
  lock.fd_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock.fd_ < 0) return system_failure("opening " + name, errno);
  const auto now = [] { return std::chrono::steady_clock::now(); };
  // On a busy machine a moment passes until a killed process even begins to go.
  const auto moment = now() + std::chrono::seconds(1), patience = now() + std::chrono::seconds(10);
  while (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_failure("locking " + name, errno);
    const auto owner = read_owner(lock.fd_);
    if (now() < moment || (dying(owner) && now() < patience)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    return failure{errc::locked,
                   folder + " is in use by process " + (owner.empty() ? "unknown" : owner)};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  // a full disk must not keep a node from starting to serve reads: the pid is a courtesy
  if (::ftruncate(lock.fd_, 0) != 0 ||
      ::pwrite(lock.fd_, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return lock;
  return lock;
}

} // namespace pollux::persistence
