// SPDX-License-Identifier: Apache-2.0
#include "domain/command/command_book.hpp"
#include "domain/model/model.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

void save(const std::optional<double>& value, byte_writer& out) {
  out.boolean(value.has_value());
  out.f64(value.value_or(0));
}

std::optional<double> load_number(byte_reader& in) {
  const bool has = in.boolean();
  const double value = in.f64();
  return has ? std::optional(value) : std::nullopt;
}

void save(const input_id& id, byte_writer& out) {
  out.u64(id.at.value);
  out.u32(id.index);
}

input_id load_input_id(byte_reader& in) {
  input_id id;
  id.at.value = in.u64();
  id.index = in.u32();
  return id;
}

} // namespace

command_record* command_book::find(std::string_view id) noexcept {
  for (auto& r : records_)
    if (r.id == id) return &r;
  return nullptr;
}

command_record* command_book::add(command_record record) {
  if (records_.size() >= max_commands_remembered) {
    const auto done = std::find_if(records_.begin(), records_.end(), [](const auto& r) {
      return r.phase != command_phase::dispatched;
    });
    if (done == records_.end()) return nullptr;
    records_.erase(done);
  }
  records_.push_back(std::move(record));
  refresh();
  return &records_.back();
}

void command_book::forget(std::int64_t now_ns) {
  std::erase_if(records_, [&](const command_record& r) {
    return r.phase != command_phase::dispatched &&
           saturating_add(r.expires_ns, command_memory_ns) <= now_ns;
  });
}

const command_history* command_book::history(std::string_view name) const noexcept {
  for (const auto& h : history_)
    if (h.name == name) return &h;
  return nullptr;
}

command_history& command_book::history_of(const std::string& name) {
  for (auto& h : history_)
    if (h.name == name) return h;
  // Only names of a model get here; those of models long replaced make room for the new ones.
  if (history_.size() >= 2 * max_commands) history_.erase(history_.begin());
  history_.emplace_back().name = name;
  return history_.back();
}

void command_book::refresh() {
  next_expiry_ns_ = never;
  for (const auto& r : records_)
    if (r.phase == command_phase::dispatched)
      next_expiry_ns_ = std::min(next_expiry_ns_, r.expires_ns);
}

std::size_t command_book::heap_bytes() const noexcept {
  std::size_t bytes =
      records_.capacity() * sizeof(command_record) + history_.capacity() * sizeof(command_history);
  for (const auto& r : records_) bytes += r.id.capacity() + r.name.capacity() + r.detail.capacity();
  for (const auto& h : history_) bytes += h.name.capacity();
  return bytes;
}

void command_book::save(byte_writer& out) const {
  out.u32(static_cast<std::uint32_t>(records_.size()));
  for (const auto& r : records_) {
    out.text(r.id);
    out.text(r.name);
    domain::save(r.requested, out);
    out.i64(r.requested_ns);
    out.i64(r.expires_ns);
    out.u8(static_cast<std::uint8_t>(r.phase));
    domain::save(r.argument, out);
    out.text(r.detail);
  }
  out.u32(static_cast<std::uint32_t>(history_.size()));
  for (const auto& h : history_) {
    out.text(h.name);
    out.i64(h.last_dispatched_ns);
    domain::save(h.confirmed, out);
    domain::save(h.confirmed_by, out);
  }
}

bool command_book::load(byte_reader& in) {
  const auto records = in.u32();
  if (records > max_commands_remembered) return false;
  for (std::uint32_t i = 0; i < records && in.ok(); ++i) {
    auto& r = records_.emplace_back();
    r.id = in.text();
    r.name = in.text();
    r.requested = load_input_id(in);
    r.requested_ns = in.i64();
    r.expires_ns = in.i64();
    const auto phase = in.u8();
    if (phase < 1 || phase > 6) return false;
    r.phase = static_cast<command_phase>(phase);
    r.argument = load_number(in);
    r.detail = in.text();
  }
  const auto histories = in.u32();
  if (histories > 2 * max_commands) return false;
  for (std::uint32_t i = 0; i < histories && in.ok(); ++i) {
    auto& h = history_.emplace_back();
    h.name = in.text();
    h.last_dispatched_ns = in.i64();
    h.confirmed = load_number(in);
    h.confirmed_by = load_input_id(in);
  }
  refresh();
  return in.ok();
}

} // namespace pollux::domain
