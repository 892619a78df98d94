// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/readings.hpp"
#include "domain/model/operator.hpp"
#include "domain/twin/device_sequence.hpp"
#include "domain/twin/intake.hpp"
#include <algorithm>
#include <cmath>
#include <span>

namespace pollux::domain {
namespace {

constexpr std::size_t max_name_bytes = 256;
constexpr double exact_integer = 9007199254740992.0; // 2^53

// A whole number may come as i64 or as an f64 without a fraction: JSON knows only one kind.
bool fits(const value_view& v, telemetry_type type) noexcept {
  if (v.kind == value_kind::f64 && !std::isfinite(v.f64)) return false;
  switch (type) {
  case telemetry_type::number: return v.kind == value_kind::f64 || v.kind == value_kind::i64;
  case telemetry_type::integer:
    return v.kind == value_kind::i64 || (v.kind == value_kind::f64 && v.f64 == std::floor(v.f64) &&
                                         std::fabs(v.f64) <= exact_integer);
  case telemetry_type::boolean: return v.kind == value_kind::boolean;
  case telemetry_type::text: return v.kind == value_kind::text && v.bytes.size() <= max_text_bytes;
  case telemetry_type::samples:
    return v.kind == value_kind::samples_f32 || v.kind == value_kind::samples_i16;
  }
  return false;
}

} // namespace

bool fits_declared(const value_view& v, telemetry_type type) noexcept { return fits(v, type); }

namespace {

// Undeclared telemetry: anything that can be shown.
bool usable(const value_view& v) noexcept {
  if (v.kind == value_kind::f64) return std::isfinite(v.f64);
  return v.kind != value_kind::none &&
         (v.kind != value_kind::text || v.bytes.size() <= max_text_bytes);
}

const char* wanted(telemetry_type type) noexcept {
  switch (type) {
  case telemetry_type::number: return "a finite number";
  case telemetry_type::integer: return "a whole number";
  case telemetry_type::boolean: return "true or false";
  case telemetry_type::text: return "a text of at most 1024 bytes";
  case telemetry_type::samples: return "a block of samples";
  }
  return "a value";
}

bool same_value(const latest_value& latest, const std::string* text, const value_view& v) noexcept {
  if (latest.type() != v.kind) {
    const auto number = latest.number();
    return number && v.numeric() && *number == v.number();
  }
  switch (v.kind) {
  case value_kind::f64: return latest.f64 == v.f64;
  case value_kind::i64: return latest.i64 == v.i64;
  case value_kind::boolean: return latest.boolean == v.boolean;
  case value_kind::text: return text != nullptr && *text == v.bytes;
  default: return true; // samples are not kept: the same time has to do
  }
}

series::placed place_latest(latest_value& latest, const std::string* text, const value_view& v,
                            std::int64_t t) noexcept {
  if (t > latest.event_time_ns) return series::placed::newest;
  if (t < latest.event_time_ns) return series::placed::late;
  return same_value(latest, text, v) ? series::placed::duplicate : series::placed::correction;
}

} // namespace

void intake::apply(const reading& r) {
  const auto& all = at_.in.fields;
  if (r.first > all.size() || r.count > all.size() - r.first || r.event_time_ns == no_time) {
    complain_once("a reading that is not well formed");
    return;
  }
  if (r.sequence != 0 && is_duplicate(r)) {
    ++twin_.duplicates;
    return;
  }
  const std::span fields(all.data() + r.first, r.count);
  if (twin_.line && !admit(r.event_time_ns, fields)) return;
  apply_at_once(r.event_time_ns, fields);
}

void intake::apply_at_once(std::int64_t t, std::span<const field> fields) {
  row reading(at_, t);
  look_at(reading, fields);
  for (const auto* op : rules_.judging) op->judge(reading);
  const auto result = store(reading, fields);
  if (!result.stored) {
    twin_.duplicates += result.duplicate ? 1 : 0;
    return;
  }
  ++twin_.readings;
  twin_.late += result.late ? 1 : 0;
  twin_.corrections += result.correction ? 1 : 0;
  twin_.too_old += result.too_old ? 1 : 0;
  const bool newest = t > twin_.last_event_ns;
  twin_.last_event_ns = std::max(twin_.last_event_ns, t);
  twin_.last_heard_ns = at_.now_ns;
  if (newest) reading.note_newest();
  for (const auto* op : rules_.observing) op->observe(reading);
  if (twin_.line) return note_kept(t);
  if (newest)
    for (const auto* op : rules_.watching) op->pass_watermark(at_, t, false);
}

bool intake::is_duplicate(const reading& r) {
  const auto clock = r.event_time_ns == at_.in.ingest_time_ns ? device_clock::none
                     : r.event_time_ns > twin_.last_event_ns  ? device_clock::newer
                                                              : device_clock::not_newer;
  return seen_before(
      {twin_.top_sequence, twin_.seen_sequences, twin_.expected_sequences, twin_.missing_sequences},
      r.sequence, clock);
}

void intake::look_at(row& reading, std::span<const field> fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const int slot = rules_.telemetry_slot(fields[i].name, i);
    if (slot < 0) continue;
    const auto s = static_cast<std::size_t>(slot);
    const auto& v = fields[i].value;
    if (reading.event_time_ns() <= twin_.latest[s].event_time_ns || reading.fresh(slot)) continue;
    if (!fits(v, rules_.telemetry[s].type)) continue;
    reading.note_fresh(slot, v.numeric() ? v.number() : 0);
  }
}

