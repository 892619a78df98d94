// SPDX-License-Identifier: Apache-2.0
// The canonical bytes of a twin's state, version 3: version 1 had no timeline, version 2 did not
// count what is missing in a device's numbers. One state has
// exactly one form: what is empty is written as empty whether or not memory is held for it.
// docs/journal_format.md has the layout.
#include "domain/model/operator.hpp"
#include "domain/twin/rerun.hpp"
#include "domain/twin/timeline.hpp"
#include "domain/twin/twin.hpp"
#include "domain/twin/twin_state.hpp"

namespace pollux::domain {
namespace {

constexpr std::uint8_t format_version = 4;

void save_latest(const latest_value& v, std::string_view text, byte_writer& out) {
  out.i64(v.event_time_ns);
  out.u8(static_cast<std::uint8_t>(v.type()));
  out.u64(v.readings);
  switch (v.type()) {
  case value_kind::f64: out.f64(v.f64); break;
  case value_kind::i64: out.i64(v.i64); break;
  case value_kind::boolean: out.boolean(v.boolean); break;
  case value_kind::text: out.text(text); break;
  default: break;
  }
}

// The value's text goes to `text`. False on damage.
bool load_latest(byte_reader& in, latest_value& v, std::string& text) {
  v.event_time_ns = in.i64();
  const auto kind = in.u8();
  v.readings = in.u64() & 0xff'ffff'ffff'ffff;
  switch (static_cast<value_kind>(kind)) {
  case value_kind::f64: v.set(value_view::of(in.f64())); break;
  case value_kind::i64: v.set(value_view::of(in.i64())); break;
  case value_kind::boolean: v.set(value_view::of(in.boolean())); break;
  case value_kind::text:
    v.set(value_view::text({}));
    text = in.text();
    break;
  case value_kind::samples_f32:
  case value_kind::samples_i16:
    v.set(value_view::samples(static_cast<value_kind>(kind), {}));
    break;
  case value_kind::none: break;
  default: return false;
  }
  return in.ok() && text.size() <= max_text_bytes;
}

void save_header(const twin_state::body& b, byte_writer& out) {
  out.u8(format_version);
  out.text(b.rules ? std::string_view(b.rules->hash) : std::string_view{});
  out.u64(b.last_applied.at.value);
  out.u32(b.last_applied.index);
  out.u64(b.readings);
  for (const auto n : {b.late, b.corrections, b.duplicates, b.too_old}) out.u32(n);
  for (const auto t :
       {b.last_event_ns, b.last_ingest_ns, b.last_heard_ns, b.created_ns, b.node_started_ns})
    out.i64(t);
  out.i64(b.wakeup_ns);
  out.u64(b.generation);
  out.u32(b.timer);
  out.u32(b.incarnation);
  out.u64(b.top_sequence);
  out.u64(b.seen_sequences);
  out.u8(b.expected_sequences);
  out.u64(b.missing_sequences);
  out.boolean(b.connected);
  out.boolean(b.deleted);
}

// All of the header behind the model's hash. False on damage.
bool load_header(byte_reader& in, twin_state::body& b, std::uint8_t version) {
  b.last_applied.at.value = in.u64();
  b.last_applied.index = in.u32();
  b.readings = in.u64();
  for (auto* n : {&b.late, &b.corrections, &b.duplicates, &b.too_old}) *n = in.u32();
  for (auto* t :
       {&b.last_event_ns, &b.last_ingest_ns, &b.last_heard_ns, &b.created_ns, &b.node_started_ns})
    *t = in.i64();
  b.wakeup_ns = in.i64();
  b.generation = in.u64();
  b.timer = in.u32();
  b.incarnation = in.u32();
  b.top_sequence = in.u64();
  b.seen_sequences = in.u64();
  if (version > 2) {
    b.expected_sequences = in.u8();
    b.missing_sequences = in.u64();
  }
  b.connected = in.boolean();
  b.deleted = in.boolean();
  return in.ok() && b.expected_sequences <= 64;
}

void save_undeclared(const twin_state::body& b, byte_writer& out) {
  out.u32(b.rare ? static_cast<std::uint32_t>(b.rare->undeclared.size()) : 0);
  if (!b.rare) return;
  for (const auto& u : b.rare->undeclared) {
    out.text(u.name);
    save_latest(u.latest, u.text, out);
  }
}

bool load_undeclared(byte_reader& in, rare_parts& rare) {
  const auto count = in.u32();
  if (count > max_undeclared) return false;
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    undeclared_value u;
    u.name = in.text();
    if (!load_latest(in, u.latest, u.text)) return false;
    if (!rare.undeclared.empty() && u.name <= rare.undeclared.back().name) return false;
    rare.undeclared.push_back(std::move(u));
  }
  return in.ok();
}

bool load_telemetry(byte_reader& in, twin_state::body& b, rare_parts& rare) {
  const auto slots = b.ruling().telemetry.size();
  for (std::size_t slot = 0; slot < slots; ++slot) {
    std::string text;
    if (!load_latest(in, b.latest[slot], text)) return false;
    if (b.latest[slot].type() != value_kind::text) continue;
    if (rare.texts.empty()) rare.texts.resize(slots);
    rare.texts[slot] = std::move(text);
  }
  for (auto& window : b.windows)
    if (!window.load(in, b.ruling().event_time.orders())) return false;
  return in.ok();
}

bool load_operators(byte_reader& in, twin_state::body& b) {
  for (const auto& op : b.ruling().operators) {
    if (op->marked_in(in.format)) {
      static_cast<void>(in.boolean());
      continue;
    }
    if (!op->hooks().state) continue;
    auto& state = b.states[op->identity().state];
    const bool always = state != nullptr; // what begins with a state never goes without
    if (in.boolean()) {
      state = op->load(in);
      if (!in.ok() || state == nullptr) return false;
    } else if (always) {
      return false;
    }
  }
  return in.ok();
}

} // namespace

