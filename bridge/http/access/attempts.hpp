// SPDX-License-Identifier: Apache-2.0
// Wrong tokens cost time: after a few, a client address waits, twice as long with each more. A
// token that has worked from that address goes on working, so that a stranger behind the same
// address does not lock others out.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pollux::bridge::http {

/// Of one thread. Clock values are steady, ns.
class attempts {
public:
  explicit attempts(std::size_t most_clients = 4096) : most_(most_clients) {}

  /// How long a client has still to wait before an unknown token of theirs is looked at; 0: not.
  [[nodiscard]] std::int64_t wait_ns(std::string_view address, std::int64_t now_ns) const;
  void failed(std::string_view address, std::int64_t now_ns);
  void worked(std::string_view address, std::string_view token_hash, std::int64_t now_ns);
  /// Did this token work from there lately?
  [[nodiscard]] bool is_known(std::string_view address, std::string_view token_hash) const;
  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

private:
  struct client {
    std::uint32_t failures = 0;
    std::int64_t until_ns = 0, last_ns = 0;
    std::vector<std::string> known; ///< hashes, the newest last
  };
  client& at(std::string_view address, std::int64_t now_ns);

  std::size_t most_;
  std::unordered_map<std::string, client> clients_;
};

} // namespace pollux::bridge::http
