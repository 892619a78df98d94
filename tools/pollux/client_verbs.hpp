// SPDX-License-Identifier: Apache-2.0
// The verbs that ask a running node, a file for each noun.
#pragma once
#include "tools/pollux/cli.hpp"

namespace pollux::cli {

void add_twin_verbs(CLI::App& app, context& ctx);         ///< twin get|ls|create|delete
void add_watch_verb(CLI::App& twin, context& ctx);        ///< twin watch
void add_search_verb(CLI::App& twin, context& ctx);       ///< twin search
void add_history_verb(CLI::App& twin, context& ctx);      ///< twin history
void add_command_verbs(CLI::App& app, context& ctx);      ///< command send|get
void add_alert_verbs(CLI::App& app, context& ctx);        ///< alert ls|show|ack
void add_alert_actions(CLI::App& alert, context& ctx);    ///< alert clear|reset|snooze|shelve|...
void add_maintenance_verbs(CLI::App& app, context& ctx);  ///< maintenance start|stop|ls
void add_alert_verify(CLI::App& alert, context& ctx);     ///< alert verify
void add_quarantine_verbs(CLI::App& app, context& ctx);   ///< quarantine ls|show|replay
void add_readings_import(CLI::App& import, context& ctx); ///< import readings
void add_stats_verbs(CLI::App& app, context& ctx);        ///< stats, log level

} // namespace pollux::cli
