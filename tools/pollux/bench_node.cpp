// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/bench_node.hpp"
#include "tools/pollux/cli.hpp"
#include <arpa/inet.h>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

namespace pollux::bench {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

/// The body of a GET on loopback that was answered with 200. Errors: unavailable.
result<std::string> get(std::uint16_t port, const std::string& path) {
  const failure none{errc::unavailable, "the node does not answer GET " + path};
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return none;
  const timeval limit{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto request = "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  std::string answer;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char buffer[65536];
    for (ssize_t n = 0; (n = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(fd);
  const auto body = answer.find("\r\n\r\n");
  if (answer.size() < 12 || answer.compare(9, 3, "200") != 0 || body == std::string::npos)
    return none;
  return answer.substr(body + 4);
}

} // namespace

result<std::unique_ptr<node>> node::start(const fs::path& folder, const node_options& options) {
  const auto port = free_port();
  if (!port) return port.error();
  std::error_code e;
  fs::create_directories(folder / "models", e);
  std::ofstream(folder / "models" / "job_j.json") << job_model();
  const auto file = folder / "pollux.toml";
  std::ofstream(file) << node_configuration(options, *port, folder);
  auto process = child::start({own_program(), "serve", "--config", file.string()}, folder / "log");
  if (!process) return process.error().within("the node");
  std::unique_ptr<node> out(new node);
  out->process_ = std::move(*process);
  out->folder_ = folder;
  out->http_port_ = *port;
  for (const auto until = steady::now() + 60s; !get(*port, "/readyz");) {
    if (!out->process_->running())
      return failure{errc::unavailable, "the node has ended: " + out->process_->last_words()};
    if (steady::now() > until)
      return failure{errc::timed_out, "the node is not ready: " + out->process_->last_words()};
    if (!pause_for(20ms)) return interrupted_failure();
  }
  return out;
}

result<node_counts> node::counts() const {
  const auto body = get(http_port_, "/api/v1/stats");
  if (!body) return body.error();
  const auto stats = nlohmann::json::parse(*body, nullptr, false);
  if (!stats.is_object() || !stats.contains("readings"))
    return failure{errc::unavailable, "the node's stats cannot be read"};
  const auto& readings = stats["readings"];
  return node_counts{readings.value("stored", std::uint64_t{0}),
                     readings.value("applied", std::uint64_t{0}),
                     stats["quarantined"].value("counted", std::uint64_t{0})};
}

result<bucket_counts> node::sync_times() const {
  const auto page = get(http_port_, "/metrics?buckets=all");
  if (!page) return page.error();
  return buckets_of(*page, "pollux_journal_sync_seconds");
}

result<std::uint64_t> node::stop_and_count() {
  if (const int code = process_->stop(60s); code != 0)
    return failure{errc::unavailable,
                   "the node ended with " + std::to_string(code) + ": " + process_->last_words()};
  auto counter = child::start(
      {own_program(), "journal", "count", "--data", (folder_ / "data").string()}, folder_ / "log");
  if (!counter) return counter.error();
  const auto line = (*counter)->listen(120s);
  if (!line) return line.error();
  std::uint64_t count = 0;
  const auto* end = line->data() + line->size();
  if (std::from_chars(line->data(), end, count).ptr != end)
    return failure{errc::corrupt, "journal count said: " + *line};
  return count;
}

} // namespace pollux::bench
