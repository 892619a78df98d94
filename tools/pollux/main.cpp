// SPDX-License-Identifier: Apache-2.0
// One binary: the server (`pollux serve`) and everything a person asks of it. Verbs are
// noun-verb; each group adds its own (groups.hpp).
#include "domain/model/config_node.hpp"
#include "tools/pollux/groups.hpp"
#include "tools/pollux/version.hpp"
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <unistd.h>

namespace pollux::cli {
namespace {

constexpr const char* help_end = R"(Examples:
  pollux serve                                     run a node with config/pollux.toml
  pollux sim fleet --motors 20 --duration 5m       give it a simulated fleet to watch
  pollux twin ls 'plant1:*'                        which twins are there?
  pollux twin get plant1:motor-1                   how is this one, and why is there no alert?
  pollux alert ls                                  what is wrong right now?
  pollux command send site1:building-1 set_setpoint setpoint=21 --wait
  pollux detect --model m.json data --out found    what would it have found in recordings?
  pollux token create alice --role operator        who may come in over HTTP?
  pollux config check                              is the configuration sound?
  pollux doctor                                    is this machine fit to run a node?

Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 refused, 5 conflict, 6 time-out,
  7 node not reachable, 65 bad input file, 78 configuration error, 130 interrupted.
Environment: POLLUX_CONFIG names the configuration file, POLLUX_<TABLE>_<KEY> overrides one of its
  values (POLLUX_HTTP_PORT=8081), NO_COLOR turns colours off.)";

void add_shared_options(CLI::App& app, context& ctx) {
  app.add_option("-c,--config", ctx.config_file, "configuration file")
      ->envname("POLLUX_CONFIG")
      ->type_name("FILE")
      ->capture_default_str();
  const auto take_format = [&ctx](const std::string& name) {
    if (name == "table")
      ctx.format = output::table;
    else if (name == "json")
      ctx.format = output::json;
    else if (name == "jsonl")
      ctx.format = output::jsonl;
    else
      throw CLI::ValidationError("--output", "'" + name + "' is none of table, json, jsonl");
  };
  app.add_option_function<std::string>("-o,--output", take_format,
                                       "table, json (one document) or jsonl (a document a line)")
      ->type_name("FORMAT");
  app.add_flag("--no-color", ctx.no_color, "no colours, also on a terminal");
  app.add_flag("-q,--quiet", ctx.quiet, "nothing on stderr but errors");
  app.set_version_flag("--version", version_text(), "release, compiler, libraries, formats");
}

std::vector<const CLI::App*> verbs_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* verb) { return !verb->get_name().empty(); });
}

/// The first word that names no verb where one is due, with the verbs that could have stood there.
struct stray_word {
  std::string word, path;
  const CLI::App* where;
};

std::optional<stray_word> find_stray(const CLI::App& app, int argc, char** argv) {
  const CLI::App* at = &app;
  std::string path = "pollux";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.empty() || word == "--") return std::nullopt;
    if (word[0] == '-') {
      const auto* option = at->get_option_no_throw(word);
      if (!option) option = app.get_option_no_throw(word);
      if (option && option->get_type_size() > 0) ++i; // the next word is its value
      continue;
    }
    const auto verbs = verbs_of(*at);
    if (verbs.empty()) return std::nullopt;
    const auto next = std::find_if(verbs.begin(), verbs.end(),
                                   [&](const auto* verb) { return verb->check_name(word); });
    if (next == verbs.end()) return stray_word{word, path, at};
    at = *next;
    path += " " + word;
  }
  return std::nullopt;
}

int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  const auto stray = find_stray(app, argc, argv);
  if (!stray)
    return fail(exit_usage, error.what(), "pollux --help, or --help after a verb, tells more");
  std::vector<std::string> names;
  for (const auto* verb : verbs_of(*stray->where)) names.push_back(verb->get_name());
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto meant = domain::nearest(stray->word, known);
  std::string hint = "verbs:";
  for (const auto& name : names) hint += " " + name;
  if (!meant.empty()) hint = "did you mean '" + stray->path + " " + std::string(meant) + "'?";
  return fail(exit_usage, stray->path + " has no verb '" + stray->word + "'", hint);
}

int run(int argc, char** argv) {
  CLI::App app{
      "Pollux: digital twins of devices, vehicles, buildings and motors.\n"
      "Every twin keeps its own windows, rules, alerts and history, and survives any crash."};
  app.name("pollux");
  app.fallthrough(); // shared options may stand after the verb
  context ctx;
  add_shared_options(app, ctx);
  add_serve_verbs(app, ctx);
  add_client_verbs(app, ctx);
  add_journal_verbs(app, ctx);
  add_backup_verbs(app, ctx);
  add_replay_verbs(app, ctx);
  add_export_verbs(app, ctx);
  add_backtest_verbs(app, ctx);
  add_sim_verbs(app, ctx);
  add_bench_verbs(app, ctx);
  add_detect_verbs(app, ctx);
  add_model_verbs(app, ctx);
  add_config_verbs(app, ctx);
  add_import_verbs(app, ctx);
  add_token_verbs(app, ctx);
  add_doctor_verbs(app, ctx);
  app.require_subcommand(1);
  app.footer(help_end);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e); // --help, --version
    if (argc == 1) {
      std::cerr << app.help();
      return exit_usage;
    }
    return usage_error(app, e, argc, argv);
  }
  ctx.config_given = app.get_option("--config")->count() > 0;
  const char* no_color = std::getenv("NO_COLOR");
  ctx.color = ::isatty(STDOUT_FILENO) != 0 && !ctx.no_color && (!no_color || *no_color == '\0');
  if (!ctx.run) return fail(exit_usage, "nothing to do", "pollux --help lists the verbs");
  return ctx.run();
}

} // namespace
} // namespace pollux::cli

int main(int argc, char** argv) {
  try {
    return pollux::cli::run(argc, argv);
  } catch (const std::exception& e) { // a defect of ours: say so instead of aborting
    std::cerr << "pollux: internal error: " << e.what() << '\n';
    return pollux::cli::exit_failure;
  }
}
