// SPDX-License-Identifier: Apache-2.0
// pollux config check|show: is a configuration sound, with all it refers to; what is in force.
#include "actors/publishing.hpp"
#include "config/config.hpp"
#include "domain/model/config_node.hpp"
#include "messages/model_codec.hpp"
#include "tools/pollux/doctor_probes.hpp"
#include "tools/pollux/groups.hpp"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

namespace pollux::cli {

namespace {
struct examined {
  std::vector<std::string> errors, warnings, models;
};

void examine_models(const config::settings& s, examined& out) {
  namespace fs = std::filesystem;
  std::error_code e;
  std::vector<std::string> files;
  for (fs::directory_iterator it(s.node.models, e), end; !e && it != end; it.increment(e)) {
    const auto name = it->path().filename().string();
    if (name.ends_with(".json") && !name.ends_with(".schema.json"))
      files.push_back(it->path().string());
  }
  if (e || files.empty()) {
    out.errors.push_back("[node] models: " + s.node.models +
                         (e ? ": " + e.message() : " holds no *.json"));
    return;
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto model = messages::parse_model(text, file);
    if (!model)
      out.errors.push_back(model.error().what);
    else if (std::find(out.models.begin(), out.models.end(), (*model)->name) != out.models.end())
      out.errors.push_back(file + ": model \"" + (*model)->name + "\" is in another file, too");
    else
      out.models.push_back((*model)->name);
  }
}

void examine_references(const config::settings& s, examined& out) {
  const std::vector<std::string_view> known(out.models.begin(), out.models.end());
  for (const auto& in : s.ingress) {
    if (in.model.empty() || std::find(known.begin(), known.end(), in.model) != known.end())
      continue;
    const auto meant = domain::nearest(in.model, known);
    out.errors.push_back("[[mqtt.ingress]] topic \"" + in.topic + "\": no model \"" + in.model +
                         "\" in " + s.node.models +
                         (meant.empty() ? "" : "; did you mean \"" + std::string(meant) + "\"?"));
  }
  for (const auto& to : s.egress) {
    const auto kind =
        to.effect == "alert" ? domain::effect_kind::alert : domain::effect_kind::command;
    const auto rule = actors::make_egress_rule(kind, to.rule, to.topic, to.payload,
                                               static_cast<std::uint8_t>(to.qos), to.retain);
    if (!rule)
      out.errors.push_back("[[mqtt.egress]] topic \"" + to.topic + "\": " + rule.error().what);
  }
}

void examine_files(const config::settings& s, examined& out) {
  if (const auto write = can_write(s.node.data); !write)
    out.errors.push_back("[node] data: " + write.error().what);
  const auto file = [&](const char* key, const std::string& name, bool secret) {
    if (name.empty()) return;
    if (const auto read = can_read(name); !read)
      out.errors.push_back("[mqtt] " + std::string(key) + ": " + read.error().what);
    else if (secret && readable_by_others(name))
      out.warnings.push_back("[mqtt] " + std::string(key) + ": " + name +
                             " can be read by every user; chmod 600 it");
  };
  file("password_file", s.broker.password_file, true);
  file("ca_file", s.broker.ca_file, false);
  file("certificate_file", s.broker.certificate_file, false);
  file("key_file", s.broker.key_file, true);
}

void examine_ports(const config::settings& s, examined& out) {
  if (folder_owner(s.node.data) != 0) return; // a node runs: its ports are in use, as they should
  const auto port = [&](bool enabled, const char* table, const std::string& address,
                        std::uint16_t number) {
    if (!enabled) return;
    if (const auto free = can_listen(address, number); !free)
      out.warnings.push_back("[" + std::string(table) +
                             "] cannot listen now: " + free.error().what);
  };
  port(s.http.enabled, "http", s.http.address, s.http.port);
  port(s.remote.enabled, "remote", s.remote.address, s.remote.port);
}

void print(const std::string& file, const config::settings& s, const examined& found,
           const context& ctx) {
  if (ctx.format != output::table) {
    const nlohmann::ordered_json document{{"file", file},           {"ok", found.errors.empty()},
                                          {"errors", found.errors}, {"warnings", found.warnings},
                                          {"models", found.models}, {"ingress", s.ingress.size()},
                                          {"data", s.node.data}};
    std::cout << document.dump(ctx.format == output::json ? 2 : -1) << '\n';
    return;
  }
  for (const auto& e : found.errors)
    std::cout << painted("error", 31, ctx.color) << "    " << e << '\n';
  for (const auto& w : found.warnings)
    std::cout << painted("warning", 33, ctx.color) << "  " << w << '\n';
  if (!found.errors.empty()) return;
  std::cout << painted("ok", 32, ctx.color) << "  " << file << ": " << s.ingress.size()
            << " ingress topics, " << found.models.size() << " models (";
  for (std::size_t i = 0; i < found.models.size(); ++i)
    std::cout << (i ? ", " : "") << found.models[i];
  std::cout << "), data in " << s.node.data << ", broker " << s.broker.url << '\n';
}

int check(const context& ctx, const std::string& file) {
  const auto text = config::read_text(file);
  if (!text) return fail(exit_configuration, text.error().what);
  auto verdict = config::check(*text, file);
  examined found;
  found.errors = std::move(verdict.errors);
  found.warnings = std::move(verdict.warnings);
  examine_models(verdict.value, found);
  examine_references(verdict.value, found);
  examine_files(verdict.value, found);
  examine_ports(verdict.value, found);
  print(file, verdict.value, found, ctx);
  return found.errors.empty() ? exit_ok : exit_configuration;
}

int show(const std::string& file) {
  const auto loaded = config::load(file);
  if (!loaded)
    return fail(exit_configuration, loaded.error().what,
                "pollux config check " + file + " tells all");
  std::cout << "# in force: " << file << ", environment, defaults\n" << config::to_toml(*loaded);
  return exit_ok;
}
} // namespace

void add_config_verbs(CLI::App& app, context& ctx) {
  auto* group = app.add_subcommand("config", "check or show the configuration");
  group->require_subcommand(1);
  const auto file = std::make_shared<std::string>();
  const auto chosen = [&ctx, file] { return file->empty() ? ctx.config_file : *file; };

  auto* check_verb = group->add_subcommand(
      "check", "say everything that is wrong with a configuration and the models it uses");
  check_verb->add_option("FILE", *file, "configuration file, instead of --config")->type_name("");
  check_verb->footer("Exits 78 when there are errors; warnings alone are no failure.");
  on_run(check_verb, ctx, [&ctx, chosen] { return check(ctx, chosen()); });

  auto* show_verb = group->add_subcommand(
      "show", "print every key with the value in force, as a complete configuration file");
  show_verb->add_option("FILE", *file, "configuration file, instead of --config")->type_name("");
  on_run(show_verb, ctx, [chosen] { return show(chosen()); });
}

} // namespace pollux::cli
