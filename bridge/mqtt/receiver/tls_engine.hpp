// SPDX-License-Identifier: Apache-2.0
// TLS between two buffers (OpenSSL): what the socket brought goes in, what it is to send comes out.
// Without a stream of its own, so that one read of the socket may bring hundreds of records.
#pragma once
#include "bridge/mqtt/options.hpp"
#include "domain/base/result.hpp"
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace pollux::bridge::mqtt {

/// Certificates and trust, read once for all connections.
class tls_context {
public:
  /// TLS 1.2 at least, 1.3 where the broker has it; the broker's certificate is always checked.
  /// Errors: invalid_argument, naming the file that cannot be used.
  static result<std::shared_ptr<const tls_context>> make(const broker_options& options);
  ~tls_context();
  tls_context(const tls_context&) = delete;
  tls_context& operator=(const tls_context&) = delete;
  [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_; }

private:
  explicit tls_context(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

class tls_engine {
public:
  /// `host`: the name or address the certificate must be for.
  tls_engine(std::shared_ptr<const tls_context> context, const std::string& host);
  ~tls_engine();
  tls_engine(const tls_engine&) = delete;
  tls_engine& operator=(const tls_engine&) = delete;

  /// Bytes from the socket. Errors: io (no memory).
  status feed(std::string_view from_socket);
  /// Goes on with the handshake; true once it is done. Errors: refused, saying what is wrong with
  /// the certificate or what the broker objects to.
  result<bool> handshake();
  /// Decrypts all that was fed into `plain` from `filled` on, growing it up to `limit`. True when
  /// the broker has ended the connection in good order. Errors: io.
  result<bool> read(std::vector<char>& plain, std::size_t& filled, std::size_t limit);
  /// Errors: io.
  status write(std::string_view plain);
  /// Appends what the socket is to send.
  void take_output(std::string& to_socket);

private:
  [[nodiscard]] failure why(const char* doing) const;
  std::shared_ptr<const tls_context> context_;
  ssl_st* ssl_ = nullptr;
};

} // namespace pollux::bridge::mqtt
