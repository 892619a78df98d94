// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/doctor_machine.hpp"
#include "config/size.hpp"
#include "domain/base/time.hpp"
#include "tools/pollux/doctor_probes.hpp"
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <thread>
#include <unistd.h>

namespace pollux::cli {

namespace {
constexpr std::uint64_t mib = 1ull << 20;

/// "1.4 GiB", for people.
std::string in_words(std::uint64_t bytes) {
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit < 4) value /= 1024, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
  return text;
}

std::string milliseconds(std::int64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f ms", static_cast<double>(ns) * 1e-6);
  return text;
}

std::int64_t clock_ns(clockid_t which) {
  timespec t{};
  ::clock_gettime(which, &t);
  return std::int64_t{t.tv_sec} * ns_per_s + t.tv_nsec;
}

void examine_space(const std::string& folder, const config::settings& s, findings& out) {
  struct statvfs fs {};
  if (::statvfs(folder.c_str(), &fs) != 0) {
    out.push_back({grade::fail, "disk", "cannot look at " + folder + ": " + std::strerror(errno),
                   "check [node] data"});
    return;
  }
  const std::uint64_t free = fs.f_bavail * fs.f_frsize;
  const auto least = s.journal.min_free_bytes;
  const auto said = in_words(free) + " free in " + folder;
  if (free < least)
    out.push_back({grade::fail, "disk", said + ": below min_free_bytes, the node refuses input",
                   "free at least " + in_words(least - free)});
  else if (free < 4 * least + s.journal.tail_bytes)
    out.push_back({grade::warn, "disk", said + ": room for little history",
                   "give the data folder more space"});
  else
    out.push_back({grade::ok, "disk", said, ""});
  if (fs.f_files > 0 && fs.f_favail < 10'000)
    out.push_back({grade::warn, "disk", std::to_string(fs.f_favail) + " inodes left in " + folder,
                   "remove small files"});
  struct statfs kind {};
  constexpr long tmpfs = 0x01021994, nfs = 0x6969;
  if (::statfs(folder.c_str(), &kind) != 0) return;
  if (kind.f_type == tmpfs)
    out.push_back({grade::warn, "disk",
                   folder + " is in memory (tmpfs): nothing survives a restart of the machine",
                   "put [node] data on a disk"});
  if (kind.f_type == nfs)
    out.push_back({grade::warn, "disk",
                   folder + " is on NFS: locks and fsync are as good as the server",
                   "put [node] data on a local disk"});
}

/// Durations of 4 KiB writes with fdatasync, sorted; empty when writing failed (errno tells).
std::vector<std::int64_t> measure_fsync(const std::string& folder) {
  std::string name = folder + "/.pollux-doctor-XXXXXX";
  const int fd = ::mkstemp(name.data());
  if (fd < 0) return {};
  ::unlink(name.c_str());
  const std::string block(4096, 'x');
  std::vector<std::int64_t> out;
  const auto until = clock_ns(CLOCK_MONOTONIC) + ns_per_s;
  while (out.size() < 50 && clock_ns(CLOCK_MONOTONIC) < until) {
    const auto start = clock_ns(CLOCK_MONOTONIC);
    if (::write(fd, block.data(), block.size()) != 4096 || ::fdatasync(fd) != 0) {
      out.clear();
      break;
    }
    out.push_back(clock_ns(CLOCK_MONOTONIC) - start);
  }
  const int error = errno;
  ::close(fd);
  errno = error;
  std::sort(out.begin(), out.end());
  return out;
}

void examine_fsync(const std::string& folder, const config::settings& s, findings& out) {
  const auto times = measure_fsync(folder);
  if (times.empty()) {
    out.push_back({grade::fail, "disk", "cannot write in " + folder + ": " + std::strerror(errno),
                   "check the rights on [node] data"});
    return;
  }
  const auto median = times[times.size() / 2], worst = times.back();
  const auto said = "fsync takes " + milliseconds(median) + " (median of " +
                    std::to_string(times.size()) + ", worst " + milliseconds(worst) + ")";
  if (median > s.journal.sync_interval_ns)
    out.push_back(
        {grade::fail, "disk",
         said + ": longer than sync_interval " + format_duration(s.journal.sync_interval_ns),
         "use a faster disk, or a longer sync_interval"});
  else if (median > 20 * ns_per_ms || worst > 500 * ns_per_ms)
    out.push_back({grade::warn, "disk", said + ": D2 and commands will be slow",
                   "use a disk with a power-safe cache"});
  else
    out.push_back({grade::ok, "disk", said, ""});
}

/// Files below `folder` with a time more than 2 s ahead; looks at 10,000 at most.
std::size_t files_from_the_future(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code e;
  std::size_t ahead = 0, seen = 0;
  const auto limit = fs::file_time_type::clock::now() + std::chrono::seconds(2);
  for (fs::recursive_directory_iterator
           it(folder, fs::directory_options::skip_permission_denied, e),
       end;
       !e && it != end && seen < 10'000; it.increment(e), ++seen) {
    std::error_code gone; // a running node removes files meanwhile
    const auto time = it->last_write_time(gone);
    if (!gone && time > limit) ++ahead;
  }
  return ahead;
}

std::uint64_t number_in(const std::string& file, const std::string& key) {
  std::ifstream in(file);
  std::string word;
  std::uint64_t value = 0;
  if (key.empty()) return in >> value ? value : 0; // "max" gives 0: no limit
  while (in >> word)
    if (word == key) return in >> value ? value : 0;
  return 0;
}
} // namespace

void examine_disk(const config::settings& s, findings& out) {
  const auto folder = existing_folder(s.node.data);
  examine_space(folder, s, out);
  examine_fsync(folder, s, out);
}

void examine_clock(const config::settings& s, findings& out) {
  const auto wall = clock_ns(CLOCK_REALTIME), steady = clock_ns(CLOCK_MONOTONIC);
  constexpr std::int64_t year_2024 = 1'704'067'200 * ns_per_s;
  if (wall < year_2024)
    out.push_back({grade::fail, "clock", "the clock says " + format_rfc3339(wall - wall % ns_per_s),
                   "set it: event times in the future are quarantined"});
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto drift = (clock_ns(CLOCK_REALTIME) - wall) - (clock_ns(CLOCK_MONOTONIC) - steady);
  if (drift > 5 * ns_per_ms || drift < -5 * ns_per_ms)
    out.push_back({grade::warn, "clock",
                   "the clock was set by " + milliseconds(drift) + " within 200 ms",
                   "let one NTP client slew it instead of stepping"});
  timex kernel{};
  const int state = ::adjtimex(&kernel);
  if (state == TIME_ERROR || (kernel.status & STA_UNSYNC) != 0)
    out.push_back({grade::warn, "clock", "the kernel says that nobody keeps the clock (no NTP)",
                   "run chrony or systemd-timesyncd, or know who sets the host's clock"});
  else
    out.push_back({grade::ok, "clock", "kept by NTP, runs evenly", ""});
  if (const auto ahead = files_from_the_future(s.node.data))
    out.push_back({grade::warn, "clock",
                   std::to_string(ahead) + " files in " + s.node.data +
                       " are from the future: the clock has been set back",
                   "set the clock right before the node starts"});
}

void examine_limits(const config::settings& s, findings& out) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  const auto said = std::to_string(files.rlim_cur) + " open files allowed";
  if (files.rlim_cur < 512)
    out.push_back(
        {grade::fail, "limits", said, "ulimit -n 65536, or LimitNOFILE=65536 in the unit"});
  else if (files.rlim_cur < 4096)
    out.push_back({grade::warn, "limits", said + ": few for two databases and 256 HTTP connections",
                   "ulimit -n 65536, or LimitNOFILE=65536 in the unit"});
  else
    out.push_back({grade::ok, "limits", said, ""});
  std::uint64_t memory = number_in("/proc/meminfo", "MemAvailable:") * 1024;
  std::string which = " of memory available";
  const auto group = number_in("/sys/fs/cgroup/memory.max", "");
  const auto used = number_in("/sys/fs/cgroup/memory.current", "");
  if (group > used && group - used < memory) {
    memory = group - used;
    which = " left of the control group's memory limit";
  }
  rlimit space{};
  ::getrlimit(RLIMIT_AS, &space);
  if (space.rlim_cur != RLIM_INFINITY && space.rlim_cur < memory) {
    memory = space.rlim_cur;
    which = " of address space allowed (ulimit -v)";
  }
  // inboxes, write buffers and caches of two databases, 1 KiB for each of the twins of a small site
  const auto wanted = s.journal.inbox_bytes + 256 * mib;
  if (memory < wanted)
    out.push_back(
        {grade::warn, "limits",
         in_words(memory) + which + ": the node may need " + in_words(wanted) + " under load",
         "give it more, or lower [journal] inbox_bytes and [twins] max_active"});
  else
    out.push_back({grade::ok, "limits", in_words(memory) + which, ""});
}

