// SPDX-License-Identifier: Apache-2.0
#include "bridge/audit/audit_log.hpp"
#include "bridge/remote/private_file.hpp"
#include "domain/base/time.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace pollux::bridge::audit {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t files_kept = 8, least_file = 1024;

/// "2026-11" of a time.
std::string month_of(std::int64_t wall_ns) { return format_rfc3339(wall_ns).substr(0, 7); }

std::string path_of(const std::string& folder, const std::string& month) {
  return folder + "/" + month + ".jsonl";
}

/// "2026-11.000001.jsonl", ..., "2026-11.jsonl": sorted, they follow each other.
bool is_ours(const std::string& name) {
  const bool plain = name.size() == 13, numbered = name.size() == 20 && name[7] == '.';
  return (plain || numbered) && name[4] == '-' && name.ends_with(".jsonl");
}

std::vector<fs::path> files_in(const std::string& folder) {
  std::vector<fs::path> out;
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator(folder, ignored))
    if (is_ours(file.path().filename().string())) out.push_back(file.path());
  std::sort(out.begin(), out.end());
  return out;
}

/// Another process may have put the file aside, or someone may have removed it.
bool is_still_there(int file, const std::string& path, std::uint64_t& size) {
  struct stat open_one {
  }, named{};
  if (::fstat(file, &open_one) != 0 || ::stat(path.c_str(), &named) != 0) return false;
  size = static_cast<std::uint64_t>(open_one.st_size);
  return open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

bool ends_within_a_line(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return false;
  const auto size = ::lseek(file, 0, SEEK_END);
  char last = '\n';
  const bool read = size > 0 && ::pread(file, &last, 1, size - 1) == 1;
  ::close(file);
  return read && last != '\n';
}

std::string cut(const std::string& text, std::size_t most) { return text.substr(0, most); }

} // namespace

ending ending_of_status(unsigned status) {
  return {status, status < 400 ? "done" : status < 500 ? "refused" : "failed", {}};
}

std::string line_of(const deed& done, const ending& how, std::int64_t wall_ns) {
  nlohmann::ordered_json line{{"time", format_rfc3339(wall_ns)},
                              {"door", done.door},
                              {"who", cut(done.who, longest_target)}};
  if (!done.by.empty()) line["by"] = cut(done.by, longest_target);
  line["from"] = cut(done.from, longest_target);
  line["method"] = cut(done.method, longest_target);
  line["target"] = cut(done.target, longest_target);
  if (how.status != 0) line["status"] = how.status;
  line["outcome"] = how.outcome;
  if (!how.why.empty()) line["why"] = cut(how.why, longest_body);
  if (!done.trace.empty()) line["trace"] = done.trace;
  if (!done.body.empty()) line["body"] = cut(done.body, longest_body);
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

log::log(log_options options) : options_(std::move(options)) {
  if (options_.metrics != nullptr) {
    written_ = &options_.metrics->make_counter("pollux_audit_lines_total",
                                               "Lines written to the audit log");
    lost_ = &options_.metrics->make_counter(
        "pollux_audit_lost_total", "Lines the audit log could not take; the node's log has them");
  }
  sigset_t all, before; // signals are for the threads that expect them
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

log::~log() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  more_.notify_one();
  thread_.join();
  close();
}

void log::add(const deed& done, const ending& how, std::int64_t wall_ns) {
  auto line = line_of(done, how, wall_ns);
  line += '\n';
  bool taken = false;
  {
    const std::lock_guard lock(mutex_);
    taken = ready(month_of(wall_ns), line.size()) && put(line);
    if (file_ >= 0) ::flock(file_, LOCK_UN);
    unsynced_ = unsynced_ || taken;
  }
  if (taken) {
    more_.notify_one();
    if (written_ != nullptr) written_->add();
    return;
  }
  if (lost_ != nullptr) lost_->add();
  line.pop_back();
  messages::log::error("audit", "cannot write a line",
                       {{"why", std::strerror(errno)}, {"line", line}});
}

/// Is there a file of this month with room for so much? Then it is open, and locked against being
/// replaced (persistence/audit_files.hpp).
bool log::ready(const std::string& month, std::size_t size) {
  const auto path = path_of(options_.folder, month);
  const auto most = std::max(options_.bytes / files_kept, least_file);
  bool aside = false; // once: a file system that cannot do it must not cost a line
  for (int tries = 0; tries < 10; ++tries) {
    if ((file_ < 0 || month != month_) && !open(month)) return false;
    std::uint64_t present = 0;
    if (::flock(file_, LOCK_SH) != 0) return false;
    const bool there = is_still_there(file_, path, present);
    if (there && (present == 0 || present + size <= most || aside)) return true;
    if (there) {
      put_aside(month);
      aside = true;
    } else {
      close();
    }
  }
  return false;
}

bool log::open(const std::string& month) {
  close();
  if (auto made = remote::make_private_folder(options_.folder); !made) {
    messages::log::error("audit", "the folder cannot be used", {{"why", made.error().what}});
    return false;
  }
  const auto path = path_of(options_.folder, month);
  file_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file_ < 0) return false;
  torn_ = ends_within_a_line(path); // a power cut, or a full disk
  if (std::exchange(month_, month) != month) {
    remove_old(month);
    make_room();
  }
  return true;
}

