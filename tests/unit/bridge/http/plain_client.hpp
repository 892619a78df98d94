// SPDX-License-Identifier: Apache-2.0
// A blocking HTTP client on a bare socket, so that tests can also send what no client would.
#pragma once
#include <arpa/inet.h>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace pollux::tests {

struct reply {
  int status = 0; ///< 0: the connection ended, or nothing came in time
  std::string head, body;
  [[nodiscard]] std::string header(std::string_view name) const {
    const auto at = head.find("\r\n" + std::string(name) + ": ");
    if (at == std::string::npos) return {};
    const auto start = at + name.size() + 4;
    return head.substr(start, head.find("\r\n", start) - start);
  }
};

class plain_client {
public:
  explicit plain_client(std::uint16_t port)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~plain_client() { ::close(fd_); }
  plain_client(const plain_client&) = delete;
  plain_client& operator=(const plain_client&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  /// False when the peer has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  /// The next response; `bodiless` for answers to HEAD.
  reply receive(bool bodiless = false, int timeout_ms = 10'000) {
    reply out;
    while (buffer_.find("\r\n\r\n") == std::string::npos)
      if (!more(timeout_ms)) return out;
    const auto end = buffer_.find("\r\n\r\n") + 4;
    out.head = buffer_.substr(0, end);
    buffer_.erase(0, end);
    const auto length =
        bodiless ? 0 : std::strtoul(out.header("Content-Length").c_str(), nullptr, 10);
    while (buffer_.size() < length)
      if (!more(timeout_ms)) return out;
    out.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    out.status = std::atoi(out.head.c_str() + out.head.find(' '));
    return out;
  }
  /// So many bytes as they come; fewer when the peer closes or nothing comes in time.
  std::string receive_bytes(std::size_t size, int timeout_ms = 10'000) {
    while (buffer_.size() < size && more(timeout_ms)) {
    }
    auto out = buffer_.substr(0, size);
    buffer_.erase(0, out.size());
    return out;
  }
  reply get(std::string_view target, std::string_view extra = {}) {
    send("GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(extra) +
         "\r\n");
    return receive();
  }
  /// True once the peer has closed, within the time.
  bool closed(int timeout_ms) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    while (more(50) || !ended_)
      if (std::chrono::steady_clock::now() > until) return false;
    return true;
  }

private:
  bool more(int timeout_ms) {
    pollfd one{fd_, POLLIN, 0};
    if (::poll(&one, 1, timeout_ms) <= 0) return false;
    char chunk[8192];
    const auto n = ::recv(fd_, chunk, sizeof chunk, 0);
    if (n <= 0) {
      ended_ = true;
      return false;
    }
    buffer_.append(chunk, static_cast<std::size_t>(n));
    return true;
  }
  int fd_;
  bool connected_ = false, ended_ = false;
  std::string buffer_;
};

} // namespace pollux::tests
