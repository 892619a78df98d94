// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/twin_state.hpp"
#include "domain/model/operator.hpp"
#include "domain/twin/event_clock.hpp"
#include "domain/twin/timeline.hpp"

namespace pollux::domain {
namespace {

// What a string holds outside itself.
std::size_t heap_of(const std::string& s) noexcept {
  return s.capacity() > std::string{}.capacity() ? s.capacity() + 1 : 0;
}

} // namespace

std::optional<double> latest_value::number() const noexcept {
  switch (type()) {
  case value_kind::f64: return f64;
  case value_kind::i64: return static_cast<double>(i64);
  case value_kind::boolean: return boolean ? 1.0 : 0.0;
  default: return std::nullopt;
  }
}

void latest_value::set(const value_view& value) noexcept {
  kind = static_cast<std::uint8_t>(value.kind);
  f64 = 0;
  switch (value.kind) {
  case value_kind::f64: f64 = value.f64; break;
  case value_kind::i64: i64 = value.i64; break;
  case value_kind::boolean: boolean = value.boolean; break;
  default: break;
  }
}

twin_state::twin_state(std::string_view id) : body_(std::make_unique<body>()) { body_->id = id; }
twin_state::twin_state(twin_state&&) noexcept = default;
twin_state& twin_state::operator=(twin_state&&) noexcept = default;
twin_state::~twin_state() = default;

input_id twin_state::last_applied() const noexcept { return body_->last_applied; }
std::int64_t twin_state::next_wakeup_ns() const noexcept { return body_->wakeup_ns; }
std::uint32_t twin_state::next_timer() const noexcept { return body_->timer; }
std::uint64_t twin_state::timer_generation() const noexcept { return body_->generation; }
bool twin_state::deleted() const noexcept { return body_->deleted; }
std::size_t twin_state::active_alerts() const noexcept {
  return body_->rare ? body_->rare->alerts.open_count() : 0;
}
std::string_view twin_state::model_hash() const noexcept {
  return body_->rules ? std::string_view(body_->rules->hash) : std::string_view{};
}

const lane_counts* twin_state::lanes() const noexcept {
  return body_->line ? &body_->line->lanes : nullptr;
}

const model& twin_state::body::ruling() const noexcept {
  static const model none;
  return rules ? *rules : none;
}

rare_parts& twin_state::body::rarely() {
  if (!rare) rare = std::make_unique<rare_parts>();
  return *rare;
}

const series* twin_state::body::series_of(int slot) const noexcept {
  const int index = ruling().series_index[static_cast<std::size_t>(slot)];
  return index < 0 ? nullptr : &windows[static_cast<std::size_t>(index)];
}

series* twin_state::body::series_of(int slot) noexcept {
  return const_cast<series*>(std::as_const(*this).series_of(slot));
}

void twin_state::body::come_under(std::shared_ptr<const model> next, std::int64_t now_ns) {
  rules = std::move(next);
  const auto& m = ruling();
  latest = m.telemetry.empty() ? nullptr : std::make_unique<latest_value[]>(m.telemetry.size());
  windows = std::vector<series>();
  windows.reserve(m.series_count);
  for (std::size_t slot = 0; slot < m.telemetry.size(); ++slot)
    if (m.series_index[slot] >= 0)
      windows.emplace_back(m.series_span_ns[slot], m.series_entries[slot]);
  states = std::vector<std::unique_ptr<operator_state>>();
  states.reserve(m.state_count);
  for (const auto& op : m.operators)
    if (op->hooks().state) states.push_back(op->fresh_state(now_ns));
  if (rare) rare->texts = {};
  begin_timeline(*this);
}

std::size_t twin_state::body::window_bytes() const noexcept {
  std::size_t bytes = 0;
  for (const auto& w : windows) bytes += w.memory_bytes();
  return bytes;
}

std::size_t twin_state::body::heap_bytes() const noexcept {
  const auto& m = ruling();
  std::size_t bytes = sizeof(body) + heap_of(id) + m.telemetry.size() * sizeof(latest_value) +
                      windows.capacity() * sizeof(series) + states.capacity() * sizeof(states[0]) +
                      window_bytes();
  for (const auto& op : m.operators)
    if (op->hooks().state)
      if (const auto& s = states[op->identity().state]) bytes += op->state_bytes(*s);
  if (line) bytes += line->heap_bytes();
  if (!rare) return bytes;
  bytes += sizeof(rare_parts) + rare->alerts.heap_bytes() + rare->commands.heap_bytes() +
           rare->undeclared.capacity() * sizeof(undeclared_value) +
           rare->texts.capacity() * sizeof(std::string);
  bytes += heap_of(rare->properties);
  for (const auto& u : rare->undeclared) bytes += heap_of(u.name) + heap_of(u.text);
  for (const auto& t : rare->texts) bytes += heap_of(t);
  return bytes;
}

std::int64_t elapsed_ns(std::int64_t later, std::int64_t earlier) noexcept {
  std::int64_t out = 0;
  if (!__builtin_sub_overflow(later, earlier, &out)) return out;
  return later > earlier ? std::numeric_limits<std::int64_t>::max()
                         : std::numeric_limits<std::int64_t>::min();
}

} // namespace pollux::domain
