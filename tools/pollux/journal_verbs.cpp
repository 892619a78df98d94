// SPDX-License-Identifier: Apache-2.0
// journal verify: a job of the running node when there is one, else of this process.
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/groups.hpp"
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

/// A node that was killed leaves its address behind, but nobody listens there any more.
bool node_runs(const std::string& data) {
  const auto where = bridge::remote::read_endpoint(data);
  return where.ok() && bridge::remote::listening(*where);
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
  auto options = add_node_options(verify);
  on_run(verify, ctx, [&ctx, options, glob, online, offline] {
    const auto data = data_folder(*options, ctx);
    if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
    if (*offline || (!*online && options->server.empty() && !node_runs(*data)))
      return finish(verify_offline(*data, *glob, ctx));
    return with_node(ctx, *options, [&](client& node) { return verify_online(node, ctx, *glob); });
  });
  auto* count = journal->add_subcommand("count", "readings on disk; the node must be stopped");
  auto where = add_node_options(count);
  on_run(count, ctx, [&ctx, where] {
    const auto data = data_folder(*where, ctx);
    if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
    return finish(count_offline(*data, ctx));
  });
}

} // namespace pollux::cli
