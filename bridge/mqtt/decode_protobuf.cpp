// SPDX-License-Identifier: Apache-2.0
// telemetry.proto by hand: names, texts and samples stay views into the payload.
#include "bridge/mqtt/decode_rows.hpp"
#include "messages/wire.hpp"

namespace pollux::bridge {
namespace {

using domain::value_kind;
using domain::value_view;
using messages::wire_reader;
using messages::wire_tag;
using messages::wire_type;

bool read_value(std::string_view bytes, row_collector& rows) {
  wire_reader from(bytes);
  std::string_view name;
  value_view value;
  while (!from.done()) {
    switch (const auto tag = from.tag()) {
    case wire_tag(1, wire_type::bytes): name = from.bytes(); break;
    case wire_tag(2, wire_type::fixed64):
      value = value_view::of(std::bit_cast<double>(from.fixed64()));
      break;
    case wire_tag(3, wire_type::varint):
      value = value_view::of(messages::unzigzag(from.varint()));
      break;
    case wire_tag(4, wire_type::varint): value = value_view::of(from.varint() != 0); break;
    case wire_tag(5, wire_type::bytes): value = value_view::text(from.bytes()); break;
    case wire_tag(6, wire_type::bytes):
      value = value_view::samples(value_kind::samples_f32, from.bytes());
      break;
    case wire_tag(7, wire_type::bytes):
      value = value_view::samples(value_kind::samples_i16, from.bytes());
      break;
    default: from.skip(tag);
    }
  }
  if (!from.ok()) return false;
  if (value.kind == value_kind::none)
    rows.add_missing();
  else
    rows.add(name, value);
  return true;
}

bool read_reading(std::string_view bytes, row_collector& rows) {
  wire_reader from(bytes);
  while (!from.done()) {
    switch (const auto tag = from.tag()) {
    case wire_tag(1, wire_type::fixed64):
      if (const auto time = static_cast<std::int64_t>(from.fixed64()); time != 0)
        rows.set_time(time);
      break;
    case wire_tag(2, wire_type::varint): rows.set_sequence(from.varint()); break;
    case wire_tag(3, wire_type::bytes):
      if (!read_value(from.bytes(), rows)) return false;
      break;
    default: from.skip(tag);
    }
  }
  return from.ok();
}

} // namespace

void read_protobuf(std::string_view payload, row_collector& rows) {
  wire_reader from(payload);
  std::size_t number = 0;
  bool good = true;
  while (good && !from.done()) {
    const auto tag = from.tag();
    if (tag != wire_tag(1, wire_type::bytes)) {
      from.skip(tag);
      continue;
    }
    rows.begin_row(++number);
    good = read_reading(from.bytes(), rows);
    if (good && from.ok()) rows.end_row();
  }
  if (!good || !from.ok())
    return rows.refuse_message(messages::quarantine_reason::malformed,
                               "not a Protobuf Batch: damaged, or cut off, in reading " +
                                   std::to_string(number));
  if (number == 0)
    rows.refuse_message(messages::quarantine_reason::malformed,
                        "a Protobuf Batch without readings");
}

} // namespace pollux::bridge
