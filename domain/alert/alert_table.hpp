// SPDX-License-Identifier: Apache-2.0
// The alerts of one twin that are raised and not yet cleared: at most one per rule. Which of them
// went out, and their history, is the alert store's business; here is only what step needs.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/twin/effect.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::domain {

struct active_alert {
  effect_id incident;     ///< of the effect that raised it
  std::uint32_t rule = 0; ///< operator index
  severity level = severity::warning;
  std::int64_t raised_event_ns = 0;
  std::string message;
  bool acknowledged = false;
  std::string by;
};

class alert_table {
public:
  [[nodiscard]] const active_alert* of_rule(std::uint32_t rule) const noexcept;
  [[nodiscard]] active_alert* of_incident(const effect_id& incident) noexcept;
  void add(active_alert alert) { active_.push_back(std::move(alert)); }
  void remove(std::uint32_t rule);
  [[nodiscard]] const std::vector<active_alert>& all() const noexcept { return active_; }
  [[nodiscard]] std::vector<active_alert>& all() noexcept { return active_; }
  [[nodiscard]] std::size_t heap_bytes() const noexcept;
  void save(byte_writer& out) const;
  /// `rules`: how many operators the model has. False on damage.
  [[nodiscard]] bool load(byte_reader& in, std::size_t rules);

private:
  std::vector<active_alert> active_; // oldest first
};

void save(const effect_id& id, byte_writer& out);
[[nodiscard]] effect_id load_effect_id(byte_reader& in);

} // namespace pollux::domain
