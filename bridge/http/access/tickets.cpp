// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/access/tickets.hpp"
#include "bridge/http/access/secret.hpp"
#include <algorithm>

namespace pollux::bridge::http {

std::string tickets::issue(const identity& who, std::int64_t now_ns) {
  auto secret = random_secret("ticket_");
  if (secret.empty()) return secret;
  std::erase_if(issued_, [&](const ticket& t) { return t.until_ns <= now_ns; });
  if (issued_.size() >= most_) issued_.pop_front();
  issued_.push_back({secret_hash(secret), who, now_ns + lifetime_ns});
  return secret;
}

std::optional<identity> tickets::take(std::string_view secret, std::int64_t now_ns) {
  const auto hash = secret_hash(secret);
  auto found = issued_.end();
  for (auto it = issued_.begin(); it != issued_.end(); ++it)
    if (same_secret(it->hash, hash)) found = it;
  if (found == issued_.end()) return {};
  auto out = std::move(*found);
  issued_.erase(found);
  if (out.until_ns <= now_ns) return {};
  return std::move(out.who);
}

} // namespace pollux::bridge::http
