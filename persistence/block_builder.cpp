// SPDX-License-Identifier: Apache-2.0
#include "persistence/block_builder.hpp"
#include "persistence/block_format.hpp"
#include "persistence/int_column.hpp"
#include <algorithm>
#include <limits>

namespace pollux::persistence {

bool block_builder::full() const noexcept {
  return columns_.positions.size() >= settings_.max_inputs ||
         columns_.values >= settings_.max_values || columns_.heavy_bytes >= settings_.max_bytes;
}

void block_builder::begin(const chain_value& before) {
  before_ = before;
  chain_.begin(before);
}

void block_builder::add(const domain::input& in) {
  const auto others_before = columns_.other_bytes.size();
  columns_.add(in);
  if (chained_) return;
  if (in.kind == domain::input_kind::readings)
    chain_.add(in);
  else
    chain_.add_encoded(in, std::string_view(columns_.other_bytes).substr(others_before));
}

void block_builder::put_dictionaries(std::string& out) const {
  put_varint(out, columns_.names.size());
  for (const auto& name : columns_.names) {
    put_varint(out, name.size());
    out.append(name);
  }
  put_varint(out, columns_.shapes.size());
  for (const auto& shape : columns_.shapes) {
    put_varint(out, shape.size());
    for (const auto& slot : shape)
      put_varint(out, std::uint64_t{slot.name} << 3 | static_cast<std::uint64_t>(slot.kind));
  }
}

block_header block_builder::header() const {
  block_header h;
  h.version = block_version;
  h.chain_before = before_;
  h.chain_after = chain_.end();
  h.first = columns_.first();
  h.last = columns_.last();
  h.inputs = static_cast<std::uint32_t>(columns_.positions.size());
  h.readings = static_cast<std::uint32_t>(columns_.event_times.size());
  h.values = static_cast<std::uint32_t>(columns_.values);
  h.least_event_time_ns = std::numeric_limits<std::int64_t>::max();
  h.greatest_event_time_ns = std::numeric_limits<std::int64_t>::min();
  for (const auto t : columns_.event_times) {
    h.least_event_time_ns = std::min(h.least_event_time_ns, t);
    h.greatest_event_time_ns = std::max(h.greatest_event_time_ns, t);
  }
  h.least_ingest_time_ns = columns_.least_ingest_ns;
  h.greatest_ingest_time_ns = columns_.greatest_ingest_ns;
  return h;
}

void block_builder::put_columns(std::string& out) const {
  const auto& c = columns_;
  put_dictionaries(out);
  encode_ints(c.positions, out);
  encode_ints(c.indexes, out);
  put_others(out);
  encode_ints(c.counts, out);
  encode_times(c.event_times, out);
  put_ingest_times(out);
  encode_ints(c.sequences, out);
  encode_ints(c.shape_of, out);
  for (const auto& column : c.columns) encode_column(column.content, out);
}

void block_builder::put_others(std::string& out) const {
  const auto& c = columns_;
  put_varint(out, c.other_at.size());
  std::size_t begin = 0;
  for (std::size_t i = 0; i < c.other_at.size(); ++i) {
    const auto size = static_cast<std::size_t>(c.other_sizes[i]);
    put_varint(out, static_cast<std::uint64_t>(c.other_at[i]));
    put_varint(out, size);
    out.append(c.other_bytes, begin, size);
    begin += size;
  }
}

/// Data comes soon after it was measured: the delay takes fewer bits than the time.
void block_builder::put_ingest_times(std::string& out) const {
  if (columns_.ingest_times.empty()) return;
  thread_local std::vector<std::int64_t> delays;
  thread_local std::string as_delays;
  delays.clear();
  as_delays.clear();
  std::size_t reading = 0;
  for (std::size_t i = 0; i < columns_.ingest_times.size(); ++i) {
    const auto now = static_cast<std::uint64_t>(columns_.ingest_times[i]);
    const auto event =
        columns_.counts[i] > 0 ? static_cast<std::uint64_t>(columns_.event_times[reading]) : 0;
    delays.push_back(static_cast<std::int64_t>(now - event));
    reading += static_cast<std::size_t>(columns_.counts[i]);
  }
  encode_times(delays, as_delays);
  const auto start = out.size();
  out.push_back(0);
  encode_times(columns_.ingest_times, out);
  if (out.size() - start <= as_delays.size() + 1) return;
  out.resize(start);
  out.push_back(1);
  out.append(as_delays);
}

std::string block_builder::finish() {
  auto out = pack(header());
  before_ = chain_.end();
  return out;
}

std::string block_builder::finish(const chain_value& before, const chain_value& after) {
  auto h = header();
  h.chain_before = before;
  h.chain_after = after;
  return pack(h);
}

std::string block_builder::pack(block_header h) {
  thread_local std::string body, packed;
  body.clear();
  packed.clear();
  put_columns(body);
  h.codec = put_body(body, settings_.level, packed);
  h.raw_bytes = static_cast<std::uint32_t>(body.size());
  std::string out;
  out.reserve(block_header_bytes + packed.size());
  put_header(h, out);
  out.append(packed);
  set_checksum(out);
  columns_.clear();
  return out;
}

std::string encode_block(const std::vector<const domain::input*>& inputs, const chain_value& before,
                         const block_settings& settings) {
  block_builder b(settings);
  b.begin(before);
  for (const auto* in : inputs) b.add(*in);
  return b.finish();
}

} // namespace pollux::persistence
