// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/alert_table.hpp"
#include <algorithm>

namespace pollux::domain {

const active_alert* alert_table::of_rule(std::uint32_t rule) const noexcept {
  for (const auto& a : active_)
    if (a.rule == rule) return &a;
  return nullptr;
}

active_alert* alert_table::of_incident(const effect_id& incident) noexcept {
  for (auto& a : active_)
    if (a.incident == incident) return &a;
  return nullptr;
}

void alert_table::remove(std::uint32_t rule) {
  std::erase_if(active_, [&](const active_alert& a) { return a.rule == rule; });
}

std::size_t alert_table::heap_bytes() const noexcept {
  std::size_t bytes = active_.capacity() * sizeof(active_alert);
  for (const auto& a : active_) bytes += a.message.capacity() + a.by.capacity();
  return bytes;
}

void alert_table::save(byte_writer& out) const {
  out.u32(static_cast<std::uint32_t>(active_.size()));
  for (const auto& a : active_) {
    domain::save(a.incident, out);
    out.u32(a.rule);
    out.u8(static_cast<std::uint8_t>(a.level));
    out.i64(a.raised_event_ns);
    out.text(a.message);
    out.boolean(a.acknowledged);
    out.text(a.by);
  }
}

bool alert_table::load(byte_reader& in, std::size_t rules) {
  active_.clear();
  const auto count = in.u32();
  if (count > rules) return false;
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    active_alert a;
    a.incident = load_effect_id(in);
    a.rule = in.u32();
    const auto level = in.u8();
    if (a.rule >= rules || level < 1 || level > 3 || of_rule(a.rule) != nullptr) return false;
    a.level = static_cast<severity>(level);
    a.raised_event_ns = in.i64();
    a.message = in.text();
    a.acknowledged = in.boolean();
    a.by = in.text();
    active_.push_back(std::move(a));
  }
  return in.ok();
}

void save(const effect_id& id, byte_writer& out) {
  out.u64(id.cause.at.value);
  out.u32(id.cause.index);
  out.u32(id.ordinal);
}

effect_id load_effect_id(byte_reader& in) {
  effect_id id;
  id.cause.at.value = in.u64();
  id.cause.index = in.u32();
  id.ordinal = in.u32();
  return id;
}

} // namespace pollux::domain
