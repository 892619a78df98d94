// SPDX-License-Identifier: Apache-2.0
#include "domain/command/command_steps.hpp"
#include "domain/alert/wording.hpp"
#include "domain/command/interlock.hpp"
#include "domain/model/config_node.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

constexpr std::size_t max_arguments = 64;
constexpr std::size_t max_command_text = 256; // id and name
constexpr std::int64_t fallback_ttl_ns = 30 * ns_per_s;

const field* find_field(const input& in, std::string_view name) {
  for (const auto& f : in.fields)
    if (f.name == name) return &f;
  return nullptr;
}

std::optional<double> numeric_field(const input& in, std::string_view name) {
  const auto* f = name.empty() ? nullptr : find_field(in, name);
  return f != nullptr && f->value.numeric() ? std::optional(f->value.number()) : std::nullopt;
}

// The device may hold any of these now: what it last confirmed (or else reports), and whatever
// is under way. The step is checked against each, so that two commands cannot add up.
std::vector<double> values_held(const twin_state::body& twin, const command_spec& spec) {
  std::vector<double> held;
  const auto* history = twin.rare->commands.history(spec.name);
  if (history != nullptr && history->confirmed) {
    held.push_back(*history->confirmed);
  } else if (const int slot = twin.ruling().telemetry_slot(spec.argument); slot >= 0) {
    if (const auto reported = twin.latest[std::size_t(slot)].number()) held.push_back(*reported);
  }
  for (const auto& r : twin.rare->commands.all())
    if (r.phase == command_phase::dispatched && r.name == spec.name && r.argument)
      held.push_back(*r.argument);
  return held;
}

std::string unknown_command(const model& rules, std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto& c : rules.commands) known.push_back(c.name);
  const auto close = nearest(name, known);
  std::string what = "unknown command " + std::string(name);
  if (!close.empty()) what += "; did you mean " + std::string(close) + "?";
  return what;
}

std::optional<std::string> check_request(const step_context& at, const command_spec* spec,
                                         const command_record& record) {
  const auto& in = at.in;
  if (at.twin.deleted) return "the twin is deleted";
  if (spec == nullptr) return unknown_command(at.twin.ruling(), in.command_name);
  if (in.fields.size() > max_arguments) return "more than 64 arguments";
  for (const auto& f : in.fields)
    if (!f.value.numeric() && f.value.kind != value_kind::text)
      return "argument " + std::string(f.name) + " is neither a number nor text";
  if (record.expires_ns <= at.now_ns) return "it had expired before it arrived";
  const auto* history = at.twin.rare->commands.history(spec->name);
  return reason_to_refuse(*spec, record.argument,
                          {values_held(at.twin, *spec),
                           history != nullptr ? history->last_dispatched_ns : no_time, at.now_ns});
}

command_effect& append(step_context& at, const command_record& record) {
  auto& e = at.add(effect_kind::command);
  e.command.phase = record.phase;
  e.command.command_id = record.id;
  e.command.name = record.name;
  e.command.expires_at_ns = record.expires_ns;
  e.command.detail = record.detail;
  return e.command;
}

void append_arguments(const input& in, command_effect& out) {
  for (const auto& f : in.fields) {
    if (f.value.numeric())
      out.numbers.push_back({std::string(f.name), f.value.number()});
    else if (f.value.kind == value_kind::text)
      out.texts.emplace_back(f.name, f.value.bytes);
  }
}

void time_out(step_context& at, command_record& record) {
  record.phase = command_phase::timed_out;
  record.detail = "no reply before it expired; whether it was carried out is unknown";
  append(at, record);
}

// A later request's confirmation is the truth even when an earlier one's arrives after it.
void remember_confirmed(step_context& at, const command_record& record) {
  if (!record.argument) return;
  auto& history = at.twin.rare->commands.history_of(record.name);
  if (history.confirmed && record.requested < history.confirmed_by) return;
  const auto* spec = at.twin.ruling().find_command(record.name);
  const auto reported = spec != nullptr ? numeric_field(at.in, spec->argument) : std::nullopt;
  history.confirmed = reported ? reported : record.argument;
  history.confirmed_by = record.requested;
}

} // namespace

void request_command(step_context& at) {
  const auto& in = at.in;
  if (in.command_id.empty() || in.command_id.size() > max_command_text ||
      in.command_name.size() > max_command_text) {
    at.fault("a command needs an id of 1 to 256 bytes and a name of at most 256");
    return;
  }
  auto& book = at.twin.rarely().commands;
  book.forget(at.now_ns);
  if (book.find(in.command_id) != nullptr) return;

  const auto* spec = at.twin.ruling().find_command(in.command_name);
  const std::int64_t ttl =
      spec != nullptr && spec->default_ttl_ns > 0 ? spec->default_ttl_ns : fallback_ttl_ns;
  command_record record;
  record.id = in.command_id;
  record.name = in.command_name;
  record.requested = in.id;
  record.requested_ns = at.now_ns;
  record.expires_ns = in.expires_at_ns != 0 ? in.expires_at_ns : saturating_add(at.now_ns, ttl);
  if (spec != nullptr) record.argument = numeric_field(in, spec->argument);

  if (const auto reason = check_request(at, spec, record)) {
    record.phase = command_phase::refused;
    record.detail = *reason;
  }
  if (book.add(record) == nullptr) {
    record.phase = command_phase::refused;
    record.detail = "1024 commands are under way already";
  }
  if (record.phase == command_phase::dispatched)
    book.history_of(record.name).last_dispatched_ns = at.now_ns;
  append_arguments(in, append(at, record));
}

void reply_to_command(step_context& at) {
  auto* record = at.twin.rare ? at.twin.rare->commands.find(at.in.command_id) : nullptr;
  if (record == nullptr) {
    at.fault("reply to a command nobody remembers: " +
             std::string(at.in.command_id.substr(0, 256)));
    return;
  }
  // The tick that times it out may still be on its way.
  if (record->phase == command_phase::dispatched && record->expires_ns <= at.now_ns)
    time_out(at, *record);
  const bool late = record->phase == command_phase::timed_out;
  if (!late && record->phase != command_phase::dispatched) return; // a repeated reply
  record->phase = !at.in.accepted ? command_phase::rejected
                  : late          ? command_phase::confirmed_late
                                  : command_phase::confirmed;
  record->detail = at.in.detail.substr(0, max_text_bytes);
  append_arguments(at.in, append(at, *record));
  if (at.in.accepted) remember_confirmed(at, *record);
  at.twin.rare->commands.refresh();
}

void expire_commands(step_context& at) {
  if (!at.twin.rare) return;
  auto& book = at.twin.rare->commands;
  for (auto& record : book.all())
    if (record.phase == command_phase::dispatched && record.expires_ns <= at.now_ns)
      time_out(at, record);
  book.refresh();
}

} // namespace pollux::domain
