// SPDX-License-Identifier: Apache-2.0
// backup, backup check, restore: docs/backup.md.
#include "actors/backup_job.hpp"
#include "domain/base/time.hpp"
#include "supervision/offline_storage.hpp"
#include "supervision/restore.hpp"
#include "tools/pollux/audit_note.hpp"
#include "tools/pollux/client_job.hpp"
#include "tools/pollux/groups.hpp"
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace pollux::cli {

namespace {

std::string absolute(const std::string& folder) {
  std::error_code error;
  const auto full = std::filesystem::absolute(folder, error);
  return error ? folder : full.lexically_normal().string();
}

bool draws(const context& ctx) { return !ctx.quiet && ::isatty(STDERR_FILENO) != 0; }

double share_of(std::uint64_t done, std::uint64_t total) {
  return total == 0 ? 0 : static_cast<double>(done) / static_cast<double>(total);
}

int print_backup(const std::string& text, const context& ctx) {
  const auto document = parse_document(text);
  if (ctx.format != output::table) {
    print_document(document, ctx.format);
  } else {
    std::uint64_t rows = 0;
    for (const auto& [table, count] : document["rows"].items()) rows += count.get<std::uint64_t>();
    std::cout << painted("backup", 32, ctx.color) << ' '
              << printable(document["folder"].get<std::string>()) << ": " << rows << " rows, "
              << plain(document["bytes_of_rows"]) << " bytes, " << plain(document["cold_files"])
              << " cold files, " << plain(document["linked_files"])
              << " of them shared with the backup before\n";
    for (const auto& d : document["damage"])
      std::cout << "  " << painted("not readable", 31, ctx.color) << ": "
                << printable(d.get<std::string>()) << '\n';
  }
  return document["damage"].empty() ? exit_ok : exit_failure;
}

int backup_offline(const std::string& data, const std::string& to, const context& ctx) {
  const auto opened = supervision::open_offline(data, "*");
  if (!opened) return fail(opened.error());
  catch_interrupts();
  progress_bar bar(draws(ctx));
  persistence::backup_order order;
  order.data = data;
  order.into = to;
  order.now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                     std::chrono::system_clock::now().time_since_epoch())
                     .count();
  order.share = 1;
  order.progress = [&](std::uint64_t done, std::uint64_t total) {
    bar.show(share_of(done, total));
    return !interrupted();
  };
  const auto made = persistence::back_up(*(*opened)->journal, *(*opened)->tables, order);
  if (!made) return fail(made.error());
  return print_backup(actors::backup_document(*made), ctx);
}

int backup_online(client& node, const context& ctx, const std::string& to, double share) {
  const auto done = run_job(node, ctx, "backup", json{{"to", to}, {"share", share}});
  if (!done) return fail(done.error());
  return print_backup(done->document, ctx);
}

int check(const std::string& folder, const context& ctx) {
  catch_interrupts();
  const auto found =
      persistence::check_backup(folder, [](std::uint64_t) { return !interrupted(); });
  if (!found) return fail(found.error());
  const bool clean = found->findings.empty();
  if (ctx.format != output::table) {
    print_document(json{{"folder", found->folder},
                        {"made_at", found->made_at},
                        {"files", found->files},
                        {"bytes", found->bytes},
                        {"findings", found->findings},
                        {"damage", found->damage}},
                   ctx.format);
  } else {
    std::cout << painted(clean ? "sound" : "damaged", clean ? 32 : 31, ctx.color) << ": "
              << printable(found->folder) << " of " << printable(found->made_at) << ", "
              << found->files << " files, " << found->bytes << " bytes\n";
    for (const auto& f : found->findings) std::cout << "  " << printable(f) << '\n';
    for (const auto& d : found->damage)
      std::cout << "  damaged already when it was made: " << printable(d) << '\n';
  }
  return clean ? exit_ok : exit_failure;
}

json describe(const supervision::restore_report& r) {
  json out{{"backup", r.backup},
           {"made_at", r.made_at},
           {"files", r.files},
           {"bytes", r.bytes},
           {"twins", r.verified.twins},
           {"readings", r.verified.readings},
           {"blocks", r.verified.blocks},
           {"damage", r.damage}};
  if (r.cut)
    out["taken_away"] = {
        {"inputs_from_log", r.cut->inputs_from_log},   {"blocks", r.cut->blocks_dropped},
        {"blocks_shortened", r.cut->blocks_shortened}, {"snapshots", r.cut->snapshots},
        {"alert_transitions", r.cut->transitions},     {"effects_waiting", r.cut->outbox},
        {"quarantined", r.cut->quarantined},           {"twins", r.cut->twins},
        {"states_worked_out", r.cut->states_made}};
  return out;
}

int restore(const std::string& from, const std::string& data, const std::string& to,
            bool accept_damage, const context& ctx) {
  supervision::restore_order order{from, absolute(data), {}, accept_damage, {}};
  if (!to.empty()) {
    const auto when = parse_when(to);
    if (!when) return fail(when.error().within("--to"));
    order.to = *when;
  }
  catch_interrupts();
  progress_bar bar(draws(ctx));
  order.progress = [&](const char*, std::uint64_t done, std::uint64_t total) {
    bar.show(share_of(done, total));
    return !interrupted();
  };
  const auto done = supervision::restore(order);
  if (!done) return fail(done.error());
  note_deed(order.data, "restore", order.data, json{{"from", done->backup}, {"to", to}}.dump(), {});
  const auto document = describe(*done);
  if (ctx.format != output::table) {
    print_document(document, ctx.format);
    return exit_ok;
  }
  std::cout << painted("restored", 32, ctx.color) << ' ' << printable(order.data) << " from "
            << printable(done->backup);
  if (order.to) std::cout << " to " << time_text(*order.to);
  std::cout << ": " << done->verified.twins << " twins, " << done->verified.readings
            << " readings, verified\n";
  if (done->cut)
    for (const auto& [name, count] : document["taken_away"].items())
      std::cout << "  taken away, " << name << ": " << count << '\n';
  for (const auto& d : done->damage)
    std::cout << "  " << painted("damage", 31, ctx.color) << ": " << printable(d) << '\n';
  return exit_ok;
}

} // namespace

