// SPDX-License-Identifier: Apache-2.0
// Reading blocks back. A block with a wrong checksum is refused at once; behind a right one every
// count and index is checked all the same, so that no bytes whatever can lead outside the block.
#include "persistence/block_format.hpp"
#include "persistence/cold_frame.hpp"
#include "persistence/input_columns.hpp"
#include "persistence/int_column.hpp"

namespace pollux::persistence {

namespace {

failure damaged(const char* what) {
  return {errc::corrupt, std::string("block is damaged: ") + what};
}

bool read_dictionaries(block_cursor& in, input_columns& c) {
  c.names.resize(in.count(in.remaining()));
  for (auto& name : c.names) name = in.bytes(in.varint());
  c.shapes.resize(in.count(in.remaining()));
  for (auto& shape : c.shapes) {
    shape.resize(in.count(in.remaining()));
    for (auto& slot : shape) {
      const auto code = in.varint();
      slot.kind = static_cast<domain::value_kind>(code & 7);
      if ((code >> 3) >= c.names.size() || slot.kind > domain::value_kind::samples_i16) in.fail();
      if (!in.ok()) return false;
      slot.name = static_cast<std::uint32_t>(code >> 3);
    }
  }
  c.name_columns();
  return in.ok();
}

bool read_inputs(block_cursor& in, const block_header& h, input_columns& c) {
  if (!decode_ints(in, h.inputs, c.positions) || !decode_ints(in, h.inputs, c.indexes))
    return false;
  const auto others = in.count(h.inputs);
  std::int64_t least = 0;
  for (std::size_t i = 0; i < others; ++i) {
    const auto ordinal = static_cast<std::int64_t>(in.count(h.inputs - 1));
    const auto bytes = in.bytes(in.varint());
    if (ordinal < least) in.fail();
    if (!in.ok()) return false;
    c.other_at.push_back(ordinal);
    c.other_sizes.push_back(static_cast<std::int64_t>(bytes.size()));
    c.other_bytes.append(bytes);
    least = ordinal + 1;
  }
  const auto with_readings = h.inputs - others;
  if (h.version == 1 && !decode_times(in, with_readings, c.ingest_times)) return false;
  if (!decode_ints(in, with_readings, c.counts)) return false;
  std::uint64_t sum = 0;
  for (const auto n : c.counts) {
    if (n < 0 || n > h.readings) return false;
    sum += static_cast<std::uint64_t>(n);
  }
  return sum == h.readings;
}

/// As they are, or as delays after the event time of the input's first reading.
bool read_ingest_times(block_cursor& in, input_columns& c) {
  if (c.counts.empty()) return in.ok();
  const auto delays = in.u8();
  if (delays > 1) in.fail();
  if (!in.ok() || !decode_times(in, c.counts.size(), c.ingest_times)) return false;
  if (delays == 0) return true;
  std::size_t reading = 0;
  for (std::size_t i = 0; i < c.ingest_times.size(); ++i) {
    if (c.counts[i] > 0)
      c.ingest_times[i] =
          static_cast<std::int64_t>(static_cast<std::uint64_t>(c.ingest_times[i]) +
                                    static_cast<std::uint64_t>(c.event_times[reading]));
    reading += static_cast<std::size_t>(c.counts[i]);
  }
  return true;
}

bool read_readings(block_cursor& in, const block_header& h, input_columns& c) {
  if (!decode_times(in, h.readings, c.event_times)) return false;
  if (h.version > 1 && !read_ingest_times(in, c)) return false;
  if (!decode_ints(in, h.readings, c.sequences) || !decode_ints(in, h.readings, c.shape_of))
    return false;
  for (const auto s : c.shape_of)
    if (s < 0 || static_cast<std::size_t>(s) >= c.shapes.size()) return false;
  const auto counts = c.column_sizes();
  for (const auto n : counts) {
    if (n > h.values - c.values) return false;
    c.values += n;
  }
  if (c.values != h.values) return false;
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (!decode_column(in, counts[i], c.columns[i].content, h.version)) return false;
  return in.ok() && in.at_end();
}

} // namespace

status decode_block_columns(std::string_view block, std::string& buffer, input_columns& out) {
  out.clear();
  const auto h = read_block_header(block);
  if (!h) return h.error();
  if (!checksum_holds(block)) return damaged("checksum differs");
  const auto body = open_body(*h, block, buffer);
  if (!body) return body.error();
  block_cursor in(*body);
  if (!read_dictionaries(in, out)) return damaged("dictionaries");
  if (!read_inputs(in, *h, out)) return damaged("inputs");
  if (!read_readings(in, *h, out)) return damaged("readings");
  return {};
}

status decode_any_columns(std::string_view bytes, std::string& buffer, input_columns& out) {
  return is_cold_frame(bytes) ? decode_cold_columns(bytes, buffer, out)
                              : decode_block_columns(bytes, buffer, out);
}

status decode_block(std::string_view block,
                    const std::function<void(const domain::input&)>& visit) {
  std::string buffer;
  input_columns columns;
  if (auto s = decode_block_columns(block, buffer, columns); !s) return s;
  return columns.visit(visit);
}

status decode_any_block(std::string_view bytes,
                        const std::function<void(const domain::input&)>& visit) {
  return is_cold_frame(bytes) ? decode_cold_frame(bytes, visit) : decode_block(bytes, visit);
}

} // namespace pollux::persistence
