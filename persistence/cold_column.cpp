// SPDX-License-Identifier: Apache-2.0
#include "persistence/cold_column.hpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <zlib.h>

namespace pollux::persistence {

namespace {

// Differences wrap around, as unsigned numbers do; so every sequence has them.
std::uint64_t bits(std::int64_t v) noexcept { return static_cast<std::uint64_t>(v); }
std::int64_t number(std::uint64_t v) noexcept { return static_cast<std::int64_t>(v); }
std::uint64_t magnitude(std::int64_t v) noexcept { return v < 0 ? 0 - bits(v) : bits(v); }

void take_differences(std::vector<std::int64_t>& v) {
  for (std::size_t i = 0; i + 1 < v.size(); ++i) v[i] = number(bits(v[i + 1]) - bits(v[i]));
  v.pop_back();
}

/// About how many bits the numbers carry.
std::uint64_t weight(const std::vector<std::int64_t>& v) {
  std::uint64_t sum = 0;
  for (const auto x : v) sum += static_cast<std::uint64_t>(std::bit_width(magnitude(x)));
  return sum;
}

std::int64_t common_factor(const std::vector<std::int64_t>& v) {
  std::uint64_t found = 0;
  for (const auto x : v) {
    found = std::gcd(found, magnitude(x));
    if (found == 1) return 1;
  }
  return found == 0 || found > bits(INT64_MAX) ? 1 : number(found);
}

unsigned width_of(const std::vector<std::int64_t>& v) {
  std::uint64_t all = 0;
  for (const auto x : v) all |= bits(x < 0 ? ~x : x);
  if (all == 0) {
    for (const auto x : v)
      if (x != 0) return 1; // all are 0 or -1
    return 0;
  }
  return (static_cast<unsigned>(std::bit_width(all)) + 1 + 7) / 8;
}

constexpr std::array<double, 13> powers = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                           1e7, 1e8, 1e9, 1e10, 1e11, 1e12};

bool scale(std::int64_t value, std::size_t digits, std::int64_t& scaled) {
  const double s = std::bit_cast<double>(value) * powers[digits];
  if (!(std::fabs(s) < 0x1p53)) return false;
  scaled = static_cast<std::int64_t>(s < 0 ? s - 0.5 : s + 0.5);
  return std::bit_cast<std::int64_t>(static_cast<double>(scaled) / powers[digits]) == value;
}

} // namespace

cold_column put_cold_column(std::span<const std::int64_t> values, std::string& out) {
  cold_column made;
  made.count = values.size();
  std::vector<std::int64_t> best(values.begin(), values.end()), next = best;
  std::vector<std::int64_t> firsts;
  auto least = weight(best);
  for (int round = 0; round < 2 && !next.empty(); ++round) {
    firsts.push_back(next.front());
    take_differences(next);
    const auto now = weight(next);
    if (now >= least) continue;
    least = now;
    best = next;
    made.firsts = firsts;
  }
  made.factor = common_factor(best);
  if (made.factor > 1)
    for (auto& v : best) v /= made.factor;
  made.width = width_of(best);
  const auto start = out.size();
  out.resize(start + best.size() * made.width);
  auto* to = out.data() + start;
  for (unsigned byte = 0; byte < made.width; ++byte)
    for (const auto v : best) *to++ = static_cast<char>(bits(v) >> (8 * byte));
  return made;
}

bool take_cold_column(const cold_column& column, std::string_view& in,
                      std::vector<std::int64_t>& out) {
  out.clear();
  if (column.width > 8 || column.firsts.size() > 2 || column.firsts.size() > column.count ||
      column.factor < 1 || column.bytes() > in.size())
    return false;
  const auto n = static_cast<std::size_t>(column.count - column.firsts.size());
  const auto* from = in.data();
  out.assign(column.firsts.begin(), column.firsts.end());
  out.resize(static_cast<std::size_t>(column.count));
  auto* to = out.data() + column.firsts.size();
  for (unsigned byte = 0; byte < column.width; ++byte, from += n)
    for (std::size_t i = 0; i < n; ++i)
      to[i] =
          number(bits(to[i]) | std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * byte));
  in.remove_prefix(static_cast<std::size_t>(column.bytes()));
  const unsigned shift = 64 - 8 * column.width;
  for (std::size_t i = 0; i < n; ++i) {
    if (column.width > 0 && shift > 0) to[i] = number(bits(to[i]) << shift) >> shift;
    to[i] = number(bits(to[i]) * bits(column.factor));
  }
  // the differences of differences first, where there are such
  for (std::size_t level = column.firsts.size(); level > 0; --level)
    for (std::size_t i = level; i < out.size(); ++i)
      out[i] = number(bits(out[i]) + bits(out[i - 1]));
  return true;
}

