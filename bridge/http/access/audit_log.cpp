// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/access/audit_log.hpp"
#include "bridge/remote/private_file.hpp"
#include "domain/base/time.hpp"
#include "messages/observability/log.hpp"
#include "messages/observability/trace_context.hpp"
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <unistd.h>

namespace pollux::bridge::http {

namespace {

constexpr std::size_t most_waiting = 10'000, longest_body = 1024;

/// "2026-11" of a time.
std::string month_of(std::int64_t wall_ns) { return format_rfc3339(wall_ns).substr(0, 7); }

std::string random_trace() {
  std::random_device dice;
  char text[40];
  std::snprintf(text, sizeof text, "%08x%08x%08x%08x", dice(), dice(), dice(), dice());
  return text;
}

} // namespace

deed deed_of(const request& r) {
  deed out{r.who.name, r.peer, r.method, r.path, r.body.substr(0, longest_body), {}};
  char mark = '?';
  for (const auto& [name, value] : r.query) {
    const bool secret = name == "ticket" || name == "access_token";
    out.target += mark + name + "=" + (secret ? "..." : value);
    mark = '&';
  }
  out.trace = messages::trace_id_of(r.header("traceparent"));
  if (out.trace.empty()) out.trace = random_trace();
  return out;
}

std::string audit_line(const deed& done, unsigned status, std::int64_t wall_ns) {
  const char* outcome = status < 400 ? "done" : status < 500 ? "refused" : "failed";
  nlohmann::ordered_json line{{"time", format_rfc3339(wall_ns)},
                              {"who", done.who},
                              {"from", done.from},
                              {"method", done.method},
                              {"target", done.target},
                              {"status", status},
                              {"outcome", outcome},
                              {"trace", done.trace}};
  if (!done.body.empty()) line["body"] = done.body;
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

audit_log::audit_log(std::string folder, std::int64_t keep_ns)
    : folder_(std::move(folder)), keep_ns_(keep_ns) {
  sigset_t all, before; // signals are for the threads that expect them
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

audit_log::~audit_log() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_one();
  thread_.join();
  if (file_ >= 0) ::close(file_);
}

void audit_log::add(std::string line, std::int64_t wall_ns) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() < most_waiting) {
      queue_.push_back({std::move(line) + "\n", month_of(wall_ns)});
      line.clear();
    }
  }
  if (!line.empty())
    messages::log::error("audit", "a line is lost: the disk does not keep up", {{"line", line}});
  more_.notify_one();
}

void audit_log::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    more_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const auto group = std::exchange(queue_, {});
    lock.unlock();
    write(group);
    lock.lock();
  }
}

bool audit_log::open(const std::string& month) {
  if (month == month_ && file_ >= 0) return true;
  if (file_ >= 0) ::close(file_);
  file_ = -1;
  if (auto made = remote::make_private_folder(folder_); !made) {
    messages::log::error("audit", "the folder cannot be used", {{"why", made.error().what}});
    return false;
  }
  file_ = ::open((folder_ + "/" + month + ".jsonl").c_str(),
                 O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  month_ = month;
  remove_old(month);
  return file_ >= 0;
}

void audit_log::write(const std::deque<entry>& group) {
  for (const auto& e : group) {
    std::string_view rest = e.line;
    if (open(e.month))
      while (!rest.empty()) {
        const auto n = ::write(file_, rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(n));
      }
    if (!rest.empty()) messages::log::error("audit", "cannot write a line", {{"line", e.line}});
  }
  if (file_ >= 0) ::fdatasync(file_);
}

void audit_log::remove_old(const std::string& month) const {
  if (keep_ns_ == 0) return;
  const auto now = parse_rfc3339(month + "-01T00:00:00Z");
  if (!now) return;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(folder_, ignored)) {
    const auto name = file.path().filename().string();
    if (name.size() != 13 || !name.ends_with(".jsonl")) continue;
    const auto began = parse_rfc3339(name.substr(0, 7) + "-01T00:00:00Z");
    constexpr std::int64_t month_ns = 31LL * 86'400 * ns_per_s; // at most
    if (began && *began + month_ns + keep_ns_ < *now) std::filesystem::remove(file.path(), ignored);
  }
}

} // namespace pollux::bridge::http
