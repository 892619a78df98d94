// SPDX-License-Identifier: Apache-2.0
// CAF 0.17.6 sets a TLS session up in its I/O thread and lets exceptions out of it: a certificate
// file that cannot be opened at that moment (being renewed, or no file descriptor left, which any
// stranger brings about by opening connections) would end the process. This definition of CAF's own
// function takes the place of the library's, since a program's symbols come before a shared
// library's, and turns such an exception into one refused connection.
#include "bridge/remote/session_guard.hpp"
#include "messages/observability/log.hpp"
#include <caf/openssl/session.hpp>
#include <exception>
#include <memory>
#include <unistd.h>

namespace caf {
namespace openssl {

session_ptr make_session(actor_system& sys, native_socket fd, bool from_accepted_socket) {
  try {
    auto made = std::make_unique<session>(sys);
    if (made->init() && (from_accepted_socket ? made->try_accept(fd) : made->try_connect(fd)))
      return made;
  } catch (const std::exception& e) {
    pollux::messages::log::warning("remote", "connection refused: TLS cannot be set up",
                                   {{"reason", e.what()}});
  }
  ::close(fd); // the callers forget it when they get no session
  return nullptr;
}

} // namespace openssl
} // namespace caf

namespace pollux::bridge::remote {

void guard_sessions() noexcept {}

} // namespace pollux::bridge::remote
