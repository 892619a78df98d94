// SPDX-License-Identifier: Apache-2.0
#include "persistence/block_builder.hpp"
#include "messages/segment.hpp"
#include "persistence/block_format.hpp"
#include "persistence/int_column.hpp"
#include <algorithm>
#include <limits>

namespace pollux::persistence {

bool block_builder::full() const noexcept {
  return positions_.size() >= settings_.max_inputs || values_ >= settings_.max_values ||
         heavy_bytes_ >= settings_.max_bytes;
}

void block_builder::begin(const chain_value& before) {
  before_ = before;
  chain_.begin(before);
}

void block_builder::add(const domain::input& in) {
  if (empty()) {
    first_ = in.id;
    least_ingest_ns_ = greatest_ingest_ns_ = in.ingest_time_ns;
  }
  last_ = in.id;
  least_ingest_ns_ = std::min(least_ingest_ns_, in.ingest_time_ns);
  greatest_ingest_ns_ = std::max(greatest_ingest_ns_, in.ingest_time_ns);
  const auto ordinal = positions_.size();
  positions_.push_back(static_cast<std::int64_t>(in.id.at.value));
  indexes_.push_back(in.id.index);
  if (in.kind != domain::input_kind::readings) {
    thread_local std::string encoded;
    encoded.clear();
    messages::encode_input(in, encoded);
    if (!chained_) chain_.add_encoded(in, encoded);
    put_varint(others_, ordinal);
    put_varint(others_, encoded.size());
    others_.append(encoded);
    heavy_bytes_ += encoded.size();
    ++other_count_;
    return;
  }
  if (!chained_) chain_.add(in);
  ingest_times_.push_back(in.ingest_time_ns);
  reading_counts_.push_back(static_cast<std::int64_t>(in.readings.size()));
  for (const auto& r : in.readings) add_reading(in, r);
}

bool block_builder::fits(const reading_shape& shape, const domain::field* fields,
                         std::size_t count) const {
  if (shape.slots.size() != count) return false;
  for (std::size_t i = 0; i < count; ++i)
    if (shape.slots[i].kind != fields[i].value.kind ||
        names_[shape.slots[i].name] != fields[i].name)
      return false;
  return true;
}

void block_builder::add_reading(const domain::input& in, const domain::reading& r) {
  const auto* fields = in.fields.data() + r.first;
  if (last_shape_ >= shapes_.size() || !fits(shapes_[last_shape_], fields, r.count))
    last_shape_ = find_shape(fields, r.count);
  event_times_.push_back(r.event_time_ns);
  sequences_.push_back(static_cast<std::int64_t>(r.sequence));
  shape_of_.push_back(static_cast<std::int64_t>(last_shape_));
  for (std::size_t i = 0; i < r.count; ++i) {
    columns_[shapes_[last_shape_].slots[i].column].content.add(fields[i].value);
    heavy_bytes_ += fields[i].value.bytes.size();
  }
  values_ += r.count;
}

std::size_t block_builder::find_shape(const domain::field* fields, std::size_t count) {
  reading_shape shape;
  std::string signature;
  for (std::size_t i = 0; i < count; ++i) {
    const auto name = find_name(fields[i].name);
    const auto kind = fields[i].value.kind;
    put_varint(signature, std::uint64_t{name} << 3 | static_cast<std::uint64_t>(kind));
    shape.slots.push_back({name, kind, 0});
  }
  const auto [known, fresh] = shape_index_.emplace(std::move(signature), shapes_.size());
  if (!fresh) return known->second;
  for (auto& slot : shape.slots) slot.column = find_column(slot.name, slot.kind);
  shapes_.push_back(std::move(shape));
  return shapes_.size() - 1;
}

std::uint32_t block_builder::find_name(std::string_view name) {
  const auto [known, fresh] =
      name_index_.emplace(std::string(name), static_cast<std::uint32_t>(names_.size()));
  if (fresh) names_.emplace_back(name);
  return known->second;
}

std::uint32_t block_builder::find_column(std::uint32_t name, domain::value_kind kind) {
  for (std::size_t i = 0; i < column_count_; ++i)
    if (columns_[i].name == name && columns_[i].content.kind == kind)
      return static_cast<std::uint32_t>(i);
  if (column_count_ == columns_.size()) columns_.emplace_back();
  auto& column = columns_[column_count_];
  column.name = name;
  column.content.kind = kind;
  column.content.clear();
  return static_cast<std::uint32_t>(column_count_++);
}

void block_builder::put_dictionaries(std::string& out) const {
  put_varint(out, names_.size());
  for (const auto& name : names_) {
    put_varint(out, name.size());
    out.append(name);
  }
  put_varint(out, shapes_.size());
  for (const auto& shape : shapes_) {
    put_varint(out, shape.slots.size());
    for (const auto& slot : shape.slots)
      put_varint(out, std::uint64_t{slot.name} << 3 | static_cast<std::uint64_t>(slot.kind));
  }
}

block_header block_builder::header() const {
  block_header h;
  h.version = block_version;
  h.chain_before = before_;
  h.chain_after = chain_.end();
  h.first = first_;
  h.last = last_;
  h.inputs = static_cast<std::uint32_t>(positions_.size());
  h.readings = static_cast<std::uint32_t>(event_times_.size());
  h.values = static_cast<std::uint32_t>(values_);
  h.least_event_time_ns = std::numeric_limits<std::int64_t>::max();
  h.greatest_event_time_ns = std::numeric_limits<std::int64_t>::min();
  for (const auto t : event_times_) {
    h.least_event_time_ns = std::min(h.least_event_time_ns, t);
    h.greatest_event_time_ns = std::max(h.greatest_event_time_ns, t);
  }
  h.least_ingest_time_ns = least_ingest_ns_;
  h.greatest_ingest_time_ns = greatest_ingest_ns_;
  return h;
}

void block_builder::put_columns(std::string& out) const {
  put_dictionaries(out);
  encode_ints(positions_, out);
  encode_ints(indexes_, out);
  put_varint(out, other_count_);
  out.append(others_);
  encode_ints(reading_counts_, out);
  encode_times(event_times_, out);
  put_ingest_times(out);
  encode_ints(sequences_, out);
  encode_ints(shape_of_, out);
  for (std::size_t i = 0; i < column_count_; ++i) encode_column(columns_[i].content, out);
}

/// Data comes soon after it was measured: the delay takes fewer bits than the time.
void block_builder::put_ingest_times(std::string& out) const {
  if (ingest_times_.empty()) return;
  thread_local std::vector<std::int64_t> delays;
  thread_local std::string as_delays;
  delays.clear();
  as_delays.clear();
  std::size_t reading = 0;
  for (std::size_t i = 0; i < ingest_times_.size(); ++i) {
    const auto now = static_cast<std::uint64_t>(ingest_times_[i]);
    const auto event =
        reading_counts_[i] > 0 ? static_cast<std::uint64_t>(event_times_[reading]) : 0;
    delays.push_back(static_cast<std::int64_t>(now - event));
    reading += static_cast<std::size_t>(reading_counts_[i]);
  }
  encode_times(delays, as_delays);
  const auto start = out.size();
  out.push_back(0);
  encode_times(ingest_times_, out);
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
  clear();
  return out;
}

void block_builder::clear() {
  positions_.clear();
  indexes_.clear();
  others_.clear();
  other_count_ = 0;
  ingest_times_.clear();
  reading_counts_.clear();
  event_times_.clear();
  sequences_.clear();
  shape_of_.clear();
  names_.clear();
  name_index_.clear();
  shapes_.clear();
  shape_index_.clear();
  last_shape_ = 0;
  column_count_ = 0;
  values_ = heavy_bytes_ = 0;
}

std::string encode_block(const std::vector<const domain::input*>& inputs, const chain_value& before,
                         const block_settings& settings) {
  block_builder b(settings);
  b.begin(before);
  for (const auto* in : inputs) b.add(*in);
  return b.finish();
}

} // namespace pollux::persistence
