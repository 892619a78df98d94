// SPDX-License-Identifier: Apache-2.0
#include "persistence/block_builder.hpp"
#include "domain/base/bytes.hpp"
#include "messages/segment.hpp"
#include "persistence/block_format.hpp"
#include "persistence/crc32c.hpp"
#include "persistence/int_column.hpp"
#include <algorithm>
#include <limits>

namespace pollux::persistence {

namespace {
constexpr std::size_t enough_values = 64 << 10;
constexpr std::size_t enough_bytes = 1 << 20;
} // namespace

bool block_builder::full() const noexcept {
  return positions_.size() >= max_inputs_per_block || values_ >= enough_values ||
         heavy_bytes_ >= enough_bytes;
}

void block_builder::add(const domain::input& in) {
  if (empty()) first_ = in.id;
  last_ = in.id;
  const auto ordinal = positions_.size();
  positions_.push_back(static_cast<std::int64_t>(in.id.at.value));
  indexes_.push_back(in.id.index);
  if (in.kind != domain::input_kind::readings) {
    thread_local std::string encoded;
    encoded.clear();
    messages::encode_input(in, encoded);
    put_varint(others_, ordinal);
    put_varint(others_, encoded.size());
    others_.append(encoded);
    heavy_bytes_ += encoded.size();
    ++other_count_;
    return;
  }
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

std::string block_builder::finish(std::uint64_t previous_hash) {
  block_header h;
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
  h.previous_hash = previous_hash;
  std::string out;
  out.reserve(block_header_bytes + 256 + 4 * values_ + heavy_bytes_ + 2 * positions_.size());
  put_header(h, out);
  put_dictionaries(out);
  encode_ints(positions_, out);
  encode_ints(indexes_, out);
  put_varint(out, other_count_);
  out.append(others_);
  encode_times(ingest_times_, out);
  encode_ints(reading_counts_, out);
  encode_times(event_times_, out);
  encode_ints(sequences_, out);
  encode_ints(shape_of_, out);
  for (std::size_t i = 0; i < column_count_; ++i) encode_column(columns_[i].content, out);
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

std::string encode_block(const std::vector<const domain::input*>& inputs,
                         std::uint64_t previous_hash) {
  block_builder b;
  for (const auto* in : inputs) b.add(*in);
  return b.finish(previous_hash);
}

} // namespace pollux::persistence
