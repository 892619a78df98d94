// SPDX-License-Identifier: Apache-2.0
#include "messages/readings_file.hpp"
#include "domain/base/time.hpp"
#include "messages/base64.hpp"
#include "messages/documents.hpp"
#include "proto/telemetry.pb.h"
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace pollux::messages {

namespace {

using json = nlohmann::ordered_json;

/// RFC 4180, and a text that would read back as something else is quoted as well.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

constexpr const char* f32_name = "samples_f32";
constexpr const char* i16_name = "samples_i16";
const char* name_of(const sample_block& s) { return s.f32 ? f32_name : i16_name; }

std::optional<sample_block> samples_of(std::string_view name, std::string_view base64) {
  if (name != f32_name && name != i16_name) return {};
  auto bytes = from_base64(base64);
  if (!bytes) return {};
  return sample_block{name == f32_name, std::move(*bytes)};
}

std::string cell_of(const file_value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
  if (const auto* s = std::get_if<sample_block>(&value))
    return std::string(name_of(*s)) + ':' + to_base64(s->bytes);
  if (const auto* f = std::get_if<double>(&value)) return value_json(*f);
  if (const auto* i = std::get_if<std::int64_t>(&value)) return value_json(*i);
  if (const auto* b = std::get_if<bool>(&value)) return value_json(*b);
  return "null";
}

std::string quoted_where_due(const std::string& text) {
  return text.find_first_of(",\"\r\n") == text.npos ? text : quoted(text);
}

void append_csv(const dated_reading& r, std::string& out) {
  const auto time = format_rfc3339(r.event_time_ns);
  for (const auto& [name, value] : r.values) {
    out += quoted_where_due(r.twin);
    out += ',' + time + ',';
    out += quoted_where_due(name);
    out += ',' + cell_of(value) + '\n';
  }
}

void append_json(const dated_reading& r, std::string& out) {
  json values = json::object();
  for (const auto& [name, value] : r.values)
    values[name] = std::visit(
        [](const auto& v) -> json {
          if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::monostate>)
            return nullptr;
          else if constexpr (std::is_same_v<std::decay_t<decltype(v)>, sample_block>)
            return json{{name_of(v), to_base64(v.bytes)}};
          else
            return v;
        },
        value);
  out += json{{"twin", r.twin},
              {"event_time", format_rfc3339(r.event_time_ns)},
              {"values", std::move(values)}}
             .dump(-1, ' ', false, json::error_handler_t::replace);
  out += '\n';
}

void put_value(const std::string& name, const file_value& value, telemetry::Reading& to) {
  if (std::holds_alternative<std::monostate>(value)) return;
  auto& v = *to.add_values();
  v.set_name(name);
  if (const auto* f = std::get_if<double>(&value)) v.set_f64(*f);
  if (const auto* i = std::get_if<std::int64_t>(&value)) v.set_i64(*i);
  if (const auto* b = std::get_if<bool>(&value)) v.set_boolean(*b);
  if (const auto* t = std::get_if<std::string>(&value)) v.set_text(*t);
  if (const auto* s = std::get_if<sample_block>(&value))
    s->f32 ? v.set_samples_f32(s->bytes) : v.set_samples_i16(s->bytes);
}

void fill_batch(const dated_reading* first, std::size_t count, telemetry::Batch& batch) {
  for (std::size_t i = 0; i < count; ++i) {
    auto& r = *batch.add_readings();
    r.set_event_time_ns(first[i].event_time_ns);
    for (const auto& [name, value] : first[i].values) put_value(name, value, r);
  }
}

file_value value_of(const telemetry::Value& v) {
  switch (v.value_case()) {
  case telemetry::Value::kF64: return v.f64();
  case telemetry::Value::kI64: return v.i64();
  case telemetry::Value::kBoolean: return v.boolean();
  case telemetry::Value::kText: return v.text();
  case telemetry::Value::kSamplesF32: return sample_block{true, v.samples_f32()};
  case telemetry::Value::kSamplesI16: return sample_block{false, v.samples_i16()};
  case telemetry::Value::VALUE_NOT_SET: break;
  }
  return std::monostate{};
}

result<file_value> value_of(const std::string& name, const json& v) {
  if (v.is_boolean()) return file_value{v.get<bool>()};
  if (v.is_number_integer() &&
      !(v.is_number_unsigned() && v.get<std::uint64_t>() > std::uint64_t{INT64_MAX}))
    return file_value{v.get<std::int64_t>()};
  if (v.is_number()) return file_value{v.get<double>()};
  if (v.is_string()) return file_value{v.get<std::string>()};
  if (v.is_null()) return file_value{std::monostate{}};
  if (auto samples = parse_samples(v)) return file_value{std::move(*samples)};
  return failure{errc::invalid_argument,
                 "values." + name + ": only numbers, texts, booleans and samples are taken"};
}

void append_varint(std::uint64_t v, std::string& out) {
  for (; v >= 128; v >>= 7) out.push_back(static_cast<char>(v | 128));
  out.push_back(static_cast<char>(v));
}

} // namespace

