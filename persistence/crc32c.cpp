// SPDX-License-Identifier: Apache-2.0
#include "persistence/crc32c.hpp"
#include <array>
#include <cstddef>
#include <cstring>

namespace pollux::persistence {

namespace {

constexpr std::uint32_t polynomial = 0x82f63b78; // reflected 0x1edc6f41

using tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr tables make_tables() {
  tables t{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? (c >> 1) ^ polynomial : c >> 1;
    t[0][i] = c;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t i = 0; i < 256; ++i) t[k][i] = (t[k - 1][i] >> 8) ^ t[0][t[k - 1][i] & 0xff];
  return t;
}

constexpr tables table = make_tables();

std::uint32_t little_endian_32(const unsigned char* p) noexcept {
  return std::uint32_t{p[0]} | std::uint32_t{p[1]} << 8 | std::uint32_t{p[2]} << 16 |
         std::uint32_t{p[3]} << 24;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_instruction(std::string_view bytes,
                                                                      std::uint32_t seed) noexcept {
  std::uint64_t c = ~seed;
  const char* p = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, 8);
    c = __builtin_ia32_crc32di(c, word);
  }
  auto short_c = static_cast<std::uint32_t>(c);
  for (; left > 0; --left, ++p)
    short_c = __builtin_ia32_crc32qi(short_c, static_cast<unsigned char>(*p));
  return ~short_c;
}
#endif

} // namespace

std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t seed) noexcept {
  std::uint32_t c = ~seed;
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    const std::uint32_t low = c ^ little_endian_32(p);
    const std::uint32_t high = little_endian_32(p + 4);
    c = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
        table[4][low >> 24] ^ table[3][high & 0xff] ^ table[2][high >> 8 & 0xff] ^
        table[1][high >> 16 & 0xff] ^ table[0][high >> 24];
  }
  for (; left > 0; --left, ++p) c = (c >> 8) ^ table[0][(c ^ *p) & 0xff];
  return ~c;
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed) noexcept {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return crc32c_by_instruction(bytes, seed);
#endif
  return crc32c_by_table(bytes, seed);
}

} // namespace pollux::persistence
