// SPDX-License-Identifier: Apache-2.0
// The TCP socket below a Paho client. Paho acknowledges a message when the callback returns, come
// what may, and has no accessor for its socket; so to keep an acknowledgement from leaving we find
// the socket among this process's descriptors and put a dead one in its place: the write fails, the
// broker still holds the message and sends it again.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

namespace pollux::bridge {

/// A descriptor with its inode, so that a number reused for another file is noticed.
struct socket_identity {
  int fd = -1;
  std::uint64_t inode = 0;
  bool operator==(const socket_identity&) const = default;
};

/// This process's TCP sockets connected to `port` at the far end. Empty when /proc is missing.
[[nodiscard]] std::vector<socket_identity> sockets_to(std::uint16_t port);

/// Puts a dead socket behind the descriptor, so that its owner can neither write nor read any more,
/// and gives a new descriptor of the real one, closed for writing. What was written before still
/// arrives; closed outright with unread data it could be lost on a reset, and with it the
/// acknowledgements of messages we did take. -1 when the descriptor is another file by now, or when
/// there are no descriptors left: then the socket is shut down outright.
int detach(const socket_identity& socket) noexcept;

/// Reads and discards until the far end has closed too (it has then seen all we wrote), at most
/// `patience_ns`; then closes. `fd` from detach(), -1 is allowed.
void drain(int fd, std::int64_t patience_ns) noexcept;

/// The port of a broker URL: tcp://host[:1883] or ssl://host[:8883], IPv6 hosts in brackets.
/// Errors: invalid_argument.
[[nodiscard]] result<std::uint16_t> broker_port(std::string_view url);

/// Held from before a Paho client connects until its socket is known, so that the one new socket
/// is that client's. Process-wide, as Paho is.
[[nodiscard]] std::timed_mutex& connect_gate();

} // namespace pollux::bridge