std::string file_head(readings_format format) {
  return format == readings_format::csv ? "twin,event_time,name,value\n" : "";
}

void append_readings(readings_format format, const std::vector<dated_reading>& of_one_twin,
                     std::string& out) {
  if (of_one_twin.empty()) return;
  if (format != readings_format::protobuf) {
    for (const auto& r : of_one_twin)
      format == readings_format::csv ? append_csv(r, out) : append_json(r, out);
    return;
  }
  for (std::size_t i = 0; i < of_one_twin.size(); i += domain::max_readings_per_input) {
    telemetry::ExportedReadings piece;
    piece.set_twin(of_one_twin.front().twin);
    fill_batch(of_one_twin.data() + i,
               std::min(domain::max_readings_per_input, of_one_twin.size() - i),
               *piece.mutable_batch());
    const auto bytes = piece.SerializeAsString();
    append_varint(bytes.size(), out);
    out += bytes;
  }
}

std::string encode_batch(const dated_reading* first, std::size_t count) {
  telemetry::Batch batch;
  fill_batch(first, count, batch);
  return batch.SerializeAsString();
}

result<dated_reading> parse_json_reading(std::string_view line) {
  const auto document = json::parse(line, nullptr, false);
  if (!document.is_object()) return failure{errc::invalid_argument, "not a JSON object"};
  dated_reading out;
  if (const auto twin = document.find("twin"); twin != document.end() && twin->is_string())
    out.twin = twin->get<std::string>();
  const auto time = document.find("event_time");
  if (time == document.end() || !time->is_string())
    return failure{errc::invalid_argument, "event_time: RFC 3339 is due here"};
  auto parsed = parse_rfc3339(time->get<std::string>());
  if (!parsed) return parsed.error().within("event_time");
  out.event_time_ns = *parsed;
  const auto values = document.find("values");
  if (values == document.end() || !values->is_object())
    return failure{errc::invalid_argument, "values: an object is due here"};
  for (const auto& [name, v] : values->items()) {
    auto value = value_of(name, v);
    if (!value) return value.error();
    if (!std::holds_alternative<std::monostate>(*value))
      out.values.emplace_back(name, std::move(*value));
  }
  return out;
}

bool split_row(std::string_view row, char separator, std::vector<csv_cell>& cells) {
  cells.assign(1, {});
  bool open = false;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const char c = row[i];
    if (open && c == '"' && i + 1 < row.size() && row[i + 1] == '"') {
      cells.back().text += '"';
      ++i;
    } else if (c == '"' && (open || cells.back().text.empty())) {
      open = !open;
      cells.back().quoted = true;
    } else if (c == separator && !open) {
      cells.emplace_back();
    } else {
      cells.back().text += c;
    }
  }
  return !open;
}

std::optional<sample_block> parse_samples(const json& value) {
  if (!value.is_object() || value.size() != 1 || !value.begin()->is_string()) return {};
  return samples_of(value.begin().key(), value.begin()->get_ref<const std::string&>());
}

file_value parse_cell(const csv_cell& cell) {
  const std::string_view text = cell.text;
  if (cell.quoted) return cell.text;
  if (text == "true") return true;
  if (text == "false") return false;
  if (text.empty() || text == "null") return std::monostate{};
  const auto* end = text.data() + text.size();
  std::int64_t whole = 0;
  if (auto [p, e] = std::from_chars(text.data(), end, whole); e == std::errc{} && p == end)
    return whole;
  double number = 0;
  if (auto [p, e] = std::from_chars(text.data(), end, number);
      e == std::errc{} && p == end && std::isfinite(number))
    return number;
  if (const auto colon = text.find(':'); colon != text.npos)
    if (auto samples = samples_of(text.substr(0, colon), text.substr(colon + 1)))
      return std::move(*samples);
  return cell.text;
}

result<std::vector<dated_reading>> parse_exported(std::string_view bytes) {
  telemetry::ExportedReadings piece;
  if (!piece.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return failure{errc::invalid_argument, "not a message ExportedReadings"};
  std::vector<dated_reading> out;
  for (const auto& r : piece.batch().readings()) {
    dated_reading one{piece.twin(), r.event_time_ns(), {}};
    for (const auto& v : r.values()) one.values.emplace_back(v.name(), value_of(v));
    out.push_back(std::move(one));
  }
  return out;
}

} // namespace pollux::messages
