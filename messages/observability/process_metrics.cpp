// SPDX-License-Identifier: Apache-2.0
// Source: proc(5). /proc/self/stat is parsed after the last ')', since the command may contain one.
#include "messages/observability/process_metrics.hpp"
#include <cstdlib>
#include <dirent.h>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

// Of jemalloc, where the program is linked with it; nullptr elsewhere.
extern "C" int mallctl(const char* name, void* old, size_t* old_size, void* fresh,
                       size_t fresh_size) __attribute__((weak));

namespace pollux::messages {

namespace {
struct process_facts {
  double threads = 0, start_ticks = 0, virtual_bytes = 0, resident_pages = 0;
};

std::optional<process_facts> read_stat() {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto close = text.rfind(')');
  if (close == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(close + 1));
  process_facts out;
  std::string word;
  for (int number = 3; fields >> word; ++number) { // the state is field 3 of proc(5)
    const double value = std::strtod(word.c_str(), nullptr);
    if (number == 20) out.threads = value;
    if (number == 22) out.start_ticks = value;
    if (number == 23) out.virtual_bytes = value;
    if (number == 24) {
      out.resident_pages = value;
      return out;
    }
  }
  return std::nullopt;
}

std::optional<double> boot_time_s() {
  std::ifstream file("/proc/stat");
  std::string word;
  while (file >> word) {
    double value = 0;
    if (word == "btime" && file >> value) return value;
    file.ignore(1 << 20, '\n');
  }
  return std::nullopt;
}

std::optional<double> open_files() {
  DIR* dir = ::opendir("/proc/self/fd");
  if (!dir) return std::nullopt;
  double count = -3; // ".", ".." and the directory itself
  while (::readdir(dir)) ++count;
  ::closedir(dir);
  return count;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void one(prometheus_text& out, const char* name, const char* help, const char* type, double value) {
  out.head(name, help, type);
  out.sample(name, {}, value);
}

std::optional<double> allocator_figure(const char* name) {
  std::size_t value = 0, size = sizeof value;
  if (mallctl == nullptr || mallctl(name, &value, &size, nullptr, 0) != 0) return std::nullopt;
  return static_cast<double>(value);
}

// The figures are those of the last "epoch": telling it a number makes a new one.
void append_allocator_metrics(prometheus_text& out) {
  std::uint64_t epoch = 1;
  if (mallctl != nullptr)
    static_cast<void>(mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch));
  if (const auto bytes = allocator_figure("stats.allocated"))
    one(out, "pollux_allocator_allocated_bytes", "Bytes the program holds of its allocator.",
        "gauge", *bytes);
  if (const auto bytes = allocator_figure("stats.resident"))
    one(out, "pollux_allocator_resident_bytes",
        "Resident bytes the allocator holds of the system, free ones included.", "gauge", *bytes);
}
} // namespace

void append_process_metrics(prometheus_text& out) {
  one(out, "process_cpu_seconds_total", "User and system CPU time spent, in seconds.", "counter",
      cpu_seconds());
  if (const auto stat = read_stat()) {
    one(out, "process_resident_memory_bytes", "Resident memory, in bytes.", "gauge",
        stat->resident_pages * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    one(out, "process_virtual_memory_bytes", "Virtual memory, in bytes.", "gauge",
        stat->virtual_bytes);
    one(out, "process_threads", "Threads of the process.", "gauge", stat->threads);
    if (const auto boot = boot_time_s())
      one(out, "process_start_time_seconds", "Start of the process, seconds since 1970.", "gauge",
          *boot + stat->start_ticks / static_cast<double>(::sysconf(_SC_CLK_TCK)));
  }
  if (const auto open = open_files())
    one(out, "process_open_fds", "Open file descriptors.", "gauge", *open);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    one(out, "process_max_fds", "Most file descriptors the process may open.", "gauge",
        static_cast<double>(limit.rlim_cur));
  append_allocator_metrics(out);
}

} // namespace pollux::messages