void add_backup_verbs(CLI::App& app, context& ctx) {
  auto* backup = app.add_subcommand("backup", "copy a node's data, also while it runs");
  backup->require_subcommand(0, 1);
  auto to = std::make_shared<std::string>();
  backup->add_option("--to", *to, "folder of backups; each gets a folder of its own in it");
  auto share = std::make_shared<double>(50);
  backup
      ->add_option("--share", *share,
                   "of the time of one core and the disk, in percent, that a running node gives it")
      ->check(CLI::Range(1.0, 100.0))
      ->capture_default_str();
  auto options = add_node_options(backup);
  auto* check_verb = backup->add_subcommand("check", "compare a backup with its checksums");
  auto folder = std::make_shared<std::string>();
  check_verb->add_option("DIR", *folder, "a backup, or a folder of backups: the newest")
      ->required();
  on_run(backup, ctx, [&ctx, options, to, share, check_verb, folder] {
    if (check_verb->parsed()) return check(*folder, ctx);
    if (to->empty()) return fail(exit_usage, "where to? --to DIR");
    const auto data = data_folder(*options, ctx);
    if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
    if (options->server.empty() && !node_runs(*data))
      return finish(backup_offline(*data, absolute(*to), ctx));
    return with_node(ctx, *options, [&](client& node) {
      return backup_online(node, ctx, absolute(*to), *share / 100);
    });
  });
  auto* restore_verb =
      app.add_subcommand("restore", "make a data folder from a backup, at any time up to it");
  auto from = std::make_shared<std::string>();
  auto data = std::make_shared<std::string>();
  auto when = std::make_shared<std::string>();
  auto accept = std::make_shared<bool>(false);
  restore_verb->add_option("--from", *from, "a backup, or a folder of backups")->required();
  restore_verb->add_option("--data", *data, "the new data folder")->required();
  restore_verb->add_option("--to", *when,
                           "how it was then by the node's clock: RFC 3339 or seconds since 1970");
  restore_verb->add_flag("--accept-damage", *accept, "restore what is sound of a damaged backup");
  on_run(restore_verb, ctx, [&ctx, from, data, when, accept] {
    return finish(restore(*from, *data, *when, *accept, ctx));
  });
}

} // namespace pollux::cli
