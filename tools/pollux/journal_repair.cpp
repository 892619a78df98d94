// SPDX-License-Identifier: Apache-2.0
// journal stats, journal repair, and the heads that journal verify prints and compares.
#include "tools/pollux/journal_repair.hpp"
#include "actors/journal_jobs.hpp"
#include "persistence/file_copy.hpp"
#include "persistence/journal_stats.hpp"
#include "supervision/offline_storage.hpp"
#include "supervision/repair.hpp"
#include "tools/pollux/audit_note.hpp"
#include "tools/pollux/client_job.hpp"
#include <iostream>

namespace pollux::cli {

namespace {

std::string two_digits(const json& value) {
  if (!value.is_number()) return "-";
  const auto hundredths = static_cast<long long>(value.get<double>() * 100 + 0.5);
  const auto part = std::to_string(100 + hundredths % 100).substr(1);
  return std::to_string(hundredths / 100) + "." + part;
}

void add_amount(table& rows, const std::string& name, const json& a) {
  rows.add({name, plain(a["blocks"]), plain(a["inputs"]), plain(a["readings"]), plain(a["values"]),
            plain(a["bytes"]), two_digits(a["bytes_per_value"]), plain(a["oldest"]),
            plain(a["newest"])});
}

int print_stats(const std::string& text, const context& ctx) {
  const auto document = parse_document(text);
  if (ctx.format != output::table) {
    print_document(document, ctx.format);
    return exit_ok;
  }
  const std::vector<std::string> header{"TIER",  "BLOCKS",          "INPUTS", "READINGS", "VALUES",
                                        "BYTES", "BYTES PER VALUE", "OLDEST", "NEWEST"};
  table tiers(header);
  for (const auto& [name, amount] : document["tiers"].items()) add_amount(tiers, name, amount);
  add_amount(tiers, "all", document["history"]);
  tiers.print(ctx.color);
  const auto& tail = document["tail"];
  std::cout << "log's tail: " << plain(tail["segments"]) << " segments, " << plain(tail["inputs"])
            << " inputs, " << plain(tail["readings"]) << " readings, " << plain(tail["bytes"])
            << " bytes\n"
            << "twins: " << plain(document["twins"]) << ", deleted "
            << plain(document["deleted_twins"]) << ", shards " << plain(document["shards"])
            << "; alerts: " << plain(document["alerts"]["incidents"]) << " incidents, "
            << plain(document["alerts"]["transitions"])
            << " transitions; cold files: " << plain(document["cold_files"]) << '\n';
  table tables({"TABLE", "ROWS", "BYTES"});
  for (const auto& [name, t] : document["tables"].items())
    tables.add({printable(name), plain(t["rows"]), plain(t["bytes"])});
  tables.print(ctx.color);
  if (!document.contains("by_twin")) return exit_ok;
  auto names = header;
  names[0] = "TWIN";
  table twins(names);
  for (const auto& t : document["by_twin"])
    for (const auto& [tier, amount] : t["tiers"].items())
      add_amount(twins, printable(t["twin"].get<std::string>()) + " " + tier, amount);
  if (!twins.empty()) twins.print(ctx.color);
  return exit_ok;
}

int stats_offline(const std::string& data, bool twins, const context& ctx) {
  const auto opened = supervision::open_offline(data, {});
  if (!opened) return fail(opened.error());
  const auto stats = persistence::count_journal(*(*opened)->journal, *(*opened)->tables, twins, {});
  if (!stats) return fail(stats.error());
  return print_stats(persistence::stats_document(*stats), ctx);
}

int repair(const std::string& data, const std::string& from, bool dry_run, const context& ctx) {
  const auto notes = supervision::repair(data, from, dry_run);
  if (!dry_run)
    note_deed(data, "journal_repair", data, from.empty() ? "" : json{{"from", from}}.dump(),
              notes ? status() : status(notes.error()));
  if (!notes) return fail(notes.error());
  std::size_t lost = 0;
  json list = json::array();
  for (const auto& n : *notes) {
    lost += n.lost ? 1 : 0;
    list.push_back({{"twin", n.twin}, {"what", n.what}, {"done", n.done}, {"lost", n.lost}});
  }
  if (ctx.format != output::table) {
    print_document(json{{"dry_run", dry_run}, {"repairs", list}, {"lost", lost}}, ctx.format);
    return lost == 0 ? exit_ok : exit_failure;
  }
  for (const auto& n : *notes)
    std::cout << (n.twin.empty() ? "" : printable(n.twin) + ": ") << printable(n.what) << "\n  "
              << painted(n.done, n.lost ? 31 : 32, ctx.color) << '\n';
  if (notes->empty())
    std::cout << painted("sound", 32, ctx.color) << ": nothing to repair\n";
  else
    std::cout << notes->size() << (dry_run ? " to repair, " : " repaired, ") << lost
              << " of them with a loss\n";
  return lost == 0 ? exit_ok : exit_failure;
}

int print_heads(const std::string& text, bool comparison, const context& ctx) {
  const auto document = parse_document(text);
  const bool sound = !comparison || document["findings"].empty();
  if (ctx.format != output::table) {
    print_document(document, ctx.format);
    return sound ? exit_ok : exit_failure;
  }
  if (comparison) {
    std::cout << painted(sound ? "unchanged" : "changed", sound ? 32 : 31, ctx.color) << ": "
              << plain(document["compared"]) << " histories are what they were\n";
    for (const auto& f : document["findings"])
      std::cout << "  " << printable(f.get<std::string>()) << '\n';
    return sound ? exit_ok : exit_failure;
  }
  table rows({"TWIN", "NEWEST INPUT", "CHAIN"});
  for (const auto& h : document["heads"])
    rows.add({printable(h["twin"].get<std::string>()), plain(h["last"]), plain(h["chain"])});
  rows.print(ctx.color);
  std::cout << "all: " << plain(document["all"]) << '\n';
  if (document["left_out"] != 0)
    std::cout << plain(document["left_out"])
              << " left out: their newest block is of the first format; sealing makes it anew\n";
  return exit_ok;
}

} // namespace

int heads(const std::string& data, const node_options& options, bool offline,
          const std::string& expect, const context& ctx) {
  std::string kept;
  if (!expect.empty()) {
    auto text = persistence::read_file(expect);
    if (!text) return fail(text.error());
    if (!parse_document(*text).is_object())
      return fail(exit_data, expect + " is not what journal verify --heads -o json prints");
    kept = std::move(*text);
  }
  if (offline) {
    const auto opened = supervision::open_offline(data, {});
    if (!opened) return fail(opened.error());
    const auto done = actors::heads_of(*(*opened)->journal, *(*opened)->tables, kept);
    return done ? print_heads(*done, !kept.empty(), ctx) : fail(done.error());
  }
  return with_node(ctx, options, [&](client& node) {
    auto arguments = json::object();
    if (!kept.empty()) arguments["kept"] = parse_document(kept);
    const auto done = run_job(node, ctx, "journal_heads", arguments);
    return done ? print_heads(done->document, !kept.empty(), ctx) : fail(done.error());
  });
}

void add_journal_repair_verbs(CLI::App& journal, context& ctx) {
  auto* stats = journal.add_subcommand("stats", "what lies in which tier and table, and how much");
  auto where = add_node_options(stats);
  auto twins = std::make_shared<bool>(false);
  stats->add_flag("--twins", *twins, "for each twin, too");
  on_run(stats, ctx, [&ctx, where, twins] {
    const auto data = data_folder(*where, ctx);
    if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
    if (where->server.empty() && !node_runs(*data))
      return finish(stats_offline(*data, *twins, ctx));
    return with_node(ctx, *where, [&](client& node) {
      const auto done = run_job(node, ctx, "journal_stats", json{{"twins", *twins}});
      return done ? print_stats(done->document, ctx) : fail(done.error());
    });
  });
  auto* mend = journal.add_subcommand("repair", "mend a stopped node's data, naming what it does");
  auto data = std::make_shared<std::string>();
  auto from = std::make_shared<std::string>();
  auto dry_run = std::make_shared<bool>(false);
  mend->add_option("--data", *data, "the data folder; the node must be stopped")->required();
  mend->add_option("--from", *from, "a backup, or a folder of backups: what it has comes back");
  mend->add_flag("--dry-run", *dry_run, "only say what would be done");
  on_run(mend, ctx,
         [&ctx, data, from, dry_run] { return finish(repair(*data, *from, *dry_run, ctx)); });
}

} // namespace pollux::cli