outcome intake::store(row& reading, std::span<const field> fields) {
  outcome out;
  const std::int64_t t = reading.event_time_ns();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto& f = fields[i];
    const int slot = rules_.telemetry_slot(f.name, i);
    if (slot < 0) {
      store_undeclared(f, t, out);
    } else if (!fits(f.value, rules_.telemetry[static_cast<std::size_t>(slot)].type)) {
      complain(slot, f);
    } else {
      const auto placed = store_declared(slot, f.value, t);
      out.note(placed);
      if (placed != series::placed::duplicate) reading.note_arrived(slot);
    }
  }
  return out;
}

series::placed intake::store_declared(int slot, const value_view& v, std::int64_t t) {
  auto& latest = twin_.latest[static_cast<std::size_t>(slot)];
  const std::string* text = latest.type() == value_kind::text ? &text_of(slot) : nullptr;
  auto placed = place_latest(latest, text, v, t);
  if (placed == series::placed::duplicate) return placed;
  if (auto* window = twin_.series_of(slot)) {
    const auto there = window->insert(t, v.number());
    // A window younger than the latest value (a new model made it) may find a late reading new.
    if (placed == series::placed::late && there != series::placed::newest) placed = there;
    if (placed == series::placed::duplicate) return placed;
  }
  if (t >= latest.event_time_ns) {
    latest.event_time_ns = t;
    latest.set(v);
    if (v.kind == value_kind::text) text_of(slot).assign(v.bytes);
  }
  ++latest.readings;
  return placed;
}

void intake::store_undeclared(const field& f, std::int64_t t, outcome& out) {
  if (f.name.empty() || f.name.size() > max_name_bytes || !usable(f.value)) {
    complain_once("an undeclared value without a usable name or value");
    return;
  }
  auto& known = twin_.rarely().undeclared;
  auto place =
      std::lower_bound(known.begin(), known.end(), f.name,
                       [](const undeclared_value& u, std::string_view n) { return u.name < n; });
  if (place == known.end() || place->name != f.name) {
    if (known.size() >= max_undeclared) {
      complain_once("more than 256 undeclared names; not kept: " + std::string(f.name));
      return;
    }
    place = known.insert(place, undeclared_value{});
    place->name = f.name;
  }
  auto& latest = place->latest;
  const auto placed = place_latest(latest, &place->text, f.value, t);
  out.note(placed);
  if (placed == series::placed::duplicate) return;
  if (t >= latest.event_time_ns) {
    latest.event_time_ns = t;
    latest.set(f.value);
    place->text.assign(f.value.kind == value_kind::text ? f.value.bytes : std::string_view{});
  }
  ++latest.readings;
}

void intake::complain(int slot, const field& f) {
  const auto s = static_cast<std::size_t>(slot);
  if (complained_.has(s)) return;
  complained_.insert(s);
  at_.fault(std::string(f.name) + " is not " + wanted(rules_.telemetry[s].type) +
            ", as the model declares it: not stored");
}

void intake::complain_once(std::string what) {
  if (complained_of_names_) return;
  complained_of_names_ = true;
  at_.fault(std::move(what));
}

std::string& intake::text_of(int slot) {
  auto& texts = twin_.rarely().texts;
  if (texts.empty()) texts.resize(rules_.telemetry.size());
  return texts[static_cast<std::size_t>(slot)];
}

void apply_readings(step_context& at) {
  if (at.twin.deleted) return;
  intake all(at);
  for (const auto& r : at.in.readings) all.apply(r);
  all.finish();
}

} // namespace pollux::domain
