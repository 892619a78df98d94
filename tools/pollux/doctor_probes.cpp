// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/doctor_probes.hpp"
#include <arpa/inet.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pollux::cli {

namespace {
namespace fs = std::filesystem;

/// Closes a descriptor at the end of a scope.
struct descriptor {
  int fd;
  explicit descriptor(int f) : fd(f) {}
  ~descriptor() {
    if (fd >= 0) ::close(fd);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
};

struct addresses_deleter {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using addresses = std::unique_ptr<addrinfo, addresses_deleter>;

result<addresses> resolve(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (error != 0)
    return failure{errc::invalid_argument, host + ": " + std::string(::gai_strerror(error))};
  return addresses(list);
}

std::string reason_of(int error) { return std::strerror(error); }

int connect_one(const addrinfo& to, int timeout_ms) {
  const descriptor s(::socket(to.ai_family, to.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (s.fd < 0) return errno;
  if (::connect(s.fd, to.ai_addr, to.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd one{s.fd, POLLOUT, 0};
  if (::poll(&one, 1, timeout_ms) <= 0) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(s.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}
} // namespace

std::string existing_folder(const std::string& folder) {
  std::error_code e;
  auto path = fs::absolute(folder, e);
  while (!e && !fs::exists(path, e) && path.has_parent_path() && path != path.parent_path())
    path = path.parent_path();
  return path.string();
}

status can_write(const std::string& folder) {
  const auto there = existing_folder(folder);
  std::error_code e;
  if (!fs::is_directory(there, e)) return failure{errc::io, there + " is not a folder"};
  if (::access(there.c_str(), W_OK | X_OK) == 0) return {};
  return failure{errc::io, there + " is not writable: " + reason_of(errno)};
}

status can_read(const std::string& file) {
  const descriptor f(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (f.fd >= 0) return {};
  return failure{errc::io, file + " cannot be read: " + reason_of(errno)};
}

bool readable_by_others(const std::string& file) {
  struct stat s {};
  return ::stat(file.c_str(), &s) == 0 && (s.st_mode & S_IROTH) != 0;
}

status can_listen(const std::string& address, std::uint16_t port) {
  if (port == 0) return {};
  const auto found = resolve(address, port, AI_PASSIVE | AI_NUMERICHOST);
  if (!found) return found.error();
  const auto& to = **found;
  const descriptor s(::socket(to.ai_family, to.ai_socktype | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (s.fd >= 0) ::setsockopt(s.fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (s.fd >= 0 && ::bind(s.fd, to.ai_addr, to.ai_addrlen) == 0 && ::listen(s.fd, 1) == 0)
    return {};
  const int error = errno;
  return failure{error == EADDRINUSE ? errc::locked : errc::io,
                 address + ":" + std::to_string(port) + ": " + reason_of(error)};
}

std::optional<std::pair<std::string, std::uint16_t>> host_of_url(const std::string& url) {
  const auto start = url.find("://");
  const auto colon = url.rfind(':');
  if (start == std::string::npos || colon <= start + 3) return std::nullopt;
  auto host = url.substr(start + 3, colon - start - 3);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  const auto port = std::strtoul(url.c_str() + colon + 1, nullptr, 10);
  if (port == 0 || port > 65'535) return std::nullopt;
  return std::pair{host, static_cast<std::uint16_t>(port)};
}

status can_connect(const std::string& host, std::uint16_t port, int timeout_ms) {
  const auto found = resolve(host, port, 0);
  if (!found) return failure{errc::unavailable, found.error().what};
  int error = EHOSTUNREACH;
  for (const auto* to = found->get(); to; to = to->ai_next) {
    error = connect_one(*to, timeout_ms);
    if (error == 0) return {};
  }
  return failure{error == ETIMEDOUT ? errc::timed_out : errc::unavailable,
                 host + ":" + std::to_string(port) + ": " + reason_of(error)};
}

long folder_owner(const std::string& data) {
  const descriptor f(::open((data + "/log/owner.pid").c_str(), O_RDONLY | O_CLOEXEC));
  if (f.fd < 0 || ::flock(f.fd, LOCK_SH | LOCK_NB) == 0) return 0; // closing gives it back
  char text[32] = {};
  if (::pread(f.fd, text, sizeof text - 1, 0) <= 0) return 0;
  return std::strtol(text, nullptr, 10);
}

} // namespace pollux::cli
