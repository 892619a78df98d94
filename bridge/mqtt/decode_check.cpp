// SPDX-License-Identifier: Apache-2.0
// Readings against what their twin's model declares.
#include "bridge/mqtt/decode.hpp"
#include "domain/model/model.hpp"
#include <charconv>
#include <cmath>

namespace pollux::bridge {
namespace {

using domain::field;
using domain::telemetry_spec;
using domain::telemetry_type;
using domain::value_kind;
using domain::value_view;

const char* name_of(telemetry_type type) noexcept {
  switch (type) {
  case telemetry_type::number: return "a number";
  case telemetry_type::integer: return "a whole number";
  case telemetry_type::boolean: return "true or false";
  case telemetry_type::text: return "text";
  case telemetry_type::samples: return "samples";
  }
  return "another type";
}

bool of_type(telemetry_type type, const value_view& v) noexcept {
  switch (type) {
  case telemetry_type::number: return v.kind == value_kind::f64 || v.kind == value_kind::i64;
  case telemetry_type::integer:
    return v.kind == value_kind::i64 || (v.kind == value_kind::f64 && std::trunc(v.f64) == v.f64);
  case telemetry_type::boolean:
    return v.kind == value_kind::boolean ||
           (v.kind == value_kind::i64 && (v.i64 == 0 || v.i64 == 1));
  case telemetry_type::text: return v.kind == value_kind::text;
  case telemetry_type::samples:
    return v.kind == value_kind::samples_f32 || v.kind == value_kind::samples_i16;
  }
  return false;
}

std::string shown(double number) {
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  return {buffer, end};
}

/// True when the field may stay.
/// `place`: of the field in its reading, where its declaration is looked for first.
bool good(const domain::model& model, const field& f, std::size_t place, rejections& rejected) {
  const int slot = model.telemetry_slot(f.name, place);
  if (slot < 0) return true;
  const auto& spec = model.telemetry[static_cast<std::size_t>(slot)];
  const auto refuse = [&](auto&& make_words) {
    rejected.add(messages::quarantine_reason::invalid_value,
                 [&] { return "field " + std::string(f.name) + ": " + make_words(); });
    return false;
  };
  if (!of_type(spec.type, f.value))
    return refuse([&] { return "model " + model.name + " declares " + name_of(spec.type); });
  const bool ranged = spec.type == telemetry_type::number || spec.type == telemetry_type::integer;
  if (!ranged || (f.value.number() >= spec.min && f.value.number() <= spec.max)) return true;
  return refuse([&] {
    return shown(f.value.number()) + " is outside " + shown(spec.min) + " to " + shown(spec.max) +
           (spec.unit.empty() ? "" : " " + spec.unit) + ", which model " + model.name + " declares";
  });
}

} // namespace

std::size_t check_against(const domain::model& model, domain::input& in, rejections& rejected) {
  std::size_t kept_fields = 0, kept_readings = 0;
  const auto before = in.fields.size();
  for (const auto& r : in.readings) {
    auto kept = r;
    kept.first = static_cast<std::uint32_t>(kept_fields);
    for (std::size_t i = r.first; i < std::size_t{r.first} + r.count; ++i)
      if (good(model, in.fields[i], i - r.first, rejected)) in.fields[kept_fields++] = in.fields[i];
    kept.count = static_cast<std::uint32_t>(kept_fields) - kept.first;
    if (kept.count > 0) in.readings[kept_readings++] = kept;
  }
  in.fields.resize(kept_fields);
  in.readings.resize(kept_readings);
  return before - kept_fields;
}

} // namespace pollux::bridge