/// The file of the month gets a number.
void log::put_aside(const std::string& month) {
  close();
  const auto path = path_of(options_.folder, month);
  const auto files = files_in(options_.folder);
  unsigned number = 0;
  for (const auto& file : files)
    if (const auto name = file.filename().string(); name.size() == 20 && name.starts_with(month))
      number = static_cast<unsigned>(std::strtoul(name.c_str() + 8, nullptr, 10));
  for (int tries = 0; tries < 10; ++tries) { // another process may be doing the same
    char text[16];
    std::snprintf(text, sizeof text, ".%06u", ++number % 1'000'000);
    const auto to = path_of(options_.folder, month + text);
    if (::link(path.c_str(), to.c_str()) == 0) { // unlike rename(2) it never replaces
      ::unlink(path.c_str());
      break;
    }
    if (errno == EEXIST) continue;
    std::rename(path.c_str(), to.c_str()); // no links there
    break;
  }
  make_room();
}

/// For one more file: the oldest go.
void log::make_room() const {
  const auto files = files_in(options_.folder);
  std::error_code ignored;
  const auto most = options_.bytes - options_.bytes / files_kept;
  std::uint64_t all = 0;
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    const auto size = fs::file_size(*file, ignored);
    if (!ignored) all += size;
    if (all <= most) continue;
    messages::log::warning("audit", "the log is as large as it may be: its oldest file goes",
                           {{"file", file->string()}});
    fs::remove(*file, ignored);
  }
}

void log::remove_old(const std::string& month) const {
  if (options_.keep_ns == 0) return;
  const auto now = parse_rfc3339(month + "-01T00:00:00Z");
  if (!now) return;
  std::error_code ignored;
  for (const auto& file : files_in(options_.folder)) {
    const auto began = parse_rfc3339(file.filename().string().substr(0, 7) + "-01T00:00:00Z");
    constexpr std::int64_t month_ns = 31LL * 86'400 * ns_per_s; // at most
    if (began && *began + month_ns + options_.keep_ns < *now) fs::remove(file, ignored);
  }
}

/// In one write(2), so that lines of several processes do not mix.
bool log::put(std::string_view line) {
  const auto whole = torn_ ? "\n" + std::string(line) : std::string(line);
  ssize_t n = 0;
  do n = ::write(file_, whole.data(), whole.size());
  while (n < 0 && errno == EINTR);
  if (n == static_cast<ssize_t>(whole.size())) {
    torn_ = false;
    return true;
  }
  torn_ = torn_ || n > 0;
  if (n >= 0) errno = ENOSPC;
  return false;
}

void log::close() {
  if (file_ < 0) return;
  ::fdatasync(file_);
  ::close(file_);
  file_ = -1;
}

void log::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    more_.wait(lock, [this] { return stopping_ || unsynced_; });
    if (!std::exchange(unsynced_, false)) return;
    const int file = file_ < 0 ? -1 : ::dup(file_); // the log may go on to another one meanwhile
    lock.unlock();
    if (file >= 0) {
      ::fdatasync(file);
      ::close(file);
    }
    lock.lock();
  }
}

} // namespace pollux::bridge::audit
