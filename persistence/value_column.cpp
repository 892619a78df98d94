// SPDX-License-Identifier: Apache-2.0
#include "persistence/value_column.hpp"
#include "persistence/int_column.hpp"
#include "persistence/sample_column.hpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <unordered_map>

namespace pollux::persistence {

namespace {

using domain::value_kind;

enum class f64_form : std::uint8_t {
  raw = 0,
  exclusive_or = 1,
  decimal = 2,
  mostly_decimal = 3,
  bits = 4
};

constexpr std::array<double, 13> powers = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                           1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
constexpr double exact_limit = 9007199254740992.0; // 2^53
constexpr std::size_t no_scale = powers.size();

double double_of(std::int64_t bits) { return std::bit_cast<double>(bits); }

/// True when v is exactly scaled / 10^k.
bool to_decimal(double v, std::size_t k, std::int64_t& scaled) {
  const double s = v * powers[k];
  if (!(std::fabs(s) < exact_limit)) return false;
  scaled = static_cast<std::int64_t>(s < 0 ? s - 0.5 : s + 0.5);
  return std::bit_cast<std::int64_t>(static_cast<double>(scaled) / powers[k]) ==
         std::bit_cast<std::int64_t>(v);
}

/// Digits behind the point that all values get by with; no_scale when there are none such.
std::size_t common_scale(const std::vector<std::int64_t>& bits) {
  std::size_t k = 0;
  std::int64_t ignored = 0;
  for (const auto b : bits)
    while (!to_decimal(double_of(b), k, ignored))
      if (++k == no_scale) return no_scale;
  return k;
}

bool encode_decimal(const std::vector<std::int64_t>& bits, std::string& out) {
  const auto k = common_scale(bits);
  if (k == no_scale) return false;
  thread_local std::vector<std::int64_t> scaled;
  scaled.clear();
  for (const auto b : bits)
    if (!to_decimal(double_of(b), k, scaled.emplace_back())) return false;
  out.push_back(static_cast<char>(f64_form::decimal));
  out.push_back(static_cast<char>(k));
  encode_ints(scaled, out);
  return true;
}

/// Each value against the one before: which bytes differ, and those bytes.
void encode_exclusive_or(const std::vector<std::int64_t>& bits, std::string& out) {
  out.push_back(static_cast<char>(f64_form::exclusive_or));
  std::uint64_t before = 0;
  for (const auto b : bits) {
    const auto now = static_cast<std::uint64_t>(b);
    std::uint64_t x = now ^ before;
    before = now;
    const unsigned skipped = x == 0 ? 0 : static_cast<unsigned>(std::countr_zero(x)) / 8;
    x >>= 8 * skipped;
    const unsigned kept = (static_cast<unsigned>(std::bit_width(x)) + 7) / 8;
    out.push_back(static_cast<char>(skipped << 4 | kept));
    for (unsigned i = 0; i < kept; ++i) out.push_back(static_cast<char>(x >> (8 * i)));
  }
}

void encode_raw(const std::vector<std::int64_t>& bits, std::string& out) {
  out.push_back(static_cast<char>(f64_form::raw));
  for (const auto b : bits)
    for (unsigned i = 0; i < 8; ++i)
      out.push_back(static_cast<char>(static_cast<std::uint64_t>(b) >> (8 * i)));
}

/// Digits that leave the fewest of a sample of the values without a decimal form.
std::size_t likely_scale(const std::vector<std::int64_t>& bits) {
  constexpr std::size_t sampled = 32;
  const auto step = std::max<std::size_t>(1, bits.size() / sampled);
  std::size_t best = no_scale, best_hits = 0;
  for (std::size_t k = 0; k < no_scale; ++k) {
    std::size_t hits = 0;
    std::int64_t ignored = 0;
    for (std::size_t i = 0; i < bits.size(); i += step)
      hits += to_decimal(double_of(bits[i]), k, ignored);
    if (hits > best_hits) {
      best = k;
      best_hits = hits;
    }
  }
  return best;
}

/// Decimals but for a few, which are kept as they are beside them.
bool encode_mostly_decimal(const std::vector<std::int64_t>& bits, std::string& out) {
  const auto k = likely_scale(bits);
  if (k == no_scale) return false;
  thread_local std::vector<std::int64_t> scaled, where, what;
  scaled.clear();
  where.clear();
  what.clear();
  std::int64_t number = 0, kept = 0;
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (to_decimal(double_of(bits[i]), k, number)) {
      kept = number;
    } else {
      where.push_back(static_cast<std::int64_t>(i));
      what.push_back(bits[i]);
      if (where.size() > bits.size() / 4) return false;
    }
    scaled.push_back(kept);
  }
  out.push_back(static_cast<char>(f64_form::mostly_decimal));
  out.push_back(static_cast<char>(k));
  encode_ints(scaled, out);
  put_varint(out, where.size());
  encode_ints(where, out);
  encode_ints(what, out);
  return true;
}

/// `candidate` takes the place of what stands in `out` from `start` on when it is smaller.
void keep_smaller(std::string& out, std::size_t start, const std::string& candidate) {
  if (out.size() > start && out.size() - start <= candidate.size()) return;
  out.resize(start);
  out.append(candidate);
}

void encode_f64(const std::vector<std::int64_t>& bits, std::string& out) {
  const auto start = out.size();
  if (encode_decimal(bits, out) && out.size() - start <= 3 * bits.size()) return;
  thread_local std::string other;
  other.clear();
  if (out.size() == start && encode_mostly_decimal(bits, other)) keep_smaller(out, start, other);
  other.clear();
  other.push_back(static_cast<char>(f64_form::bits));
  encode_ints(bits, other);
  keep_smaller(out, start, other);
  other.clear();
  encode_exclusive_or(bits, other);
  keep_smaller(out, start, other);
  if (out.size() - start <= 8 * bits.size() + 1) return;
  other.clear();
  encode_raw(bits, other);
  keep_smaller(out, start, other);
}

bool decode_exclusive_or(block_cursor& in, std::size_t count, std::vector<std::int64_t>& out) {
  std::uint64_t now = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned head = in.u8(), skipped = head >> 4, kept = head & 15;
    if (skipped + kept > 8) in.fail();
    const auto bytes = in.bytes(in.ok() ? kept : 0);
    if (!in.ok()) return false;
    for (unsigned b = 0; b < kept; ++b)
      now ^= std::uint64_t{static_cast<unsigned char>(bytes[b])} << (8 * (b + skipped));
    out.push_back(static_cast<std::int64_t>(now));
  }
  return true;
}

