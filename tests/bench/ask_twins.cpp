// SPDX-License-Identifier: Apache-2.0
// Asks a node over HTTP for every twin of job J, PREFIX000000 and so on, over a few kept
// connections with several requests under way on each, and looks at how many readings each answer
// says were applied: READINGS dealt out in turn, as job J sends them. Prints JSON; the exit code is
// 1 when an answer is missing or wrong.
//   ask_twins HTTP-PORT PREFIX TWINS READINGS [STEP = 1]
#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::size_t connections = 8, under_way = 32;
constexpr int limit_ms = 30'000;

struct work {
  std::string prefix;
  std::uint64_t twins = 0, readings = 0, step = 1;
  std::uint64_t next = 0, right = 0, wrong = 0, refused = 0;
  std::string first_wrong;
  [[nodiscard]] std::uint64_t expected(std::uint64_t twin) const {
    return readings / twins + (twin < readings % twins ? 1 : 0);
  }
};

/// The number after `name`, or -1.
std::int64_t number_after(std::string_view text, std::string_view name) {
  const auto at = text.find(name);
  std::int64_t value = -1;
  if (at != std::string_view::npos)
    std::from_chars(text.data() + at + name.size(), text.data() + text.size(), value);
  return value;
}

class connection {
public:
  explicit connection(int port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("cannot connect to the node");
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection() { ::close(fd_); }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool idle() const { return asked_.empty(); }

  /// Fills up once half of what was under way has been answered, so that one write carries many.
  void ask(work& w) {
    if (asked_.size() > under_way / 2) return;
    std::string requests;
    while (asked_.size() < under_way && w.next < w.twins) {
      char id[24];
      std::snprintf(id, sizeof id, "%06llu", static_cast<unsigned long long>(w.next));
      requests += "GET /api/v1/twins/" + w.prefix + id + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
      asked_.push_back(w.next);
      w.next += w.step;
    }
    for (std::string_view rest = requests; !rest.empty();) {
      const auto n = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n <= 0) throw std::runtime_error("the node closed the connection");
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  void take(work& w) {
    char buffer[65536];
    const auto n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) throw std::runtime_error("the node closed the connection");
    in_.append(buffer, static_cast<std::size_t>(n));
    std::size_t done = 0;
    for (;;) {
      const std::string_view rest = std::string_view(in_).substr(done);
      const auto head = rest.find("\r\n\r\n");
      if (head == std::string_view::npos) break;
      const auto length = number_after(rest.substr(0, head), "Content-Length: ");
      if (length < 0 || asked_.empty()) throw std::runtime_error("not an answer of HTTP");
      const auto whole = head + 4 + static_cast<std::size_t>(length);
      if (rest.size() < whole) break;
      judge(w, rest.substr(0, whole));
      done += whole;
    }
    in_.erase(0, done);
  }

private:
  void judge(work& w, std::string_view answer) {
    const auto twin = asked_.front();
    asked_.pop_front();
    if (answer.substr(9, 3) != "200") {
      ++w.refused;
      return;
    }
    const auto applied = number_after(answer, "\"applied\":");
    if (applied == static_cast<std::int64_t>(w.expected(twin))) {
      ++w.right;
      return;
    }
    if (++w.wrong == 1)
      w.first_wrong = std::to_string(twin) + " applied " + std::to_string(applied) + " of " +
                      std::to_string(w.expected(twin));
  }

  int fd_;
  std::string in_;
  std::deque<std::uint64_t> asked_;
};

int run(int port, work w) {
  const auto began = std::chrono::steady_clock::now();
  std::deque<connection> open;
  for (std::size_t i = 0; i < connections; ++i) open.emplace_back(port);
  for (;;) {
    std::vector<pollfd> wait;
    for (auto& c : open) {
      c.ask(w);
      wait.push_back({c.fd(), POLLIN, 0});
    }
    if (std::ranges::all_of(open, [](const connection& c) { return c.idle(); })) break;
    if (::poll(wait.data(), wait.size(), limit_ms) <= 0)
      throw std::runtime_error("no answer for 30 s");
    for (std::size_t i = 0; i < wait.size(); ++i)
      if (wait[i].revents != 0) open[i].take(w);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("{\"right\":%llu,\"wrong\":%llu,\"refused\":%llu,\"first_wrong\":\"%s\","
              "\"seconds\":%.3f}\n",
              static_cast<unsigned long long>(w.right), static_cast<unsigned long long>(w.wrong),
              static_cast<unsigned long long>(w.refused), w.first_wrong.c_str(), took.count());
  return w.wrong + w.refused == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fputs("usage: ask_twins HTTP-PORT PREFIX TWINS READINGS [STEP]\n", stderr);
    return 2;
  }
  work w;
  w.prefix = argv[2];
  w.twins = std::strtoull(argv[3], nullptr, 10);
  w.readings = std::strtoull(argv[4], nullptr, 10);
  w.step = argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 1;
  if (w.twins == 0 || w.step == 0) {
    std::fputs("ask_twins: TWINS and STEP are at least 1\n", stderr);
    return 2;
  }
  try {
    return run(std::atoi(argv[1]), std::move(w));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "ask_twins: %s\n", e.what());
    return 1;
  }
}
