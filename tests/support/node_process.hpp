// SPDX-License-Identifier: Apache-2.0
// This very test binary, started a second time as a process that plays the node: so that a test can
// kill and stop it.
#pragma once
#include "bridge/remote/endpoint.hpp"
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace pollux::tests {

class node_process {
public:
  /// Runs the test case `role`, which finds its data folder in POLLUX_TEST_NODE.
  node_process(const std::string& role, const std::string& data) : data_(data) {
    const auto choice = "--test-case=" + role;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::setenv("POLLUX_TEST_NODE", data.c_str(), 1);
      ::execl("/proc/self/exe", "node", choice.c_str(), "--no-skip", nullptr);
      ::_exit(127);
    }
  }
  node_process(const node_process&) = delete;
  node_process& operator=(const node_process&) = delete;
  ~node_process() { kill(); }

  /// True once it has opened its gateway.
  [[nodiscard]] bool wait_until_open() const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < until) {
      if (bridge::remote::read_endpoint(data_).ok()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  void stop() const { ::kill(pid_, SIGSTOP); }
  void resume() const { ::kill(pid_, SIGCONT); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  /// User and system time so far.
  [[nodiscard]] double cpu_seconds() const {
    std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
    std::string word;
    double user = 0, system = 0;
    for (int i = 1; i < 14; ++i) stat >> word; // the name has no spaces
    stat >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  [[nodiscard]] bool alive() const { return pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0; }

private:
  std::string data_;
  pid_t pid_ = -1;
};

} // namespace pollux::tests
