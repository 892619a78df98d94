// SPDX-License-Identifier: Apache-2.0
#include "supervision/fault_injection.hpp"
#include "messages/observability/log.hpp"
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace pollux::supervision {

namespace logging = messages::log;

fault_injection::fault_injection(std::string file, messages::egress& real)
    : file_(std::move(file)), faulty_(real, outbox_armed_) {
  logging::warning("testing", "fault injection is allowed: never in production", {{"file", file_}});
}

void fault_injection::look() {
  std::error_code error;
  if (!std::filesystem::exists(file_, error)) return;
  std::string place;
  std::ifstream{file_} >> place;
  std::filesystem::remove(file_, error);
  if (place == "shard_host")
    host_armed_ = true;
  else if (place == "outbox")
    outbox_armed_ = true;
  else
    return logging::warning("testing", "no such place for a fault: shard_host or outbox",
                            {{"place", place.substr(0, 64)}});
  logging::warning("testing", "a fault is armed", {{"place", place}});
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
