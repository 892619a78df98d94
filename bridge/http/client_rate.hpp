// SPDX-License-Identifier: Apache-2.0
// How often one client may ask: a bucket of tokens for each address, filled at a steady rate.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pollux::bridge::http {

/// Of one thread. Memory is bounded: beyond `clients` those who have been silent are forgotten,
/// which costs them nothing, as their bucket would be full.
class client_rate {
public:
  /// `per_second` requests on the average, twice as many at once; 0: no limit.
  explicit client_rate(std::uint32_t per_second, std::size_t clients = 10'000)
      : per_second_(per_second), most_(clients) {}

  /// Takes a token. Gives 0 when there was one, else in how many whole seconds there will be.
  [[nodiscard]] std::uint32_t take(std::string_view address, std::int64_t now_ns);
  [[nodiscard]] std::size_t clients() const { return buckets_.size(); }

private:
  struct bucket {
    double tokens = 0;
    std::int64_t at_ns = 0;
  };
  [[nodiscard]] double filled(const bucket& b, std::int64_t now_ns) const;
  void make_room(std::int64_t now_ns);

  double per_second_;
  std::size_t most_;
  std::unordered_map<std::string, bucket> buckets_;
};

/// Whom an address stands for: IPv4 as it is, of IPv6 the first 64 bits (one customer's network).
[[nodiscard]] std::string client_of(std::string_view address);

} // namespace pollux::bridge::http
