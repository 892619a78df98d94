// SPDX-License-Identifier: Apache-2.0
// SHA-256 by OpenSSL's own functions for it: through its general interface (EVP) a link of one
// reading took a third longer. They are marked as deprecated in favour of that interface, and stay.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "persistence/chain.hpp"
#include "domain/base/bytes.hpp"
#include "messages/segment.hpp"
#include "persistence/varint.hpp"
#include <algorithm>
#include <openssl/sha.h>

namespace pollux::persistence {

namespace {

void put_text(std::string& out, std::string_view text) {
  put_varint(out, text.size());
  out.append(text);
}

void put_head(std::string& out, const domain::input& in) {
  put_varint(out, in.id.at.value);
  put_varint(out, in.id.index);
  out.push_back(static_cast<char>(in.kind));
}

void put_value(std::string& out, const domain::value_view& v) {
  byte_writer w(out);
  w.u8(static_cast<std::uint8_t>(v.kind));
  switch (v.kind) {
  case domain::value_kind::none: break;
  case domain::value_kind::f64: w.f64(v.f64); break;
  case domain::value_kind::i64: w.i64(v.i64); break;
  case domain::value_kind::boolean: w.boolean(v.boolean); break;
  case domain::value_kind::text:
  case domain::value_kind::samples_f32:
  case domain::value_kind::samples_i16: put_text(out, v.bytes); break;
  }
}

void put_readings(std::string& out, const domain::input& in) {
  byte_writer w(out);
  w.i64(in.ingest_time_ns);
  put_varint(out, in.readings.size());
  for (const auto& r : in.readings) {
    w.i64(r.event_time_ns);
    put_varint(out, r.sequence);
    put_varint(out, r.count);
    for (std::size_t i = r.first; i < std::size_t{r.first} + r.count; ++i) {
      put_text(out, in.fields[i].name);
      put_value(out, in.fields[i].value);
    }
  }
}

} // namespace

chain_value chain_from_hash64(std::uint64_t hash) noexcept {
  chain_value out{};
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(hash >> (8 * i));
  return out;
}

bool is_chain_start(const chain_value& v) noexcept {
  return std::all_of(v.begin() + 8, v.end(), [](auto b) { return b == 0; });
}

std::string to_hex(const chain_value& v) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const auto b : v) {
    out.push_back(digits[b >> 4]);
    out.push_back(digits[b & 15]);
  }
  return out;
}

void append_canonical(const domain::input& in, std::string& out) {
  put_head(out, in);
  if (in.kind == domain::input_kind::readings) return put_readings(out, in);
  std::string encoded;
  messages::encode_input(in, encoded);
  put_text(out, encoded);
}

struct chain_hasher::digest {
  SHA256_CTX context;
};

chain_hasher::chain_hasher() : digest_(std::make_unique<digest>()) {}
chain_hasher::~chain_hasher() = default;
chain_hasher::chain_hasher(chain_hasher&&) noexcept = default;
chain_hasher& chain_hasher::operator=(chain_hasher&&) noexcept = default;

void chain_hasher::add(const domain::input& in) {
  bytes_.assign(value_.begin(), value_.end());
  append_canonical(in, bytes_);
  link();
}

void chain_hasher::add_encoded(const domain::input& in, std::string_view encoded) {
  bytes_.assign(value_.begin(), value_.end());
  put_head(bytes_, in);
  put_text(bytes_, encoded);
  link();
}

void chain_hasher::link() {
  // cannot fail: no key, no allocation
  SHA256_Init(&digest_->context);
  SHA256_Update(&digest_->context, bytes_.data(), bytes_.size());
  SHA256_Final(value_.data(), &digest_->context);
}

} // namespace pollux::persistence
