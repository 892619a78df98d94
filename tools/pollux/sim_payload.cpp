// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/sim_payload.hpp"
#include "domain/base/time.hpp"
#include "messages/wire.hpp"
#include <charconv>
#include <nlohmann/json.hpp>

namespace pollux::tools {

namespace {

using domain::value_kind;

template <class Number> void append_number(std::string& out, Number value) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
}

void append_text(std::string& out, std::string_view text) {
  out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void append_time(std::string& out, std::int64_t time_ns) {
  constexpr std::int64_t least_ms = 100'000'000'000; // below, a number may be taken for seconds
  if (time_ns % ns_per_ms == 0 && time_ns / ns_per_ms >= least_ms)
    append_number(out, time_ns / ns_per_ms);
  else
    append_text(out, format_rfc3339(time_ns));
}

void append_json(const domain::input& in, const domain::reading& one, std::string& out) {
  out += '{';
  bool first = true;
  const auto key = [&](std::string_view name) {
    if (!first) out += ',';
    first = false;
    append_text(out, name);
    out += ':';
  };
  if (one.event_time_ns != no_time) {
    key("ts");
    append_time(out, one.event_time_ns);
  }
  if (one.sequence != 0) {
    key("seq");
    append_number(out, one.sequence);
  }
  for (std::uint32_t i = one.first; i < one.first + one.count; ++i) {
    const auto& [name, value] = in.fields[i];
    if (value.kind != value_kind::text && !value.numeric()) continue;
    key(name);
    switch (value.kind) {
    case value_kind::f64: append_number(out, value.f64); break;
    case value_kind::i64: append_number(out, value.i64); break;
    case value_kind::boolean: out += value.boolean ? "true" : "false"; break;
    default: append_text(out, value.bytes);
    }
  }
  out += '}';
}

void append_varint(std::string& out, std::uint64_t v) {
  char bytes[10];
  messages::wire_writer writer(bytes);
  writer.varint(v);
  out.append(bytes, writer.at());
}
void append_tag(std::string& out, std::uint32_t field, messages::wire_type type) {
  append_varint(out, messages::wire_tag(field, type));
}
void append_fixed(std::string& out, std::uint32_t field, std::uint64_t v) {
  append_tag(out, field, messages::wire_type::fixed64);
  char bytes[8];
  messages::wire_writer(bytes).raw64(v);
  out.append(bytes, sizeof bytes);
}
void append_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  append_tag(out, field, messages::wire_type::bytes);
  append_varint(out, bytes.size());
  out.append(bytes);
}

void append_value(std::string& out, const domain::value_view& value) {
  switch (value.kind) {
  case value_kind::f64: append_fixed(out, 2, std::bit_cast<std::uint64_t>(value.f64)); break;
  case value_kind::i64:
    append_tag(out, 3, messages::wire_type::varint);
    append_varint(out, messages::zigzag(value.i64));
    break;
  case value_kind::boolean:
    append_tag(out, 4, messages::wire_type::varint);
    append_varint(out, value.boolean ? 1 : 0);
    break;
  case value_kind::text: append_bytes(out, 5, value.bytes); break;
  case value_kind::samples_f32: append_bytes(out, 6, value.bytes); break;
  case value_kind::samples_i16: append_bytes(out, 7, value.bytes); break;
  case value_kind::none: break;
  }
}

void append_protobuf(const domain::input& in, const domain::reading& one, std::string& out) {
  std::string reading, value;
  if (one.event_time_ns != no_time)
    append_fixed(reading, 1, static_cast<std::uint64_t>(one.event_time_ns));
  if (one.sequence != 0) {
    append_tag(reading, 2, messages::wire_type::varint);
    append_varint(reading, one.sequence);
  }
  for (std::uint32_t i = one.first; i < one.first + one.count; ++i) {
    value.clear();
    append_bytes(value, 1, in.fields[i].name);
    append_value(value, in.fields[i].value);
    append_bytes(reading, 3, value);
  }
  append_bytes(out, 1, reading);
}

} // namespace

void encode_payload(const domain::input& in, sim_format format, std::string& out) {
  out.clear();
  if (format == sim_format::protobuf) {
    for (const auto& one : in.readings) append_protobuf(in, one, out);
    return;
  }
  const bool many = in.readings.size() != 1;
  if (many) out += '[';
  for (std::size_t i = 0; i < in.readings.size(); ++i) {
    if (i > 0) out += ',';
    append_json(in, in.readings[i], out);
  }
  if (many) out += ']';
}

} // namespace pollux::tools