void examine_node(const config::settings& s, findings& out) {
  if (const auto pid = folder_owner(s.node.data)) {
    out.push_back(
        {grade::ok, "node", "process " + std::to_string(pid) + " runs on " + s.node.data, ""});
    return; // its ports are rightly in use
  }
  out.push_back({grade::ok, "node", "no node runs on " + s.node.data, ""});
  const auto port = [&](bool enabled, const char* table, const std::string& address,
                        std::uint16_t number) {
    if (!enabled) return;
    if (const auto free = can_listen(address, number); !free)
      out.push_back({grade::fail, "node",
                     "[" + std::string(table) + "] cannot listen on " + free.error().what,
                     "stop what has the port, or set [" + std::string(table) + "] port"});
  };
  port(s.http.enabled, "http", s.http.address, s.http.port);
  port(s.remote.enabled, "remote", s.remote.address, s.remote.port);
}

void examine_broker(const config::settings& s, findings& out) {
  const auto place = host_of_url(s.broker.url);
  if (!place) return; // the configuration's own check has said so
  const auto reached = can_connect(place->first, place->second, 2000);
  if (reached)
    out.push_back({grade::ok, "broker", s.broker.url + " takes connections", ""});
  else
    out.push_back({grade::fail, "broker",
                   s.broker.url + " is not reachable: " + reached.error().what,
                   "start the broker, or set [mqtt] url; a node keeps trying"});
}

} // namespace pollux::cli
