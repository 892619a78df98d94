// SPDX-License-Identifier: Apache-2.0
// pollux model check|diff: what is wrong with a model, and what a change of it would cost. The
// verbs that ask a running node are in client_model.cpp.
#include "domain/base/time.hpp"
#include "domain/model/model_check.hpp"
#include "messages/model_codec.hpp"
#include "tools/pollux/groups.hpp"
#include "tools/pollux/model_files.hpp"
#include "tools/pollux/output.hpp"
#include <algorithm>
#include <iostream>

namespace pollux::cli {

namespace {

json finding_json(const std::string& file, const domain::model_finding& f) {
  return {{"file", file}, {"line", f.line}, {"column", f.column}, {"what", f.what}};
}

std::string place_of(const std::string& file, const domain::model_finding& f) {
  if (f.line == 0) return file + ": ";
  return file + ":" + std::to_string(f.line) + ":" + std::to_string(f.column) + ": ";
}

struct verdict {
  json errors = json::array(), warnings = json::array(), models = json::array();
  std::vector<std::string> lines;
};

void check_file(const std::string& file, const context& ctx, verdict& out) {
  std::vector<domain::model_finding> findings;
  const auto text = read_model_text(file);
  const auto tree =
      text ? messages::parse_config_tree(*text, file) : result<domain::config_node>{text.error()};
  if (!tree) {
    out.lines.push_back(painted("error", 31, ctx.color) + "    " + printable(tree.error().what));
    out.errors.push_back({{"file", file}, {"what", tree.error().what}});
    return;
  }
  bool sound = true;
  for (const auto& f : domain::check_model(messages::resolved(*tree))) {
    sound = sound && !f.error;
    (f.error ? out.errors : out.warnings).push_back(finding_json(file, f));
    out.lines.push_back((f.error ? painted("error", 31, ctx.color) + "    "
                                 : painted("warning", 33, ctx.color) + "  ") +
                        printable(place_of(file, f) + f.what));
  }
  if (!sound) return;
  const auto model = messages::parse_model(*text, file);
  if (!model) return;
  const auto& m = **model;
  out.models.push_back({{"file", file},
                        {"name", m.name},
                        {"hash", m.hash},
                        {"telemetry", m.telemetry.size()},
                        {"commands", m.commands.size()},
                        {"operators", m.operators.size()}});
  out.lines.push_back(painted("ok", 32, ctx.color) + "       " + file + ": model " + m.name +
                      ", version " + m.hash.substr(0, 12) + ", " +
                      std::to_string(m.operators.size()) + " operators");
}

int check(const context& ctx, const std::vector<std::string>& files) {
  verdict all;
  for (const auto& file : files) check_file(file, ctx, all);
  const bool sound = all.errors.empty();
  if (ctx.format != output::table)
    print_document(
        {{"ok", sound}, {"errors", all.errors}, {"warnings", all.warnings}, {"models", all.models}},
        ctx.format);
  else
    for (const auto& line : all.lines) std::cout << line << '\n';
  return sound ? exit_ok : exit_configuration;
}

json difference_json(const domain::model& was, const domain::model& is,
                     const domain::model_difference& d) {
  json out{{"old", {{"name", was.name}, {"hash", was.hash}}},
           {"new", {{"name", is.name}, {"hash", is.hash}}},
           {"same", was.hash == is.hash},
           {"keeps_everything", d.keeps_everything()},
           {"event_time_changed", d.event_time}};
  out["operators"] = json::array();
  for (const auto& o : d.operators)
    out["operators"].push_back(
        {{"name", o.name},
         {"type", o.type},
         {"fate", domain::to_string(o.fate)},
         {"alert_withdrawn", o.alerts && (o.fate == domain::operator_fate::anew ||
                                          o.fate == domain::operator_fate::gone)},
         {"why", domain::wording(o)}});
  out["telemetry"] = json::array();
  for (const auto& t : d.telemetry)
    out["telemetry"].push_back({{"name", t.name},
                                {"fate", domain::to_string(t.fate)},
                                {"limits_changed", t.limits},
                                {"kept_for_was", format_duration(t.span_was_ns)},
                                {"kept_for_is", format_duration(t.span_is_ns)}});
  out["commands"] = json::array();
  for (const auto& c : d.commands)
    out["commands"].push_back({{"name", c.name}, {"fate", domain::to_string(c.fate)}});
  return out;
}

std::string telemetry_wording(const domain::telemetry_change& t) {
  using domain::item_fate;
  if (t.fate == item_fate::changed) return "another type: its values and windows begin anew";
  if (t.fate == item_fate::gone) return "no longer declared: shown without rules, windows dropped";
  if (t.fate == item_fate::added) return "new; an undeclared value of this name is taken over";
  std::string out = "value kept";
  if (t.span_was_ns != t.span_is_ns)
    out += "; readings kept for " + format_duration(t.span_is_ns) + " instead of " +
           format_duration(t.span_was_ns) +
           (t.span_is_ns > t.span_was_ns ? ": those that are there stay, it fills up"
                                         : ": older ones leave");
  if (t.limits) out += "; unit, min or max changed";
  return out;
}

void print_difference(const domain::model& was, const domain::model& is,
                      const domain::model_difference& d, const context& ctx) {
  if (was.hash == is.hash) {
    std::cout << "the same version of " << is.name << ", " << is.hash << ": nothing changes\n";
    return;
  }
  std::cout << is.name << ": " << was.hash.substr(0, 12) << " -> " << is.hash.substr(0, 12) << '\n';
  table out({"WHAT", "NAME", "FATE", "WHY"});
  for (const auto& o : d.operators)
    out.add({"operator", printable(o.name), domain::to_string(o.fate), domain::wording(o)});
  for (const auto& t : d.telemetry)
    if (t.fate != domain::item_fate::same || t.limits || t.span_was_ns != t.span_is_ns)
      out.add({"telemetry", printable(t.name), domain::to_string(t.fate), telemetry_wording(t)});
  for (const auto& c : d.commands)
    if (c.fate != domain::item_fate::same)
      out.add({"command", printable(c.name), domain::to_string(c.fate),
               c.fate == domain::item_fate::changed ? "other interlocks from the next request on"
                                                    : ""});
  if (d.event_time) out.add({"event time", "", "changed", "how late readings are treated"});
  if (!out.empty()) out.print(ctx.color);
  std::cout << (d.keeps_everything() ? "every twin goes on with what it has\n"
                                     : "what is not kept begins as in a new twin\n");
}

int diff(const context& ctx, const node_options& options, const std::string& old_name,
         const std::string& new_name, bool ask_node) {
  const auto was = read_model_anywhere(ctx, options, old_name, ask_node);
  if (!was) return fail(was.error());
  const auto is = read_model_anywhere(ctx, options, new_name, ask_node);
  if (!is) return fail(is.error());
  if ((*was)->name != (*is)->name)
    return fail(exit_usage,
                "two models, not two versions of one: " + (*was)->name + " and " + (*is)->name);
  const auto d = domain::compare(**was, **is);
  if (ctx.format == output::table)
    print_difference(**was, **is, d, ctx);
  else
    print_document(difference_json(**was, **is, d), ctx.format);
  return exit_ok;
}

} // namespace

void add_model_verbs(CLI::App& app, context& ctx) {
  auto* model = app.add_subcommand("model", "models: check them, change them while the node runs");
  model->require_subcommand(1);
  const auto files = std::make_shared<std::vector<std::string>>();
  auto* check_verb =
      model->add_subcommand("check", "everything that is wrong with model files, without a node");
  check_verb->add_option("FILE", *files, "model files")->required();
  check_verb->footer("Exits 78 when there are errors; warnings alone are no failure.");
  on_run(check_verb, ctx, [&ctx, files] { return check(ctx, *files); });

  struct pair {
    std::string was, is;
    bool node = false;
  };
  const auto want = std::make_shared<pair>();
  auto* diff_verb = model->add_subcommand(
      "diff", "what a change would keep and what it would begin anew, operator by operator");
  diff_verb->add_option("OLD", want->was, "a model file, or current:NAME of a running node")
      ->required();
  diff_verb->add_option("NEW", want->is, "likewise")->required();
  diff_verb->add_flag("--node", want->node,
                      "OLD that is no file is the name of a model of the running node");
  const auto options = add_node_options(diff_verb);
  on_run(diff_verb, ctx, [&ctx, options, want] {
    return finish(diff(ctx, *options, want->was, want->is, want->node));
  });
  add_online_model_verbs(*model, ctx);
}

} // namespace pollux::cli
