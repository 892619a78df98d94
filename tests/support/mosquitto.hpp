// SPDX-License-Identifier: Apache-2.0
// A real mosquitto of a test's own: on a free loopback port, in a folder of its own, ended by pid.
#pragma once
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <sys/types.h>

namespace pollux::test {

/// A folder below the system's temporary one, removed with all its content at the end.
class temporary_folder {
public:
  temporary_folder();
  ~temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
};

/// A loopback TCP port nobody listens on at the moment.
[[nodiscard]] std::uint16_t free_port();

class mosquitto {
public:
  /// False when there is no mosquitto on this machine: skip the test, with a message.
  [[nodiscard]] static bool available();

  /// Starts at once, unless `start_now` is false. `settings` are further lines of mosquitto.conf;
  /// with `own_listener` they hold the listener as well (the port is in port()).
  explicit mosquitto(std::string settings = {}, bool start_now = true, bool own_listener = false);
  ~mosquitto();
  mosquitto(const mosquitto&) = delete;
  mosquitto& operator=(const mosquitto&) = delete;

  /// Starts and returns once it takes connections. Throws std::runtime_error after 10 s.
  void start();
  void stop(); ///< SIGTERM, then waits for its end
  void kill(); ///< SIGKILL, then waits for its end
  void replace_settings(std::string settings) { settings_ = std::move(settings); }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const { return "tcp://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_.path(); }
  [[nodiscard]] std::string log() const; ///< what it said so far

private:
  void end(int signal);
  temporary_folder folder_;
  std::string settings_;
  bool own_listener_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

/// Asks again and again until it is true or the time is over; gives the last answer.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds patience = std::chrono::seconds(20));

} // namespace pollux::test
