// SPDX-License-Identifier: Apache-2.0
#include "persistence/input_columns.hpp"
#include "messages/segment.hpp"
#include <algorithm>

namespace pollux::persistence {

void input_columns::add(const domain::input& in) {
  const auto ordinal = static_cast<std::int64_t>(positions.size());
  positions.push_back(static_cast<std::int64_t>(in.id.at.value));
  indexes.push_back(in.id.index);
  if (in.kind != domain::input_kind::readings) {
    const auto before = other_bytes.size();
    messages::encode_input(in, other_bytes);
    other_at.push_back(ordinal);
    other_sizes.push_back(static_cast<std::int64_t>(other_bytes.size() - before));
    heavy_bytes += other_bytes.size() - before;
    return;
  }
  ingest_times.push_back(in.ingest_time_ns);
  counts.push_back(static_cast<std::int64_t>(in.readings.size()));
  for (const auto& r : in.readings) add_reading(in, r);
}

void input_columns::add_reading(const domain::input& in, const domain::reading& r) {
  const auto* fields = in.fields.data() + r.first;
  if (last_shape_ >= shapes.size() || !is_shape(shapes[last_shape_], fields, r.count))
    last_shape_ = find_shape(fields, r.count);
  event_times.push_back(r.event_time_ns);
  sequences.push_back(static_cast<std::int64_t>(r.sequence));
  shape_of.push_back(static_cast<std::int64_t>(last_shape_));
  for (std::size_t i = 0; i < r.count; ++i) {
    columns[shapes[last_shape_][i].column].content.add(fields[i].value);
    heavy_bytes += fields[i].value.bytes.size();
  }
  values += r.count;
}

bool input_columns::is_shape(const std::vector<slot>& shape, const domain::field* fields,
                             std::size_t count) const {
  if (shape.size() != count) return false;
  for (std::size_t i = 0; i < count; ++i)
    if (shape[i].kind != fields[i].value.kind || names[shape[i].name] != fields[i].name)
      return false;
  return true;
}

std::size_t input_columns::find_shape(const domain::field* fields, std::size_t count) {
  std::vector<slot> shape;
  std::string signature;
  for (std::size_t i = 0; i < count; ++i) {
    shape.push_back({find_name(fields[i].name), fields[i].value.kind, 0});
    put_varint(signature, std::uint64_t{shape.back().name} << 3 |
                              static_cast<std::uint64_t>(shape.back().kind));
  }
  const auto [known, fresh] = shape_index_.emplace(std::move(signature), shapes.size());
  if (!fresh) return known->second;
  for (auto& s : shape) s.column = find_column(s.name, s.kind);
  shapes.push_back(std::move(shape));
  return shapes.size() - 1;
}

std::uint32_t input_columns::find_name(std::string_view name) {
  const auto [known, fresh] =
      name_index_.emplace(std::string(name), static_cast<std::uint32_t>(names.size()));
  if (fresh) names.emplace_back(name);
  return known->second;
}

std::uint32_t input_columns::find_column(std::uint32_t name, domain::value_kind kind) {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i].name == name && columns[i].content.kind == kind)
      return static_cast<std::uint32_t>(i);
  auto& column = columns.emplace_back();
  column.name = name;
  column.content.kind = kind;
  return static_cast<std::uint32_t>(columns.size() - 1);
}

void input_columns::name_columns() {
  columns.clear();
  for (auto& shape : shapes)
    for (auto& s : shape) s.column = find_column(s.name, s.kind);
}

void input_columns::clear() { *this = {}; }

std::vector<std::size_t> input_columns::column_sizes() const {
  std::vector<std::size_t> used(shapes.size()), sizes(columns.size());
  for (const auto s : shape_of) ++used[static_cast<std::size_t>(s)];
  for (std::size_t i = 0; i < shapes.size(); ++i)
    for (const auto& s : shapes[i]) sizes[s.column] += used[i];
  return sizes;
}

bool input_columns::fits() const {
  if (indexes.size() != positions.size() || other_sizes.size() != other_at.size() ||
      other_at.size() > positions.size())
    return false;
  std::int64_t least = 0;
  for (const auto at : other_at) {
    if (at < least || at >= static_cast<std::int64_t>(positions.size())) return false;
    least = at + 1;
  }
  std::uint64_t bytes = 0;
  for (const auto size : other_sizes) {
    if (size < 0 || static_cast<std::uint64_t>(size) > other_bytes.size()) return false;
    bytes += static_cast<std::uint64_t>(size);
  }
  if (bytes != other_bytes.size() || ingest_times.size() != positions.size() - other_at.size() ||
      counts.size() != ingest_times.size() || sequences.size() != event_times.size() ||
      shape_of.size() != event_times.size())
    return false;
  std::uint64_t readings = 0;
  for (const auto n : counts) {
    if (n < 0 || static_cast<std::uint64_t>(n) > event_times.size()) return false;
    readings += static_cast<std::uint64_t>(n);
  }
  return readings == event_times.size() &&
         std::all_of(shape_of.begin(), shape_of.end(), [&](std::int64_t s) {
           return s >= 0 && static_cast<std::size_t>(s) < shapes.size();
         });
}

status input_columns::visit(const std::function<void(const domain::input&)>& visit) const {
  std::vector<std::size_t> next_of(columns.size());
  std::size_t other = 0, other_begin = 0, with_readings = 0, reading = 0;
  domain::input in;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    in.clear();
    if (other < other_at.size() && other_at[other] == static_cast<std::int64_t>(i)) {
      const auto size = static_cast<std::size_t>(other_sizes[other++]);
      const auto bytes = std::string_view(other_bytes).substr(other_begin, size);
      other_begin += size;
      if (auto s = messages::decode_input(bytes, in); !s) return s;
    } else {
      in.kind = domain::input_kind::readings;
      in.ingest_time_ns = ingest_times[with_readings];
      for (auto n = counts[with_readings++]; n > 0; --n, ++reading) {
        const auto& shape = shapes[static_cast<std::size_t>(shape_of[reading])];
        in.readings.push_back({.event_time_ns = event_times[reading],
                               .sequence = static_cast<std::uint64_t>(sequences[reading]),
                               .first = static_cast<std::uint32_t>(in.fields.size()),
                               .count = static_cast<std::uint32_t>(shape.size())});
        for (const auto& s : shape)
          in.fields.push_back({names[s.name], columns[s.column].content.at(next_of[s.column]++)});
      }
    }
    in.id = {{static_cast<std::uint64_t>(positions[i])}, static_cast<std::uint32_t>(indexes[i])};
    visit(in);
  }
  return {};
}

} // namespace pollux::persistence
