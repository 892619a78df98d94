// SPDX-License-Identifier: Apache-2.0
// The broker of one measured run: a mosquitto of our own on a free loopback port.
#pragma once
#include "tools/pollux/bench_process.hpp"

namespace pollux::bench {

class broker {
public:
  /// Starts it and waits until it takes connections; its files are in `folder`. `nodelay` sends
  /// small packets at once, for latency; without it the peak rate is higher.
  /// Errors: not_found (mosquitto is not installed), unavailable, io.
  static result<std::unique_ptr<broker>> start(const std::filesystem::path& folder, bool nodelay);

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] child& process() noexcept { return *process_; }

private:
  broker(std::unique_ptr<child> process, std::uint16_t port)
      : process_(std::move(process)), port_(port) {}
  std::unique_ptr<child> process_;
  std::uint16_t port_;
};

/// Where mosquitto is: in PATH, or where packages put it. Errors: not_found.
[[nodiscard]] result<std::string> find_mosquitto();

} // namespace pollux::bench
