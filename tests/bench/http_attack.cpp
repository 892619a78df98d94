// SPDX-License-Identifier: Apache-2.0
// Clients of the HTTP door that mean no good, as cheap for themselves as they can be:
//
//   http_attack PORT idle COUNT SECONDS       holds COUNT connections and says nothing on them
//   http_attack PORT slow-loris COUNT SECONDS the same, and a byte of a header a second on each
//   http_attack PORT junk COUNT SECONDS       COUNT requests a second that must be refused: broken,
//                                             oversized, of other hosts, climbing out of the
//                                             folder, with forged tokens, and 50 behind one another
//
// What the server closes is opened again. Prints "ready" when it has begun, at the end a JSON line:
// what was opened, refused, ended by the server, and this process's CPU.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using std::chrono::steady_clock;

struct totals {
  std::uint64_t opened = 0, refused = 0, ended = 0, not_opened = 0;
};

/// A connection under way, or -1. From a loopback address of this process's own for each 4,000: the
/// ports of one address run out, as they stay taken for a minute.
int open_to(std::uint16_t port, std::size_t which) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return -1;
  const auto mine = static_cast<std::uint32_t>(::getpid()) % 60'000 << 8;
  const int late = 1; // the port is chosen with the other end known
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof late);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(0x7f000001U + mine + static_cast<std::uint32_t>(which / 4000));
  ::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 &&
      errno != EINPROGRESS) {
    ::close(fd);
    return -1;
  }
  return fd;
}

std::vector<std::string> junk() {
  const std::string end = "\r\n\r\n", local = " HTTP/1.1\r\nHost: localhost\r\n";
  const std::string pipeline = "DELETE /healthz" + local + "\r\n";
  std::vector<std::string> out{
      "NONSENSE" + end,
      "GET / HTTP/9.9" + end,
      "\x16\x03\x01\x02" + std::string(200, '\1'),
      "GET /healthz HTTP/1.1\r\nHost: evil.example" + end,
      "GET /healthz" + local + "X: " + std::string(9000, 'x') + end,
      "POST /api/v1/twins" + local + "Content-Length: 99999999999" + end,
      "POST /api/v1/twins" + local + "Content-Length: 4\r\nTransfer-Encoding: chunked" + end,
      "GET /../../access/tokens.json" + local + "\r\n",
      "GET /%2e%2e/%2e%2e/access/tokens.json" + local + "\r\n",
      "GET /api/v1/twins/a%0d%0aX-Evil:1" + local + "\r\n",
      "POST /api/v1/twins" + local + "Origin: http://evil.example\r\nContent-Length: 0" + end,
      "GET /api/v1/twins?filter=%00((((((((((" + local + "Authorization: Bearer forged" + end,
      {}};
  for (int i = 0; i < 50; ++i) out.back() += pipeline;
  return out;
}

class attack {
public:
  attack(std::uint16_t port, std::string_view kind, std::size_t count)
      : port_(port), loris_(kind == "slow-loris"), junk_(kind == "junk"), count_(count) {}

  int run(int seconds) {
    const auto until = steady_clock::now() + std::chrono::seconds(seconds);
    auto second = steady_clock::now();
    const auto began = second;
    if (!junk_) fds_.assign(count_, -1);
    bool told = false;
    while (steady_clock::now() < until) {
      junk_ ? throw_junk(began) : fill();
      if (!told && (junk_ || open_ == count_))
        told = std::puts("ready") >= 0 && std::fflush(stdout) == 0;
      listen();
      if (loris_ && steady_clock::now() - second >= std::chrono::seconds(1)) {
        second = steady_clock::now();
        for (const int fd : fds_)
          if (fd >= 0) static_cast<void>(::send(fd, "a", 1, MSG_NOSIGNAL));
      }
    }
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto cpu = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                     static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    std::printf("{\"opened\":%llu,\"refused\":%llu,\"ended\":%llu,\"not_opened\":%llu,"
                "\"open\":%zu,\"cpu_s\":%.2f}\n",
                static_cast<unsigned long long>(all_.opened),
                static_cast<unsigned long long>(all_.refused),
                static_cast<unsigned long long>(all_.ended),
                static_cast<unsigned long long>(all_.not_opened), open_, cpu);
    return 0;
  }

private:
  void begin(std::size_t which, std::string_view first) {
    const int fd = open_to(port_, which);
    if (fd < 0) {
      ++all_.not_opened;
      return;
    }
    ++all_.opened;
    ++open_;
    if (!junk_) fds_[which] = fd;
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.u64 = std::uint64_t{which} << 32 | static_cast<std::uint32_t>(fd);
    ::epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &e);
    if (!first.empty()) static_cast<void>(::send(fd, first.data(), first.size(), MSG_NOSIGNAL));
  }
  /// A few at a time: the server's queue of connections is not to be overrun.
  void fill() {
    std::size_t begun = 0;
    for (std::size_t i = 0; i < fds_.size() && begun < 200 && open_ < count_; ++i, ++next_) {
      const auto which = next_ % fds_.size();
      if (fds_[which] >= 0) continue;
      begin(which, loris_ ? "GET /healthz HTTP/1.1\r\nHost: " : "");
      ++begun;
    }
  }
  void throw_junk(steady_clock::time_point began) {
    static const auto kinds = junk();
    const auto due = static_cast<std::uint64_t>(
        std::chrono::duration<double>(steady_clock::now() - began).count() *
        static_cast<double>(count_));
    while (all_.opened + all_.not_opened < due && open_ < 1000)
      begin(all_.opened % 20'000, kinds[(all_.opened + all_.not_opened) % kinds.size()]);
  }
  void listen() {
    std::array<epoll_event, 64> ready{};
    const int n = ::epoll_wait(poll_, ready.data(), static_cast<int>(ready.size()), 5);
    for (int i = 0; i < n; ++i) {
      const auto& e = ready[static_cast<std::size_t>(i)];
      const int fd = static_cast<int>(e.data.u64 & 0xffffffff);
      std::array<char, 4096> chunk{};
      const auto size = ::recv(fd, chunk.data(), chunk.size(), 0);
      if (size > 0 && std::string_view(chunk.data(), 10).starts_with("HTTP/1.1 4")) ++all_.refused;
      if (size > 0 && !junk_) continue;
      if (size <= 0) ++all_.ended;
      ::close(fd);
      --open_;
      if (!junk_) fds_[e.data.u64 >> 32] = -1;
    }
  }

  std::uint16_t port_;
  bool loris_, junk_;
  std::size_t count_, open_ = 0, next_ = 0;
  std::vector<int> fds_;
  totals all_;
  int poll_ = ::epoll_create1(EPOLL_CLOEXEC);
};

} // namespace

int main(int argc, char** argv) {
  const std::string_view kind = argc == 5 ? argv[2] : "";
  if (kind != "idle" && kind != "slow-loris" && kind != "junk") {
    std::fprintf(stderr, "usage: http_attack PORT idle|slow-loris|junk COUNT SECONDS\n");
    return 2;
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  return attack(static_cast<std::uint16_t>(std::atoi(argv[1])), kind,
                static_cast<std::size_t>(std::max(1, std::atoi(argv[3]))))
      .run(std::atoi(argv[4]));
}
