// SPDX-License-Identifier: Apache-2.0
#include "persistence/input_columns.hpp"
#include "messages/segment.hpp"
#include <algorithm>

namespace pollux::persistence {

void input_columns::add(const domain::input& in) {
  const auto ordinal = static_cast<std::int64_t>(positions.size());
  least_ingest_ns = std::min(least_ingest_ns, in.ingest_time_ns);
  greatest_ingest_ns = std::max(greatest_ingest_ns, in.ingest_time_ns);
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
  for (std::size_t i = 0; i < count; ++i)
    shape.push_back({find_name(fields[i].name), fields[i].value.kind, 0});
  return find_shape(std::move(shape));
}

std::size_t input_columns::find_shape(std::vector<slot> shape) {
  std::string signature;
  for (const auto& s : shape)
    put_varint(signature, std::uint64_t{s.name} << 3 | static_cast<std::uint64_t>(s.kind));
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
  if (spare_.empty()) spare_.emplace_back();
  auto& column = columns.emplace_back(std::move(spare_.back()));
  spare_.pop_back();
  column.name = name;
  column.content.kind = kind;
  column.content.clear();
  return static_cast<std::uint32_t>(columns.size() - 1);
}

void input_columns::name_columns() {
  for (auto& column : columns) spare_.push_back(std::move(column));
  columns.clear();
  for (auto& shape : shapes)
    for (auto& s : shape) s.column = find_column(s.name, s.kind);
}

void input_columns::clear() {
  for (auto* numbers : {&positions, &indexes, &ingest_times, &counts, &event_times, &sequences,
                        &shape_of, &other_at, &other_sizes})
    numbers->clear();
  other_bytes.clear();
  names.clear();
  shapes.clear();
  for (auto column = columns.rbegin(); column != columns.rend(); ++column)
    spare_.push_back(std::move(*column));
  columns.clear();
  values = heavy_bytes = last_shape_ = 0;
  least_ingest_ns = INT64_MAX;
  greatest_ingest_ns = INT64_MIN;
  name_index_.clear();
  shape_index_.clear();
}

std::vector<std::size_t> input_columns::column_sizes(std::size_t from, std::size_t to) const {
  std::vector<std::size_t> used(shapes.size()), sizes(columns.size());
  for (; from < to; ++from) ++used[static_cast<std::size_t>(shape_of[from])];
  for (std::size_t i = 0; i < shapes.size(); ++i)
    for (const auto& s : shapes[i]) sizes[s.column] += used[i];
  return sizes;
}

input_columns::span input_columns::span_of(std::size_t from, std::size_t to) const {
  span out;
  for (std::size_t i = 0; i < other_at.size(); ++i) {
    const auto at = static_cast<std::size_t>(other_at[i]);
    const auto size = static_cast<std::size_t>(other_sizes[i]);
    if (at < from) {
      ++out.first_other;
      out.first_other_byte += size;
    } else if (at < to) {
      ++out.others;
      out.other_bytes += size;
    }
  }
  out.first_with_readings = from - out.first_other;
  out.with_readings = to - from - out.others;
  const auto* count = counts.data();
  for (std::size_t i = 0; i < out.first_with_readings; ++i)
    out.first_reading += static_cast<std::size_t>(*count++);
  for (std::size_t i = 0; i < out.with_readings; ++i)
    out.readings += static_cast<std::size_t>(*count++);
  return out;
}

namespace {
template <class Numbers>
void take(Numbers& out, const Numbers& in, std::size_t first, std::size_t count) {
  const auto begin = in.begin() + static_cast<std::ptrdiff_t>(first);
  out.insert(out.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
}
} // namespace

status input_columns::append(const input_columns& decoded, std::size_t from, std::size_t to) {
  if (from >= to) return {};
  const auto s = decoded.span_of(from, to);
  if (auto noted = note_ingest_times(decoded, s); !noted) return noted;
  const auto shift = static_cast<std::int64_t>(positions.size()) - static_cast<std::int64_t>(from);
  take(positions, decoded.positions, from, to - from);
  take(indexes, decoded.indexes, from, to - from);
  for (std::size_t i = s.first_other; i < s.first_other + s.others; ++i)
    other_at.push_back(decoded.other_at[i] + shift);
  take(other_sizes, decoded.other_sizes, s.first_other, s.others);
  other_bytes.append(decoded.other_bytes, s.first_other_byte, s.other_bytes);
  heavy_bytes += s.other_bytes;
  take(ingest_times, decoded.ingest_times, s.first_with_readings, s.with_readings);
  take(counts, decoded.counts, s.first_with_readings, s.with_readings);
  append_readings(decoded, s);
  return {};
}

void input_columns::append_readings(const input_columns& decoded, const span& s) {
  take(event_times, decoded.event_times, s.first_reading, s.readings);
  take(sequences, decoded.sequences, s.first_reading, s.readings);
  constexpr std::int64_t not_met = -1;
  std::vector<std::int64_t> ours(decoded.shapes.size(), not_met);
  for (std::size_t i = s.first_reading; i < s.first_reading + s.readings; ++i) {
    const auto theirs = static_cast<std::size_t>(decoded.shape_of[i]);
    if (ours[theirs] == not_met) {
      auto shape = decoded.shapes[theirs];
      for (auto& named : shape) named.name = find_name(decoded.names[named.name]);
      ours[theirs] = static_cast<std::int64_t>(find_shape(std::move(shape)));
    }
    shape_of.push_back(ours[theirs]);
  }
  const auto before = decoded.column_sizes(0, s.first_reading);
  const auto sizes = decoded.column_sizes(s.first_reading, s.first_reading + s.readings);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) continue;
    const auto& column = decoded.columns[i];
    auto& into = columns[find_column(find_name(decoded.names[column.name]), column.content.kind)];
    heavy_bytes += into.content.append(column.content, before[i], sizes[i]);
    values += sizes[i];
  }
}

/// What an input without readings says of its arrival is in its bytes.
status input_columns::note_ingest_times(const input_columns& decoded, const span& s) {
  const auto note = [this](std::int64_t t) {
    least_ingest_ns = std::min(least_ingest_ns, t);
    greatest_ingest_ns = std::max(greatest_ingest_ns, t);
  };
  for (std::size_t i = 0; i < s.with_readings; ++i)
    note(decoded.ingest_times[s.first_with_readings + i]);
  auto at = s.first_other_byte;
  domain::input in;
  for (std::size_t i = s.first_other; i < s.first_other + s.others; ++i) {
    const auto size = static_cast<std::size_t>(decoded.other_sizes[i]);
    in.clear();
    if (auto read =
            messages::decode_input(std::string_view(decoded.other_bytes).substr(at, size), in);
        !read)
      return read;
    note(in.ingest_time_ns);
    at += size;
  }
  return {};
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
