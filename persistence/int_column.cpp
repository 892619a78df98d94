// SPDX-License-Identifier: Apache-2.0
#include "persistence/int_column.hpp"
#include <algorithm>
#include <array>
#include <bit>

namespace pollux::persistence {

namespace {

// All arithmetic is modulo 2^64, so that differences of any two numbers can be undone.
using word = std::uint64_t;

enum class form : std::uint8_t { raw = 0, delta = 1, delta_of_delta = 2, steady = 3, few = 4 };

constexpr std::size_t most_few = 256; ///< distinct numbers of a column that names them by a byte

constexpr std::size_t chunk_size = 128;
constexpr std::array<std::int64_t, 4> units = {1, 1'000, 1'000'000, 1'000'000'000};

word bits_of(std::int64_t v) { return static_cast<word>(v); }
std::int64_t number_of(word v) { return static_cast<std::int64_t>(v); }

std::size_t varint_size(word v) {
  return v == 0 ? 1 : (static_cast<std::size_t>(std::bit_width(v)) + 6) / 7;
}

struct chunk_shape {
  std::int64_t least = 0;
  unsigned width = 0;
};

chunk_shape shape_of(std::span<const std::int64_t> chunk) {
  // without branches: packed numbers are noise, which no branch prediction foresees
  auto low = chunk.front(), high = low;
  for (const auto v : chunk) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  return {low, static_cast<unsigned>(std::bit_width(bits_of(high) - bits_of(low)))};
}

std::size_t packed_size(std::span<const std::int64_t> values) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < values.size(); i += chunk_size) {
    const auto chunk = values.subspan(i, std::min(chunk_size, values.size() - i));
    const auto shape = shape_of(chunk);
    size += varint_size(zigzag(shape.least)) + 1 + (chunk.size() * shape.width + 7) / 8;
  }
  return size;
}

void put_word(std::string& out, word v, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<char>(v >> (8 * i)));
}

void pack(std::span<const std::int64_t> values, std::string& out) {
  for (std::size_t i = 0; i < values.size(); i += chunk_size) {
    const auto chunk = values.subspan(i, std::min(chunk_size, values.size() - i));
    const auto shape = shape_of(chunk);
    put_varint(out, zigzag(shape.least));
    out.push_back(static_cast<char>(shape.width));
    if (shape.width == 0) continue;
    word waiting = 0;
    unsigned filled = 0;
    for (const auto v : chunk) {
      const word offset = bits_of(v) - bits_of(shape.least);
      waiting |= offset << filled;
      if (filled + shape.width < 64) {
        filled += shape.width;
        continue;
      }
      put_word(out, waiting, 8);
      waiting = filled == 0 ? 0 : offset >> (64 - filled);
      filled = filled + shape.width - 64;
    }
    put_word(out, waiting, (filled + 7) / 8);
  }
}

word load(const char* p) {
  word v = 0;
  for (unsigned i = 0; i < 8; ++i) v |= word{static_cast<unsigned char>(p[i])} << (8 * i);
  return v;
}

bool unpack(block_cursor& in, std::size_t count, std::vector<std::int64_t>& out) {
  std::array<char, chunk_size * 8 + 16> padded{};
  for (std::size_t done = 0; done < count; done += chunk_size) {
    const auto n = std::min(chunk_size, count - done);
    const word least = bits_of(unzigzag(in.varint()));
    const unsigned width = in.u8();
    if (width > 64) in.fail();
    const auto packed = in.bytes(in.ok() ? (n * width + 7) / 8 : 0);
    if (!in.ok()) return false;
    if (width == 0) {
      out.insert(out.end(), n, number_of(least));
      continue;
    }
    std::copy(packed.begin(), packed.end(), padded.begin());
    const word mask = width == 64 ? ~word{0} : (word{1} << width) - 1;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t bit = i * width;
      const unsigned shift = bit % 8;
      const char* p = padded.data() + bit / 8;
      word v = load(p) >> shift;
      if (shift + width > 64) v |= word{static_cast<unsigned char>(p[8])} << (64 - shift);
      out.push_back(number_of(least + (v & mask)));
    }
  }
  return true;
}

void differences(std::span<const std::int64_t> values, std::vector<std::int64_t>& out) {
  out.clear();
  for (std::size_t i = 1; i < values.size(); ++i)
    out.push_back(number_of(bits_of(values[i]) - bits_of(values[i - 1])));
}

bool all_equal(std::span<const std::int64_t> values) {
  return std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>{}) == values.end();
}

void put_form(std::string& out, form f) { out.push_back(static_cast<char>(f)); }

/// Undoes differences(): `out` holds them from `from` on, behind the number they begin with.
void add_up(std::vector<std::int64_t>& out) {
  for (std::size_t i = 1; i < out.size(); ++i)
    out[i] = number_of(bits_of(out[i]) + bits_of(out[i - 1]));
}

/// The distinct numbers, rising, when there are at most most_few and far fewer than numbers.
bool find_few(std::span<const std::int64_t> values, std::vector<std::int64_t>& distinct) {
  distinct.clear();
  const auto limit = std::min(most_few, values.size() / 4);
  auto last = values.front();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0 && values[i] == last) continue; // mostly runs
    last = values[i];
    const auto at = std::lower_bound(distinct.begin(), distinct.end(), last);
    if (at != distinct.end() && *at == last) continue;
    if (distinct.size() == limit) return false;
    distinct.insert(at, last);
  }
  return true;
}

