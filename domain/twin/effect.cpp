// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/effect.hpp"
#include <charconv>
#include <cstdio>

namespace pollux::domain {

std::string to_string(const effect_id& id) {
  char text[48];
  const int size =
      std::snprintf(text, sizeof(text), "%016llx-%u-%u",
                    static_cast<unsigned long long>(id.cause.at.value), id.cause.index, id.ordinal);
  return {text, static_cast<std::size_t>(size)};
}

bool parse_effect_id(std::string_view text, effect_id& out) noexcept {
  if (text.size() < 20 || text.size() > 38 || text[16] != '-') return false;
  const char* const end = text.data() + text.size();
  effect_id id;
  const auto at = std::from_chars(text.data(), text.data() + 16, id.cause.at.value, 16);
  if (at.ec != std::errc{} || at.ptr != text.data() + 16) return false;
  const auto index = std::from_chars(text.data() + 17, end, id.cause.index);
  if (index.ec != std::errc{} || index.ptr == end || *index.ptr != '-') return false;
  const auto ordinal = std::from_chars(index.ptr + 1, end, id.ordinal);
  if (ordinal.ec != std::errc{} || ordinal.ptr != end) return false;
  // One id has one text: "007" or upper case would be a second name for the same effect.
  if (to_string(id) != text) return false;
  out = id;
  return true;
}

const char* to_string(alert_transition t) noexcept {
  switch (t) {
  case alert_transition::raised: return "raised";
  case alert_transition::cleared: return "cleared";
  case alert_transition::acknowledged: return "acknowledged";
  case alert_transition::emitted: return "emitted";
  case alert_transition::corrected: return "corrected";
  case alert_transition::retracted: return "retracted";
  case alert_transition::latched: return "latched";
  case alert_transition::reopened: return "reopened";
  case alert_transition::snoozed: return "snoozed";
  case alert_transition::shelved: return "shelved";
  case alert_transition::unshelved: return "unshelved";
  case alert_transition::suppressed: return "suppressed";
  case alert_transition::severity_changed: return "severity_changed";
  case alert_transition::flapping: return "flapping";
  case alert_transition::settled: return "settled";
  case alert_transition::escalated: return "escalated";
  case alert_transition::assigned: return "assigned";
  case alert_transition::commented: return "commented";
  case alert_transition::maintenance_started: return "maintenance_started";
  case alert_transition::maintenance_ended: return "maintenance_ended";
  case alert_transition::members_changed: return "members_changed";
  }
  return "unknown";
}

const char* to_string(silence s) noexcept {
  switch (s) {
  case silence::none: return "none";
  case silence::snoozed: return "snoozed";
  case silence::shelved: return "shelved";
  case silence::suppressed: return "suppressed";
  case silence::maintenance: return "maintenance";
  }
  return "unknown";
}

const char* to_string(severity s) noexcept {
  switch (s) {
  case severity::info: return "info";
  case severity::warning: return "warning";
  case severity::critical: return "critical";
  }
  return "unknown";
}

const char* to_string(command_phase p) noexcept {
  switch (p) {
  case command_phase::dispatched: return "dispatched";
  case command_phase::refused: return "refused";
  case command_phase::confirmed: return "confirmed";
  case command_phase::rejected: return "rejected";
  case command_phase::timed_out: return "timed_out";
  case command_phase::confirmed_late: return "confirmed_late";
  }
  return "unknown";
}

} // namespace pollux::domain
