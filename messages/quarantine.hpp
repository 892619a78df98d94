// SPDX-License-Identifier: Apache-2.0
// Where input goes that cannot be used: kept with its reason, counted, never dropped in silence.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::messages {

/// Persisted and in metrics labels: never renumber.
enum class quarantine_reason : std::uint8_t {
  malformed = 1,     ///< not JSON, not Protobuf, invalid UTF-8
  invalid_value = 2, ///< NaN, infinity, wrong type, out of the declared range
  unknown_twin = 3,  ///< no such twin and the mapping does not create
  unknown_topic = 4, ///< no mapping takes this topic, or its parts make no valid id
  oversized = 5,     ///< payload, text, samples or reading count over the bound
  bad_time = 6,      ///< unreadable, or beyond the future guard, or older than the mapping allows
  poison = 7,        ///< crashed its twin three times
  unsupported = 8,   ///< understood, but no rule for it (content type, nesting)
};

[[nodiscard]] const char* to_string(quarantine_reason r) noexcept;

struct quarantined {
  std::int64_t ingest_time_ns = 0;
  quarantine_reason reason = quarantine_reason::malformed;
  std::string topic;   ///< or the twin id, for poison
  std::string detail;  ///< names topic and field: "field temperature: NaN is not a number"
  std::string payload; ///< as received, at most 64 KB kept (truncated says so in detail)
  std::string mapping; ///< the ingress mapping's topic filter, so that a replay can use it
};

/// Thread-safe, never waits: a bounded queue behind it; beyond the bound the record is dropped but
/// still counted, by reason.
class quarantine_port {
public:
  virtual ~quarantine_port() = default;
  virtual void put(quarantined record) = 0;
};

} // namespace pollux::messages
