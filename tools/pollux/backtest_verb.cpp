// SPDX-License-Identifier: Apache-2.0
// pollux backtest: a changed model over the journal, through a running node or on the folder of one
// that is stopped (docs/backtest.md).
#include "actors/backtest_job.hpp"
#include "actors/directory.hpp"
#include "actors/glob.hpp"
#include "messages/model_codec.hpp"
#include "supervision/offline_storage.hpp"
#include "tools/pollux/backtest_report.hpp"
#include "tools/pollux/client_history.hpp"
#include "tools/pollux/client_job.hpp"
#include "tools/pollux/model_files.hpp"
#include <fstream>
#include <iostream>
#include <unistd.h>

namespace pollux::cli {

namespace {

constexpr std::size_t most_shown = 20;

struct backtest_wish {
  std::string model, twins = "*", warm_up = "all", tolerance = "10m", json_file, html_file,
                     by = asker();
  wanted_interval within;
  std::uint32_t differences = 1000;
  unsigned jobs = 0;
  bool promote = false, offline = false;
};

result<json> arguments_of(const backtest_wish& want, const std::string& text) {
  const auto within = interval_of(want.within);
  if (!within) return within.error();
  json out{{"model", text},
           {"file", want.model},
           {"twins", want.twins},
           {"from", want.within.from.empty() ? json(nullptr) : json(within->from)},
           {"to", want.within.to.empty() ? json(nullptr) : json(within->to)},
           {"differences", want.differences},
           {"threads", want.jobs}};
  if (want.warm_up != "all") {
    const auto span = parse_duration(want.warm_up);
    if (!span) return span.error().within("--warm-up");
    if (want.within.from.empty())
      return failure{errc::invalid_argument, "--warm-up other than all needs --from"};
    out["warm_up"] = *span;
  }
  const auto tolerance = parse_duration(want.tolerance);
  if (!tolerance) return tolerance.error().within("--tolerance");
  out["tolerance"] = *tolerance;
  return out;
}

status write_file(const std::string& name, const std::string& text) {
  std::ofstream out(name, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return failure{errc::io, name + ": cannot be written"};
  return {};
}

std::string count(const json& counts, const char* key) { return plain(counts.at(key)); }

void add_row(table& out, const std::string& name, const json& c) {
  out.add({name, count(c, "ruling"), count(c, "candidate"), count(c, "same"), count(c, "moved"),
           count(c, "gained"), count(c, "lost")});
}

void print_warm_up(const json& warm) {
  if (warm.at("kind") == "all")
    std::cout << "warm-up: from each twin's creation";
  else
    std::cout << "warm-up: the candidate began empty " << plain(warm.at("span")) << " before, at "
              << plain(warm.at("from"));
  if (warm.at("exact") == true) std::cout << " (exact)";
  if (warm.at("twins_without_beginning") != 0)
    std::cout << "; of " << plain(warm.at("twins_without_beginning"))
              << " twins the beginning is gone, they began with what is left";
  std::cout << "\nlongest time a rule names: " << plain(warm.at("longest_memory"));
  if (!warm.at("longest_memory_of").is_null())
    std::cout << " (" << printable(plain(warm.at("longest_memory_of"))) << ')';
  if (!warm.at("rules_without_bound").empty()) {
    std::cout << "; without bound:";
    for (const auto& r : warm.at("rules_without_bound")) std::cout << ' ' << printable(plain(r));
  }
  std::cout << '\n';
}

std::string when(const json& d, const char* side) {
  const auto found = d.find(side);
  return found == d.end() ? "-" : plain(found->at("event_time"));
}

void print_differences(const json& report, const context& ctx) {
  table out({"TWIN", "RULE", "WHAT", "RULING", "CANDIDATE", "EARLIER", "INCIDENT"});
  std::size_t n = 0;
  for (const auto& d : report.at("differences")) {
    if (++n > most_shown) break;
    const bool stored = d.contains("ruling");
    out.add({printable(plain(d.at("twin"))), printable(plain(d.at("rule"))), plain(d.at("kind")),
             when(d, "ruling"), when(d, "candidate"),
             d.contains("lead_s") ? plain(d.at("lead_s")) + "s" : "-",
             stored ? plain(d.at("ruling").at("incident")) : "-"});
  }
  if (out.empty()) return;
  std::cout << '\n';
  out.print(ctx.color);
  const auto all = report.at("differences_total").get<std::uint64_t>();
  if (all > most_shown)
    std::cout << "... " << all - most_shown << " more; --json and --html keep them\n";
  std::cout << "pollux alert show TWIN INCIDENT tells of what was raised; --json and --html hold "
               "the evidence of both\n";
}

void print_report(const json& report, const context& ctx) {
  if (ctx.format != output::table) return print_document(report, ctx.format);
  const auto &twins = report.at("twins"), &model = report.at("model");
  const bool whole = report.at("state") == "complete";
  std::cout << painted(whole ? "complete" : "cancelled", whole ? 32 : 33, ctx.color) << ": "
            << printable(plain(model.at("name"))) << " candidate "
            << plain(model.at("candidate")).substr(0, 12) << ", " << plain(twins.at("compared"))
            << " twins, " << plain(report.at("readings")) << " readings";
  if (!whole)
    std::cout << "; " << plain(twins.at("done")) << " of " << plain(twins.at("asked"))
              << " twins were run, what follows is of these only";
  std::cout << '\n';
  if (twins.at("of_other_models") != 0)
    std::cout << plain(twins.at("of_other_models")) << " twins are of other models\n";
  print_warm_up(report.at("warm_up"));
  std::cout << "pairs: same rule, at most " << plain(report.at("tolerance"))
            << " apart or open together\n\n";
  table rules({"RULE", "RULING", "CANDIDATE", "SAME", "MOVED", "GAINED", "LOST"});
  for (const auto& r : report.at("rules")) add_row(rules, printable(plain(r.at("rule"))), r);
  add_row(rules, "all", report.at("alerts"));
  rules.print(ctx.color);
  const auto& lead = report.at("lead_s");
  if (lead.at("count") != 0)
    std::cout << "moved alerts: " << plain(lead.at("earlier")) << " earlier, "
              << plain(lead.at("later")) << " later, median " << plain(lead.at("median"))
              << " s earlier\n";
  if (report.at("actions_left_out") != 0)
    std::cout << plain(report.at("actions_left_out"))
              << " actions of people named alerts that the candidate did not have\n";
  for (const auto& f : report.at("failures"))
    std::cout << "not run: " << printable(plain(f.at("twin"))) << ": "
              << printable(plain(f.at("what"))) << '\n';
  print_differences(report, ctx);
}

/// Prints and writes the report; the exit code is that of the run.
int tell(const json& report, const backtest_wish& want, const context& ctx) {
  if (!report.is_object()) return fail(exit_failure, "the report cannot be read");
  if (!want.json_file.empty())
    if (auto s = write_file(want.json_file, report.dump(1) + "\n"); !s) return fail(s.error());
  if (!want.html_file.empty())
    if (auto s = write_file(want.html_file, backtest_html(report)); !s) return fail(s.error());
  print_report(report, ctx);
  if (report.at("state") != "complete") return exit_interrupted;
  return report.at("twins").at("failed") == 0 ? exit_ok : exit_failure;
}

int promote(client& node, const backtest_wish& want, const std::string& text, const context& ctx) {
  const auto applied = node.ask(messages::model_apply{text, want.model, want.twins, want.by});
  if (!applied) return fail(applied.error());
  if (!ctx.quiet)
    std::cerr << "promoted: " << printable(applied->name) << ' ' << applied->previous.substr(0, 12)
              << " -> " << applied->hash.substr(0, 12) << " (" << applied->state << ")\n";
  return exit_ok;
}

int run_online(client& node, const backtest_wish& want, const std::string& text,
               const json& arguments, const context& ctx) {
  const auto done = run_job(node, ctx, "backtest", arguments, true);
  if (!done && interrupted() && done.error().code == errc::unavailable)
    return fail(exit_interrupted, done.error().what); // before there was a report
  if (!done) return fail(done.error());
  const int code = tell(parse_document(done->document), want, ctx);
  if (!want.promote) return code;
  if (code != exit_ok) return fail(code, "not promoted: the back-test is not whole");
  return promote(node, want, text, ctx);
}

int run_offline(const std::string& data, const backtest_wish& want, const json& arguments,
                const context& ctx) {
  auto request = actors::read_backtest_request(arguments.dump());
  if (!request) return fail(request.error());
  auto opened = supervision::open_offline(data, "*");
  if (!opened) return fail(opened.error());
  auto& s = **opened;
  const auto alive = persistence::last_sign_of_life(*s.journal, *s.tables, s.twins);
  if (!alive) return fail(alive.error());
  std::erase_if(s.twins, [&](const auto& t) {
    return !actors::matches_glob(request->twins, actors::split_key(t.id).id);
  });
  catch_interrupts();
  progress_bar bar(!ctx.quiet && ::isatty(STDERR_FILENO) != 0);
  persistence::backtest test(*s.journal, *s.tables, s.models, s.twins, std::move(request->order),
                             *alive);
  const auto report = actors::run_backtest(test, [&](std::uint64_t done, std::uint64_t total) {
    if (total > 0) bar.show(static_cast<double>(done) / static_cast<double>(total));
    return !interrupted();
  });
  if (!report) return fail(report.error());
  return tell(parse_document(*report), want, ctx);
}

int run(const backtest_wish& want, const std::shared_ptr<node_options>& options,
        const context& ctx) {
  const auto text = read_model_text(want.model);
  if (!text) return fail(text.error());
  // What is wrong is said here, with the file's own name, before anything runs.
  if (const auto model = messages::parse_model(*text, want.model); !model) {
    fail(model.error(), "pollux model check " + want.model + " tells all");
    return exit_configuration;
  }
  const auto arguments = arguments_of(want, *text);
  if (!arguments) return fail(arguments.error());
  const auto data = data_folder(*options, ctx);
  if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
  if (want.offline || (options->server.empty() && !node_runs(*data))) {
    if (want.promote)
      return fail(exit_usage, "--promote needs a running node: none serves " + *data);
    return finish(run_offline(*data, want, *arguments, ctx));
  }
  return with_node(ctx, *options,
                   [&](client& node) { return run_online(node, want, *text, *arguments, ctx); });
}

} // namespace

void add_backtest_verbs(CLI::App& app, context& ctx) {
  auto* verb = app.add_subcommand(
      "backtest", "what a changed model would have raised over what is in the journal");
  auto want = std::make_shared<backtest_wish>();
  verb->add_option("--model", want->model, "the changed model")->required()->type_name("FILE");
  verb->add_option("--twins", want->twins, "only those whose id matches")
      ->type_name("GLOB")
      ->capture_default_str();
  verb->add_option("--from", want->within.from, "alerts from this event time on")
      ->type_name("TIME");
  verb->add_option("--to", want->within.to, "up to this one, inclusive")->type_name("TIME");
  verb->add_option("--warm-up", want->warm_up,
                   "how long before --from the candidate begins, with nothing known; all: with "
                   "each twin's creation, which is exact")
      ->type_name("SPAN")
      ->capture_default_str();
  verb->add_option("--tolerance", want->tolerance,
                   "alerts of one rule that lie so near are the same one, moved")
      ->type_name("SPAN")
      ->capture_default_str();
  verb->add_option("--json", want->json_file, "writes the report there")->type_name("FILE");
  verb->add_option("--html", want->html_file, "writes the report there, with charts")
      ->type_name("FILE");
  verb->add_option("--differences", want->differences, "told one by one; all are counted")
      ->capture_default_str();
  verb->add_option("--jobs", want->jobs, "threads; 0: one for each core")->capture_default_str();
  verb->add_flag("--promote", want->promote,
                 "then applies the model to these twins, when the run was whole");
  verb->add_option("--by", want->by, "who promotes it, for the record");
  verb->add_flag("--offline", want->offline, "open the data folder; the node must be stopped");
  auto options = add_node_options(verb);
  on_run(verb, ctx, [&ctx, options, want] { return run(*want, options, ctx); });
}

} // namespace pollux::cli
