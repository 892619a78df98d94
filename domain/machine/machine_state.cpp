// SPDX-License-Identifier: Apache-2.0
#include "domain/machine/machine_state.hpp"
#include <cmath>

namespace pollux::domain {
namespace {

constexpr std::uint8_t running_bit = 1;
constexpr std::uint8_t elapsed_bit = 2;

bool load_value(byte_reader& in, machine_value& v) {
  const auto known = in.u8();
  if (known > 1) return false;
  v.known = known == 1;
  if (!v.known) return in.ok();
  v.number = in.f64();
  v.text = in.text();
  return in.ok() && std::isfinite(v.number) && v.text.size() <= max_machine_text;
}

bool load_timer(byte_reader& in, running_timer& t) {
  const auto flags = in.u8();
  if (flags > (running_bit | elapsed_bit)) return false;
  t.duration_ns = in.i64();
  t.elapsed = (flags & elapsed_bit) != 0;
  if ((flags & running_bit) != 0) {
    t.due_ns = in.i64();
    t.set_ns = in.i64();
  }
  return in.ok() && t.duration_ns >= 0;
}

} // namespace

void machine_state::save(byte_writer& out) const {
  out.u32(at);
  out.i64(since_ns);
  for (const auto& v : variables) {
    out.boolean(v.known);
    if (!v.known) continue;
    out.f64(v.number);
    out.text(v.text);
  }
  for (const auto& t : timers) {
    const bool running = t.set_ns != no_time;
    out.u8(static_cast<std::uint8_t>((running ? running_bit : 0) | (t.elapsed ? elapsed_bit : 0)));
    out.i64(t.duration_ns);
    if (!running) continue;
    out.i64(t.due_ns);
    out.i64(t.set_ns);
  }
}

bool machine_state::load(byte_reader& in, std::size_t states) {
  at = in.u32();
  since_ns = in.i64();
  if (at >= states) return false;
  for (auto& v : variables)
    if (!load_value(in, v)) return false;
  for (auto& t : timers)
    if (!load_timer(in, t)) return false;
  return in.ok();
}

} // namespace pollux::domain
