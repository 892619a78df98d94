// SPDX-License-Identifier: Apache-2.0
#include "domain/pattern/pattern_tree.hpp"
#include <algorithm>

namespace pollux::domain {

const char* fault_of(const pattern_element& e) noexcept {
  const bool repeated = e.most > 1;
  if (e.what == pattern_element::kind::negative) {
    if (repeated || e.optional || e.greedy || e.until != no_condition)
      return "what must not come cannot be repeated, optional, greedy or have an until";
    if (e.before == contiguity::any) return "a not stands behind next or then, not behind thenAny";
    if (e.step_ns > 0 && e.before == contiguity::strict)
      return "a not behind next looks at one event: it has no within";
    return nullptr;
  }
  if (e.least < 1 || e.least > max_pattern_times ||
      (e.most != without_end && (e.most > max_pattern_times || e.most < e.least)))
    return "repeat 1 to 256 times, the larger number last";
  if (!repeated && e.inside != contiguity::relaxed)
    return "consecutive and combinations are for what is repeated";
  if (!repeated && e.until != no_condition) return "until is for what is repeated";
  if (e.greedy && e.what == pattern_element::kind::group) return "a group cannot be greedy";
  if (e.greedy && !e.optional && e.most == e.least)
    return "greedy is for what may come more or less often";
  if (e.step_ns > 0 && e.what == pattern_element::kind::group)
    return "a group has no within of its own: give it to the group's stages";
  return nullptr;
}

bool is_stage_name(std::string_view name) noexcept {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && name.size() <= 64 && letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

} // namespace pollux::domain
