// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/wire/certificate.hpp"
#include "messages/observability/log.hpp"
#include <sys/stat.h>
#include <utility>

namespace pollux::bridge::http {

namespace {

namespace ssl = boost::asio::ssl;

constexpr auto look_every = std::chrono::seconds(1);

failure unusable(const char* key, const std::string& file, const boost::system::error_code& e) {
  return {errc::invalid_argument, std::string("[http] ") + key + " " + file + ": " + e.message()};
}

result<ssl::context> read(const std::string& chain, const std::string& key) {
  ssl::context out(ssl::context::tls_server);
  ::SSL_CTX_set_min_proto_version(out.native_handle(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(out.native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
  ::SSL_CTX_set_mode(out.native_handle(), SSL_MODE_RELEASE_BUFFERS); // most connections are idle
  boost::system::error_code e;
  out.use_certificate_chain_file(chain, e);
  if (e) return unusable("certificate_file", chain, e);
  out.use_private_key_file(key, ssl::context::pem, e); // refuses one that is not the certificate's
  if (e) return unusable("key_file", key, e);
  return out;
}

} // namespace

status certificate::load() {
  seen_ = now_on_disk(); // before it is read: what changes meanwhile is seen the next time
  auto made = read(files_[0], files_[1]);
  if (!made) return made.error();
  context_ = std::move(*made);
  return {};
}

void certificate::look(std::chrono::steady_clock::time_point now) {
  if (!wanted() || now < looked_ + look_every) return;
  looked_ = now;
  if (now_on_disk() == seen_) return;
  const auto loaded = load();
  if (loaded) {
    messages::log::info("http", "new connections use the new certificate",
                        {{"certificate_file", files_[0]}});
  } else if (!std::exchange(tried_, true)) {
    seen_ = {}; // its key may follow in a moment
    return;
  } else {
    messages::log::warning("http", "the new certificate cannot be used; the present one stays",
                           {{"why", loaded.error().what}});
  }
  tried_ = false;
}

certificate::stamp certificate::now_on_disk() const {
  stamp out{};
  std::size_t at = 0;
  for (const auto& file : files_) {
    struct stat found {};
    if (::stat(file.c_str(), &found) == 0) {
      out[at] = static_cast<std::int64_t>(found.st_ino);
      out[at + 1] = found.st_size;
      out[at + 2] = found.st_mtim.tv_sec;
      out[at + 3] = found.st_mtim.tv_nsec;
      out[at + 4] = found.st_ctim.tv_nsec;
    }
    at += 5;
  }
  return out;
}

} // namespace pollux::bridge::http
