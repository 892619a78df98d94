// SPDX-License-Identifier: Apache-2.0
#include "supervision/fault_injection.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

namespace pollux::supervision {

namespace logging = messages::log;

fault_injection::fault_injection(const std::string& data, messages::egress& real)
    : file_(data + "/inject_fault"),
      at_step_(::open((data + "/at_step").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)),
      faulty_(real, outbox_armed_) {
  logging::warning("testing", "fault injection is allowed: never in production", {{"file", file_}});
  look();
}

fault_injection::~fault_injection() {
  if (at_step_ >= 0) ::close(at_step_);
}

void fault_injection::look() {
  std::error_code error;
  if (!std::filesystem::exists(file_, error)) return;
  std::string place;
  std::ifstream in{file_};
  in >> place;
  if (place == "kill") {
    std::lock_guard lock{mutex_};
    in >> kill_after_ >> std::ws;
    std::getline(in, kill_at_);
    place += " at " + kill_at_;
  }
  in.close();
  std::filesystem::remove(file_, error);
  if (place == "shard_host")
    host_armed_ = true;
  else if (place == "outbox")
    outbox_armed_ = true;
  else if (!place.starts_with("kill at "))
    return logging::warning("testing", "no such place for a fault: shard_host, outbox, kill",
                            {{"place", place.substr(0, 64)}});
  logging::warning("testing", "a fault is armed", {{"place", place}});
}

std::function<void(const char*)> fault_injection::steps() {
  return [this](const char* step) { reached(step); };
}

void fault_injection::reached(const char* step) {
  std::array<char, 64> line;
  line.fill(' ');
  std::copy_n(step, std::min(std::strlen(step), line.size() - 1), line.begin());
  line.back() = '\n';
  static_cast<void>(::pwrite(at_step_, line.data(), line.size(), 0)); // then the file says less
  std::lock_guard lock{mutex_};
  if (kill_at_ != step || kill_after_ == 0 || --kill_after_ > 0) return;
  static_cast<void>(::kill(::getpid(), SIGKILL));
  for (;;) ::pause();
}

std::function<std::int64_t()> fault_injection::clock(std::function<std::int64_t()> real) {
  return [this, real = std::move(real)] {
    if (host_armed_.exchange(false)) throw std::runtime_error{"injected fault: shard_host"};
    return real();
  };
}

status fault_injection::faulty_egress::publish(messages::publication p,
                                               std::function<void(bool)> done) {
  if (armed_.exchange(false)) throw std::runtime_error{"injected fault: outbox"};
  return real_.publish(std::move(p), std::move(done));
}

} // namespace pollux::supervision
