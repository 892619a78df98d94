// SPDX-License-Identifier: Apache-2.0
#include "persistence/sample_column.hpp"
#include "persistence/int_column.hpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace pollux::persistence {

namespace {

enum class form : std::uint8_t { as_they_are = 0, numbers = 1, decimals = 2, planes = 3 };

constexpr std::array<double, 8> powers = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
constexpr double scaled_limit = 2147483648.0;

std::uint32_t word_at(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint32_t v = 0;
  for (std::size_t b = 0; b < width; ++b)
    v |= std::uint32_t{static_cast<unsigned char>(bytes[at + b])} << (8 * b);
  return v;
}

void put_word(std::string& out, std::uint32_t v, std::size_t width) {
  for (std::size_t b = 0; b < width; ++b) out.push_back(static_cast<char>(v >> (8 * b)));
}

std::uint32_t bits_of(std::int64_t scaled, std::size_t k) {
  return std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<double>(scaled) / powers[k]));
}

bool to_decimal(std::uint32_t bits, std::size_t k, std::int64_t& scaled) {
  const double s = static_cast<double>(std::bit_cast<float>(bits)) * powers[k];
  if (!(std::fabs(s) < scaled_limit)) return false;
  scaled = static_cast<std::int64_t>(s < 0 ? s - 0.5 : s + 0.5);
  return bits_of(scaled, k) == bits;
}

/// Digits behind the point that most of a few samples get by with; powers.size() = none.
std::size_t likely_scale(std::string_view bytes) {
  constexpr std::size_t sampled = 32;
  const auto step = 4 * std::max<std::size_t>(1, bytes.size() / 4 / sampled);
  std::size_t best = powers.size(), best_hits = 0;
  std::int64_t ignored = 0;
  for (std::size_t k = 0; k < powers.size(); ++k) {
    std::size_t hits = 0;
    for (std::size_t at = 0; at < bytes.size(); at += step)
      hits += to_decimal(word_at(bytes, at, 4), k, ignored) ? 1 : 0;
    if (hits > best_hits) {
      best = k;
      best_hits = hits;
    }
  }
  return best;
}

/// Samples as whole numbers, and those that have no decimal form (a negative zero is one).
struct decimal_samples {
  std::vector<std::int64_t> scaled, where, what;

  bool take(std::string_view bytes, std::size_t k) {
    scaled.clear();
    where.clear();
    what.clear();
    std::int64_t number = 0, kept = 0;
    for (std::size_t at = 0; at < bytes.size(); at += 4) {
      const auto bits = word_at(bytes, at, 4);
      if (to_decimal(bits, k, number)) {
        kept = number;
      } else {
        where.push_back(static_cast<std::int64_t>(at / 4));
        what.push_back(bits);
        if (where.size() > bytes.size() / 32) return false;
      }
      scaled.push_back(kept);
    }
    return true;
  }
};

void put_form(std::string& out, form f) { out.push_back(static_cast<char>(f)); }

void encode_floats(std::string_view bytes, std::string& out) {
  thread_local decimal_samples samples;
  const auto k = likely_scale(bytes);
  if (k < powers.size() && samples.take(bytes, k)) {
    put_form(out, form::decimals);
    out.push_back(static_cast<char>(k));
    encode_ints(samples.scaled, out);
    put_varint(out, samples.where.size());
    encode_ints(samples.where, out);
    return encode_ints(samples.what, out);
  }
  put_form(out, form::planes);
  for (std::size_t b = 0; b < 4; ++b)
    for (std::size_t at = b; at < bytes.size(); at += 4) out.push_back(bytes[at]);
}

void decode_planes(std::string_view planes, std::string& out) {
  const auto count = planes.size() / 4;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t b = 0; b < 4; ++b) out.push_back(planes[b * count + i]);
}

bool decode_numbers(block_cursor& in, std::uint64_t size, std::string& out) {
  std::vector<std::int64_t> numbers;
  if (size % 2 != 0 || !decode_ints(in, size / 2, numbers)) return false;
  for (const auto v : numbers) put_word(out, static_cast<std::uint32_t>(v), 2);
  return true;
}

bool decode_decimals(block_cursor& in, std::uint64_t size, std::string& out) {
  const auto k = in.u8();
  std::vector<std::int64_t> numbers, where, what;
  if (k >= powers.size() || size % 4 != 0 || !decode_ints(in, size / 4, numbers)) return false;
  for (auto& v : numbers) v = bits_of(v, k);
  const auto exceptions = in.count(numbers.size());
  if (!decode_ints(in, exceptions, where) || !decode_ints(in, exceptions, what)) return false;
  for (std::size_t i = 0; i < exceptions; ++i) {
    if (where[i] < 0 || static_cast<std::size_t>(where[i]) >= numbers.size()) return false;
    numbers[static_cast<std::size_t>(where[i])] = what[i];
  }
  for (const auto v : numbers) put_word(out, static_cast<std::uint32_t>(v), 4);
  return true;
}

} // namespace

void encode_sample_bytes(domain::value_kind kind, std::string_view bytes, std::string& out) {
  const bool small = !bytes.empty() && bytes.size() <= most_sample_bytes;
  if (small && kind == domain::value_kind::samples_f32 && bytes.size() % 4 == 0)
    return encode_floats(bytes, out);
  if (small && kind == domain::value_kind::samples_i16 && bytes.size() % 2 == 0) {
    std::vector<std::int64_t> numbers;
    for (std::size_t at = 0; at < bytes.size(); at += 2)
      numbers.push_back(static_cast<std::int16_t>(word_at(bytes, at, 2)));
    put_form(out, form::numbers);
    return encode_ints(numbers, out);
  }
  put_form(out, form::as_they_are);
  out.append(bytes);
}

bool decode_sample_bytes(block_cursor& in, domain::value_kind kind, std::uint64_t size,
                         std::string& out) {
  out.clear();
  const auto how = static_cast<form>(in.u8());
  if (how == form::as_they_are) {
    out = in.bytes(size);
    return in.ok();
  }
  if (size > most_sample_bytes || kind != (how == form::numbers ? domain::value_kind::samples_i16
                                                                : domain::value_kind::samples_f32))
    in.fail();
  if (!in.ok()) return false;
  out.reserve(size);
  bool read = false;
  switch (how) {
  case form::as_they_are: break;
  case form::numbers: read = decode_numbers(in, size, out); break;
  case form::decimals: read = decode_decimals(in, size, out); break;
  case form::planes:
    decode_planes(in.bytes(size), out);
    read = in.ok() && size % 4 == 0;
    break;
  }
  if (!read) in.fail();
  return read;
}

} // namespace pollux::persistence
