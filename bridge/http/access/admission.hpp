// SPDX-License-Identifier: Apache-2.0
// What the server asks of access control. All of it on the server's thread, none of it waits.
#pragma once
#include "bridge/http/message.hpp"
#include <optional>
#include <string>

namespace pollux::bridge::http {

/// A request that may change something, as the audit log tells it.
struct deed {
  std::string who, from, method, target, body, trace; ///< body: its beginning
};

class admission {
public:
  virtual ~admission() = default;
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
