// SPDX-License-Identifier: Apache-2.0
// What every request passes before its handler: whom it was sent to, how often its client asks,
// which web page it comes from, and whether there is such a route.
#pragma once
#include "bridge/http/access/admission.hpp"
#include "bridge/http/client_rate.hpp"
#include "bridge/http/dressing.hpp"
#include "bridge/http/message.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::bridge::http {

struct gate_options {
  bool loopback_only = true;
  std::vector<std::string> cors_origins; ///< pages of these may ask, too: "https://host:port"
  std::uint32_t rate = 0;                ///< requests a second of one client; 0: no limit
  admission* access = nullptr;           ///< who asks; without it everyone is loopback's admin
};

/// Of the server's thread.
class gate {
public:
  explicit gate(gate_options options) : options_(std::move(options)), rate_(options_.rate) {}

  struct decision {
    const handler* run = nullptr; ///< else `instead` is the answer
    response instead;
    dressing how;
  };
  /// `r` has method, headers, body and peer; target and identity are filled in. `now_ns`: steady.
  [[nodiscard]] decision decide(request& r, std::string_view target, bool http_1_1,
                                const router& routes, std::int64_t now_ns);

private:
  [[nodiscard]] bool may_come_from(const request& r, std::string_view origin) const;
  [[nodiscard]] bool allowed_origin(std::string_view origin) const;
  [[nodiscard]] response refused(request& r, std::string_view target, bool http_1_1,
                                 std::int64_t now_ns);

  gate_options options_;
  client_rate rate_;
};

} // namespace pollux::bridge::http
