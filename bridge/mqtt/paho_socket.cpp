// SPDX-License-Identifier: Apache-2.0
// Finds sockets through /proc/self/fd and getpeername().
#include "bridge/mqtt/paho_socket.hpp"
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pollux::bridge {
namespace {

bool identify(int fd, socket_identity& out) noexcept {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  out = {fd, info.st_ino};
  return true;
}

/// 0 when `fd` is not connected to an IP address.
std::uint16_t peer_port(int fd) noexcept {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return 0;
  if (peer.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(peer).sin_port);
  if (peer.ss_family == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6&>(peer).sin6_port);
  return 0;
}

} // namespace

std::vector<socket_identity> sockets_to(std::uint16_t port) {
  std::vector<socket_identity> found;
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return found;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    int fd = -1;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), fd);
    if (parsed.ec != std::errc{}) continue;
    socket_identity id;
    if (identify(fd, id) && peer_port(fd) == port) found.push_back(id);
  }
  ::closedir(folder);
  return found;
}

int detach(const socket_identity& socket) noexcept {
  socket_identity now;
  if (!identify(socket.fd, now) || now != socket) return -1;
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
    ::close(pair[1]); // from now on a write to pair[0] fails and a read is at its end
    const int kept = ::fcntl(socket.fd, F_DUPFD_CLOEXEC, 0);
    const bool replaced = kept >= 0 && ::dup3(pair[0], socket.fd, O_CLOEXEC) >= 0;
    ::close(pair[0]);
    if (replaced) {
      ::shutdown(kept, SHUT_WR);
      return kept;
    }
    if (kept >= 0) ::close(kept);
  }
  ::shutdown(socket.fd, SHUT_RDWR);
  return -1;
}

void drain(int fd, std::int64_t patience_ns) noexcept {
  if (fd < 0) return;
  const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(patience_ns);
  std::array<char, 16'384> discarded;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd wait{fd, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) break;
    const auto size = ::recv(fd, discarded.data(), discarded.size(), MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) break;
  }
  ::close(fd);
}

result<std::uint16_t> broker_port(std::string_view url) {
  const auto wrong = [&](const char* why) {
    return failure{errc::invalid_argument, "broker url \"" + std::string(url) + "\": " + why};
  };
  std::uint16_t port = 0;
  std::string_view rest = url;
  if (rest.starts_with("tcp://")) {
    port = 1883;
  } else if (rest.starts_with("ssl://")) {
    port = 8883;
  } else {
    return wrong("must begin with tcp:// or ssl://");
  }
  rest.remove_prefix(6);
  const auto bracket = rest.rfind(']');
  const auto colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const auto host = rest.substr(0, colon);
  if (host.empty()) return wrong("names no host");
  if (colon == std::string_view::npos) return port;
  rest.remove_prefix(colon + 1);
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), port);
  if (parsed.ec != std::errc{} || parsed.ptr != rest.data() + rest.size() || port == 0)
    return wrong("the port must be a number from 1 to 65535");
  return port;
}

std::timed_mutex& connect_gate() {
  static std::timed_mutex gate;
  return gate;
}

} // namespace pollux::bridge
