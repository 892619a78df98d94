// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/client_verbs.hpp"
#include <iostream>

namespace pollux::cli {

namespace {

using messages::alert_answer;

struct alert_request {
  std::string glob = "*", twin, incident, by = asker(), comment, state, severity, rule;
  std::uint32_t limit = 1000;
  bool all = false;
};

json text_of(const json& from, const char* name) {
  return from.is_object() && from.contains(name) ? from[name] : json(nullptr);
}

void print_list(const std::vector<alert_answer>& rows, const context& ctx) {
  if (ctx.format == output::json) {
    json all = json::array();
    for (const auto& row : rows) all.push_back(parse_document(row.document));
    return print_document(all, ctx.format);
  }
  if (ctx.format == output::jsonl) {
    for (const auto& row : rows) print_document(parse_document(row.document), ctx.format);
    return;
  }
  table out({"TWIN", "INCIDENT", "RULE", "SEVERITY", "STATE", "RAISED AT", "MESSAGE"});
  for (const auto& row : rows) {
    const int color = row.severity == "critical" ? 31 : 33;
    out.add({printable(row.twin), printable(row.incident), printable(row.rule),
             printable(row.severity), printable(row.state), time_text(row.raised_at_ns),
             painted(plain(text_of(parse_document(row.document), "message")), color, ctx.color)});
  }
  if (out.empty()) {
    if (!ctx.quiet) std::cerr << "no alerts\n";
    return;
  }
  out.print(ctx.color);
}

int list(client& node, const context& ctx, const alert_request& want) {
  std::vector<alert_answer> rows;
  std::string after;
  bool more = false;
  do {
    const auto left =
        want.limit == 0 ? messages::max_page : want.limit - static_cast<std::uint32_t>(rows.size());
    auto page = node.ask(messages::alert_list_query{want.glob, !want.all, left, after, want.state,
                                                    want.severity, want.rule});
    if (!page) return fail(page.error());
    for (auto& row : page->rows) rows.push_back(std::move(row));
    after = std::move(page->next);
    more = !after.empty() && !page->rows.empty();
  } while (more && (want.limit == 0 || rows.size() < want.limit));
  print_list(rows, ctx);
  if (more && !ctx.quiet) std::cerr << "there are more; --limit 0 shows all\n";
  return exit_ok;
}

void print_numbers(const json& values) {
  if (values.is_object())
    for (const auto& [name, value] : values.items())
      std::cout << ' ' << printable(name) << '=' << plain(value);
  std::cout << '\n';
}

void print_windows(const json& windows) {
  if (!windows.is_array()) return;
  for (const auto& w : windows) {
    std::cout << "    window " << plain(text_of(w, "name")) << ":";
    json numbers = w;
    numbers.erase("name");
    print_numbers(numbers);
  }
}

void print_path(const json& path) {
  if (!path.is_array()) return;
  for (const auto& stage : path) {
    std::cout << "    " << plain(text_of(stage, "event_time")) << "  "
              << plain(text_of(stage, "stage")) << ":";
    print_numbers(text_of(stage, "numbers"));
  }
}

void print_transition(const json& t) {
  std::cout << "  " << plain(text_of(t, "time")) << "  " << plain(text_of(t, "transition"));
  for (const char* part : {"to", "by", "until"})
    if (!text_of(t, part).is_null()) std::cout << ' ' << part << ' ' << plain(text_of(t, part));
  if (!text_of(t, "silent").is_null())
    std::cout << " (told nobody: " << plain(text_of(t, "silent")) << ')';
  if (text_of(t, "late") == json(true)) std::cout << " (late)";
  std::cout << ": " << plain(text_of(t, "message")) << '\n';
  const auto evidence = text_of(t, "evidence");
  if (!evidence.is_object()) return;
  if (!text_of(evidence, "explanation").is_null())
    std::cout << "    why: " << plain(text_of(evidence, "explanation")) << '\n';
  if (!text_of(evidence, "field").is_null())
    std::cout << "    judged: " << plain(text_of(evidence, "field")) << '\n';
  for (const char* part : {"numbers", "times"}) {
    const auto values = text_of(evidence, part);
    if (!values.is_object() || values.empty()) continue;
    std::cout << "    " << part << ":";
    for (const auto& [name, value] : values.items())
      std::cout << ' ' << printable(name) << '=' << plain(value);
    std::cout << '\n';
  }
  const auto readings = text_of(evidence, "event_times");
  if (readings.is_array() && !readings.empty())
    std::cout << "    readings: " << readings.size() << ", from " << plain(readings.front())
              << " to " << plain(readings.back()) << '\n';
  print_windows(text_of(evidence, "windows"));
  print_path(text_of(evidence, "path"));
  std::cout << "    model: " << plain(text_of(t, "model_hash"));
  if (!text_of(t, "rule_type").is_null())
    std::cout << ", " << plain(text_of(t, "rule_type")) << " revision "
              << plain(text_of(t, "rule_revision"));
  std::cout << '\n';
}

void print_alert(const alert_answer& alert, const context& ctx) {
  const auto document = parse_document(alert.document);
  if (ctx.format != output::table) return print_document(document, ctx.format);
  const int color = alert.state == "active" ? 31 : 32;
  std::cout << painted(printable(alert.twin), 1, ctx.color) << "  " << printable(alert.rule) << ", "
            << printable(alert.severity) << ", "
            << painted(printable(alert.state), color, ctx.color) << '\n'
            << "incident " << printable(alert.incident) << ", raised at "
            << time_text(alert.raised_at_ns) << '\n';
  const auto transitions = text_of(document, "transitions");
  if (transitions.is_array())
    for (const auto& t : transitions) print_transition(t);
}

} // namespace

void add_alert_verbs(CLI::App& app, context& ctx) {
  auto* alert = app.add_subcommand("alert", "what is wrong, and why");
  alert->require_subcommand(1);
  auto want = std::make_shared<alert_request>();

  auto* ls = alert->add_subcommand("ls", "active alerts of twins whose id matches a pattern");
  ls->add_option("GLOB", want->glob, "as in 'plant1:*'")->capture_default_str();
  ls->add_flag("--all", want->all, "those that are over, and those that were emitted, too");
  ls->add_option("--state", want->state,
                 "only active, acknowledged, latched, snoozed, shelved, "
                 "suppressed, flapping, cleared, emitted, retracted");
  ls->add_option("--severity", want->severity, "only info, warning or critical");
  ls->add_option("--rule", want->rule, "only of rules that match, as in 'hot*'");
  ls->add_option("--limit", want->limit, "at most so many; 0 = all")->capture_default_str();
  auto options = add_node_options(ls);
  on_run(ls, ctx, [&ctx, options, want] {
    return with_node(ctx, *options, [&](client& node) { return list(node, ctx, *want); });
  });

  add_alert_actions(*alert, ctx);

  auto* show = alert->add_subcommand("show", "one incident with its transitions and evidence");
  show->add_option("TWIN", want->twin, "namespace:name")->required();
  show->add_option("INCIDENT", want->incident, "as alert ls shows it")->required();
  options = add_node_options(show);
  on_run(show, ctx, [&ctx, options, want] {
    return ask_and_print(ctx, *options, messages::alert_query{want->twin, want->incident},
                         [&ctx](const alert_answer& a) { print_alert(a, ctx); });
  });

  auto* ack = alert->add_subcommand("ack", "say that someone has taken notice");
  ack->add_option("TWIN", want->twin, "namespace:name")->required();
  ack->add_option("INCIDENT", want->incident, "as alert ls shows it")->required();
  ack->add_option("--by", want->by, "who")->capture_default_str();
  ack->add_option("--comment", want->comment, "kept with the alert");
  options = add_node_options(ack);
  on_run(ack, ctx, [&ctx, options, want] {
    const messages::alert_acknowledge query{want->twin, want->incident, want->by, want->comment};
    return ask_and_print(ctx, *options, query,
                         [&ctx](const alert_answer& a) { print_alert(a, ctx); });
  });
  add_alert_verify(*alert, ctx);
}

} // namespace pollux::cli
