// SPDX-License-Identifier: Apache-2.0
// CAF 0.17.6 trusts whoever connects until TLS has said no, in three ways that let a stranger hurt
// the process. The definitions here take the place of the library's (a program's symbols come
// before a shared library's) and close them:
// - setting a session up throws out of the I/O thread when a certificate file cannot be read at
// that
//   moment, which anyone brings about by taking the last file descriptor: here that costs one
//   connection, not the process;
// - a connection that never says anything keeps a core busy and holds up the end of the process:
//   here a handshake is waited for without spinning, at most handshake_timeout, and only so many at
//   once;
// - an error that one connection left behind in OpenSSL's queue is taken for another's: here the
//   queue is emptied before each call.
#include "bridge/remote/session_guard.hpp"
#include "bridge/remote/certificate.hpp"
#include "bridge/remote/private_file.hpp"
#include "messages/observability/log.hpp"
#include <caf/actor_system_config.hpp>
#include <caf/openssl/session.hpp>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <openssl/err.h>
#include <poll.h>
#include <unistd.h>

namespace pollux::bridge::remote {

namespace {

using std::chrono::steady_clock;

/// Accepted sessions whose handshake is not over, with the time at which patience ends.
class open_handshakes {
public:
  /// False when there are too many.
  bool begin(const void* session) {
    const std::lock_guard lock(mutex_);
    const auto now = steady_clock::now();
    // those that ended without a word to us, for example at the end of the process
    std::erase_if(until_, [&](const auto& one) { return one.second + handshake_timeout < now; });
    if (until_.size() >= max_handshakes) return false;
    until_[session] = now + handshake_timeout;
    return true;
  }
  void end(const void* session) {
    const std::lock_guard lock(mutex_);
    until_.erase(session);
  }
  bool expired(const void* session) {
    const std::lock_guard lock(mutex_);
    const auto found = until_.find(session);
    return found == until_.end() || found->second < steady_clock::now();
  }

private:
  std::mutex mutex_;
  std::map<const void*, steady_clock::time_point> until_;
};

open_handshakes& handshakes() {
  static open_handshakes all;
  return all;
}

void warn(const std::string& reason) {
  messages::log::warning("remote", "connection refused", {{"reason", reason}});
}

/// What CAF would throw at, and leak memory over, is looked at before. Never without certificates:
/// CAF would then talk to anyone. Cost: about 0.2 ms.
status check_credentials(const caf::actor_system_config& config) {
  const auto authority = read_file(config.openssl_cafile);
  if (!authority) return authority.error();
  const auto certificate = read_file(config.openssl_certificate);
  if (!certificate) return certificate.error();
  const auto key = read_file(config.openssl_key);
  if (!key) return key.error();
  if (!belongs_together({*key, *certificate}, &*authority))
    return failure{errc::corrupt, config.openssl_certificate +
                                      ": damaged, or does not go with its key or authority"};
  return {};
}

} // namespace

void guard_sessions() noexcept {}

} // namespace pollux::bridge::remote

namespace caf {
namespace openssl {

using pollux::bridge::remote::handshakes;

session_ptr make_session(actor_system& sys, native_socket fd, bool from_accepted_socket) {
  if (const auto usable = pollux::bridge::remote::check_credentials(sys.config()); !usable) {
    pollux::bridge::remote::warn(usable.error().what);
    if (!from_accepted_socket)
      ::close(fd); // the caller forgets it; that of an accepted one does not
    return nullptr;
  }
  ERR_clear_error();
  try {
    auto made = std::make_unique<session>(sys);
    if (!from_accepted_socket) {
      if (made->init() && made->try_connect(fd)) return made;
      ::close(fd);
      return nullptr;
    }
    if (!handshakes().begin(made.get())) {
      pollux::bridge::remote::warn("too many connections that have not shown a certificate");
      return nullptr;
    }
    if (made->init() && made->try_accept(fd)) return made;
    handshakes().end(made.get());
    return nullptr;
  } catch (const std::exception& e) {
    pollux::bridge::remote::warn(e.what());
  }
  if (!from_accepted_socket) ::close(fd);
  return nullptr;
}

rw_state session::read_some(size_t& result, native_socket, void* buf, size_t len) {
  ERR_clear_error();
  return do_some([](SSL* s, void* to, int size) { return SSL_read(s, to, size); }, result, buf, len,
                 "read_some");
}

rw_state session::write_some(size_t& result, native_socket fd, const void* buf, size_t len) {
  result = 0;
  const bool was_accepting = accepting_;
  if (was_accepting) {
    if (handshakes().expired(this)) {
      handshakes().end(this);
      return rw_state::failure;
    }
    // CAF asks again at once for as long as the socket takes bytes: let it wait for the peer
    // instead
    pollfd heard{fd, POLLIN, 0};
    ::poll(&heard, 1, 1);
  }
  ERR_clear_error();
  const auto state = do_some([](SSL* s, void* from, int size) { return SSL_write(s, from, size); },
                             result, const_cast<void*>(buf), len, "write_some");
  if (was_accepting && (!accepting_ || state == rw_state::failure)) handshakes().end(this);
  return state;
}

} // namespace openssl
} // namespace caf
