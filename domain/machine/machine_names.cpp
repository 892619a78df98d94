// SPDX-License-Identifier: Apache-2.0
#include "domain/machine/machine_names.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

template <class T> int index_of(const std::vector<T>& all, std::string_view name) noexcept {
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i].name == name) return static_cast<int>(i);
  return -1;
}

} // namespace

int machine_names::variable(std::string_view name) const noexcept {
  return index_of(variables, name);
}
int machine_names::timer(std::string_view name) const noexcept { return index_of(timers, name); }
int machine_names::input(std::string_view name) const noexcept { return index_of(inputs, name); }

void machine_names::look_at(int slot) {
  if (slot < 0) {
    any_reading = true;
    return;
  }
  const auto s = static_cast<std::uint32_t>(slot);
  if (std::find(slots.begin(), slots.end(), s) == slots.end()) slots.push_back(s);
}

// All fields of one message have one event time, so a field older than another of its input was
// missing in the newest message.
bool machine_view::seen(int slot) const {
  if (slot < 0) return true;
  const auto s = static_cast<std::uint32_t>(slot);
  const auto time_ns = twin_.latest[s].event_time_ns;
  if (time_ns == no_time) return false;
  for (const auto& in : names_.inputs) {
    if (std::find(in.slots.begin(), in.slots.end(), s) == in.slots.end()) continue;
    for (const auto other : in.slots)
      if (twin_.latest[other].event_time_ns > time_ns) return false;
  }
  return true;
}

std::optional<double> machine_view::operand(std::uint32_t id) const {
  using kind = machine_operand::kind;
  const auto& o = names_.operands[id];
  const auto truth = [](bool b) { return b ? 1.0 : 0.0; };
  switch (o.what) {
  case kind::model: return seen(o.slot) ? model_.operand(o.id) : std::nullopt;
  case kind::variable:
    return state_.variables[o.id].known ? std::optional(state_.variables[o.id].number)
                                        : std::nullopt;
  case kind::timeout: return truth(state_.timers[o.id].elapsed);
  case kind::arrived: return truth(reading_ != nullptr && reading_->fresh(static_cast<int>(o.id)));
  case kind::input_arrived: {
    const auto& slots = names_.inputs[o.id].slots;
    return truth(reading_ != nullptr && std::any_of(slots.begin(), slots.end(), [&](auto s) {
                   return reading_->fresh(static_cast<int>(s));
                 }));
  }
  case kind::unknown_model: return truth(!seen(o.slot) || !model_.operand(o.id));
  case kind::unknown_text: return truth(!text(o.left));
  case kind::unknown_variable: return truth(!state_.variables[o.id].known);
  case kind::by_timer: return truth(reading_ == nullptr);
  case kind::starts_with:
  case kind::ends_with:
  case kind::contains: return match(o);
  }
  return std::nullopt;
}

std::optional<double> machine_view::match(const machine_operand& o) const {
  const auto left = text(o.left), right = text(o.right);
  if (!left || !right) return std::nullopt;
  const bool found = o.what == machine_operand::kind::starts_with ? left->starts_with(*right)
                     : o.what == machine_operand::kind::ends_with
                         ? left->ends_with(*right)
                         : left->find(*right) != std::string_view::npos;
  return found ? 1.0 : 0.0;
}

std::optional<std::string_view> machine_view::text(const text_operand& of) const {
  switch (of.where) {
  case text_operand::from::literal: return of.literal;
  case text_operand::from::variable: {
    const auto& v = state_.variables[of.id];
    return v.known ? std::optional<std::string_view>(v.text) : std::nullopt;
  }
  case text_operand::from::telemetry: break;
  }
  if (!seen(static_cast<int>(of.id)) || twin_.latest[of.id].type() != value_kind::text ||
      !twin_.rare || of.id >= twin_.rare->texts.size())
    return std::nullopt;
  return twin_.rare->texts[of.id];
}

} // namespace pollux::domain
