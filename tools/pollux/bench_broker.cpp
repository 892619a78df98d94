// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/bench_broker.hpp"
#include "tools/pollux/bench_wire.hpp"
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace pollux::bench {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

/// As config/mosquitto.conf, but for persistence: nothing is lost by a full queue, nothing waits
/// for a small window.
std::string settings_text(std::uint16_t port, bool nodelay) {
  std::ostringstream out;
  // started as root it would become a user that cannot be told to end with us
  if (::geteuid() == 0) out << "user root\n";
  out << "listener " << port << " 127.0.0.1\n"
      << "allow_anonymous true\npersistence false\n"
      << "max_queued_messages 100000000\nmax_queued_bytes 8589934592\n"
      << "queue_qos0_messages true\nmax_inflight_messages 1000\n"
      << "set_tcp_nodelay " << (nodelay ? "true" : "false") << "\n"
      << "log_dest stderr\nlog_type error\nlog_type warning\n";
  return out.str();
}

} // namespace

result<std::string> find_mosquitto() {
  const char* given = std::getenv("PATH");
  std::istringstream folders(std::string(given != nullptr ? given : "") +
                             ":/usr/sbin:/usr/local/sbin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const auto path = (folder.empty() ? fs::path(".") : fs::path(folder)) / "mosquitto";
    std::error_code e;
    if (fs::is_regular_file(path, e) && ::access(path.c_str(), X_OK) == 0) return path.string();
  }
  return failure{errc::not_found, "mosquitto is not installed: it is not in PATH"};
}

result<std::unique_ptr<broker>> broker::start(const fs::path& folder, bool nodelay) {
  const auto program = find_mosquitto();
  if (!program) return program.error();
  const auto port = free_port();
  if (!port) return port.error();
  const auto file = folder / "mosquitto.conf";
  std::ofstream(file) << settings_text(*port, nodelay);
  auto process = child::start({*program, "-c", file.string()}, folder / "mosquitto.log");
  if (!process) return process.error().within("mosquitto");
  for (const auto until = steady::now() + 10s; !wire::reachable(*port);) {
    if (!(*process)->running() || steady::now() > until)
      return failure{errc::unavailable, "mosquitto did not start: " + (*process)->last_words()};
    if (!pause_for(10ms)) return interrupted_failure();
  }
  return std::unique_ptr<broker>(new broker(std::move(*process), *port));
}

} // namespace pollux::bench
