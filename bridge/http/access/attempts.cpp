// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/access/attempts.hpp"
#include "bridge/http/client_rate.hpp"
#include <algorithm>

namespace pollux::bridge::http {

namespace {
constexpr std::uint32_t free_failures = 4; ///< a mistyped token is no attack
constexpr std::int64_t first_wait_ns = 1'000'000'000, longest_wait_ns = 300'000'000'000,
                       forgotten_after_ns = 900'000'000'000;
constexpr std::size_t most_known = 16;
} // namespace

attempts::client& attempts::at(std::string_view address, std::int64_t now_ns) {
  const auto key = client_of(address);
  if (const auto found = clients_.find(key); found != clients_.end()) return found->second;
  if (clients_.size() >= most_) {
    std::erase_if(clients_,
                  [&](const auto& c) { return now_ns - c.second.last_ns > forgotten_after_ns; });
    if (clients_.size() >= most_) // the one that has been silent for longest
      clients_.erase(
          std::min_element(clients_.begin(), clients_.end(), [](const auto& a, const auto& b) {
            return a.second.last_ns < b.second.last_ns;
          }));
  }
  return clients_[key];
}

std::int64_t attempts::wait_ns(std::string_view address, std::int64_t now_ns) const {
  const auto found = clients_.find(client_of(address));
  if (found == clients_.end()) return 0;
  return std::max<std::int64_t>(0, found->second.until_ns - now_ns);
}

void attempts::failed(std::string_view address, std::int64_t now_ns) {
  auto& c = at(address, now_ns);
  if (c.last_ns != 0 && now_ns - c.last_ns > forgotten_after_ns) c.failures = 0;
  c.last_ns = now_ns;
  if (++c.failures <= free_failures) return;
  const auto doublings = std::min<std::uint32_t>(c.failures - free_failures - 1, 20);
  c.until_ns = now_ns + std::min(first_wait_ns << doublings, longest_wait_ns);
}

void attempts::worked(std::string_view address, std::string_view token_hash, std::int64_t now_ns) {
  auto& c = at(address, now_ns);
  c.last_ns = now_ns;
  c.failures = 0;
  c.until_ns = 0;
  if (std::find(c.known.begin(), c.known.end(), token_hash) != c.known.end()) return;
  if (c.known.size() >= most_known) c.known.erase(c.known.begin());
  c.known.emplace_back(token_hash);
}

bool attempts::is_known(std::string_view address, std::string_view token_hash) const {
  const auto found = clients_.find(client_of(address));
  return found != clients_.end() &&
         std::find(found->second.known.begin(), found->second.known.end(), token_hash) !=
             found->second.known.end();
}

} // namespace pollux::bridge::http
