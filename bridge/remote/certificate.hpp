// SPDX-License-Identifier: Apache-2.0
// X.509 certificates with EC P-256 keys, as PEM text: what the private CA is made of. Wraps
// OpenSSL 3; nothing of it shows outside.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <string>

namespace pollux::bridge::remote {

struct key_pair {
  std::string key;         ///< PEM, PKCS#8, not encrypted
  std::string certificate; ///< PEM
};

enum class usage : std::uint8_t {
  authority, ///< signs certificates, nothing else
  node,      ///< TLS server, and client towards other nodes
  client,    ///< TLS client only: cannot pose as a node
};

struct certificate_plan {
  std::string common_name;
  usage use = usage::client;
  std::int64_t from_s = 0; ///< seconds since 1970; the certificate starts an hour earlier, so that
                           ///< clocks may differ a little
  std::int64_t days = 365; ///< never beyond the end of its authority
};

/// Makes a key and its certificate; `authority` signs it, or the key itself when nullptr.
/// Errors: corrupt (unreadable authority), internal (OpenSSL's words). Cost: about 1 ms.
[[nodiscard]] result<key_pair> make_certificate(const certificate_plan& plan,
                                                const key_pair* authority);

/// The end of a certificate's life, seconds since 1970. Errors: corrupt.
[[nodiscard]] result<std::int64_t> expiry_s(const std::string& certificate);

/// True when `pair.key` is the key of `pair.certificate` and, with an `authority` certificate,
/// that one has signed it. Its time is not judged.
[[nodiscard]] bool belongs_together(const key_pair& pair, const std::string* authority);

} // namespace pollux::bridge::remote
