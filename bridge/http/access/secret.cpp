// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/access/secret.hpp"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace pollux::bridge::http {

std::string random_secret(std::string_view prefix) {
  static constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  unsigned char bytes[32];
  if (::RAND_bytes(bytes, sizeof bytes) != 1) return {};
  std::string out(prefix);
  unsigned held = 0, bits = 0;
  for (const auto b : bytes) {
    held = (held << 8) | b;
    for (bits += 8; bits >= 6; bits -= 6) out += digits[(held >> (bits - 6)) & 63];
  }
  out += digits[(held << (6 - bits)) & 63];
  return out;
}

std::string secret_hash(std::string_view secret) {
  static constexpr char hex[] = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (::EVP_Digest(secret.data(), secret.size(), digest, &size, ::EVP_sha256(), nullptr) != 1)
    return {};
  std::string out;
  for (unsigned i = 0; i < size; ++i) out.append({hex[digest[i] >> 4], hex[digest[i] & 15]});
  return out;
}

bool same_secret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace pollux::bridge::http
