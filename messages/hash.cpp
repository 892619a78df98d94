// SPDX-License-Identifier: Apache-2.0
#include "messages/hash.hpp"
#include <xxhash.h>

namespace pollux::messages {

std::string content_hash(std::string_view bytes) {
  const XXH128_hash_t h = XXH3_128bits(bytes.data(), bytes.size());
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, h);
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(32);
  for (const unsigned char byte : canonical.digest) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

std::uint32_t shard_of(std::string_view twin_id, std::uint32_t shards) noexcept {
  return static_cast<std::uint32_t>(XXH3_64bits(twin_id.data(), twin_id.size()) % shards);
}

std::uint64_t hash64(std::string_view bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

} // namespace pollux::messages
