// SPDX-License-Identifier: Apache-2.0
#include "bridge/remote/endpoint.hpp"
#include "bridge/remote/private_file.hpp"
#include <cerrno>
#include <charconv>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pollux::bridge::remote {

namespace {

std::string endpoint_path(const std::string& data) { return data + "/pki/endpoint"; }

endpoint reachable(const endpoint& where) {
  if (where.host.empty() || where.host == "0.0.0.0") return {"127.0.0.1", where.port};
  if (where.host == "::") return {"::1", where.port};
  return where;
}

} // namespace

result<endpoint> parse_endpoint(std::string_view text) {
  const failure bad{errc::invalid_argument, "server \"" + std::string(text.substr(0, 80)) +
                                                "\": expected host:port, as in 127.0.0.1:4343"};
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad;
  auto host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return bad; // an IPv6 address needs its brackets, else its last part reads as a port
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (host.empty() || host.size() > 255 || read.ec != std::errc{} ||
      read.ptr != digits.data() + digits.size() || port == 0)
    return bad;
  return endpoint{std::string(host), port};
}

std::string to_string(const endpoint& where) {
  const bool six = where.host.find(':') != std::string::npos;
  return (six ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

status write_endpoint(const std::string& data, const endpoint& where) {
  return replace_file(endpoint_path(data), to_string(reachable(where)) + "\n", 0600);
}

result<endpoint> read_endpoint(const std::string& data) {
  auto content = read_file(endpoint_path(data));
  if (!content) return content.error();
  while (!content->empty() && content->back() == '\n') content->pop_back();
  auto where = parse_endpoint(*content);
  if (!where) return failure{errc::corrupt, endpoint_path(data) + ": " + where.error().what};
  return where;
}

bool listening(const endpoint& where) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &found) != 0)
    return false;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> addresses(found, ::freeaddrinfo);
  const int s = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (s < 0) return false;
  bool accepted = ::connect(s, found->ai_addr, found->ai_addrlen) == 0;
  if (!accepted && errno == EINPROGRESS) {
    pollfd ready{s, POLLOUT, 0};
    int code = 0;
    socklen_t size = sizeof code;
    accepted = ::poll(&ready, 1, 1000) == 1 &&
               ::getsockopt(s, SOL_SOCKET, SO_ERROR, &code, &size) == 0 && code == 0;
  }
  ::close(s);
  return accepted;
}

void remove_endpoint(const std::string& data, const endpoint& where) {
  const auto written = read_endpoint(data);
  if (written && to_string(*written) == to_string(reachable(where)))
    ::unlink(endpoint_path(data).c_str());
}

} // namespace pollux::bridge::remote
