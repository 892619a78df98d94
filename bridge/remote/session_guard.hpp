// SPDX-License-Identifier: Apache-2.0
// Keeps a failing TLS set-up from ending the process; session_guard.cpp tells how and why.
#pragma once

namespace pollux::bridge::remote {

/// Does nothing when called; calling it makes the linker take the guard in.
void guard_sessions() noexcept;

} // namespace pollux::bridge::remote
