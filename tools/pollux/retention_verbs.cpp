// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/retention_verbs.hpp"
#include "supervision/offline_retention.hpp"
#include "tools/pollux/client_job.hpp"
#include <chrono>
#include <iostream>

namespace pollux::cli {

namespace {

struct twin_order {
  std::string id, reason;
  bool yes = false, remove = false;
};

void print_tiers(const json& document, const context& ctx) {
  table tiers({"TIER", "BLOCKS", "INPUTS", "READINGS", "BYTES", "BYTES/VALUE", "OLDEST", "NEWEST"});
  for (const auto& t : document["tiers"])
    tiers.add({plain(t["tier"]), plain(t["blocks"]), plain(t["inputs"]), plain(t["readings"]),
               plain(t["bytes"]), plain(t["bytes_per_value"]), plain(t["oldest"]),
               plain(t["newest"])});
  tiers.print(ctx.color);
  table holds({"ON HOLD", "BY", "SINCE", "REASON"});
  for (const auto& h : document["holds"])
    holds.add({printable(plain(h["twin"])), printable(plain(h["by"])), plain(h["since"]),
               printable(plain(h["reason"]))});
  if (!holds.empty()) {
    std::cout << '\n';
    holds.print(ctx.color);
  }
}

int show_tiers(const std::string& text, const context& ctx) {
  const auto document = parse_document(text);
  if (ctx.format != output::table) {
    print_document(document, ctx.format);
    return exit_ok;
  }
  print_tiers(document, ctx);
  return exit_ok;
}

/// Prints where the id was found; nothing found is success.
int show_found(const json& document, const context& ctx) {
  if (ctx.format != output::table) {
    print_document(document, ctx.format);
  } else {
    if (document.contains("proof"))
      for (const auto& [name, value] : document["proof"].items())
        std::cout << name << ": " << printable(plain(value)) << '\n';
    if (document.contains("proofs"))
      for (const auto& proof : document["proofs"])
        std::cout << "erased " << plain(proof["at"]) << " by " << printable(plain(proof["by"]))
                  << ", " << plain(proof["inputs"])
                  << " inputs: " << printable(plain(proof["reason"])) << '\n';
    if (document["found"].empty())
      std::cout << painted("the id is found nowhere", 32, ctx.color) << '\n';
    for (const auto& place : document["found"])
      std::cout << painted("still found", 31, ctx.color) << ": " << printable(plain(place)) << '\n';
  }
  return document["found"].empty() ? exit_ok : exit_failure;
}

int run_and_show(client& node, const context& ctx, const char* kind, const json& arguments) {
  const auto done = run_job(node, ctx, kind, arguments);
  if (!done) return fail(done.error());
  return show_found(parse_document(done->document), ctx);
}

void add_hold_verbs(CLI::App& twin, context& ctx) {
  for (const std::string verb : {"hold", "release"}) {
    auto* sub = twin.add_subcommand(
        verb, verb == "hold" ? "legal hold: the twin's history neither expires nor can be erased"
                             : "end a legal hold");
    auto order = std::make_shared<twin_order>();
    sub->add_option("ID", order->id, "namespace:name")->required();
    sub->add_option("--reason", order->reason, "why: it is kept")->required();
    auto options = add_node_options(sub);
    on_run(sub, ctx, [&ctx, options, order, verb] {
      return ask_and_print(ctx, *options,
                           messages::retention_order{verb, order->id, asker(), order->reason},
                           [&](const messages::history_document&) {
                             std::cout << printable(order->id)
                                       << (verb == "hold" ? " is on hold" : " is released") << '\n';
                           });
    });
  }
}

} // namespace

void add_retention_twin_verbs(CLI::App& twin, context& ctx) {
  add_hold_verbs(twin, ctx);
  auto* erase = twin.add_subcommand(
      "erase", "remove everything that is stored of a twin, physically; there is no way back");
  auto order = std::make_shared<twin_order>();
  erase->add_option("ID", order->id, "namespace:name")->required();
  erase->add_option("--reason", order->reason, "why: it is kept in the proof")->required();
  erase->add_flag("--yes", order->yes, "needed: there is no way back");
  erase->add_flag("--delete", order->remove, "the twin lives: delete it first");
  auto options = add_node_options(erase);
  on_run(erase, ctx, [&ctx, options, order] {
    if (!order->yes) return fail(exit_usage, "there is no way back: say --yes");
    return with_node(ctx, *options, [&](client& node) {
      return run_and_show(node, ctx, "erase",
                          {{"id", order->id},
                           {"by", asker()},
                           {"reason", order->reason},
                           {"delete", order->remove}});
    });
  });
  auto* erased =
      twin.add_subcommand("erased", "search the whole data folder for a twin's id; show proofs");
  auto id = std::make_shared<std::string>();
  erased->add_option("ID", *id, "namespace:name")->required();
  options = add_node_options(erased);
  on_run(erased, ctx, [&ctx, options, id] {
    return with_node(ctx, *options, [&](client& node) {
      return run_and_show(node, ctx, "erased", {{"id", *id}});
    });
  });
}

void add_retention_journal_verbs(CLI::App& journal, context& ctx) {
  auto* tiers = journal.add_subcommand("tiers", "how much history lies in which tier");
  auto options = add_node_options(tiers);
  on_run(tiers, ctx, [&ctx, options] {
    const auto data = data_folder(*options, ctx);
    if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
    if (options->server.empty() && !node_runs(*data)) {
      const auto document = supervision::tiers_offline(*data);
      if (!document) return fail(document.error());
      return finish(show_tiers(*document, ctx));
    }
    return ask_and_print(ctx, *options, messages::retention_order{"status", "", asker(), ""},
                         [&](const messages::history_document& answer) {
                           static_cast<void>(show_tiers(answer.document, ctx));
                         });
  });
  auto* move = journal.add_subcommand(
      "move", "move history to the tier of its age; the node must be stopped (it does so itself)");
  auto now = std::make_shared<std::string>();
  move->add_option("--now", *now, "as if it were then: RFC 3339 or seconds since 1970")
      ->type_name("TIME");
  auto where = add_node_options(move);
  on_run(move, ctx, [&ctx, where, now] {
    const auto data = data_folder(*where, ctx);
    if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
    std::int64_t when = std::chrono::duration_cast<std::chrono::nanoseconds>(
                            std::chrono::system_clock::now().time_since_epoch())
                            .count();
    if (!now->empty()) {
      const auto parsed = parse_when(*now);
      if (!parsed) return fail(parsed.error());
      when = *parsed;
    }
    catch_interrupts();
    const auto done = supervision::move_offline(
        *data, when, [](std::uint64_t) { return pause(std::chrono::milliseconds{0}); });
    if (!done) return fail(done.error());
    const auto document = parse_document(*done);
    if (ctx.format != output::table)
      print_document(document, ctx.format);
    else
      for (const auto& [name, value] : document.items())
        std::cout << name << ": " << printable(plain(value)) << '\n';
    return finish(document["skipped"] == 0 ? exit_ok : exit_failure);
  });
}

} // namespace pollux::cli
