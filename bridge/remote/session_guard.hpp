// SPDX-License-Identifier: Apache-2.0
// Keeps strangers who connect to the gateway from hurting the process before TLS turns them away;
// session_guard.cpp tells what they could do and how that is prevented.
#pragma once
#include <chrono>
#include <cstddef>

namespace pollux::bridge::remote {

inline constexpr std::chrono::seconds handshake_timeout{4}; ///< from accept to a shown certificate
inline constexpr std::size_t max_handshakes = 32;           ///< at once; beyond: refused

/// Does nothing when called; calling it makes the linker take the guard in.
void guard_sessions() noexcept;

} // namespace pollux::bridge::remote
