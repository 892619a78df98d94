// SPDX-License-Identifier: Apache-2.0
// The inputs are encoded once, as they come, into one buffer; the dictionaries grow beside it.
// finish() joins them with one copy, so a segment's memory is exactly its size and the buffer
// stays warm for the next flush.
#include "domain/base/ensure.hpp"
#include "messages/input_codec.hpp"
#include "messages/segment.hpp"
#include "messages/wire.hpp"
#include <algorithm>

namespace pollux::messages {
namespace {

/// Which dictionary entry a directory row has in the segment that is being built.
class row_table {
public:
  /// The place to read or set; meaningful when `fresh` is false.
  std::uint32_t& find(std::uint32_t row, bool& fresh) {
    if ((taken_ + 1) * 2 > slots_.size()) grow();
    auto& s = slot_of(row);
    fresh = s.generation != generation_;
    if (fresh) {
      s = {generation_, row, 0};
      ++taken_;
    }
    return s.index;
  }
  void clear() noexcept {
    taken_ = 0;
    if (++generation_ != 0) return;
    for (auto& s : slots_) s.generation = 0;
    generation_ = 1;
  }

private:
  struct slot {
    std::uint32_t generation = 0, row = 0, index = 0;
  };
  slot& slot_of(std::uint32_t row) noexcept {
    const auto mask = slots_.size() - 1;
    auto i = (row * 0x9e3779b97f4a7c15ULL >> 32) & mask;
    while (slots_[i].generation == generation_ && slots_[i].row != row) i = (i + 1) & mask;
    return slots_[i];
  }
  void grow() {
    const auto old = std::move(slots_);
    slots_.assign(old.empty() ? 64 : old.size() * 2, slot{});
    for (const auto& s : old)
      if (s.generation == generation_) slot_of(s.row) = s;
  }
  std::size_t taken_ = 0;
  std::uint32_t generation_ = 1;
  std::vector<slot> slots_;
};

constexpr std::size_t keep_bytes = std::size_t{1}
                                   << 20; ///< a rare huge flush gives its memory back

} // namespace

struct segment_builder::body {
  std::string inputs; ///< resized ahead; `used` bytes of it are written
  std::size_t used = 0;
  std::vector<segment_entry> entries; ///< offsets into `inputs`
  std::vector<std::uint32_t> rows;    ///< per twin of the dictionary
  dictionary_writer twins{2}, names{3};
  row_table by_row;
  input_encoder encoder;
  std::uint64_t readings = 0;

  std::uint32_t twin_index(std::uint32_t row, std::string_view id) {
    if (id.empty()) return shard_wide_twin;
    std::uint32_t index = 0;
    if (row == no_row) {
      index = twins.index_of(id);
    } else {
      bool fresh = false;
      auto& known = by_row.find(row, fresh);
      if (fresh) known = twins.append(id);
      index = known;
    }
    if (index == rows.size()) rows.push_back(row);
    return index;
  }
  void reserve(std::size_t more) {
    if (inputs.size() - used >= more) return;
    ensure(used + more < 0xf0000000, "a segment of 4 GiB");
    inputs.resize(std::max({used + more, inputs.size() * 2, std::size_t{4096}}));
  }
  void clear() {
    if (inputs.size() > keep_bytes && used < inputs.size() / 8) {
      inputs.resize(keep_bytes);
      inputs.shrink_to_fit();
    }
    used = 0;
    entries.clear();
    rows.clear();
    twins.clear();
    names.clear();
    by_row.clear();
    readings = 0;
  }
};

segment_builder::segment_builder() : body_(std::make_unique<body>()) {}
segment_builder::~segment_builder() = default;
segment_builder::segment_builder(segment_builder&&) noexcept = default;

std::uint32_t segment_builder::add(std::uint32_t row, std::string_view id,
                                   const domain::input& in) {
  auto& b = *body_;
  const auto twin = b.twin_index(row, id);
  const auto size = b.encoder.measure(in, twin, b.names);
  b.reserve(1 + varint_size(size) + size);
  wire_writer to(b.inputs.data() + b.used);
  to.tag(4, wire_type::bytes);
  to.varint(size);
  const auto start = static_cast<std::size_t>(to.at() - b.inputs.data());
  b.encoder.write(in, twin, to.at());
  b.used = start + size;
  const auto readings = static_cast<std::uint32_t>(in.readings.size());
  b.entries.push_back({twin, static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(size),
                       in.kind, readings});
  b.readings += readings;
  return static_cast<std::uint32_t>(b.entries.size() - 1);
}

bool segment_builder::empty() const noexcept { return body_->entries.empty(); }
std::size_t segment_builder::size_bytes() const noexcept {
  return 2 + body_->twins.bytes().size() + body_->names.bytes().size() + body_->used;
}
std::size_t segment_builder::inputs() const noexcept { return body_->entries.size(); }
std::uint64_t segment_builder::readings() const noexcept { return body_->readings; }

std::shared_ptr<segment> segment_builder::finish() {
  auto& b = *body_;
  auto out = std::make_shared<segment>(segment::key{});
  auto& bytes = out->bytes_;
  bytes.reserve(size_bytes());
  bytes.push_back(static_cast<char>(wire_tag(1, wire_type::varint)));
  bytes.push_back(static_cast<char>(segment_format));
  const auto twins_at = bytes.size();
  bytes.append(b.twins.bytes());
  const auto names_at = bytes.size();
  bytes.append(b.names.bytes());
  const auto inputs_at = static_cast<std::uint32_t>(bytes.size());
  bytes.append(b.inputs.data(), b.used);
  b.twins.views_into(bytes.data() + twins_at, out->twins_);
  b.names.views_into(bytes.data() + names_at, out->names_);
  out->entries_ = b.entries;
  for (auto& entry : out->entries_) entry.offset += inputs_at;
  out->rows = b.rows;
  out->readings_ = b.readings;
  b.clear();
  return out;
}

} // namespace pollux::messages
