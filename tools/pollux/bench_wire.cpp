// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/bench_wire.hpp"
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace pollux::bench {

namespace {

constexpr std::size_t read_at_once = 1 << 18;
constexpr int patience_ms = 10'000; ///< for the answers to CONNECT and SUBSCRIBE

int connected_socket(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return fd;
  if (fd >= 0) ::close(fd);
  return -1;
}

void append_u16(std::string& out, std::size_t n) {
  out += static_cast<char>(n >> 8 & 0xff);
  out += static_cast<char>(n & 0xff);
}

void append_length(std::string& out, std::size_t n) {
  do {
    const auto digit = n & 127;
    n >>= 7;
    out += static_cast<char>(n > 0 ? digit | 128 : digit);
  } while (n > 0);
}

std::size_t u16(std::string_view bytes, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) << 8 |
         static_cast<unsigned char>(bytes[at + 1]);
}

failure closed() { return {errc::unavailable, "the broker closed the connection"}; }

} // namespace

bool wire::reachable(std::uint16_t port) {
  const int fd = connected_socket(port);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

wire::wire(wire&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), out_(std::move(other.out_)), sent_(other.sent_),
      in_(std::move(other.in_)), begin_(other.begin_), end_(other.end_),
      acknowledged_(other.acknowledged_) {}

wire::~wire() {
  if (fd_ >= 0) ::close(fd_);
}

result<wire> wire::open(std::uint16_t port, const std::string& client_id) {
  wire out(connected_socket(port));
  if (out.fd_ < 0) return failure{errc::unavailable, "the broker cannot be reached"};
  const int on = 1;
  ::setsockopt(out.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(out.fd_, F_SETFL, O_NONBLOCK);
  std::string body;
  append_u16(body, 4);
  body += "MQTT\4\2";  // 3.1.1, clean session
  append_u16(body, 0); // no keep-alive: a backlog of minutes may stand before a ping's answer
  append_u16(body, client_id.size());
  body += client_id;
  out.out_ += '\x10';
  append_length(out.out_, body.size());
  out.out_ += body;
  std::string answer;
  if (auto s = out.wait_for_packet(0x20, answer); !s) return s.error();
  if (answer.size() < 2 || answer[1] != 0)
    return failure{errc::refused, "the broker refused the connection"};
  return out;
}

status wire::subscribe(const std::string& filter, unsigned qos) {
  std::string body;
  append_u16(body, 1);
  append_u16(body, filter.size());
  body += filter;
  body += static_cast<char>(qos);
  out_ += '\x82';
  append_length(out_, body.size());
  out_ += body;
  std::string answer;
  if (auto s = wait_for_packet(0x90, answer); !s) return s;
  if (answer.size() < 3 || (answer[2] & 0x80) != 0)
    return failure{errc::refused, "the broker refused the subscription to " + filter};
  return {};
}

void wire::publish(std::string_view topic, std::string_view payload, unsigned qos,
                   std::uint16_t id) {
  out_ += qos > 0 ? '\x32' : '\x30';
  append_length(out_, 2 + topic.size() + (qos > 0 ? 2 : 0) + payload.size());
  append_u16(out_, topic.size());
  out_ += topic;
  if (qos > 0) append_u16(out_, id);
  out_ += payload;
}

status wire::send_some() {
  while (sent_ < out_.size()) {
    const auto n = ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return {};
    if (n <= 0) return closed();
    sent_ += static_cast<std::size_t>(n);
  }
  out_.clear();
  sent_ = 0;
  return {};
}

status wire::read_once() {
  if (in_.size() < end_ + read_at_once) in_.resize(end_ + read_at_once);
  const auto n = ::recv(fd_, in_.data() + end_, read_at_once, 0);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return {};
  if (n <= 0) return closed();
  end_ += static_cast<std::size_t>(n);
  return {};
}

bool wire::next_packet(unsigned char& head, std::string_view& body) {
  const std::string_view all(in_.data() + begin_, end_ - begin_);
  std::size_t length = 0, size = 1;
  for (unsigned shift = 0;; shift += 7) {
    if (size >= all.size() || shift > 21) return false;
    const auto byte = static_cast<unsigned char>(all[size++]);
    length |= static_cast<std::size_t>(byte & 127) << shift;
    if (byte < 128) break;
  }
  if (size + length > all.size()) return false;
  head = static_cast<unsigned char>(all[0]);
  body = all.substr(size, length);
  begin_ += size + length;
  return true;
}

bool wire::take(unsigned char head, std::string_view body, incoming& out) {
  if ((head & 0xf0) == 0x40) ++acknowledged_;
  if ((head & 0xf0) != 0x30 || body.size() < 2) return false;
  auto at = 2 + u16(body, 0);
  const bool confirm = (head & 0x06) != 0;
  if (at + (confirm ? 2 : 0) > body.size()) return false;
  out.topic = body.substr(2, at - 2);
  if (confirm) {
    out_ += "\x40\x02";
    out_ += body.substr(at, 2);
    at += 2;
  }
  out.payload = body.substr(at);
  return true;
}

void wire::forget_taken() {
  if (begin_ < end_) std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
}

status wire::wait_for_packet(unsigned char type, std::string& body) {
  if (auto s = send_some(); !s) return s;
  for (;;) {
    unsigned char head = 0;
    std::string_view found;
    if (next_packet(head, found)) {
      if ((head & 0xf0) != type) continue;
      body = found;
      return {};
    }
    forget_taken();
    pollfd one{fd_, POLLIN, 0};
    if (::poll(&one, 1, patience_ms) <= 0)
      return failure{errc::unavailable, "the broker does not answer"};
    if (auto s = read_once(); !s) return s;
  }
}

} // namespace pollux::bench
