// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/client_verbs.hpp"
#include "tools/pollux/groups.hpp"

namespace pollux::cli {

void add_client_verbs(CLI::App& app, context& ctx) {
  add_twin_verbs(app, ctx);
  add_command_verbs(app, ctx);
  add_alert_verbs(app, ctx);
  add_maintenance_verbs(app, ctx);
  add_quarantine_verbs(app, ctx);
  add_stats_verbs(app, ctx);
}

} // namespace pollux::cli
