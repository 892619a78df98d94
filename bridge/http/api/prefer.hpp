// SPDX-License-Identifier: Apache-2.0
// The Prefer header (RFC 7240): how long a client is ready to wait.
#pragma once
#include "bridge/http/message.hpp"
#include <cstdint>

namespace pollux::bridge::http {

inline constexpr std::int64_t longest_wait_ns = 30'000'000'000;

/// "wait=5" as nanoseconds, at most longest_wait_ns; 0 without one, and with "respond-async" alone.
/// What cannot be read is no preference.
[[nodiscard]] std::int64_t preferred_wait(const request& r);

} // namespace pollux::bridge::http
