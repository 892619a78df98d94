// SPDX-License-Identifier: Apache-2.0
// Job J's contract in front of a Pollux node: starts `pollux serve` as its child, answers GET
// /stats and GET /twin/<id> on the harness's port by asking the node's HTTP API, stops the node on
// SIGTERM. One thread that sleeps in poll(). Its own CPU and memory go to a file, to be told apart.
//   jobj_shim LISTEN-PORT NODE-HTTP-PORT CPU-FILE COMMAND...
#include "domain/base/time.hpp"
#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using json = nlohmann::ordered_json;

/// A descriptor that closes itself.
class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

void set_timeouts(int fd) {
  const timeval limit{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

sockaddr_in loopback(int port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

/// The body of a GET to the node, as JSON; discarded when the node does not answer 200.
json ask_node(int port, const std::string& path) {
  const descriptor to(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = loopback(port);
  set_timeouts(to.get());
  if (::connect(to.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      !send_all(to.get(),
                "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"))
    return json(json::value_t::discarded);
  std::string answer;
  char buffer[65536];
  for (ssize_t n = 0; (n = ::recv(to.get(), buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(n));
  const auto body = answer.find("\r\n\r\n");
  if (answer.size() < 12 || answer.compare(9, 3, "200") != 0 || body == std::string::npos)
    return json(json::value_t::discarded);
  return json::parse(answer.begin() + static_cast<std::ptrdiff_t>(body) + 4, answer.end(), nullptr,
                     false);
}

/// A reading counts as received once its twin has applied it, so that a run ends with the work.
json stats_answer(const json& node) {
  json out{{"ready", false}, {"received", 0}, {"stored", 0}, {"twins", 0}};
  if (!node.is_object() || !node.contains("readings")) return out;
  const auto& readings = node["readings"];
  const auto count = [&](const char* key) { return readings.value(key, std::uint64_t{0}); };
  out["ready"] = node.value("ready", false);
  out["received"] = std::min(count("received"), count("applied"));
  out["stored"] = count("stored");
  out["twins"] = node.value("twins", std::uint64_t{0});
  return out;
}

json twin_answer(const json& twin) {
  if (!twin.is_object() || !twin.value("last_event_time", json()).is_string()) return {};
  const auto time = pollux::parse_rfc3339(twin["last_event_time"].get<std::string>());
  if (!time.ok()) return {};
  json out{{"ts", *time / pollux::ns_per_ms}};
  const auto windows = twin.value("windows", json::array());
  for (const auto& window : windows) {
    const auto field = window.value("telemetry", std::string());
    if (field.empty() || out.contains(field) || !twin["telemetry"].contains(field)) continue;
    out[field] = {{"last", twin["telemetry"][field].value("value", json())},
                  {"n", window.value("count", json(0))},
                  {"mean", window.value("mean", json(0.0))},
                  {"sd", window.value("population_stddev", json(0.0))},
                  {"min", window.value("min", json(0.0))},
                  {"max", window.value("max", json(0.0))}};
  }
  return out;
}

double own_cpu_s() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         static_cast<double>(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6;
}

class shim {
public:
  shim(int listen_port, int node_port, std::string cpu_file)
      : node_port_(node_port), cpu_file_(std::move(cpu_file)),
        listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    const auto address = loopback(listen_port);
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 64) != 0) {
      std::fprintf(stderr, "jobj_shim: port %d: %s\n", listen_port, std::strerror(errno));
      std::exit(1);
    }
  }

  int run(char** command) {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int s : {SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&signals, s);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    const descriptor events(::signalfd(-1, &signals, SFD_CLOEXEC));
    const auto node = ::fork();
    if (node == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
      ::execvp(command[0], command);
      std::fprintf(stderr, "jobj_shim: %s: %s\n", command[0], std::strerror(errno));
      ::_exit(127);
    }
    for (;;) {
      pollfd wait[2] = {{events.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      if (::poll(wait, 2, -1) < 0) continue;
      if ((wait[0].revents & POLLIN) != 0) {
        signalfd_siginfo what{};
        if (::read(events.get(), &what, sizeof what) != sizeof what) continue;
        if (what.ssi_signo != SIGCHLD) ::kill(node, SIGTERM);
        int status = 0;
        if (what.ssi_signo != SIGCHLD || ::waitpid(node, &status, WNOHANG) == node) {
          if (what.ssi_signo != SIGCHLD) ::waitpid(node, &status, 0);
          return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
        }
      }
      if ((wait[1].revents & POLLIN) != 0) serve_one();
    }
  }

private:
  void serve_one() {
    const descriptor from(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (from.get() < 0) return;
    set_timeouts(from.get());
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos && request.size() < 65536) {
      const auto n = ::recv(from.get(), buffer, sizeof buffer, 0);
      if (n <= 0) return;
      request.append(buffer, static_cast<std::size_t>(n));
    }
    const auto path = request.substr(4, request.find(' ', 4) - 4);
    json answer;
    if (path == "/stats") {
      answer = stats_answer(ask_node(node_port_, "/api/v1/stats"));
      note_cpu(answer["ready"] == true);
    } else if (path.starts_with("/twin/")) {
      answer = twin_answer(ask_node(node_port_, "/api/v1/twins/j:" + path.substr(6)));
    }
    const auto body = answer.dump();
    send_all(from.get(),
             std::string(answer.is_null() ? "HTTP/1.1 404 Not Found" : "HTTP/1.1 200 OK") +
                 "\r\nContent-Type: application/json\r\nConnection: close\r\n"
                 "Content-Length: " +
                 std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  /// The harness asks /stats when it begins to measure and last before it ends.
  void note_cpu(bool ready) {
    if (!ready) return;
    const double now = own_cpu_s();
    if (first_cpu_ < 0) first_cpu_ = now;
    long pages = 0, resident = 0;
    std::ifstream("/proc/self/statm") >> pages >> resident;
    std::ofstream(cpu_file_, std::ios::trunc)
        << "{\"cpu_s\":" << now - first_cpu_
        << ",\"rss_mb\":" << static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / 1048576
        << "}\n";
  }

  int node_port_;
  std::string cpu_file_;
  descriptor listener_;
  double first_cpu_ = -1;
};

} // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fputs("usage: jobj_shim LISTEN-PORT NODE-HTTP-PORT CPU-FILE COMMAND...\n", stderr);
    return 2;
  }
  return shim(std::atoi(argv[1]), std::atoi(argv[2]), argv[3]).run(argv + 4);
}
