// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/client_verbs.hpp"
#include <iostream>

namespace pollux::cli {

namespace {

/// Nested members as a.b.c; empty texts are left out.
void add_flat(table& out, const std::string& prefix, const json& value, bool color) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.items())
      add_flat(out, prefix.empty() ? name : prefix + "." + name, member, color);
    return;
  }
  const auto text = plain(value);
  if (text.empty()) return;
  const bool verdict = value.is_boolean();
  out.add({printable(prefix), verdict ? painted(text, value.get<bool>() ? 32 : 31, color) : text});
}

void print_stats(const messages::stats_answer& stats, const context& ctx) {
  const auto document = parse_document(stats.document);
  if (ctx.format != output::table) return print_document(document, ctx.format);
  table out({"WHAT", "VALUE"});
  // a node says all of it in the document; the plain members are for programs
  if (document.is_object()) add_flat(out, "", document, ctx.color);
  out.print(ctx.color);
}

} // namespace

void add_stats_verbs(CLI::App& app, context& ctx) {
  auto* stats = app.add_subcommand("stats", "what the node has received, stored and keeps");
  auto options = add_node_options(stats);
  on_run(stats, ctx, [&ctx, options] {
    return ask_and_print(ctx, *options, messages::stats_query{},
                         [&ctx](const messages::stats_answer& a) { print_stats(a, ctx); });
  });

  auto* log = app.add_subcommand("log", "the running node's logs");
  log->require_subcommand(1);
  auto* level = log->add_subcommand("level", "change the level until the next start");
  auto wanted = std::make_shared<std::string>();
  level->add_option("LEVEL", *wanted, "trace, debug, info, warning, error, off")->required();
  options = add_node_options(level);
  on_run(level, ctx, [&ctx, options, wanted] {
    return ask_and_print(ctx, *options, messages::log_level_set{*wanted},
                         [](const messages::done& d) { std::cout << printable(d.detail) << '\n'; });
  });
}

} // namespace pollux::cli
