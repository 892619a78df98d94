// SPDX-License-Identifier: Apache-2.0
// pollux serve: runs one node until SIGTERM or Ctrl-C; SIGHUP reloads what can be reloaded.
#include "messages/observability/log.hpp"
#include "supervision/system.hpp"
#include "tools/pollux/groups.hpp"
#include <csignal>
#include <ctime>
#include <memory>
#include <pthread.h>

namespace pollux::cli {

namespace {

namespace logging = messages::log;

struct serve_options {
  std::string data;
};

result<config::settings> settings_of(const context& ctx, const serve_options& options) {
  auto settings = config::load(ctx.config_file);
  if (settings && !options.data.empty()) settings->node.data = options.data;
  return settings;
}

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, s);
  return set;
}

void reload(supervision::system& node, const context& ctx, const serve_options& options) {
  auto changed = settings_of(ctx, options);
  auto outcome = changed ? node.reload(*changed) : status{changed.error()};
  if (!outcome) logging::error("serve", "nothing was reloaded", {{"why", outcome.error().what}});
}

// Waits for signals and looks after the core in between. Gives the exit code.
int run(supervision::system& node, const context& ctx, const serve_options& options,
        const sigset_t& signals) {
  while (true) {
    constexpr timespec pause{0, 200'000'000};
    const int signal = sigtimedwait(&signals, nullptr, &pause);
    if (signal == SIGHUP) reload(node, ctx, options);
    if (signal == SIGTERM || signal == SIGINT) {
      logging::info("serve", "stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
      node.stop();
      return exit_ok;
    }
    if (auto healthy = node.supervise(); !healthy) {
      logging::error("serve", "the node cannot go on", {{"why", healthy.error().what}});
      node.stop();
      return exit_failure;
    }
  }
}

int serve(const context& ctx, const serve_options& options) {
  auto settings = settings_of(ctx, options);
  if (!settings) {
    fail(settings.error(),
         "pollux config check " + ctx.config_file + " shows everything that is wrong with it");
    return exit_configuration;
  }
  logging::level level = logging::level::info;
  if (!logging::parse_level(settings->log.level, level))
    return fail(exit_configuration, "log.level: no level " + settings->log.level);
  logging::configure(settings->log.format == "json" ? logging::format::json : logging::format::text,
                     level);
  // Blocked here, so that every thread made later leaves them to sigtimedwait.
  const auto signals = our_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  auto node = supervision::system::start(std::move(*settings));
  if (!node) {
    const int code = fail(node.error());
    return node.error().code == errc::invalid_argument ? exit_configuration : code;
  }
  return run(**node, ctx, options, signals);
}

} // namespace

void add_serve_verbs(CLI::App& app, context& ctx) {
  auto options = std::make_shared<serve_options>();
  auto* verb = app.add_subcommand(
      "serve", "Run a node: MQTT in, twins, alerts and commands out, until SIGTERM or Ctrl-C");
  verb->add_option("--data", options->data, "Data folder, instead of node.data");
  verb->footer("SIGTERM drains and exits 0; SIGHUP reloads log level and model files.\n"
               "Example: pollux serve -c config/pollux.toml --data /var/lib/pollux");
  on_run(verb, ctx, [&ctx, options] { return serve(ctx, *options); });
}

} // namespace pollux::cli
