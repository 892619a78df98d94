// SPDX-License-Identifier: Apache-2.0
// pollux doctor: everything about this machine that would make a node lose data or stand still.
#include "tools/pollux/doctor_machine.hpp"
#include "tools/pollux/doctor_mosquitto.hpp"
#include "tools/pollux/doctor_probes.hpp"
#include "tools/pollux/groups.hpp"
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

namespace pollux::cli {

namespace {
struct doctor_options {
  std::string mosquitto_conf, data;
};

config::settings examine_configuration(const context& ctx, const doctor_options& options,
                                       findings& out) {
  const auto text = config::read_text(ctx.config_file);
  config::verdict v;
  if (text) v = config::check(*text, ctx.config_file);
  if (!text)
    out.push_back({ctx.config_given ? grade::fail : grade::warn, "configuration", text.error().what,
                   "the defaults are examined instead"});
  else if (!v.errors.empty())
    out.push_back({grade::fail, "configuration", v.errors.front(),
                   "pollux config check " + ctx.config_file + " tells all"});
  else
    out.push_back({grade::ok, "configuration", ctx.config_file + " is sound", ""});
  if (!options.data.empty()) v.value.node.data = options.data;
  return v.value;
}

/// The file given, else the one the broker here runs with, else the one beside the configuration,
/// else the system's; empty = none.
std::string find_mosquitto_conf(const context& ctx, const doctor_options& options,
                                const config::settings& s) {
  if (!options.mosquitto_conf.empty()) return options.mosquitto_conf;
  const auto broker = host_of_url(s.broker.url);
  if (broker &&
      (broker->first == "localhost" || broker->first == "::1" || broker->first.starts_with("127.")))
    if (auto file = running_mosquitto_conf(broker->second); !file.empty()) return file;
  const auto slash = ctx.config_file.rfind('/');
  const auto beside = ctx.config_file.substr(0, slash == std::string::npos ? 0 : slash + 1);
  for (const auto& file : {beside + "mosquitto.conf", std::string("/etc/mosquitto/mosquitto.conf")})
    if (can_read(file)) return file;
  return {};
}

void examine_mosquitto(const std::string& file, const config::settings& s, findings& out) {
  if (file.empty()) {
    out.push_back({grade::warn, "mosquitto", "no mosquitto.conf found to look at",
                   "give it with --mosquitto-conf, if the broker is mosquitto"});
    return;
  }
  const auto read = read_mosquitto_conf(file);
  if (!read) {
    out.push_back({grade::fail, "mosquitto", read.error().what, "check --mosquitto-conf"});
    return;
  }
  std::uint64_t largest = 0;
  for (const auto& in : s.ingress) largest = std::max(largest, in.max_payload_bytes);
  for (auto& f : judge_mosquitto(*read, largest)) {
    f.sentence = file + ": " + f.sentence;
    out.push_back(std::move(f));
  }
}

nlohmann::ordered_json as_json(const finding& f) {
  return {
      {"grade", to_string(f.is)}, {"area", f.area}, {"finding", f.sentence}, {"advice", f.advice}};
}

void print(const findings& all, grade worst, const context& ctx) {
  if (ctx.format == output::jsonl) {
    for (const auto& f : all) std::cout << as_json(f).dump() << '\n';
    return;
  }
  if (ctx.format == output::json) {
    nlohmann::ordered_json document{{"worst", to_string(worst)},
                                    {"findings", nlohmann::ordered_json::array()}};
    for (const auto& f : all) document["findings"].push_back(as_json(f));
    std::cout << document.dump(2) << '\n';
    return;
  }
  for (const auto& f : all) {
    const int colour = f.is == grade::ok ? 32 : f.is == grade::warn ? 33 : 31;
    std::string mark = to_string(f.is), area = f.area;
    mark.resize(4, ' ');
    area.resize(std::max<std::size_t>(area.size(), 13), ' ');
    std::cout << painted(mark, colour, ctx.color) << "  " << area << "  " << f.sentence << '\n';
    if (!f.advice.empty()) std::cout << "                     -> " << f.advice << '\n';
  }
}

int doctor(const context& ctx, const doctor_options& options) {
  findings all;
  const auto settings = examine_configuration(ctx, options, all);
  examine_disk(settings, all);
  examine_clock(settings, all);
  examine_limits(settings, all);
  examine_node(settings, all);
  examine_broker(settings, all);
  examine_mosquitto(find_mosquitto_conf(ctx, options, settings), settings, all);
  auto worst = grade::ok;
  for (const auto& f : all) worst = std::max(worst, f.is);
  print(all, worst, ctx);
  return worst == grade::fail ? exit_failure : exit_ok;
}
} // namespace

void add_doctor_verbs(CLI::App& app, context& ctx) {
  const auto options = std::make_shared<doctor_options>();
  auto* verb = app.add_subcommand(
      "doctor", "look for what would make a node lose data: disk, clock, limits, broker");
  verb->add_option("--mosquitto-conf", options->mosquitto_conf,
                   "mosquitto.conf to judge (default: of the broker running here, else beside the "
                   "configuration, else /etc)")
      ->type_name("FILE");
  verb->add_option("--data", options->data, "data folder, instead of node.data")
      ->type_name("FOLDER");
  verb->footer(
      "Exits 1 when anything is graded fail. Changes nothing; writes one small file into the\n"
      "data folder to time fsync and removes it.");
  on_run(verb, ctx, [&ctx, options] { return doctor(ctx, *options); });
}

} // namespace pollux::cli
