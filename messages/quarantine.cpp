// SPDX-License-Identifier: Apache-2.0
#include "messages/quarantine.hpp"

namespace pollux::messages {

const char* to_string(quarantine_reason r) noexcept {
  switch (r) {
  case quarantine_reason::malformed: return "malformed";
  case quarantine_reason::invalid_value: return "invalid_value";
  case quarantine_reason::unknown_twin: return "unknown_twin";
  case quarantine_reason::unknown_topic: return "unknown_topic";
  case quarantine_reason::oversized: return "oversized";
  case quarantine_reason::bad_time: return "bad_time";
  case quarantine_reason::poison: return "poison";
  case quarantine_reason::unsupported: return "unsupported";
  }
  return "unknown";
}

} // namespace pollux::messages
