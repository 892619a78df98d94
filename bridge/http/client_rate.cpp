// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/client_rate.hpp"
#include <algorithm>
#include <arpa/inet.h>
#include <cmath>

namespace pollux::bridge::http {

namespace {
constexpr double burst_seconds = 2;
} // namespace

std::string client_of(std::string_view address) {
  const std::string text(address.substr(0, address.find('%'))); // without the interface
  in6_addr parsed{};
  if (text.find(':') == std::string::npos || ::inet_pton(AF_INET6, text.c_str(), &parsed) != 1)
    return text;
  const auto* bytes = reinterpret_cast<const char*>(parsed.s6_addr);
  if (IN6_IS_ADDR_V4MAPPED(&parsed)) return {bytes + 12, 4};
  return {bytes, 8};
}

double client_rate::filled(const bucket& b, std::int64_t now_ns) const {
  const auto seconds = static_cast<double>(now_ns - b.at_ns) / 1e9;
  return std::min(per_second_ * burst_seconds, b.tokens + std::max(0.0, seconds) * per_second_);
}

void client_rate::make_room(std::int64_t now_ns) {
  std::erase_if(buckets_, [&](const auto& entry) {
    return filled(entry.second, now_ns) >= per_second_ * burst_seconds;
  });
  // all of them busy at once: one is forgotten, which lets it ask sooner than it should
  if (buckets_.size() >= most_) buckets_.erase(buckets_.begin());
}

std::uint32_t client_rate::take(std::string_view address, std::int64_t now_ns) {
  if (per_second_ <= 0) return 0;
  const auto client = client_of(address);
  auto found = buckets_.find(client);
  if (found == buckets_.end()) {
    if (buckets_.size() >= most_) make_room(now_ns);
    found = buckets_.emplace(client, bucket{per_second_ * burst_seconds, now_ns}).first;
  }
  auto& b = found->second;
  b.tokens = filled(b, now_ns);
  b.at_ns = now_ns;
  if (b.tokens >= 1) {
    b.tokens -= 1;
    return 0;
  }
  return static_cast<std::uint32_t>(std::ceil(std::max(1.0, (1 - b.tokens) / per_second_)));
}

} // namespace pollux::bridge::http
