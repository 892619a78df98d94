// SPDX-License-Identifier: Apache-2.0
// What the server asks of access control. All of it on the server's thread, none of it waits.
#pragma once
#include "bridge/audit/audit_log.hpp"
#include "bridge/http/message.hpp"
#include <optional>
#include <string>

namespace pollux::bridge::http {

using audit::deed;

class admission {
public:
  virtual ~admission() = default;
  /// Takes what a proxy we trust says of its client (peer, secure, the Host header), and removes
  /// those headers, also when they come from elsewhere. Before anything else looks at `r`.
  virtual void place(request& r) = 0;
  /// Finds out who asks (r.who), or what to answer instead. Takes a ticket out of the query.
  [[nodiscard]] virtual std::optional<response> admit(request& r) = 0;
  /// May they go on reading a stream? False when the token was revoked, rotated or has expired.
  [[nodiscard]] virtual bool still(const identity& who) = 0;
  /// Every request that may change something, once it was answered.
  virtual void record(const deed& done, unsigned status) = 0;
  /// Errors: refused, when such a node would be open to others.
  [[nodiscard]] virtual status may_listen(bool loopback, bool tls) = 0;
};

/// The record of a request, before its handler has it.
[[nodiscard]] deed deed_of(const request& r);

} // namespace pollux::bridge::http