bool decode_mostly_decimal(block_cursor& in, std::size_t count, std::vector<std::int64_t>& out) {
  const auto k = in.u8();
  if (k >= powers.size()) in.fail();
  if (!decode_ints(in, count, out)) return false;
  for (auto& v : out) v = std::bit_cast<std::int64_t>(static_cast<double>(v) / powers[k]);
  const auto exceptions = in.count(count);
  std::vector<std::int64_t> where, what;
  if (!decode_ints(in, exceptions, where) || !decode_ints(in, exceptions, what)) return false;
  for (std::size_t i = 0; i < exceptions; ++i) {
    if (where[i] < 0 || static_cast<std::size_t>(where[i]) >= count) {
      in.fail();
      return false;
    }
    out[static_cast<std::size_t>(where[i])] = what[i];
  }
  return true;
}

bool decode_f64(block_cursor& in, std::size_t count, std::vector<std::int64_t>& out) {
  out.clear();
  if (count == 0) return in.ok();
  switch (static_cast<f64_form>(in.u8())) {
  case f64_form::exclusive_or: return decode_exclusive_or(in, count, out);
  case f64_form::mostly_decimal: return decode_mostly_decimal(in, count, out);
  case f64_form::bits: return decode_ints(in, count, out);
  case f64_form::raw: {
    const auto bytes = in.bytes(8 * count);
    if (!in.ok()) return false;
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      std::uint64_t v = 0;
      for (std::size_t b = 0; b < 8; ++b)
        v |= std::uint64_t{static_cast<unsigned char>(bytes[i + b])} << (8 * b);
      out.push_back(static_cast<std::int64_t>(v));
    }
    return true;
  }
  case f64_form::decimal: {
    const auto k = in.u8();
    if (k >= powers.size()) in.fail();
    if (!decode_ints(in, count, out)) return false;
    for (auto& v : out) v = std::bit_cast<std::int64_t>(static_cast<double>(v) / powers[k]);
    return true;
  }
  }
  in.fail();
  return false;
}

void encode_booleans(const std::vector<std::int64_t>& values, std::string& out) {
  for (std::size_t i = 0; i < values.size(); i += 8) {
    unsigned byte = 0;
    for (std::size_t b = 0; b < 8 && i + b < values.size(); ++b)
      byte |= static_cast<unsigned>(values[i + b]) << b;
    out.push_back(static_cast<char>(byte));
  }
}

bool decode_booleans(block_cursor& in, std::size_t count, std::vector<std::int64_t>& out) {
  const auto bytes = in.bytes((count + 7) / 8);
  out.clear();
  for (std::size_t i = 0; in.ok() && i < count; ++i)
    out.push_back(static_cast<unsigned char>(bytes[i / 8]) >> (i % 8) & 1);
  return in.ok();
}

void encode_texts(const value_column& column, std::string& out) {
  std::unordered_map<std::string_view, std::int64_t> known;
  std::vector<std::string_view> distinct;
  std::vector<std::int64_t> which;
  std::string_view rest = column.heap;
  for (const auto size : column.numbers) {
    const auto text = rest.substr(0, static_cast<std::size_t>(size));
    rest.remove_prefix(text.size());
    const auto [at, fresh] = known.emplace(text, static_cast<std::int64_t>(distinct.size()));
    if (fresh) distinct.push_back(text);
    which.push_back(at->second);
  }
  put_varint(out, distinct.size());
  for (const auto text : distinct) {
    put_varint(out, text.size());
    out.append(text);
  }
  encode_ints(which, out);
}

