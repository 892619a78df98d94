// SPDX-License-Identifier: Apache-2.0
// The groups of verbs. Each lives in files of its own and adds its verbs to the program.
#pragma once
#include "tools/pollux/cli.hpp"

namespace pollux::cli {

void add_serve_verbs(CLI::App& app, context& ctx);    ///< serve
void add_sim_verbs(CLI::App& app, context& ctx);      ///< sim fleet|play
void add_bench_verbs(CLI::App& app, context& ctx);    ///< bench ingest
void add_client_verbs(CLI::App& app, context& ctx);   ///< twin, command, alert, quarantine, stats
void add_journal_verbs(CLI::App& app, context& ctx);  ///< journal verify|stats|repair
void add_backup_verbs(CLI::App& app, context& ctx);   ///< backup, restore
void add_detect_verbs(CLI::App& app, context& ctx);   ///< detect
void add_model_verbs(CLI::App& app, context& ctx);    ///< model check|diff|apply|...
void add_config_verbs(CLI::App& app, context& ctx);   ///< config check|show
void add_import_verbs(CLI::App& app, context& ctx);   ///< import aws-iot-events
void add_backtest_verbs(CLI::App& app, context& ctx); ///< backtest
void add_export_verbs(CLI::App& app, context& ctx);   ///< export readings|features
void add_replay_verbs(CLI::App& app, context& ctx);   ///< replay
void add_token_verbs(CLI::App& app, context& ctx);    ///< token create|ls|rotate|revoke, audit
void add_doctor_verbs(CLI::App& app, context& ctx);   ///< doctor

} // namespace pollux::cli
