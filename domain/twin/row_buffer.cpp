// SPDX-License-Identifier: Apache-2.0
// Cells lie in one array, appended as they come; a row names its run of them. What was replaced or
// forgotten stays until half of the array is dead, then all is written anew.
#include "domain/twin/row_buffer.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <bit>
#include <cmath>

namespace pollux::domain {
namespace {

constexpr std::size_t max_loaded_rows = 4'000'000;

bool same(const value_view& a, const value_view& b) noexcept {
  if (a.numeric() && b.numeric()) return a.number() == b.number();
  if (a.kind != b.kind) return false;
  return a.kind != value_kind::text || a.bytes == b.bytes; // of samples the time has to do
}

} // namespace

value_view row_buffer::value(const cell& c) const noexcept {
  switch (c.kind) {
  case value_kind::f64: return value_view::of(std::bit_cast<double>(c.bits));
  case value_kind::i64: return value_view::of(static_cast<std::int64_t>(c.bits));
  case value_kind::boolean: return value_view::of(c.bits != 0);
  case value_kind::text:
    return value_view::text(std::string_view(texts_).substr(c.bits >> 16, c.bits & 0xffff));
  case value_kind::samples_f32:
  case value_kind::samples_i16: return value_view::samples(c.kind, {});
  case value_kind::none: break;
  }
  return {};
}

std::size_t row_buffer::first_after(std::int64_t time_ns) const noexcept {
  if (size() == 0 || rows_.back().time_ns <= time_ns) return size();
  const auto begin = rows_.begin() + static_cast<std::ptrdiff_t>(gone_);
  const auto at =
      std::upper_bound(begin, rows_.end(), time_ns,
                       [](std::int64_t t, const entry& row) { return t < row.time_ns; });
  return static_cast<std::size_t>(at - begin);
}

value_view row_buffer::find(std::int64_t time_ns, std::uint16_t slot) const noexcept {
  const auto after = first_after(time_ns);
  if (after == 0 || time(after - 1) != time_ns) return {};
  for (const auto& c : cells(after - 1))
    if (c.slot == slot) return value(c);
  return {};
}

bool row_buffer::holds(std::int64_t time_ns, std::span<const measured> values) const noexcept {
  const auto after = first_after(time_ns);
  if (after == 0 || time(after - 1) != time_ns) return false;
  return std::all_of(values.begin(), values.end(), [&](const measured& m) {
    const auto all = cells(after - 1);
    return std::any_of(all.begin(), all.end(),
                       [&](const cell& c) { return c.slot == m.slot && same(value(c), m.value); });
  });
}

void row_buffer::append(const measured& m) {
  cell c{0, m.slot, m.value.kind};
  switch (m.value.kind) {
  case value_kind::f64: c.bits = std::bit_cast<std::uint64_t>(m.value.f64); break;
  case value_kind::i64: c.bits = static_cast<std::uint64_t>(m.value.i64); break;
  case value_kind::boolean: c.bits = m.value.boolean ? 1 : 0; break;
  case value_kind::text:
    c.bits = texts_.size() << 16 | m.value.bytes.size();
    texts_.append(m.value.bytes);
    live_text_ += m.value.bytes.size();
    break;
  default: break;
  }
  cells_.push_back(c);
}

void row_buffer::insert(std::int64_t time_ns, std::span<const measured> values) {
  const auto after = first_after(time_ns);
  if (after > 0 && time(after - 1) == time_ns) {
    merge(rows_[gone_ + after - 1], values);
    return;
  }
  const entry row{time_ns, static_cast<std::uint32_t>(cells_.size()),
                  static_cast<std::uint32_t>(values.size())};
  for (const auto& m : values) append(m);
  rows_.insert(rows_.begin() + static_cast<std::ptrdiff_t>(gone_ + after), row);
}

void row_buffer::keep(std::size_t cell_index) {
  const auto kept = cells_[cell_index]; // by value: push_back may move the array
  if (kept.kind == value_kind::text) live_text_ += kept.bits & 0xffff;
  cells_.push_back(kept);
}

void row_buffer::bury(const entry& row) noexcept {
  dead_ += row.count;
  for (std::size_t i = row.first; i < std::size_t{row.first} + row.count; ++i)
    if (cells_[i].kind == value_kind::text) live_text_ -= cells_[i].bits & 0xffff;
}

void row_buffer::merge(entry& row, std::span<const measured> values) {
  const auto old_first = row.first, old_count = row.count;
  const auto first = static_cast<std::uint32_t>(cells_.size());
  std::uint32_t i = 0;
  for (const auto& m : values) {
    for (; i < old_count && cells_[old_first + i].slot < m.slot; ++i) keep(old_first + i);
    if (i < old_count && cells_[old_first + i].slot == m.slot) ++i;
    append(m);
  }
  for (; i < old_count; ++i) keep(old_first + i);
  bury(row);
  row.first = first;
  row.count = static_cast<std::uint32_t>(cells_.size()) - first;
  tidy();
}

void row_buffer::forget_through(std::int64_t time_ns) {
  while (size() != 0 && time(0) <= time_ns) {
    bury(rows_[gone_++]);
  }
  tidy();
}

void row_buffer::tidy() {
  if (gone_ > 64 && gone_ * 2 > rows_.size()) {
    rows_.erase(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(gone_));
    gone_ = 0;
  }
  if (dead_ < 128 || dead_ * 2 < cells_.size()) return;
  std::vector<cell> cells;
  cells.reserve(cells_.size() - dead_ + dead_ / 2);
  std::string texts;
  for (auto r = rows_.begin() + static_cast<std::ptrdiff_t>(gone_); r != rows_.end(); ++r) {
    const auto first = static_cast<std::uint32_t>(cells.size());
    for (std::uint32_t i = 0; i < r->count; ++i) {
      auto c = cells_[r->first + i];
      if (c.kind == value_kind::text) {
        const auto text = value(c).bytes;
        c.bits = texts.size() << 16 | text.size();
        texts.append(text);
      }
      cells.push_back(c);
    }
    r->first = first;
  }
  cells_ = std::move(cells);
  texts_ = std::move(texts);
  dead_ = 0;
}

std::size_t row_buffer::heap_bytes() const noexcept {
  return rows_.capacity() * sizeof(entry) + cells_.capacity() * sizeof(cell) + texts_.capacity();
}

void row_buffer::save(byte_writer& out) const {
  out.u32(static_cast<std::uint32_t>(size()));
  for (std::size_t i = 0; i < size(); ++i) {
    out.i64(time(i));
    out.u16(static_cast<std::uint16_t>(cells(i).size()));
    for (const auto& c : cells(i)) {
      out.u16(c.slot);
      out.u8(static_cast<std::uint8_t>(c.kind));
      if (c.kind == value_kind::text)
        out.text(value(c).bytes);
      else
        out.u64(c.bits);
    }
  }
}

bool row_buffer::load(byte_reader& in, std::size_t slots) {
  *this = row_buffer{};
  const auto count = in.u32();
  if (count > max_loaded_rows) return false;
  std::vector<measured> values;
  std::int64_t last = no_time;
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    const auto t = in.i64();
    const std::uint32_t many = in.u16();
    if (t <= last || many > slots) return false;
    last = t;
    values.clear();
    for (std::uint32_t k = 0; k < many && in.ok(); ++k) {
      measured m;
      m.slot = in.u16();
      const auto kind = in.u8();
      if (kind < 1 || kind > 6 || m.slot >= slots) return false;
      if (!values.empty() && m.slot <= values.back().slot) return false;
      const auto type = static_cast<value_kind>(kind);
      if (type == value_kind::text) {
        m.value = value_view::text(in.text());
        if (m.value.bytes.size() > max_text_bytes) return false;
      } else {
        m.value = row_buffer{}.value({in.u64(), m.slot, type});
        if (type == value_kind::f64 && !std::isfinite(m.value.f64)) return false;
      }
      values.push_back(m);
    }
    if (!in.ok()) return false;
    insert(t, values);
  }
  return in.ok();
}

} // namespace pollux::domain