bool decode_texts(block_cursor& in, std::size_t count, value_column& column) {
  std::vector<std::string_view> distinct(in.count(std::min(count, in.remaining())));
  for (auto& text : distinct) text = in.bytes(in.varint());
  if (!decode_ints(in, count, column.numbers)) return false;
  for (const auto which : column.numbers) {
    if (which < 0 || static_cast<std::size_t>(which) >= distinct.size()) {
      in.fail();
      return false;
    }
    column.texts.push_back(distinct[static_cast<std::size_t>(which)]);
  }
  return true;
}

bool cut_samples(block_cursor& in, std::string_view bytes, value_column& column) {
  for (const auto size : column.numbers) {
    if (size < 0 || static_cast<std::uint64_t>(size) > bytes.size()) {
      in.fail();
      return false;
    }
    column.texts.push_back(bytes.substr(0, static_cast<std::size_t>(size)));
    bytes.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

bool decode_samples(block_cursor& in, std::size_t count, value_column& column,
                    std::uint8_t version) {
  if (!decode_ints(in, count, column.numbers)) return false;
  std::uint64_t total = 0;
  for (const auto size : column.numbers) {
    if (size < 0 || static_cast<std::uint64_t>(size) > most_sample_bytes) in.fail();
    total += in.ok() ? static_cast<std::uint64_t>(size) : 0;
  }
  if (version == 1) {
    const auto bytes = in.bytes(total);
    return in.ok() && cut_samples(in, bytes, column);
  }
  return decode_sample_bytes(in, column.kind, total, column.heap) &&
         cut_samples(in, column.heap, column);
}

} // namespace

void value_column::add(const domain::value_view& v) {
  switch (kind) {
  case value_kind::none: break;
  case value_kind::f64: numbers.push_back(std::bit_cast<std::int64_t>(v.f64)); break;
  case value_kind::i64: numbers.push_back(v.i64); break;
  case value_kind::boolean: numbers.push_back(v.boolean ? 1 : 0); break;
  case value_kind::text:
  case value_kind::samples_f32:
  case value_kind::samples_i16:
    numbers.push_back(static_cast<std::int64_t>(v.bytes.size()));
    heap.append(v.bytes);
    break;
  }
}

std::size_t value_column::append(const value_column& decoded, std::size_t first,
                                 std::size_t count) {
  switch (kind) {
  case value_kind::none: return 0;
  case value_kind::f64:
  case value_kind::i64:
  case value_kind::boolean: {
    const auto from = decoded.numbers.begin() + static_cast<std::ptrdiff_t>(first);
    numbers.insert(numbers.end(), from, from + static_cast<std::ptrdiff_t>(count));
    return 0;
  }
  case value_kind::text:
  case value_kind::samples_f32:
  case value_kind::samples_i16: break;
  }
  const auto before = heap.size();
  for (std::size_t i = first; i < first + count; ++i) {
    numbers.push_back(static_cast<std::int64_t>(decoded.texts[i].size()));
    heap.append(decoded.texts[i]);
  }
  return heap.size() - before;
}

domain::value_view value_column::at(std::size_t index) const {
  switch (kind) {
  case value_kind::none: break;
  case value_kind::f64: return domain::value_view::of(double_of(numbers[index]));
  case value_kind::i64: return domain::value_view::of(numbers[index]);
  case value_kind::boolean: return domain::value_view::of(numbers[index] != 0);
  case value_kind::text: return domain::value_view::text(texts[index]);
  case value_kind::samples_f32:
  case value_kind::samples_i16: return domain::value_view::samples(kind, texts[index]);
  }
  return {};
}

void value_column::clear() {
  numbers.clear();
  texts.clear();
  heap.clear();
}

void encode_column(const value_column& column, std::string& out) {
  switch (column.kind) {
  case value_kind::none: break;
  case value_kind::f64:
    if (!column.numbers.empty()) encode_f64(column.numbers, out);
    break;
  case value_kind::i64: encode_ints(column.numbers, out); break;
  case value_kind::boolean: encode_booleans(column.numbers, out); break;
  case value_kind::text: encode_texts(column, out); break;
  case value_kind::samples_f32:
  case value_kind::samples_i16:
    encode_ints(column.numbers, out);
    encode_sample_bytes(column.kind, column.heap, out);
    break;
  }
}

bool decode_column(block_cursor& in, std::size_t count, value_column& column,
                   std::uint8_t version) {
  column.clear();
  switch (column.kind) {
  case value_kind::none: return in.ok();
  case value_kind::f64: return decode_f64(in, count, column.numbers);
  case value_kind::i64: return decode_ints(in, count, column.numbers);
  case value_kind::boolean: return decode_booleans(in, count, column.numbers);
  case value_kind::text: return decode_texts(in, count, column);
  case value_kind::samples_f32:
  case value_kind::samples_i16: return decode_samples(in, count, column, version);
  }
  in.fail();
  return false;
}

} // namespace pollux::persistence