std::optional<unsigned> as_decimals(std::span<const std::int64_t> values,
                                    std::vector<std::int64_t>& scaled) {
  std::size_t digits = 0;
  std::int64_t ignored = 0;
  for (const auto v : values)
    while (!scale(v, digits, ignored))
      if (++digits == powers.size()) return std::nullopt;
  scaled.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!scale(values[i], digits, scaled[i])) return std::nullopt;
  return static_cast<unsigned>(digits);
}

void from_decimals(unsigned digits, std::vector<std::int64_t>& scaled) {
  for (auto& v : scaled) v = std::bit_cast<std::int64_t>(static_cast<double>(v) / powers[digits]);
}

namespace {

constexpr std::size_t piece_size = 1024;

/// True for bytes as random as they can be, by how often each of the 256 occurs: deflate finds
/// nothing in them, and takes longest over them.
bool is_noise(std::string_view piece) {
  std::array<std::uint32_t, 256> times{};
  for (const char c : piece) ++times[static_cast<unsigned char>(c)];
  std::uint64_t squares = 0;
  for (const auto n : times) squares += std::uint64_t{n} * n;
  const std::uint64_t size = piece.size(), expected = size + size * size / 256;
  return size == piece_size && squares < expected + expected / 8;
}

/// Noise is kept as it is, in the same stream.
int deflate_pieces(z_stream& z, std::string_view raw, int strategy) {
  bool plain = false;
  while (!raw.empty()) {
    const bool noise = is_noise(raw.substr(0, piece_size));
    std::size_t size = std::min(piece_size, raw.size());
    while (size < raw.size() && is_noise(raw.substr(size, piece_size)) == noise)
      size += std::min(piece_size, raw.size() - size);
    if (noise != plain)
      if (const auto set = deflateParams(&z, noise ? 0 : 6, strategy); set != Z_OK) return set;
    plain = noise;
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
    z.avail_in = static_cast<uInt>(size);
    if (const auto done = deflate(&z, Z_NO_FLUSH); done != Z_OK) return done;
    if (z.avail_in != 0) return Z_BUF_ERROR;
    raw.remove_prefix(size);
  }
  return deflate(&z, Z_FINISH);
}

} // namespace

result<std::string> pack_columns(std::string_view raw, bool texts) {
  z_stream z{};
  // In planes of numbers only runs repeat: looking for more took most of a move, for 1 % of size.
  const int strategy = texts ? Z_FILTERED : Z_RLE;
  if (deflateInit2(&z, 6, Z_DEFLATED, 15, 9, strategy) != Z_OK)
    return failure{errc::internal, "zlib: no memory"};
  // each change between noise and other bytes takes a few bytes more than the bound
  std::string out(deflateBound(&z, raw.size()) + raw.size() / piece_size * 16 + 64, '\0');
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const auto done = deflate_pieces(z, raw, strategy);
  out.resize(z.total_out);
  deflateEnd(&z);
  if (done != Z_STREAM_END)
    return failure{errc::internal, "zlib: packing failed with " + std::to_string(done)};
  return out;
}

result<std::string> unpack_columns(std::string_view packed, std::uint64_t size) {
  std::string out(static_cast<std::size_t>(size), '\0');
  uLongf written = out.size();
  uLong read = packed.size();
  const auto done = uncompress2(reinterpret_cast<Bytef*>(out.data()), &written,
                                reinterpret_cast<const Bytef*>(packed.data()), &read);
  if (done != Z_OK || read != packed.size() || written != out.size())
    return failure{errc::corrupt, "zlib: the stream is damaged"};
  return out;
}

std::uint32_t crc32_ieee(std::string_view bytes) noexcept {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

} // namespace pollux::persistence
