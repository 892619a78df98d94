// SPDX-License-Identifier: Apache-2.0
#include "bridge/mqtt/receiver/tls_engine.hpp"
#include <algorithm>
#include <climits>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace pollux::bridge::mqtt {

namespace {

std::string openssl_reason() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  const char* text = ERR_reason_error_string(code);
  return text != nullptr ? text : "error " + std::to_string(code);
}

failure cannot_use(const char* what, const std::string& file) {
  return {errc::invalid_argument,
          std::string("mqtt: ") + what + " " + file + " cannot be used: " + openssl_reason()};
}

bool is_address(const std::string& host) {
  return host.find(':') != std::string::npos ||
         host.find_first_not_of("0123456789.") == std::string::npos;
}

constexpr std::size_t room_for_a_record = 16'384;

} // namespace

result<std::shared_ptr<const tls_context>> tls_context::make(const broker_options& options) {
  ERR_clear_error();
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return failure{errc::io, "mqtt: TLS: " + openssl_reason()};
  std::shared_ptr<const tls_context> made{new tls_context(context)};
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1)
      return cannot_use("the system's certificates", "");
  } else if (SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) != 1) {
    return cannot_use("ca_file", options.ca_file);
  }
  if (!options.certificate_file.empty() &&
      SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1)
    return cannot_use("certificate_file", options.certificate_file);
  if (!options.key_file.empty() &&
      SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return cannot_use("key_file", options.key_file);
  if (!options.key_file.empty() && SSL_CTX_check_private_key(context) != 1)
    return cannot_use("certificate_file does not belong to key_file", options.key_file);
  return made;
}

tls_context::~tls_context() { SSL_CTX_free(context_); }

tls_engine::tls_engine(std::shared_ptr<const tls_context> context, const std::string& host)
    : context_(std::move(context)), ssl_(SSL_new(context_->native())) {
  if (ssl_ == nullptr) return; // every call below then says so
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(in, -1);
  BIO_set_mem_eof_return(out, -1);
  SSL_set_bio(ssl_, in, out);
  SSL_set_connect_state(ssl_);
  auto* check = SSL_get0_param(ssl_);
  if (is_address(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(check, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(check, host.c_str(), host.size());
    SSL_set_tlsext_host_name(ssl_, host.c_str());
  }
}

tls_engine::~tls_engine() { SSL_free(ssl_); }

failure tls_engine::why(const char* doing) const {
  const auto verdict = ssl_ != nullptr ? SSL_get_verify_result(ssl_) : X509_V_OK;
  std::string text = std::string("TLS: ") + doing + ": ";
  if (verdict != X509_V_OK) {
    text += std::string("the broker's certificate: ") + X509_verify_cert_error_string(verdict);
    ERR_clear_error();
  } else {
    text += openssl_reason();
  }
  return {errc::refused, std::move(text)};
}

status tls_engine::feed(std::string_view from_socket) {
  if (ssl_ == nullptr) return why("start");
  while (!from_socket.empty()) {
    const auto step = static_cast<int>(std::min<std::size_t>(from_socket.size(), INT_MAX));
    const int taken = BIO_write(SSL_get_rbio(ssl_), from_socket.data(), step);
    if (taken <= 0) return failure{errc::io, "TLS: out of memory"};
    from_socket.remove_prefix(static_cast<std::size_t>(taken));
  }
  return {};
}

result<bool> tls_engine::handshake() {
  if (ssl_ == nullptr) return why("start");
  ERR_clear_error();
  const int done = SSL_do_handshake(ssl_);
  if (done == 1) return true;
  const int state = SSL_get_error(ssl_, done);
  if (state == SSL_ERROR_WANT_READ || state == SSL_ERROR_WANT_WRITE) return false;
  return why("handshake");
}

result<bool> tls_engine::read(std::vector<char>& plain, std::size_t& filled, std::size_t limit) {
  while (true) {
    if (plain.size() - filled < room_for_a_record) {
      if (filled + room_for_a_record > limit) return false; // the rest stays in the engine
      plain.resize(std::min(limit, std::max(plain.size() * 2, filled + room_for_a_record)));
    }
    ERR_clear_error();
    const auto room = std::min<std::size_t>(plain.size() - filled, INT_MAX);
    const int got = SSL_read(ssl_, plain.data() + filled, static_cast<int>(room));
    if (got > 0) {
      filled += static_cast<std::size_t>(got);
      continue;
    }
    const int state = SSL_get_error(ssl_, got);
    if (state == SSL_ERROR_ZERO_RETURN) return true;
    if (state == SSL_ERROR_WANT_READ || state == SSL_ERROR_WANT_WRITE) return false;
    return why("read");
  }
}

status tls_engine::write(std::string_view plain) {
  ERR_clear_error();
  if (plain.empty()) return {};
  const auto size = static_cast<int>(std::min<std::size_t>(plain.size(), INT_MAX));
  if (SSL_write(ssl_, plain.data(), size) == size) return {};
  return why("write");
}

void tls_engine::take_output(std::string& to_socket) {
  if (ssl_ == nullptr) return;
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(SSL_get_wbio(ssl_), &bytes);
  if (size <= 0) return;
  to_socket.append(bytes, static_cast<std::size_t>(size));
  (void)BIO_reset(SSL_get_wbio(ssl_));
}

} // namespace pollux::bridge::mqtt
