// SPDX-License-Identifier: Apache-2.0
// twin get shows a twin the way an operator asks about it: what it measures now and how old that
// is, what its windows hold, and for every rule why there is, or is not, an alert.
#include "tools/pollux/client_twin.hpp"
#include "tools/pollux/client_history.hpp"
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/client_verbs.hpp"
#include "tools/pollux/retention_verbs.hpp"
#include <iostream>

namespace pollux::cli {

namespace {

using messages::twin_answer;

/// document[name], or null: a newer node may leave out what we know.
const json& part(const json& document, const char* name) {
  static const json nothing;
  if (!document.is_object()) return nothing;
  const auto found = document.find(name);
  return found == document.end() ? nothing : *found;
}

std::string text(const json& document, const char* name) { return plain(part(document, name)); }

void print_section(const table& rows, const context& ctx) {
  if (rows.empty()) return;
  std::cout << '\n';
  rows.print(ctx.color);
}

std::string state_colored(const std::string& state, const context& ctx) {
  const int color = state == "alerting" ? 31 : state == "ok" ? 32 : 33;
  return painted(state, color, ctx.color);
}

void print_head(const json& twin, const context& ctx) {
  const auto& model = part(twin, "model");
  const auto& readings = part(twin, "readings");
  const auto& memory = part(twin, "memory");
  std::cout << painted(text(twin, "id"), 1, ctx.color) << "  " << text(twin, "kind") << ", model "
            << text(model, "name") << " " << text(model, "hash").substr(0, 12)
            << (part(twin, "connected") == json(false) ? ", disconnected" : "") << '\n'
            << "readings " << text(readings, "applied") << " (late " << text(readings, "late")
            << ", duplicates " << text(readings, "duplicates") << ", corrections "
            << text(readings, "corrections")
            << (part(readings, "missing").is_number() && part(readings, "missing") != json(0)
                    ? ", missing " + text(readings, "missing")
                    : "")
            << "), last event time " << text(twin, "last_event_time") << '\n'
            << "revision " << text(twin, "revision") << ", state " << text(memory, "state_bytes")
            << " bytes, of these windows " << text(memory, "window_bytes") << '\n';
  const auto& clock = part(twin, "event_time");
  if (!clock.is_object()) return;
  const auto& lanes = part(clock, "readings");
  std::cout << "watermark " << text(clock, "watermark")
            << (part(clock, "by_idle") == json(true) ? " (by idle time-out)" : "")
            << ", clock skew " << text(clock, "clock_skew_s") << " s; on time "
            << text(lanes, "on_time") << ", reordered " << text(lanes, "reordered")
            << ", late: amended " << text(lanes, "late_amended") << ", kept "
            << text(lanes, "late_kept") << ", dropped " << text(lanes, "late_dropped")
            << ", too late " << text(lanes, "too_late") << ", future " << text(lanes, "future")
            << '\n';
}

void print_values(const json& twin, const context& ctx) {
  table values({"TELEMETRY", "VALUE", "UNIT", "AGE", "READINGS"});
  if (part(twin, "telemetry").is_object())
    for (const auto& [name, t] : part(twin, "telemetry").items()) {
      const bool undeclared = part(t, "declared") == json(false);
      values.add({printable(name) + (undeclared ? " (undeclared)" : ""), text(t, "value"),
                  text(t, "unit"), age_text(part(t, "age_s")), text(t, "readings")});
    }
  print_section(values, ctx);

  table windows({"WINDOW", "OF", "SPAN", "COUNT", "MEAN", "STDDEV", "MIN", "MAX"});
  for (const auto& w : part(twin, "windows"))
    windows.add({text(w, "name"), text(w, "telemetry"), text(w, "span"), text(w, "count"),
                 text(w, "mean"), text(w, "sample_stddev"), text(w, "min"), text(w, "max")});
  print_section(windows, ctx);
}

/// What is not plain from the columns beside it.
std::string state_text(const json& state) {
  if (!state.is_string() || state == "active" || state == "acknowledged") return {};
  return " (" + plain(state) + ")";
}

void print_rules(const json& twin, const context& ctx) {
  table rules({"RULE", "TYPE", "STATE", "WHY"});
  for (const auto& r : part(twin, "rules"))
    rules.add({text(r, "name"), text(r, "type"), text(r, "state"), text(r, "explanation")});
  print_section(rules, ctx);

  const auto& alerts = part(twin, "alerts");
  if (alerts.empty()) std::cout << "\nno active alert\n";
  table active({"ALERT", "RULE", "SEVERITY", "SINCE", "MESSAGE"});
  for (const auto& a : alerts)
    active.add({text(a, "incident"), text(a, "rule"), text(a, "severity"), text(a, "raised_at"),
                state_colored("alerting", ctx) + state_text(part(a, "state")) +
                    (part(a, "acknowledged") == json(true)
                         ? " (acknowledged by " + text(a, "acknowledged_by") + "): "
                         : ": ") +
                    text(a, "message")});
  print_section(active, ctx);
  table silent({"SILENT", "UNTIL", "BY", "REASON"});
  for (const auto& s : part(twin, "shelved"))
    silent.add({"rule " + text(s, "rule"), text(s, "until"), text(s, "by"), text(s, "reason")});
  for (const auto& m : part(twin, "maintenance"))
    silent.add({"maintenance", text(m, "until"), text(m, "by"), text(m, "reason")});
  print_section(silent, ctx);

  table commands({"COMMAND", "NAME", "PHASE", "REQUESTED", "DETAIL"});
  for (const auto& c : part(twin, "commands"))
    commands.add({text(c, "id"), text(c, "command"), text(c, "phase"), text(c, "requested_at"),
                  text(c, "detail")});
  print_section(commands, ctx);
}

void print_twin(const twin_answer& twin, const context& ctx) {
  print_twin_document(parse_document(twin.document), ctx);
}

json row_json(const messages::twin_row& row) {
  const auto last = time_text(row.last_event_time_ns);
  return {{"id", row.id},
          {"kind", row.kind},
          {"model", row.model},
          {"awake", row.awake},
          {"readings", row.readings},
          {"last_event_time", last == "-" ? json(nullptr) : json(last)},
          {"active_alerts", row.active_alerts}};
}

/// All pages, until `limit` rows (0 = no limit). `more`: there would be further ones.
result<std::vector<messages::twin_row>> list_twins(client& node, const std::string& glob,
                                                   std::uint32_t limit, bool& more) {
  std::vector<messages::twin_row> rows;
  std::string after;
  for (;;) {
    const auto left =
        limit == 0 ? messages::max_page : limit - static_cast<std::uint32_t>(rows.size());
    auto page = node.ask(messages::twin_list_query{glob, after, left});
    if (!page) return page.error();
    for (auto& row : page->rows) rows.push_back(std::move(row));
    after = std::move(page->next);
    more = !after.empty();
    if (!more || (limit != 0 && rows.size() >= limit) || page->rows.empty()) return rows;
  }
}

int print_list(client& node, const context& ctx, const std::string& glob, std::uint32_t limit) {
  bool more = false;
  const auto rows = list_twins(node, glob, limit, more);
  if (!rows) return fail(rows.error());
  if (ctx.format == output::json) {
    json all = json::array();
    for (const auto& row : *rows) all.push_back(row_json(row));
    print_document(all, ctx.format);
  } else if (ctx.format == output::jsonl) {
    for (const auto& row : *rows) print_document(row_json(row), ctx.format);
  } else {
    table out({"ID", "KIND", "MODEL", "ALERTS", "READINGS", "LAST EVENT TIME", "STATE"});
    for (const auto& row : *rows)
      out.add({printable(row.id), printable(row.kind), printable(row.model),
               std::to_string(row.active_alerts), std::to_string(row.readings),
               time_text(row.last_event_time_ns), row.awake ? "awake" : "asleep"});
    if (out.empty() && !ctx.quiet) std::cerr << "no twin matches " << glob << '\n';
    if (!out.empty()) out.print(ctx.color);
  }
  if (more && !ctx.quiet) std::cerr << "there are more; --limit 0 shows all\n";
  return exit_ok;
}

} // namespace

void print_twin_document(const json& document, const context& ctx) {
  if (ctx.format != output::table) return print_document(document, ctx.format);
  print_head(document, ctx);
  print_values(document, ctx);
  print_rules(document, ctx);
}

void add_twin_verbs(CLI::App& app, context& ctx) {
  auto* twin = app.add_subcommand("twin", "ask about twins");
  twin->require_subcommand(1);

  auto* get = twin->add_subcommand("get", "one twin: values, windows, and why there is no alert");
  auto id = std::make_shared<std::string>();
  get->add_option("ID", *id, "namespace:name")->required();
  auto options = add_node_options(get);
  on_run(get, ctx, [&ctx, options, id] {
    return ask_and_print(ctx, *options, messages::twin_query{*id},
                         [&ctx](const twin_answer& answer) { print_twin(answer, ctx); });
  });

  auto* ls = twin->add_subcommand("ls", "twins whose id matches a pattern (* and ?)");
  auto glob = std::make_shared<std::string>("*");
  auto limit = std::make_shared<std::uint32_t>(1000);
  ls->add_option("GLOB", *glob, "as in 'plant1:press-*'")->capture_default_str();
  ls->add_option("--limit", *limit, "at most so many; 0 = all")->capture_default_str();
  options = add_node_options(ls);
  on_run(ls, ctx, [&ctx, options, glob, limit] {
    return with_node(ctx, *options,
                     [&](client& node) { return print_list(node, ctx, *glob, *limit); });
  });

  add_search_verb(*twin, ctx);
  add_watch_verb(*twin, ctx);
  add_history_verb(*twin, ctx);
  add_completeness_verb(*twin, ctx);
  add_retention_twin_verbs(*twin, ctx);

  auto* create = twin->add_subcommand("create", "make a twin before its first reading");
  auto model = std::make_shared<std::string>();
  create->add_option("ID", *id, "namespace:name")->required();
  create->add_option("MODEL", *model, "name of its model")->required();
  options = add_node_options(create);
  on_run(create, ctx, [&ctx, options, id, model] {
    return ask_and_print(ctx, *options, messages::twin_create{*id, *model},
                         [](const messages::done& d) { std::cout << printable(d.detail) << '\n'; });
  });

  auto* above = twin->add_subcommand("set-parent", "say which twin hears of this one's alerts");
  auto parent = std::make_shared<messages::parent_set>();
  parent->by = asker();
  above->add_option("ID", parent->twin, "namespace:name")->required();
  above->add_option("PARENT", parent->parent, "namespace:name; nothing: none");
  options = add_node_options(above);
  on_run(above, ctx, [&ctx, options, parent] {
    return ask_and_print(ctx, *options, *parent,
                         [](const messages::done& d) { std::cout << printable(d.detail) << '\n'; });
  });

  auto* remove = twin->add_subcommand("delete", "end a twin; its id may be used anew");
  remove->add_option("ID", *id, "namespace:name")->required();
  options = add_node_options(remove);
  on_run(remove, ctx, [&ctx, options, id] {
    return ask_and_print(ctx, *options, messages::twin_delete{*id},
                         [](const messages::done& d) { std::cout << printable(d.detail) << '\n'; });
  });
}

} // namespace pollux::cli
