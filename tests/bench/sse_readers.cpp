// SPDX-License-Identifier: Apache-2.0
// Many readers of a node's event stream in one process: how late events are, counted from the
// event time that the publisher put into them, and what the node's memory grows by for each reader.
//
//   sse_readers PORT READERS SECONDS TWIN-PATTERN...   reader i gets pattern i modulo their number
//
// Prints a JSON line: readers, events, events_per_s, p50_ms, p99_ms, missed.
#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using std::chrono::steady_clock;

double wall_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

struct reader {
  int fd = -1;
  std::string rest;
};

struct totals {
  std::vector<double> late_ms;
  std::uint64_t missed = 0;
};

/// "2026-11-21T04:10:00.123Z" as milliseconds since 1970; below 0 when it is none.
double moment_ms(std::string_view text) {
  std::tm t{};
  const std::string whole(text.substr(0, 19));
  if (::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%S", &t) == nullptr) return -1;
  const double part = text.size() > 20 && text[19] == '.'
                          ? std::atof(("0" + std::string(text.substr(19))).c_str())
                          : 0;
  return static_cast<double>(::timegm(&t)) * 1000 + part * 1000;
}

void take(std::string_view line, double now, totals& into) {
  if (line.starts_with("data: {\"events\":"))
    into.missed += std::strtoull(line.data() + 16, nullptr, 10);
  static constexpr std::string_view key = "\"last_event_time\":\"";
  const auto at = line.find(key);
  if (!line.starts_with("data: {\"id\"") || at == std::string_view::npos) return;
  const auto start = at + key.size();
  const auto sent = moment_ms(line.substr(start, line.find('"', start) - start));
  if (sent > 0) into.late_ms.push_back(now - sent);
}

bool open_reader(reader& r, std::uint16_t port, const std::string& twins) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  r.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (r.fd < 0 || ::connect(r.fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return false;
  const auto asked = "GET /api/v1/events?kinds=state&twins=" + twins +
                     " HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
  return ::send(r.fd, asked.data(), asked.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(asked.size());
}

/// False when the connection has ended.
bool read_all(reader& r, totals& into) {
  static char chunk[256 << 10];
  const auto n = ::recv(r.fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (n <= 0) return n < 0 && errno == EAGAIN;
  const auto now = wall_ms();
  r.rest.append(chunk, static_cast<std::size_t>(n));
  std::size_t done = 0;
  for (auto end = r.rest.find('\n'); end != std::string::npos; end = r.rest.find('\n', done)) {
    take(std::string_view(r.rest).substr(done, end - done), now, into);
    done = end + 1;
  }
  r.rest.erase(0, done);
  return true;
}

double quantile(std::vector<double>& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(q * static_cast<double>(sorted.size())))];
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: sse_readers PORT READERS SECONDS TWIN-PATTERN...\n");
    return 2;
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  std::vector<reader> readers(static_cast<std::size_t>(std::atoi(argv[2])));
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t i = 0; i < readers.size(); ++i) {
    if (!open_reader(readers[i], port, argv[4 + i % static_cast<std::size_t>(argc - 4)])) {
      std::perror("sse_readers: connect");
      return 1;
    }
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.u64 = i;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, readers[i].fd, &e);
  }
  std::fprintf(stderr, "%zu readers\n", readers.size());
  totals all;
  std::size_t ended = 0;
  const auto began = steady_clock::now();
  const auto until = began + std::chrono::seconds(std::atoi(argv[3]));
  while (steady_clock::now() < until && ended < readers.size()) {
    epoll_event ready[256];
    const int n = ::epoll_wait(poll, ready, 256, 100);
    for (int i = 0; i < n; ++i) {
      auto& r = readers[ready[i].data.u64];
      if (read_all(r, all)) continue;
      ::close(r.fd);
      ++ended;
    }
  }
  const double seconds = std::chrono::duration<double>(steady_clock::now() - began).count();
  std::sort(all.late_ms.begin(), all.late_ms.end());
  std::printf("{\"readers\":%zu,\"ended\":%zu,\"events\":%zu,\"events_per_s\":%.0f,\"p50_ms\":%.1f,"
              "\"p99_ms\":%.1f,\"missed\":%llu}\n",
              readers.size(), ended, all.late_ms.size(),
              static_cast<double>(all.late_ms.size()) / seconds, quantile(all.late_ms, 0.5),
              quantile(all.late_ms, 0.99), static_cast<unsigned long long>(all.missed));
  return ended == 0 ? 0 : 1;
}
