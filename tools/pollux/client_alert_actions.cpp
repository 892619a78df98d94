// SPDX-License-Identifier: Apache-2.0
// What operators do to alerts, beyond looking and acknowledging; and maintenance of whole twins.
#include "domain/base/time.hpp"
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/client_verbs.hpp"
#include <iostream>

namespace pollux::cli {

namespace {

using messages::alert_action;

struct action_request {
  alert_action what;
  std::string for_time, until; ///< one of them, for the verbs that end by themselves
};

std::int64_t wall_clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int act(const context& ctx, const node_options& options, action_request want, bool ends) {
  if (ends && want.for_time.empty() == want.until.empty())
    return fail({errc::invalid_argument, "say --for (30m, 8h) or --until (2026-01-01T06:00:00Z)"});
  if (!want.for_time.empty()) {
    const auto duration = parse_duration(want.for_time);
    if (!duration) return fail(duration.error().within("--for"));
    want.what.until_ns = saturating_add(wall_clock_ns(), *duration);
  } else if (!want.until.empty()) {
    const auto when = parse_when(want.until);
    if (!when) return fail(when.error().within("--until"));
    want.what.until_ns = *when;
  }
  return ask_and_print(ctx, options, want.what, [&](const messages::done& d) {
    if (ctx.format == output::table)
      std::cout << printable(d.detail) << '\n';
    else
      print_document({{"twin", want.what.twin}, {"verb", want.what.verb}, {"answer", d.detail}},
                     ctx.format);
  });
}

enum class on : std::uint8_t { incident, rule, incident_or_rule, twin };

/// One verb. `detail`: what --reason, --comment, ... is called; empty: there is none.
void add_action(CLI::App* noun, context& ctx, const char* name, const char* help, const char* verb,
                on what, bool ends) {
  auto want = std::make_shared<action_request>();
  want->what.verb = verb;
  want->what.by = asker();
  auto* app = noun->add_subcommand(name, help);
  app->add_option("TWIN", want->what.twin, "namespace:name")->required();
  const std::string given = verb;
  if (what == on::incident)
    app->add_option("INCIDENT", want->what.incident, "as alert ls shows it")->required();
  if (what == on::incident_or_rule)
    app->add_option("RULE", want->what.rule, "a rule of the twin's model");
  if (what == on::incident_or_rule)
    app->add_option("--incident", want->what.incident, "the rule of this alert");
  if (given == "assign")
    app->add_option("TO", want->what.detail, "who; nothing: nobody any more");
  else if (given == "comment")
    app->add_option("TEXT", want->what.detail, "kept with the alert")->required();
  else if (given == "stop_maintenance")
    app->add_option("ID", want->what.incident, "as maintenance ls shows it; nothing: all");
  else
    app->add_option("--reason", want->what.detail, "kept with the alert");
  if (ends) {
    app->add_option("--for", want->for_time, "so long, as in 30m or 8h");
    app->add_option("--until", want->until, "RFC 3339, or seconds since 1970");
  }
  app->add_option("--by", want->what.by, "who")->capture_default_str();
  auto options = add_node_options(app);
  on_run(app, ctx, [&ctx, options, want, ends] { return act(ctx, *options, *want, ends); });
}

void print_maintenance(const messages::twin_answer& twin, const context& ctx) {
  const auto document = parse_document(twin.document);
  const auto windows = document.is_object() && document.contains("maintenance")
                           ? document["maintenance"]
                           : json(json::array());
  if (ctx.format != output::table) return print_document(windows, ctx.format);
  table out({"ID", "UNTIL", "BY", "REASON"});
  for (const auto& w : windows)
    out.add({plain(w.value("id", json())), plain(w.value("until", json())),
             plain(w.value("by", json())), plain(w.value("reason", json()))});
  if (out.empty()) {
    if (!ctx.quiet) std::cerr << "no maintenance\n";
    return;
  }
  out.print(ctx.color);
}

} // namespace

void add_alert_actions(CLI::App& alert, context& ctx) {
  add_action(&alert, ctx, "clear", "end an incident; raised anew if its condition still holds",
             "clear", on::incident, false);
  add_action(&alert, ctx, "reset", "end a latched incident, whose condition is gone", "reset",
             on::incident, false);
  add_action(&alert, ctx, "snooze", "say nothing of an incident for a while", "snooze",
             on::incident, true);
  add_action(&alert, ctx, "shelve", "say nothing of a rule of a twin for a while", "shelve",
             on::incident_or_rule, true);
  add_action(&alert, ctx, "unshelve", "end a shelving before its time", "unshelve",
             on::incident_or_rule, false);
  add_action(&alert, ctx, "assign", "say who deals with an incident", "assign", on::incident,
             false);
  add_action(&alert, ctx, "comment", "write something down with an incident", "comment",
             on::incident, false);
}

void add_maintenance_verbs(CLI::App& app, context& ctx) {
  auto* noun = app.add_subcommand("maintenance", "times in which alerts of a twin are not told");
  noun->require_subcommand(1);
  add_action(noun, ctx, "start", "record alerts of a twin, and tell nobody", "start_maintenance",
             on::twin, true);
  add_action(noun, ctx, "stop", "end it before its time; what is still wrong is told",
             "stop_maintenance", on::twin, false);
  auto* ls = noun->add_subcommand("ls", "maintenance of a twin that is under way");
  auto id = std::make_shared<std::string>();
  ls->add_option("TWIN", *id, "namespace:name")->required();
  auto options = add_node_options(ls);
  on_run(ls, ctx, [&ctx, options, id] {
    return ask_and_print(ctx, *options, messages::twin_query{*id},
                         [&ctx](const messages::twin_answer& t) { print_maintenance(t, ctx); });
  });
}

} // namespace pollux::cli
