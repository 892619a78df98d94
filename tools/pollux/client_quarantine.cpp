// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/client_verbs.hpp"
#include <iostream>

namespace pollux::cli {

namespace {

using messages::quarantine_entry;

json entry_json(const quarantine_entry& entry) {
  return {{"id", entry.id},
          {"ingest_time", time_text(entry.ingest_time_ns)},
          {"reason", entry.reason},
          {"topic", entry.topic},
          {"detail", entry.detail},
          {"mapping", entry.mapping},
          {"payload", printable(entry.payload)}};
}

int list(client& node, const context& ctx, std::uint64_t after, std::uint32_t limit) {
  const auto page = node.ask(messages::quarantine_query{after, limit});
  if (!page) return fail(page.error());
  if (ctx.format == output::json) {
    json all = json::array();
    for (const auto& entry : page->rows) all.push_back(entry_json(entry));
    print_document(all, ctx.format);
  } else if (ctx.format == output::jsonl) {
    for (const auto& entry : page->rows) print_document(entry_json(entry), ctx.format);
  } else {
    table out({"ID", "INGEST TIME", "REASON", "TOPIC", "DETAIL"});
    for (const auto& entry : page->rows)
      out.add({std::to_string(entry.id), time_text(entry.ingest_time_ns), printable(entry.reason),
               printable(entry.topic), printable(entry.detail)});
    if (!out.empty()) out.print(ctx.color);
  }
  if (!ctx.quiet)
    std::cerr << page->rows.size() << " of " << page->total << " shown"
              << (page->rows.size() < page->total && !page->rows.empty()
                      ? "; --after " + std::to_string(page->rows.back().id) + " goes on"
                      : "")
              << '\n';
  return exit_ok;
}

int show(client& node, const context& ctx, std::uint64_t id) {
  const auto page = node.ask(messages::quarantine_query{id == 0 ? 0 : id - 1, 1});
  if (!page) return fail(page.error());
  if (page->rows.empty() || page->rows[0].id != id)
    return fail(exit_not_found, "no quarantined message " + std::to_string(id));
  const auto& entry = page->rows[0];
  if (ctx.format != output::table) {
    print_document(entry_json(entry), ctx.format);
    return exit_ok;
  }
  std::cout << "id       " << entry.id << "\nreceived " << time_text(entry.ingest_time_ns)
            << "\nreason   " << printable(entry.reason) << "\ntopic    " << printable(entry.topic)
            << "\ndetail   " << printable(entry.detail) << "\nmapping  " << printable(entry.mapping)
            << "\npayload  " << printable(entry.payload) << '\n';
  return exit_ok;
}

} // namespace

void add_quarantine_verbs(CLI::App& app, context& ctx) {
  auto* quarantine = app.add_subcommand("quarantine", "messages that could not be used");
  quarantine->require_subcommand(1);
  auto id = std::make_shared<std::uint64_t>(0);
  auto limit = std::make_shared<std::uint32_t>(100);

  auto* ls = quarantine->add_subcommand("ls", "what is held, oldest first, and why");
  ls->add_option("--after", *id, "go on after this id")->capture_default_str();
  ls->add_option("--limit", *limit, "at most so many")
      ->check(CLI::Range(1U, messages::max_page))
      ->capture_default_str();
  auto options = add_node_options(ls);
  on_run(ls, ctx, [&ctx, options, id, limit] {
    return with_node(ctx, *options, [&](client& node) { return list(node, ctx, *id, *limit); });
  });

  auto* one = quarantine->add_subcommand("show", "one message with its payload");
  one->add_option("ID", *id, "as quarantine ls shows it")->required();
  options = add_node_options(one);
  on_run(one, ctx, [&ctx, options, id] {
    return with_node(ctx, *options, [&](client& node) { return show(node, ctx, *id); });
  });

  auto* replay = quarantine->add_subcommand("replay", "decode again with the present mapping");
  replay->add_option("ID", *id, "as quarantine ls shows it")->required();
  options = add_node_options(replay);
  on_run(replay, ctx, [&ctx, options, id] {
    return ask_and_print(ctx, *options, messages::quarantine_replay{*id},
                         [](const messages::done& d) { std::cout << printable(d.detail) << '\n'; });
  });
}

} // namespace pollux::cli
