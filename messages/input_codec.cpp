// SPDX-License-Identifier: Apache-2.0
#include "messages/input_codec.hpp"
#include "domain/base/ensure.hpp"
#include "messages/hash.hpp"
#include "messages/wire.hpp"

namespace pollux::messages {
namespace {

using domain::field;
using domain::input;
using domain::input_kind;
using domain::value_kind;
using domain::value_view;

constexpr auto as_varint = wire_type::varint;
constexpr auto as_fixed = wire_type::fixed64;
constexpr auto as_bytes = wire_type::bytes;

std::size_t bytes_size(std::size_t size) noexcept { return varint_size(size) + size; }

std::size_t number_size(std::uint32_t number, std::uint64_t v) noexcept {
  return v == 0 ? 0 : (number < 16 ? 1U : 2U) + varint_size(v);
}
std::size_t fixed_size(std::uint32_t number, std::uint64_t v) noexcept {
  return v == 0 ? 0 : (number < 16 ? 1U : 2U) + 8;
}
std::size_t text_size(std::uint32_t number, std::string_view v) noexcept {
  return v.empty() ? 0 : (number < 16 ? 1U : 2U) + bytes_size(v.size());
}

std::size_t value_size(const value_view& v) noexcept {
  switch (v.kind) {
  case value_kind::none: return 0;
  case value_kind::f64: return 9;
  case value_kind::i64: return 1 + varint_size(zigzag(v.i64));
  case value_kind::boolean: return 2;
  case value_kind::text:
  case value_kind::samples_f32:
  case value_kind::samples_i16: return 1 + bytes_size(v.bytes.size());
  }
  return 0;
}

std::size_t field_size(const field& f, std::uint32_t name) noexcept {
  return number_size(1, name) + value_size(f.value);
}

void write_value(wire_writer& to, const value_view& v) noexcept {
  switch (v.kind) {
  case value_kind::none: return;
  case value_kind::f64: to.tag(2, as_fixed); return to.raw64(std::bit_cast<std::uint64_t>(v.f64));
  case value_kind::i64: to.tag(3, as_varint); return to.varint(zigzag(v.i64));
  case value_kind::boolean: to.tag(4, as_varint); return to.varint(v.boolean ? 1 : 0);
  case value_kind::text: return to.bytes(5, v.bytes);
  case value_kind::samples_f32: return to.bytes(6, v.bytes);
  case value_kind::samples_i16: return to.bytes(7, v.bytes);
  }
}

void write_field(wire_writer& to, std::uint32_t number, const field& f,
                 std::uint32_t name) noexcept {
  to.tag(number, as_bytes);
  to.varint(field_size(f, name));
  to.number(1, name);
  write_value(to, f.value);
}

/// All that is not a reading, a field or the twin: a reading's input has only kind and time.
std::size_t scalars_size(const input& in) noexcept {
  std::size_t size = number_size(1, static_cast<std::uint64_t>(in.kind)) +
                     fixed_size(3, static_cast<std::uint64_t>(in.ingest_time_ns));
  if (in.kind == input_kind::readings) return size;
  size += text_size(6, in.command_id) + text_size(7, in.command_name) +
          fixed_size(8, static_cast<std::uint64_t>(in.expires_at_ns)) + number_size(9, in.accepted);
  size += text_size(10, in.incident) + text_size(11, in.by) + text_size(12, in.detail) +
          number_size(13, in.timer) + number_size(14, in.generation);
  size += text_size(15, in.model_hash) + text_size(16, in.model_name) +
          number_size(17, in.incarnation) + number_size(18, in.connected);
  size += fixed_size(19, in.skipped.at.value) + number_size(20, in.skipped.index);
  return size + number_size(21, static_cast<std::uint64_t>(in.verb)) + text_size(22, in.rule);
}

void write_event(wire_writer& to, const input& in) noexcept {
  to.text(6, in.command_id);
  to.text(7, in.command_name);
  to.fixed(8, static_cast<std::uint64_t>(in.expires_at_ns));
  to.number(9, in.accepted);
  to.text(10, in.incident);
  to.text(11, in.by);
  to.text(12, in.detail);
  to.number(13, in.timer);
  to.number(14, in.generation);
  to.text(15, in.model_hash);
  to.text(16, in.model_name);
  to.number(17, in.incarnation);
  to.number(18, in.connected);
  to.fixed(19, in.skipped.at.value);
  to.number(20, in.skipped.index);
  to.number(21, static_cast<std::uint64_t>(in.verb));
  to.text(22, in.rule);
}

bool known(std::uint32_t kind) noexcept {
  return kind <= static_cast<std::uint32_t>(input_kind::properties_changed) ||
         (kind >= static_cast<std::uint32_t>(input_kind::model_changed) &&
          kind <= static_cast<std::uint32_t>(input_kind::input_skipped));
}

/// A Field in the shape a device's number nearly always has: a small name and a double.
bool decode_plain_number(std::string_view bytes, const std::vector<std::string_view>& names,
                         field& out) noexcept {
  std::size_t name = 0;
  const char* at = bytes.data();
  if (bytes.size() == 11 && at[0] == 0x08) {
    name = static_cast<unsigned char>(at[1]);
    at += 2;
  } else if (bytes.size() != 9) {
    return false;
  }
  if (name >= 0x80 || name >= names.size() || at[0] != 0x11) return false;
  double v;
  std::memcpy(&v, at + 1, sizeof v);
  out.name = names[name];
  out.value = value_view::of(v);
  return true;
}

bool decode_field(std::string_view bytes, const std::vector<std::string_view>& names,
                  std::vector<field>& out) {
  auto& f = out.emplace_back();
  if (decode_plain_number(bytes, names, f)) return true;
  wire_reader from(bytes);
  std::uint32_t name = 0;
  while (!from.done()) {
    switch (const auto tag = from.tag()) {
    case wire_tag(1, as_varint): name = from.small(); break;
    case wire_tag(2, as_fixed):
      f.value = value_view::of(std::bit_cast<double>(from.fixed64()));
      break;
    case wire_tag(3, as_varint): f.value = value_view::of(unzigzag(from.varint())); break;
    case wire_tag(4, as_varint): f.value = value_view::of(from.varint() != 0); break;
    case wire_tag(5, as_bytes): f.value = value_view::text(from.bytes()); break;
    case wire_tag(6, as_bytes):
      f.value = value_view::samples(value_kind::samples_f32, from.bytes());
      break;
    case wire_tag(7, as_bytes):
      f.value = value_view::samples(value_kind::samples_i16, from.bytes());
      break;
    default: from.skip(tag);
    }
  }
  if (!from.ok() || name >= names.size()) return false;
  f.name = names[name];
  return true;
}

bool decode_reading(std::string_view bytes, const std::vector<std::string_view>& names,
                    input& out) {
  auto& r = out.readings.emplace_back();
  r.first = static_cast<std::uint32_t>(out.fields.size());
  wire_reader from(bytes);
  while (!from.done()) {
    switch (const auto tag = from.tag()) {
    case wire_tag(1, as_fixed): r.event_time_ns = static_cast<std::int64_t>(from.fixed64()); break;
    case wire_tag(2, as_varint): r.sequence = from.varint(); break;
    case wire_tag(3, as_bytes):
      if (!decode_field(from.bytes(), names, out.fields)) return false;
      break;
    default: from.skip(tag);
    }
  }
  r.count = static_cast<std::uint32_t>(out.fields.size()) - r.first;
  return from.ok();
}

/// Fields 6 to 22: what readings do not have.
void decode_event(wire_reader& from, std::uint32_t tag, input& out) {
  switch (tag) {
  case wire_tag(6, as_bytes): out.command_id = from.bytes(); return;
  case wire_tag(7, as_bytes): out.command_name = from.bytes(); return;
  case wire_tag(8, as_fixed): out.expires_at_ns = static_cast<std::int64_t>(from.fixed64()); return;
  case wire_tag(9, as_varint): out.accepted = from.varint() != 0; return;
  case wire_tag(10, as_bytes): out.incident = from.bytes(); return;
  case wire_tag(11, as_bytes): out.by = from.bytes(); return;
  case wire_tag(12, as_bytes): out.detail = from.bytes(); return;
  case wire_tag(13, as_varint): out.timer = from.small(); return;
  case wire_tag(14, as_varint): out.generation = from.varint(); return;
  case wire_tag(15, as_bytes): out.model_hash = from.bytes(); return;
  case wire_tag(16, as_bytes): out.model_name = from.bytes(); return;
  case wire_tag(17, as_varint): out.incarnation = from.small(); return;
  case wire_tag(18, as_varint): out.connected = from.varint() != 0; return;
  case wire_tag(19, as_fixed): out.skipped.at.value = from.fixed64(); return;
  case wire_tag(20, as_varint): out.skipped.index = from.small(); return;
  case wire_tag(21, as_varint): { // a later release's verb is none of ours
    const auto verb = from.small();
    const auto last = static_cast<std::uint32_t>(domain::alert_verb::stop_maintenance);
    out.verb = verb <= last ? static_cast<domain::alert_verb>(verb) : domain::alert_verb::none;
    return;
  }
  case wire_tag(22, as_bytes): out.rule = from.bytes(); return;
  default: from.skip(tag);
  }
}

} // namespace

std::uint32_t dictionary_writer::append(std::string_view text) {
  char head[11];
  wire_writer to(head);
  to.tag(field_, as_bytes);
  to.varint(text.size());
  bytes_.append(head, static_cast<std::size_t>(to.at() - head));
  places_.push_back(
      {static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(text.size())});
  bytes_.append(text);
  return size() - 1;
}

std::uint32_t dictionary_writer::index_of(std::string_view text) {
  // devices of a kind name their fields in the same order: the next name is usually the next entry
  if (expected_ < size() && at(expected_) == text) return expected_++;
  if ((std::size_t{hashed_} + 1) * 2 > slots_.size()) grow();
  const auto hash = hash64(text);
  const auto mask = slots_.size() - 1;
  for (auto i = static_cast<std::size_t>(hash) & mask;; i = (i + 1) & mask) {
    auto& s = slots_[i];
    if (s.generation != generation_) {
      s = {generation_, append(text), hash};
      ++hashed_;
      expected_ = s.index + 1;
      return s.index;
    }
    if (s.hash == hash && at(s.index) == text) {
      expected_ = s.index + 1;
      return s.index;
    }
  }
}

void dictionary_writer::grow() {
  const auto old = std::move(slots_);
  slots_.assign(old.empty() ? 64 : old.size() * 2, slot{});
  const auto mask = slots_.size() - 1;
  for (const auto& s : old) {
    if (s.generation != generation_) continue;
    auto i = static_cast<std::size_t>(s.hash) & mask;
    while (slots_[i].generation == generation_) i = (i + 1) & mask;
    slots_[i] = s;
  }
}

void dictionary_writer::views_into(const char* encoded, std::vector<std::string_view>& out) const {
  out.reserve(places_.size());
  for (const auto& p : places_) out.emplace_back(encoded + p.offset, p.size);
}

void dictionary_writer::clear() noexcept {
  bytes_.clear();
  places_.clear();
  hashed_ = 0;
  expected_ = 0;
  if (++generation_ != 0) return;
  for (auto& s : slots_) s.generation = 0; // every 2^32 segments the marks have to be wiped
  generation_ = 1;
}

std::size_t input_encoder::measure(const input& in, std::uint32_t twin, dictionary_writer& names) {
  field_names_.resize(in.fields.size());
  for (std::size_t i = 0; i < in.fields.size(); ++i)
    field_names_[i] = names.index_of(in.fields[i].name);
  std::size_t size = scalars_size(in) + number_size(2, twin + 1);
  sizes_.clear();
  if (in.readings.empty()) {
    for (std::size_t i = 0; i < in.fields.size(); ++i)
      size += 1 + bytes_size(field_size(in.fields[i], field_names_[i]));
    return size;
  }
  for (const auto& r : in.readings) {
    ensure(r.first <= in.fields.size() && r.count <= in.fields.size() - r.first,
           "a reading's fields lie outside its input");
    auto own =
        fixed_size(1, static_cast<std::uint64_t>(r.event_time_ns)) + number_size(2, r.sequence);
    for (std::size_t i = r.first; i < std::size_t{r.first} + r.count; ++i)
      own += 1 + bytes_size(field_size(in.fields[i], field_names_[i]));
    sizes_.push_back(static_cast<std::uint32_t>(own));
    size += 1 + bytes_size(own);
  }
  return size;
}

char* input_encoder::write(const input& in, std::uint32_t twin, char* at) const {
  wire_writer to(at);
  to.number(1, static_cast<std::uint64_t>(in.kind));
  to.number(2, twin + 1); // shard_wide_twin + 1 is 0, which is left out
  to.fixed(3, static_cast<std::uint64_t>(in.ingest_time_ns));
  for (std::size_t i = 0; i < in.readings.size(); ++i) {
    const auto& r = in.readings[i];
    to.tag(4, as_bytes);
    to.varint(sizes_[i]);
    to.fixed(1, static_cast<std::uint64_t>(r.event_time_ns));
    to.number(2, r.sequence);
    for (std::size_t f = r.first; f < std::size_t{r.first} + r.count; ++f)
      write_field(to, 3, in.fields[f], field_names_[f]);
  }
  if (in.readings.empty())
    for (std::size_t f = 0; f < in.fields.size(); ++f)
      write_field(to, 5, in.fields[f], field_names_[f]);
  if (in.kind != input_kind::readings) write_event(to, in);
  return to.at();
}

bool decode_fields(std::string_view bytes, const std::vector<std::string_view>& names,
                   std::size_t twins, std::uint32_t& twin, input& out) {
  const auto id = out.id;
  out.clear();
  out.id = id;
  twin = shard_wide_twin;
  std::uint32_t kind = 0;
  wire_reader from(bytes);
  while (!from.done()) {
    switch (const auto tag = from.tag()) {
    case wire_tag(1, as_varint): kind = from.small(); break;
    case wire_tag(2, as_varint): twin = from.small() - 1; break;
    case wire_tag(3, as_fixed):
      out.ingest_time_ns = static_cast<std::int64_t>(from.fixed64());
      break;
    case wire_tag(4, as_bytes):
      if (!decode_reading(from.bytes(), names, out)) return false;
      break;
    case wire_tag(5, as_bytes):
      if (!decode_field(from.bytes(), names, out.fields)) return false;
      break;
    default: decode_event(from, tag, out);
    }
  }
  if (!from.ok() || !known(kind) || (twin != shard_wide_twin && twin >= twins)) return false;
  out.kind = static_cast<input_kind>(kind);
  return true;
}

status split_segment(std::string_view bytes, segment_parts& out) {
  if (bytes.size() >= 0xffffffff) return failure{errc::corrupt, "segment of 4 GiB or more"};
  wire_reader from(bytes);
  while (!from.done()) {
    switch (const auto tag = from.tag()) {
    case wire_tag(1, as_varint): out.format = from.small(); break;
    case wire_tag(2, as_bytes): out.twins.push_back(from.bytes()); break;
    case wire_tag(3, as_bytes): out.names.push_back(from.bytes()); break;
    case wire_tag(4, as_bytes): out.inputs.push_back(from.bytes()); break;
    default: from.skip(tag);
    }
  }
  if (!from.ok()) return failure{errc::corrupt, "segment: damaged, or cut off"};
  if (out.format > segment_format)
    return failure{errc::version_mismatch, "segment format " + std::to_string(out.format) +
                                               " is newer than this release reads (" +
                                               std::to_string(segment_format) + ")"};
  if (out.format == 0) return failure{errc::corrupt, "segment: no format number"};
  return {};
}

} // namespace pollux::messages
