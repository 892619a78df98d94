// SPDX-License-Identifier: Apache-2.0
#include "domain/model/compatibility.hpp"
#include "domain/alert/alert_rule.hpp"
#include "domain/model/mentions.hpp"
#include "domain/model/operator.hpp"
#include <algorithm>
#include <string_view>

namespace pollux::domain {
namespace {

std::string_view own_part(const operator_identity& i) noexcept {
  return std::string_view{i.definition}.substr(0, i.own_definition);
}

/// The telemetry read by `op` whose type is not what it was; nullptr when there is none. It is
/// searched for by name in the definition: one found by chance costs a state, one missed would keep
/// a wrong one.
const telemetry_spec* retyped(const model& was, const twin_operator& op, const model& is) {
  for (const auto& t : was.telemetry) {
    const int slot = is.telemetry_slot(t.name);
    if (slot < 0 || is.telemetry[static_cast<std::size_t>(slot)].type == t.type) continue;
    if (mentions(op.identity().definition, t.name)) return &t;
  }
  return nullptr;
}

break_reason broken_by(const model& was, const twin_operator& op, const model& is,
                       const twin_operator& next) {
  const auto& a = op.identity();
  const auto& b = next.identity();
  if (a.type != b.type) return break_reason::type;
  if (a.revision != b.revision) return break_reason::revision;
  if (own_part(a) != own_part(b)) return break_reason::definition;
  if (a.definition != b.definition) return break_reason::dependency;
  return retyped(was, op, is) != nullptr ? break_reason::telemetry : break_reason::none;
}

/// The first operator above `op` that it refers to and that does not go on either.
std::string broken_dependency(const model& was, const twin_operator& op, const model& is) {
  for (const auto& above : was.operators) {
    if (above->index() >= op.index() || !mentions(op.identity().definition, above->name()))
      continue;
    if (counterpart(was, *above, is) == nullptr) return above->name();
  }
  return {};
}

bool same_limits(const telemetry_spec& a, const telemetry_spec& b) noexcept {
  return a.unit == b.unit && a.min == b.min && a.max == b.max;
}

bool same_command(const command_spec& a, const command_spec& b) noexcept {
  return a.argument == b.argument && a.min == b.min && a.max == b.max && a.max_step == b.max_step &&
         a.min_interval_ns == b.min_interval_ns && a.default_ttl_ns == b.default_ttl_ns;
}

operator_change change_of(const model& was, const model& is, const twin_operator& next) {
  operator_change c;
  c.name = next.name();
  c.type = next.identity().type;
  c.alerts = dynamic_cast<const alert_rule*>(&next) != nullptr;
  const auto* before = was.find_operator(next.name());
  if (before == nullptr) {
    c.fate = operator_fate::added;
    return c;
  }
  c.why = broken_by(was, *before, is, next);
  if (c.why == break_reason::none) {
    c.revised = before->identity().wording != next.identity().wording;
    return c;
  }
  const bool remembers = c.alerts || next.hooks().state || before->hooks().state ||
                         dynamic_cast<const alert_rule*>(before) != nullptr;
  c.fate = remembers ? operator_fate::anew : operator_fate::reads_anew;
  if (c.why == break_reason::dependency) c.cause = broken_dependency(was, *before, is);
  if (c.why == break_reason::telemetry) c.cause = retyped(was, *before, is)->name;
  return c;
}

void compare_telemetry(const model& was, const model& is, model_difference& out) {
  for (std::size_t slot = 0; slot < is.telemetry.size(); ++slot) {
    const auto& t = is.telemetry[slot];
    telemetry_change c{t.name, item_fate::added, false, 0, is.series_span_ns[slot]};
    if (const int before = was.telemetry_slot(t.name); before >= 0) {
      const auto& b = was.telemetry[static_cast<std::size_t>(before)];
      c.fate = b.type == t.type ? item_fate::same : item_fate::changed;
      c.limits = !same_limits(b, t);
      c.span_was_ns = was.series_span_ns[static_cast<std::size_t>(before)];
    }
    out.telemetry.push_back(std::move(c));
  }
  for (std::size_t slot = 0; slot < was.telemetry.size(); ++slot)
    if (is.telemetry_slot(was.telemetry[slot].name) < 0)
      out.telemetry.push_back(
          {was.telemetry[slot].name, item_fate::gone, false, was.series_span_ns[slot], 0});
}

void compare_commands(const model& was, const model& is, model_difference& out) {
  for (const auto& c : is.commands) {
    const auto* before = was.find_command(c.name);
    out.commands.push_back({c.name, before == nullptr          ? item_fate::added
                                    : same_command(*before, c) ? item_fate::same
                                                               : item_fate::changed});
  }
  for (const auto& c : was.commands)
    if (is.find_command(c.name) == nullptr) out.commands.push_back({c.name, item_fate::gone});
}

} // namespace

const twin_operator* counterpart(const model& was, const twin_operator& op, const model& is) {
  const auto* next = is.find_operator(op.name());
  return next != nullptr && broken_by(was, op, is, *next) == break_reason::none ? next : nullptr;
}

model_difference compare(const model& was, const model& is) {
  model_difference out;
  compare_telemetry(was, is, out);
  compare_commands(was, is, out);
  for (const auto& op : is.operators) out.operators.push_back(change_of(was, is, *op));
  for (const auto& op : was.operators) {
    if (is.find_operator(op->name()) != nullptr) continue;
    auto& c = out.operators.emplace_back();
    c.name = op->name();
    c.type = op->identity().type;
    c.fate = operator_fate::gone;
    c.alerts = dynamic_cast<const alert_rule*>(op.get()) != nullptr;
  }
  out.event_time = was.event_time != is.event_time;
  return out;
}

bool model_difference::keeps_everything() const noexcept {
  return !event_time && std::all_of(telemetry.begin(), telemetry.end(), [](const auto& t) {
    return t.fate == item_fate::added ||
           (t.fate == item_fate::same && (t.span_is_ns >= t.span_was_ns));
  }) && std::all_of(operators.begin(), operators.end(), [](const auto& o) {
    return o.fate == operator_fate::kept || o.fate == operator_fate::added ||
           o.fate == operator_fate::reads_anew;
  });
}

const char* to_string(operator_fate fate) noexcept {
  switch (fate) {
  case operator_fate::kept: return "kept";
  case operator_fate::reads_anew: return "readings kept";
  case operator_fate::anew: return "anew";
  case operator_fate::added: return "added";
  case operator_fate::gone: return "gone";
  }
  return "?";
}

const char* to_string(item_fate fate) noexcept {
  switch (fate) {
  case item_fate::same: return "same";
  case item_fate::changed: return "changed";
  case item_fate::added: return "added";
  case item_fate::gone: return "gone";
  }
  return "?";
}

std::string wording(const operator_change& change) {
  const std::string alert = change.alerts ? "; an open alert is withdrawn" : "";
  if (change.fate == operator_fate::added) return "new";
  if (change.fate == operator_fate::gone) return "no longer there" + alert;
  if (change.fate == operator_fate::kept)
    return std::string(change.alerts ? "state and open alert kept" : "kept") +
           (change.revised ? "; its words, severity or alert handling changed" : "");
  const std::string end =
      change.fate == operator_fate::reads_anew ? "; the readings that are there are kept" : alert;
  switch (change.why) {
  case break_reason::type: return "another type of operator has this name" + end;
  case break_reason::revision: return "the code of its type was corrected" + end;
  case break_reason::definition: return "its definition changed" + end;
  case break_reason::dependency:
    return (change.cause.empty() ? "what it refers to changed"
                                 : "\"" + change.cause + "\", which it refers to, changed") +
           end;
  case break_reason::telemetry:
    return "telemetry \"" + change.cause + "\" is of another type" + end;
  case break_reason::none: break;
  }
  return "";
}

} // namespace pollux::domain
