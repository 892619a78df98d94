// SPDX-License-Identifier: Apache-2.0
// A program linked without one of the groups simply lacks its verbs: the definition in the group's
// own file replaces the empty one here.
#include "tools/pollux/groups.hpp"

namespace pollux::cli {

[[gnu::weak]] void add_serve_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_sim_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_client_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_journal_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_model_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_config_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_import_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_export_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_replay_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_backup_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_detect_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_backtest_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_token_verbs(CLI::App&, context&) {}
[[gnu::weak]] void add_doctor_verbs(CLI::App&, context&) {}

} // namespace pollux::cli
