// SPDX-License-Identifier: Apache-2.0
// The fixed part of blocks, of both versions.
#include "domain/base/bytes.hpp"
#include "messages/hash.hpp"
#include "persistence/block_format.hpp"
#include "persistence/crc32c.hpp"
#include <limits>

namespace pollux::persistence {

namespace {

constexpr std::size_t checked_from = 5; // behind version and checksum
// Above anything the writer makes; they bound what a lying head costs.
constexpr std::uint32_t most_inputs = 1u << 16, most_readings = 1u << 20, most_values = 1u << 22;

failure damaged(const char* what) {
  return {errc::corrupt, std::string("block is damaged: ") + what};
}

void put_chain(byte_writer& w, const chain_value& v) {
  for (const auto b : v) w.u8(b);
}

chain_value read_chain(byte_reader& r) {
  chain_value v;
  for (auto& b : v) b = r.u8();
  return v;
}

void read_content(byte_reader& r, block_header& h) {
  h.first.at.value = r.u64();
  h.first.index = r.u32();
  h.last.at.value = r.u64();
  h.last.index = r.u32();
  h.inputs = r.u32();
  h.readings = r.u32();
  h.values = r.u32();
  h.least_event_time_ns = r.i64();
  h.greatest_event_time_ns = r.i64();
}

void read_version_1(byte_reader& r, std::string_view block, block_header& h) {
  h.chain_before = chain_from_hash64(r.u64());
  h.chain_after = chain_from_hash64(messages::hash64(block));
  read_content(r, h);
  h.least_ingest_time_ns = std::numeric_limits<std::int64_t>::min();
  h.greatest_ingest_time_ns = std::numeric_limits<std::int64_t>::max();
  h.codec = block_codec::none;
  h.raw_bytes = static_cast<std::uint32_t>(r.remaining());
}

void read_version_2(byte_reader& r, block_header& h) {
  h.chain_before = read_chain(r);
  h.chain_after = read_chain(r);
  read_content(r, h);
  h.least_ingest_time_ns = r.i64();
  h.greatest_ingest_time_ns = r.i64();
  const auto codec = r.u8();
  if (codec > static_cast<std::uint8_t>(block_codec::zstd)) r.fail();
  h.codec = static_cast<block_codec>(codec);
  h.raw_bytes = r.u32();
}

} // namespace

void put_header(const block_header& h, std::string& out) {
  byte_writer w(out);
  w.u8(block_version);
  w.u32(0);
  put_chain(w, h.chain_before);
  put_chain(w, h.chain_after);
  w.u64(h.first.at.value);
  w.u32(h.first.index);
  w.u64(h.last.at.value);
  w.u32(h.last.index);
  w.u32(h.inputs);
  w.u32(h.readings);
  w.u32(h.values);
  w.i64(h.least_event_time_ns);
  w.i64(h.greatest_event_time_ns);
  w.i64(h.least_ingest_time_ns);
  w.i64(h.greatest_ingest_time_ns);
  w.u8(static_cast<std::uint8_t>(h.codec));
  w.u32(h.raw_bytes);
}

void set_checksum(std::string& block) {
  const auto crc = crc32c(std::string_view(block).substr(checked_from));
  for (std::size_t i = 0; i < 4; ++i) block[1 + i] = static_cast<char>(crc >> (8 * i));
}

bool checksum_holds(std::string_view block) {
  byte_reader r(block);
  static_cast<void>(r.u8());
  const auto crc = r.u32();
  return r.ok() && crc == crc32c(block.substr(checked_from));
}

result<block_header> read_block_header(std::string_view block) {
  byte_reader r(block);
  block_header h;
  h.version = r.u8();
  if (!r.ok() || h.version == 0) return damaged("no version");
  if (h.version > block_version)
    return failure{errc::version_mismatch,
                   "block of format " + std::to_string(h.version) + ", written by a newer Pollux"};
  static_cast<void>(r.u32());
  h.version == 1 ? read_version_1(r, block, h) : read_version_2(r, h);
  if (!r.ok()) return damaged("its head is cut off or senseless");
  if (h.inputs == 0 || h.inputs > most_inputs || h.readings > most_readings ||
      h.values > most_values)
    return damaged("its head is senseless");
  return h;
}

result<block_info> describe_block(std::string_view block, tier kept) {
  const auto h = read_block_header(block);
  if (!h) return h.error();
  return block_info{.first = h->first,
                    .last = h->last,
                    .inputs = h->inputs,
                    .readings = h->readings,
                    .values = h->values,
                    .least_event_time_ns = h->least_event_time_ns,
                    .greatest_event_time_ns = h->greatest_event_time_ns,
                    .least_ingest_time_ns = h->least_ingest_time_ns,
                    .greatest_ingest_time_ns = h->greatest_ingest_time_ns,
                    .bytes = block.size(),
                    .hash = messages::hash64(block),
                    .chain_before = h->chain_before,
                    .chain = h->chain_after,
                    .kept = kept};
}

} // namespace pollux::persistence