/// About what the bytes of `few` come to once they are compressed: runs cost next to nothing.
std::size_t few_size(std::span<const std::int64_t> values, std::size_t distinct) {
  std::size_t runs = 1;
  for (std::size_t i = 1; i < values.size(); ++i) runs += values[i] != values[i - 1];
  const auto width = static_cast<std::size_t>(std::bit_width(distinct - 1));
  return 4 + 2 * distinct + std::min(values.size() * width / 8, 2 * runs);
}

void put_few(std::span<const std::int64_t> values, const std::vector<std::int64_t>& distinct,
             std::string& out) {
  put_form(out, form::few);
  put_varint(out, distinct.size());
  put_varint(out, zigzag(distinct[0]));
  for (std::size_t i = 1; i < distinct.size(); ++i)
    put_varint(out, bits_of(distinct[i]) - bits_of(distinct[i - 1]));
  std::size_t which = 0;
  for (const auto v : values) {
    if (distinct[which] != v)
      which = static_cast<std::size_t>(std::lower_bound(distinct.begin(), distinct.end(), v) -
                                       distinct.begin());
    out.push_back(static_cast<char>(which));
  }
}

bool decode_few(block_cursor& in, std::size_t count, std::vector<std::int64_t>& out) {
  std::array<std::int64_t, most_few> distinct{};
  const auto n = in.count(most_few);
  word v = bits_of(unzigzag(in.varint()));
  for (std::size_t i = 0; i < n; ++i) {
    if (i > 0) v += in.varint();
    distinct[i] = number_of(v);
  }
  const auto which = in.bytes(in.ok() ? count : 0);
  if (!in.ok()) return false;
  for (const char c : which) {
    const std::size_t at = static_cast<unsigned char>(c);
    if (at >= n) {
      in.fail();
      return false;
    }
    out.push_back(distinct[at]);
  }
  return true;
}

bool decode_steady(block_cursor& in, std::size_t count, std::vector<std::int64_t>& out) {
  word v = bits_of(unzigzag(in.varint()));
  const word step = bits_of(unzigzag(in.varint()));
  if (!in.ok()) return false;
  for (std::size_t i = 0; i < count; ++i, v += step) out.push_back(number_of(v));
  return true;
}

} // namespace

void encode_ints(std::span<const std::int64_t> values, std::string& out) {
  if (values.empty()) return;
  thread_local std::vector<std::int64_t> delta, second;
  differences(values, delta);
  if (all_equal(delta)) {
    put_form(out, form::steady);
    put_varint(out, zigzag(values[0]));
    put_varint(out, zigzag(delta.empty() ? 0 : delta[0]));
    return;
  }
  differences(delta, second);
  const auto as_raw = packed_size(values);
  const auto as_delta = varint_size(zigzag(values[0])) + packed_size(delta);
  const auto as_second =
      varint_size(zigzag(values[0])) + varint_size(zigzag(delta[0])) + packed_size(second);
  thread_local std::vector<std::int64_t> distinct;
  if (const auto least = std::min({as_raw, as_delta, as_second});
      least > 16 && find_few(values, distinct) && few_size(values, distinct.size()) < least)
    return put_few(values, distinct, out);
  if (as_raw <= as_delta && as_raw <= as_second) {
    put_form(out, form::raw);
    pack(values, out);
  } else if (as_delta <= as_second) {
    put_form(out, form::delta);
    put_varint(out, zigzag(values[0]));
    pack(delta, out);
  } else {
    put_form(out, form::delta_of_delta);
    put_varint(out, zigzag(values[0]));
    put_varint(out, zigzag(delta[0]));
    pack(second, out);
  }
}

bool decode_ints(block_cursor& in, std::size_t count, std::vector<std::int64_t>& out) {
  out.clear();
  if (count == 0) return in.ok();
  const auto how = in.u8();
  if (!in.ok()) return false;
  switch (static_cast<form>(how)) {
  case form::raw: return unpack(in, count, out);
  case form::steady: return decode_steady(in, count, out);
  case form::few: return decode_few(in, count, out);
  case form::delta:
    out.push_back(unzigzag(in.varint()));
    if (!unpack(in, count - 1, out)) return false;
    add_up(out);
    return true;
  case form::delta_of_delta: {
    if (count < 2) break;
    const auto first = unzigzag(in.varint());
    out.push_back(unzigzag(in.varint()));
    if (!unpack(in, count - 2, out)) return false;
    add_up(out); // now the differences
    out.insert(out.begin(), first);
    add_up(out);
    return true;
  }
  }
  in.fail();
  return false;
}

void encode_times(std::span<const std::int64_t> times_ns, std::string& out) {
  if (times_ns.empty()) return;
  std::size_t unit = units.size() - 1;
  for (const auto t : times_ns)
    while (t % units[unit] != 0) --unit;
  out.push_back(static_cast<char>(unit));
  if (unit == 0) return encode_ints(times_ns, out);
  thread_local std::vector<std::int64_t> scaled;
  scaled.clear();
  for (const auto t : times_ns) scaled.push_back(t / units[unit]);
  encode_ints(scaled, out);
}

bool decode_times(block_cursor& in, std::size_t count, std::vector<std::int64_t>& out) {
  out.clear();
  if (count == 0) return in.ok();
  const auto unit = in.u8();
  if (unit >= units.size()) in.fail();
  if (!decode_ints(in, count, out)) return false;
  const word scale = bits_of(units[unit]);
  for (auto& t : out) t = number_of(bits_of(t) * scale);
  return true;
}

} // namespace pollux::persistence
