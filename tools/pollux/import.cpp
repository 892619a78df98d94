// SPDX-License-Identifier: Apache-2.0
// pollux import aws-iot-events, thing-model: models that others know become models of ours.
#include "domain/machine/state_machine.hpp"
#include "messages/model_codec.hpp"
#include "tools/pollux/client_verbs.hpp"
#include "tools/pollux/groups.hpp"
#include "tools/pollux/import_aws.hpp"
#include "tools/pollux/import_wot.hpp"
#include "tools/pollux/output.hpp"
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>

namespace pollux::cli {
namespace {

using finding = import_finding::kind;

struct import_options {
  std::string file, out, name;
  bool partial = false;
};

std::string place_of(const std::string& file, const import_finding& f) {
  std::string text = file;
  if (f.line != 0) text += ":" + std::to_string(f.line) + ":" + std::to_string(f.column);
  return text + (f.path.empty() ? "" : " " + printable(f.path));
}

void print_group(const import_options& o, const import_result& r, finding what, const char* title,
                 int color, bool colored) {
  if (r.count(what) == 0) return;
  std::cerr << painted(title, color, colored) << " (" << r.count(what) << ")\n";
  for (const auto& f : r.findings)
    if (f.what == what)
      std::cerr << "  " << place_of(o.file, f) << "\n    " << printable(f.text) << '\n';
}

void print_findings(const import_options& o, const import_result& r, const context& ctx) {
  const bool colored = ctx.color;
  if (!ctx.quiet) {
    print_group(o, r, finding::exact, "mapped exactly", 32, colored);
    print_group(o, r, finding::difference, "mapped with a difference", 33, colored);
  }
  print_group(o, r, finding::refused, "refused", 31, colored);
  if (ctx.quiet || r.model.empty()) return;
  if (const auto model = messages::parse_model(r.model, "the model"); model.ok())
    for (const auto& doubt : domain::machine_doubts(**model))
      std::cerr << painted("to be looked at", 33, colored) << "  " << printable(doubt) << '\n';
  if (!r.configuration.empty())
    std::cerr << "\nTo go with it in pollux.toml (topics are suggestions):\n\n" << r.configuration;
}

status write_file(const std::string& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) return failure{errc::io, file + ": cannot be written"};
  return {};
}

using importer =
    std::function<result<import_result>(const std::string& text, const import_options& o)>;

int run(const context& ctx, const import_options& o, const importer& import) {
  std::ifstream in(o.file, std::ios::binary);
  if (!in) return fail(exit_not_found, o.file + ": cannot be read");
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto imported = import(text, o);
  if (!imported) return fail(exit_data, imported.error().what);
  print_findings(o, *imported, ctx);
  const bool whole = imported->count(finding::refused) == 0;
  if (imported->model.empty()) return fail(exit_data, "nothing was written");
  if (!whole && !o.partial)
    return fail(exit_data,
                "nothing was written: " + std::to_string(imported->count(finding::refused)) +
                    " parts are refused",
                "--partial writes the model without them");
  if (o.out.empty())
    std::cout << imported->model;
  else if (const auto s = write_file(o.out, imported->model); !s)
    return fail(s.error());
  return whole ? exit_ok : exit_data;
}

void add_import(CLI::App& verb, context& ctx, const std::shared_ptr<import_options>& o,
                const char* file, importer import) {
  verb.add_option("FILE", o->file, file)->required()->type_name("");
  verb.add_option("-o,--out", o->out, "the model file; default: standard output")
      ->type_name("MODEL.json");
  verb.add_option("--name", o->name, "name of the model; default: as the file says")
      ->type_name("NAME");
  verb.add_flag("--partial", o->partial, "write the model even when parts are refused");
  verb.footer("Says of every part whether it means the same, in what it differs, or why it is\n"
              "refused (on stderr). Exits 0 when the whole is mapped, 65 when parts are refused.");
  on_run(&verb, ctx, [&ctx, o, import = std::move(import)] { return run(ctx, *o, import); });
}

} // namespace

void add_import_verbs(CLI::App& app, context& ctx) {
  auto* group =
      app.add_subcommand("import", "what another system knows: model files, recorded readings");
  group->require_subcommand(1);
  add_readings_import(*group, ctx);
  auto o = std::make_shared<import_options>();
  auto* verb = group->add_subcommand(
      "aws-iot-events", "a detector model of AWS IoT Events becomes a model with a state machine");
  add_import(*verb, ctx, o,
             "what `aws iotevents describe-detector-model` gave, or only its definition",
             [](const std::string& text, const import_options& with) {
               return import_aws_detector(text, with.file, with.name);
             });
  o = std::make_shared<import_options>();
  verb = group->add_subcommand("thing-model",
                               "a W3C Thing Model, or Thing Description, becomes a model");
  add_import(*verb, ctx, o, "TM or TD of version 1.0 or 1.1",
             [](const std::string& text, const import_options& with) {
               return import_thing_model(text, with.name);
             });
}

} // namespace pollux::cli
