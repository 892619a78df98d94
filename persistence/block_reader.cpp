// SPDX-License-Identifier: Apache-2.0
// Reading blocks back. A block with a wrong checksum is refused at once; behind a right one every
// count and index is checked all the same, so that no bytes whatever can lead outside the block.
#include "messages/segment.hpp"
#include "persistence/block_format.hpp"
#include "persistence/cold_frame.hpp"
#include "persistence/int_column.hpp"
#include "persistence/value_column.hpp"

namespace pollux::persistence {

namespace {

failure damaged(const char* what) {
  return {errc::corrupt, std::string("block is damaged: ") + what};
}

struct shape_slot {
  std::uint32_t name = 0, column = 0;
};

struct decoded_block {
  std::vector<std::string_view> names;
  std::vector<std::vector<shape_slot>> shapes;
  std::vector<value_column> columns;
  std::vector<std::uint32_t> column_names;
  std::vector<std::int64_t> positions, indexes;
  std::vector<std::pair<std::size_t, std::string_view>> others; ///< ordinal, bytes
  std::vector<std::int64_t> ingest_times, reading_counts, event_times, sequences, shape_of;
};

std::uint32_t column_of(decoded_block& b, std::uint32_t name, domain::value_kind kind) {
  for (std::size_t i = 0; i < b.columns.size(); ++i)
    if (b.column_names[i] == name && b.columns[i].kind == kind)
      return static_cast<std::uint32_t>(i);
  b.columns.emplace_back().kind = kind;
  b.column_names.push_back(name);
  return static_cast<std::uint32_t>(b.columns.size() - 1);
}

bool read_dictionaries(block_cursor& in, decoded_block& b) {
  b.names.resize(in.count(in.remaining()));
  for (auto& name : b.names) name = in.bytes(in.varint());
  b.shapes.resize(in.count(in.remaining()));
  for (auto& shape : b.shapes) {
    shape.resize(in.count(in.remaining()));
    for (auto& slot : shape) {
      const auto code = in.varint();
      const auto kind = static_cast<domain::value_kind>(code & 7);
      if ((code >> 3) >= b.names.size() || kind > domain::value_kind::samples_i16) in.fail();
      if (!in.ok()) return false;
      slot.name = static_cast<std::uint32_t>(code >> 3);
      slot.column = column_of(b, slot.name, kind);
    }
  }
  return in.ok();
}

bool read_inputs(block_cursor& in, const block_header& h, decoded_block& b) {
  if (!decode_ints(in, h.inputs, b.positions) || !decode_ints(in, h.inputs, b.indexes))
    return false;
  b.others.resize(in.count(h.inputs));
  std::size_t least = 0;
  for (auto& [ordinal, bytes] : b.others) {
    ordinal = in.count(h.inputs - 1);
    bytes = in.bytes(in.varint());
    if (ordinal < least) in.fail();
    if (!in.ok()) return false;
    least = ordinal + 1;
  }
  const auto with_readings = h.inputs - b.others.size();
  if (h.version == 1 && !decode_times(in, with_readings, b.ingest_times)) return false;
  if (!decode_ints(in, with_readings, b.reading_counts)) return false;
  std::uint64_t sum = 0;
  for (const auto n : b.reading_counts) {
    if (n < 0 || n > h.readings) return false;
    sum += static_cast<std::uint64_t>(n);
  }
  return sum == h.readings;
}

/// As they are, or as delays after the event time of the input's first reading.
bool read_ingest_times(block_cursor& in, decoded_block& b) {
  if (b.reading_counts.empty()) return in.ok();
  const auto delays = in.u8();
  if (delays > 1) in.fail();
  if (!in.ok() || !decode_times(in, b.reading_counts.size(), b.ingest_times)) return false;
  if (delays == 0) return true;
  std::size_t reading = 0;
  for (std::size_t i = 0; i < b.ingest_times.size(); ++i) {
    if (b.reading_counts[i] > 0)
      b.ingest_times[i] =
          static_cast<std::int64_t>(static_cast<std::uint64_t>(b.ingest_times[i]) +
                                    static_cast<std::uint64_t>(b.event_times[reading]));
    reading += static_cast<std::size_t>(b.reading_counts[i]);
  }
  return true;
}

bool read_readings(block_cursor& in, const block_header& h, decoded_block& b) {
  if (!decode_times(in, h.readings, b.event_times)) return false;
  if (h.version > 1 && !read_ingest_times(in, b)) return false;
  if (!decode_ints(in, h.readings, b.sequences) || !decode_ints(in, h.readings, b.shape_of))
    return false;
  std::vector<std::uint64_t> used(b.shapes.size());
  for (const auto s : b.shape_of) {
    if (s < 0 || static_cast<std::size_t>(s) >= used.size()) return false;
    ++used[static_cast<std::size_t>(s)];
  }
  std::vector<std::uint64_t> counts(b.columns.size());
  std::uint64_t values = 0;
  for (std::size_t s = 0; s < used.size(); ++s) {
    values += used[s] * b.shapes[s].size();
    if (values > h.values) return false;
    for (const auto& slot : b.shapes[s]) counts[slot.column] += used[s];
  }
  if (values != h.values) return false;
  for (std::size_t c = 0; c < counts.size(); ++c)
    if (!decode_column(in, counts[c], b.columns[c], h.version)) return false;
  return in.ok() && in.at_end();
}

/// Hands out a decoded block input by input.
status visit_all(const decoded_block& b, const std::function<void(const domain::input&)>& visit) {
  std::vector<std::size_t> next_of(b.columns.size());
  std::size_t other = 0, with_readings = 0, reading = 0;
  domain::input in;
  for (std::size_t i = 0; i < b.positions.size(); ++i) {
    in.clear();
    if (other < b.others.size() && b.others[other].first == i) {
      if (auto s = messages::decode_input(b.others[other].second, in); !s) return s;
      ++other;
    } else {
      in.kind = domain::input_kind::readings;
      in.ingest_time_ns = b.ingest_times[with_readings];
      for (auto n = b.reading_counts[with_readings++]; n > 0; --n, ++reading) {
        const auto& shape = b.shapes[static_cast<std::size_t>(b.shape_of[reading])];
        in.readings.push_back({.event_time_ns = b.event_times[reading],
                               .sequence = static_cast<std::uint64_t>(b.sequences[reading]),
                               .first = static_cast<std::uint32_t>(in.fields.size()),
                               .count = static_cast<std::uint32_t>(shape.size())});
        for (const auto& slot : shape)
          in.fields.push_back(
              {b.names[slot.name], b.columns[slot.column].at(next_of[slot.column]++)});
      }
    }
    in.id = {{static_cast<std::uint64_t>(b.positions[i])},
             static_cast<std::uint32_t>(b.indexes[i])};
    visit(in);
  }
  return {};
}

} // namespace

status decode_block(std::string_view block,
                    const std::function<void(const domain::input&)>& visit) {
  const auto h = read_block_header(block);
  if (!h) return h.error();
  if (!checksum_holds(block)) return damaged("checksum differs");
  std::string buffer;
  const auto body = open_body(*h, block, buffer);
  if (!body) return body.error();
  block_cursor in(*body);
  decoded_block b;
  if (!read_dictionaries(in, b)) return damaged("dictionaries");
  if (!read_inputs(in, *h, b)) return damaged("inputs");
  if (!read_readings(in, *h, b)) return damaged("readings");
  return visit_all(b, visit);
}

status decode_any_block(std::string_view bytes,
                        const std::function<void(const domain::input&)>& visit) {
  return is_cold_frame(bytes) ? decode_cold_frame(bytes, visit) : decode_block(bytes, visit);
}

} // namespace pollux::persistence