void save(const twin_state& state, std::string& out) {
  const auto& b = state.get();
  byte_writer w(out);
  save_header(b, w);
  const auto& m = b.ruling();
  const bool texts = b.rare && !b.rare->texts.empty();
  for (std::size_t slot = 0; slot < m.telemetry.size(); ++slot)
    save_latest(b.latest[slot], texts ? b.rare->texts[slot] : std::string_view{}, w);
  for (const auto& window : b.windows) window.save(w);
  for (const auto& op : m.operators) {
    if (!op->hooks().state) continue;
    const auto& s = b.states[op->identity().state];
    w.boolean(s != nullptr);
    if (s) op->save(*s, w);
  }
  (b.rare ? b.rare->alerts : alert_table{}).save(w);
  (b.rare ? b.rare->commands : command_book{}).save(w);
  save_undeclared(b, w);
  w.boolean(b.line != nullptr);
  if (b.line) b.line->save(w);
  w.text(b.rare ? std::string_view(b.rare->properties) : std::string_view{});
  w.u64(b.rare ? b.rare->properties_revision : 0);
}

result<twin_state> load(const model_source& models, std::string_view id, std::string_view bytes) {
  const auto damaged = [&] {
    return failure{errc::corrupt, "the stored state of " + std::string(id) + " is damaged"};
  };
  byte_reader in(bytes);
  const auto version = in.u8();
  if (!in.ok() || version == 0) return damaged();
  if (version > format_version)
    return failure{errc::version_mismatch, "the stored state of " + std::string(id) +
                                               " has format " + std::to_string(version) +
                                               ", this release reads up to " +
                                               std::to_string(format_version)};
  in.format = version;
  const auto hash = in.text();
  twin_state out(id);
  auto& b = out.get();
  if (!in.ok()) return damaged();
  if (!hash.empty()) {
    auto rules = models.find(hash);
    if (!rules)
      return failure{errc::not_found, "model " + std::string(hash.substr(0, 64)) + " of " +
                                          std::string(id) + " is not known"};
    b.come_under(std::move(rules), 0);
  }
  rare_parts rare;
  if (!load_header(in, b, version) || !load_telemetry(in, b, rare) || !load_operators(in, b) ||
      !rare.alerts.load(in, b.ruling().operators.size()) || !rare.commands.load(in) ||
      !load_undeclared(in, rare))
    return damaged();
  if (version > 1 &&
      (in.boolean() != (b.line != nullptr) || (b.line && !b.line->load(in, b.ruling()))))
    return damaged();
  if (version > 3) {
    rare.properties = in.text();
    rare.properties_revision = in.u64();
    if (rare.properties.size() > max_properties_bytes) return damaged();
  }
  if (!in.ok() || !in.at_end()) return damaged();
  if (b.line) note_keep_after(b);
  if (!rare.alerts.empty() || !rare.commands.empty() || !rare.undeclared.empty() ||
      !rare.texts.empty() || rare.properties_revision != 0)
    b.rare = std::make_unique<rare_parts>(std::move(rare));
  return out;
}

} // namespace pollux::domain
