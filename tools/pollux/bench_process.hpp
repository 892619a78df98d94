// SPDX-License-Identifier: Apache-2.0
// The processes `pollux bench` starts: each ends with us, whatever way we end, and its CPU can be
// told apart from all others'.
#pragma once
#include "domain/base/result.hpp"
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace pollux::bench {

using steady = std::chrono::steady_clock;

/// A folder that goes away with everything in it.
class scratch_folder {
public:
  /// A new one in `parent`. Errors: io.
  static result<std::unique_ptr<scratch_folder>> make(const std::filesystem::path& parent);
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
  explicit scratch_folder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// A process of ours. Its stdin and stdout are pipes to us, its stderr goes to a file. Killed and
/// waited for at the latest when this object goes; by the kernel, should we be killed ourselves.
class child {
public:
  /// Errors: not_found (no such program), io.
  static result<std::unique_ptr<child>> start(const std::vector<std::string>& command,
                                              const std::filesystem::path& error_file);
  ~child();
  child(const child&) = delete;
  child& operator=(const child&) = delete;

  [[nodiscard]] int pid() const noexcept { return pid_; }
  /// User and system seconds of all its threads so far; those until its end once it has ended.
  [[nodiscard]] double cpu_s() const;
  [[nodiscard]] double resident_mb() const;
  [[nodiscard]] bool running();

  /// One line to its stdin. Errors: unavailable (it has ended).
  status say(const std::string& line);
  /// The next line of its stdout. Errors: timed_out, unavailable (it has ended, or Ctrl-C).
  result<std::string> listen(std::chrono::milliseconds patience);

  /// SIGTERM, SIGKILL when that did not help within `patience`; gives the exit code (128 + signal).
  int stop(std::chrono::milliseconds patience);
  /// Waits for its end, then as stop().
  int wait(std::chrono::milliseconds patience);
  /// The last lines it wrote to stderr.
  [[nodiscard]] std::string last_words() const;

private:
  child() = default;
  bool reap(bool block);

  int pid_ = -1, to_ = -1, from_ = -1, status_ = 0;
  double cpu_at_end_ = 0;
  bool ended_ = false;
  std::string heard_; ///< bytes of its stdout not yet asked for
  std::filesystem::path error_file_;
};

/// The path of the running program.
[[nodiscard]] std::string own_program();
/// A port on loopback nobody listens on. Errors: io.
[[nodiscard]] result<std::uint16_t> free_port();
/// Sleeps; false when Ctrl-C or SIGTERM came.
bool pause_for(std::chrono::microseconds span);
[[nodiscard]] failure interrupted_failure();

/// Seconds of CPU that everything on the machine has used, time stolen by a hypervisor included.
[[nodiscard]] double machine_cpu_s();
/// CLOCK_MONOTONIC, the same in all processes.
[[nodiscard]] std::int64_t monotonic_ns();

} // namespace pollux::bench
