// SPDX-License-Identifier: Apache-2.0
#include "actors/node_stats.hpp"
#include <nlohmann/json.hpp>

namespace pollux::actors {

messages::stats_answer stats_of(const node_surroundings& with) {
  const auto& m = *with.metrics;
  const auto count = [&](const char* name) { return static_cast<std::uint64_t>(m.total(name)); };
  const auto journal = with.journal->state();
  messages::stats_answer out;
  out.ready = with.conditions->ready();
  out.received = count("pollux_readings_total");
  out.stored = count("pollux_journal_readings_total");
  out.twins = with.inlet->twins();
  nlohmann::ordered_json conditions = nlohmann::json::object();
  for (const auto& c : with.conditions->conditions())
    conditions[c.name] = {{"ok", c.ok}, {"why", c.why}};
  nlohmann::ordered_json document{
      {"ready", out.ready},
      {"conditions", conditions},
      {"twins", out.twins},
      {"readings",
       {{"received", out.received},
        {"stored", out.stored},
        {"applied", count("pollux_twin_readings_total")}}},
      {"messages", count("pollux_mqtt_messages_total")},
      {"effects", count("pollux_twin_effects_total")},
      {"alerts", count("pollux_alert_transitions_total")},
      {"published", count("pollux_outbox_published_total")},
      {"outbox_waiting", count("pollux_outbox_waiting")},
      {"quarantined",
       {{"counted", count("pollux_quarantined_total")}, {"kept", with.tables->quarantine_size()}}},
      {"crashes", count("pollux_twin_crashes_total")},
      {"inlet",
       {{"inputs_waiting", with.inlet->used_inputs()}, {"accepting", with.inlet->accepting()}}},
      {"journal",
       {{"writable", journal.writable},
        {"why", journal.why},
        {"tail_readings", journal.tail_readings},
        {"tail_bytes", journal.tail_bytes},
        {"sync_behind_ms", static_cast<double>(journal.last_sync_age_ns) / 1e6},
        {"free_bytes", journal.free_bytes},
        {"sealed_readings", count("pollux_sealed_readings_total")}}}};
  out.document = document.dump();
  return out;
}

} // namespace pollux::actors
