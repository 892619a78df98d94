// SPDX-License-Identifier: Apache-2.0
#include "persistence/columns_digest.hpp"
#include "messages/hash.hpp"

namespace pollux::persistence {

namespace {

using word = std::uint64_t;

/// What a number is counted as; the columns of values have a hash of their name for it.
enum column : word { positions = 1, indexes, arrivals, counts, events, sequences, shapes, others };

/// Where a number stands goes into what is summed up, so the sum holds the order too.
word mixed(word value, word place, word which) noexcept {
  word x = value + (place + 1) * 0x9e3779b97f4a7c15u + which * 0xd6e8feb86659fd93u;
  x ^= x >> 32;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 29;
  x *= 0x94d049bb133111ebu;
  return x ^ x >> 32;
}

word sum_of(const std::vector<std::int64_t>& numbers, std::size_t from, std::size_t count,
            word place, word which) noexcept {
  word sum = 0;
  for (std::size_t i = 0; i < count; ++i)
    sum += mixed(static_cast<word>(numbers[from + i]), place + i, which);
  return sum;
}

word name_of(const input_columns& c, std::uint32_t name, domain::value_kind kind) noexcept {
  return messages::hash64(c.names[name], static_cast<word>(kind));
}

} // namespace

word& columns_digest::place_in(word column) {
  for (auto& [which, place] : columns_)
    if (which == column) return place;
  return columns_.emplace_back(column, 0).second;
}

void columns_digest::add(const input_columns& c, std::size_t from, std::size_t to) {
  const auto s = c.span_of(from, to);
  sum_ += sum_of(c.positions, from, to - from, inputs_, column::positions);
  sum_ += sum_of(c.indexes, from, to - from, inputs_, column::indexes);
  auto at = s.first_other_byte;
  for (std::size_t i = s.first_other; i < s.first_other + s.others; ++i) {
    const auto size = static_cast<std::size_t>(c.other_sizes[i]);
    const auto place = static_cast<word>(c.other_at[i]) - from + inputs_;
    sum_ += mixed(messages::hash64(std::string_view(c.other_bytes).substr(at, size)), place,
                  column::others);
    at += size;
  }
  sum_ += sum_of(c.ingest_times, s.first_with_readings, s.with_readings, with_readings_,
                 column::arrivals);
  sum_ += sum_of(c.counts, s.first_with_readings, s.with_readings, with_readings_, column::counts);
  sum_ += sum_of(c.event_times, s.first_reading, s.readings, readings_, column::events);
  sum_ += sum_of(c.sequences, s.first_reading, s.readings, readings_, column::sequences);
  add_values(c, s);
  inputs_ += to - from;
  with_readings_ += s.with_readings;
  readings_ += s.readings;
}

void columns_digest::add_values(const input_columns& c, const input_columns::span& s) {
  std::vector<word> shape_names;
  for (const auto& shape : c.shapes) {
    word name = shape.size();
    for (const auto& slot : shape)
      name = mixed(name, name_of(c, slot.name, slot.kind), column::shapes);
    shape_names.push_back(name);
  }
  for (std::size_t i = 0; i < s.readings; ++i)
    sum_ += mixed(shape_names[static_cast<std::size_t>(c.shape_of[s.first_reading + i])],
                  readings_ + i, column::shapes);
  const auto before = c.column_sizes(0, s.first_reading);
  const auto sizes = c.column_sizes(s.first_reading, s.first_reading + s.readings);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto& content = c.columns[i].content;
    const auto which = name_of(c, c.columns[i].name, content.kind);
    auto& place = place_in(which);
    if (content.texts.empty() && !content.numbers.empty())
      sum_ += sum_of(content.numbers, before[i], sizes[i], place, which);
    for (std::size_t n = 0; !content.texts.empty() && n < sizes[i]; ++n)
      sum_ += mixed(messages::hash64(content.texts[before[i] + n]), place + n, which);
    place += sizes[i];
  }
}

} // namespace pollux::persistence
