// SPDX-License-Identifier: Apache-2.0
// journal verify and count: a job of the running node when there is one, else of this process.
#include "tools/pollux/client_job.hpp"
#include "tools/pollux/groups.hpp"
#include "tools/pollux/journal_repair.hpp"
#include "tools/pollux/retention_verbs.hpp"
#include "tools/pollux/verify_offline.hpp"
#include <iostream>
#include <unistd.h>

namespace pollux::cli {

namespace {

using messages::verify_answer;

void show_progress(const verify_answer& state) {
  std::cerr << '\r' << "verified " << state.twins_done << " of " << state.twins_total
            << " twins, findings: " << state.findings << ' ' << std::flush;
}

int print_report(const verify_answer& state, const context& ctx) {
  const auto document = parse_document(state.document);
  if (ctx.format != output::table) {
    print_document(document, ctx.format);
  } else {
    const bool clean = state.findings == 0;
    std::cout << painted(clean ? "clean" : std::to_string(state.findings) + " findings",
                         clean ? 32 : 31, ctx.color)
              << ": " << state.twins_done << " twins replayed\n";
    if (document.is_object())
      for (const auto& [name, value] : document.items()) {
        if (!value.is_array()) {
          std::cout << "  " << printable(name) << ": " << plain(value) << '\n';
          continue;
        }
        for (const auto& one : value)
          std::cout << "  " << printable(name) << ": " << plain(one) << '\n';
      }
  }
  return state.findings == 0 ? exit_ok : exit_failure;
}

int verify_online(client& node, const context& ctx, const std::string& glob) {
  auto state = node.ask(messages::verify_start{glob});
  if (!state) return fail(state.error());
  catch_interrupts();
  const bool progress = !ctx.quiet && ::isatty(STDERR_FILENO) != 0;
  auto wait = std::chrono::milliseconds(20);
  do {
    if (progress) show_progress(*state);
    if (!pause(wait)) {
      if (progress) std::cerr << '\n';
      return fail(exit_interrupted, "no longer waiting; the node goes on verifying");
    }
    wait = std::min(wait * 2, std::chrono::milliseconds(500));
    state = node.ask(messages::verify_query{});
    if (!state) return fail(state.error());
  } while (state->running);
  if (progress) {
    show_progress(*state);
    std::cerr << '\n';
  }
  return print_report(*state, ctx);
}

} // namespace

void add_journal_verbs(CLI::App& app, context& ctx) {
  auto* journal = app.add_subcommand("journal", "the journal of inputs");
  journal->require_subcommand(1);
  auto* verify = journal->add_subcommand(
      "verify", "replay twins from their journal and compare with what they are now");
  auto glob = std::make_shared<std::string>("*");
  auto online = std::make_shared<bool>(false);
  auto offline = std::make_shared<bool>(false);
  verify->add_option("GLOB", *glob, "twins whose id matches")->capture_default_str();
  auto* only = verify->add_flag("--online", *online, "only through a running node");
  verify->add_flag("--offline", *offline, "open the data folder itself; the node must be stopped")
      ->excludes(only);
  auto list_heads = std::make_shared<bool>(false);
  auto expect = std::make_shared<std::string>();
  auto* print = verify->add_flag(
      "--heads", *list_heads, "instead print where each twin's hash chain stands; -o json to keep");
  verify
      ->add_option("--expect", *expect,
                   "instead compare with heads that were kept: an edited history is noticed")
      ->excludes(print);
  auto options = add_node_options(verify);
  on_run(verify, ctx, [&ctx, options, glob, online, offline, list_heads, expect] {
    const auto data = data_folder(*options, ctx);
    if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
    const bool alone = *offline || (!*online && options->server.empty() && !node_runs(*data));
    if (*list_heads || !expect->empty()) return finish(heads(*data, *options, alone, *expect, ctx));
    if (alone) return finish(verify_offline(*data, *glob, ctx));
    return with_node(ctx, *options, [&](client& node) { return verify_online(node, ctx, *glob); });
  });
  auto* count = journal->add_subcommand("count", "readings on disk; the node must be stopped");
  auto where = add_node_options(count);
  on_run(count, ctx, [&ctx, where] {
    const auto data = data_folder(*where, ctx);
    if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
    return finish(count_offline(*data, ctx));
  });
  add_journal_repair_verbs(*journal, ctx);
  add_retention_journal_verbs(*journal, ctx);
}

} // namespace pollux::cli
