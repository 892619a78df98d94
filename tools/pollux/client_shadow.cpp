// SPDX-License-Identifier: Apache-2.0
// pollux model shadow: a candidate beside the ruling version, and what it would have raised.
#include "messages/model_codec.hpp"
#include "tools/pollux/model_files.hpp"
#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>

namespace pollux::cli {

namespace {

struct shadow_words {
  std::string first, second;
  std::uint32_t max_twins = 10'000, differences = 100;
};

constexpr std::array<std::string_view, 3> verbs = {"start", "status", "stop"};

bool is_verb(const std::string& word) { return std::ranges::find(verbs, word) != verbs.end(); }

void print_shadow(const json& s, const context& ctx) {
  const auto text = [&](const char* key) { return s.contains(key) ? plain(s[key]) : "-"; };
  std::cout << painted(printable(text("model")), 1, ctx.color) << ": candidate "
            << text("candidate").substr(0, 12) << " beside " << text("ruling").substr(0, 12)
            << ", since " << text("started_at");
  if (s.contains("restarted_at") && !s["restarted_at"].is_null())
    std::cout << ", restarted at " << text("restarted_at") << " (counts begin there)";
  std::cout << "\n  " << text("twins") << " twins, " << text("inputs") << " inputs";
  if (s.value("twins_left_out", false)) std::cout << "; more twins than max_twins: some left out";
  if (s.value("twins_failed", 0) != 0)
    std::cout << "; the candidate failed on " << text("twins_failed") << " twins";
  std::cout << '\n';
  table rules({"  RULE", "BOTH", "ONLY RULING", "ONLY CANDIDATE", "LEAD MEDIAN"});
  for (const auto& r : s.value("rules", json::array()))
    rules.add({"  " + printable(plain(r["name"])), plain(r["both"]), plain(r["only_ruling"]),
               plain(r["only_candidate"]),
               r["lead_median_s"].is_null() ? "-" : plain(r["lead_median_s"]) + " s"});
  if (!rules.empty()) rules.print(ctx.color);
  table differences({"  TIME", "TWIN", "RULE", "ONLY"});
  for (const auto& d : s.value("differences", json::array()))
    differences.add({"  " + plain(d["time"]), printable(plain(d["twin"])),
                     printable(plain(d["rule"])),
                     plain(d["only"]) + (d.value("open", false) ? ", still open" : "")});
  if (!differences.empty()) differences.print(ctx.color);
  const auto total = s.value("differences_total", std::uint64_t{0});
  if (total > s.value("differences", json::array()).size())
    std::cout << "  " << total << " differences in all\n";
}

int run(const context& ctx, const node_options& options, const shadow_words& words) {
  const bool verb_first = is_verb(words.first);
  const auto verb = verb_first ? words.first : words.second.empty() ? "status" : words.second;
  const auto target = verb_first ? words.second : words.first;
  if (!is_verb(verb))
    return fail(exit_usage, "'" + verb + "' is none of start, status, stop",
                "pollux model shadow FILE start");
  messages::shadow_order order;
  order.verb = verb;
  order.max_twins = words.max_twins;
  order.max_differences = words.differences;
  order.name = target;
  std::error_code error;
  if (verb == "start" || std::filesystem::is_regular_file(target, error)) {
    if (target.empty()) return fail(exit_usage, "which file is to run in the shadow?");
    const auto text = read_model_text(target);
    if (!text) return fail(text.error());
    const auto model = messages::parse_model(*text, target);
    if (!model) {
      fail(model.error(), "pollux model check " + target + " tells all");
      return exit_configuration;
    }
    order.name = (*model)->name;
    order.text = *text;
    order.file = target;
  }
  return ask_and_print(ctx, options, order, [&](const messages::shadow_answer& a) {
    const auto document = parse_document(a.document);
    if (ctx.format != output::table) return print_document(document, ctx.format);
    const auto shadows = document.value("shadows", json::array());
    if (shadows.empty()) std::cout << "no candidate runs in the shadow\n";
    for (const auto& s : shadows) print_shadow(s, ctx);
    if (verb == "stop") std::cout << "stopped\n";
  });
}

} // namespace

void add_shadow_verb(CLI::App& model, context& ctx) {
  const auto words = std::make_shared<shadow_words>();
  auto* shadow = model.add_subcommand(
      "shadow", "run a candidate beside the ruling version, without effects, and compare");
  shadow->add_option("FILE", words->first, "the candidate; or start, status, stop")
      ->type_name("FILE|NAME");
  shadow->add_option("VERB", words->second, "start, status (default) or stop")
      ->type_name("start|status|stop");
  shadow->add_option("--max-twins", words->max_twins, "twins followed at most")
      ->check(CLI::Range(1U, 100'000U))
      ->capture_default_str();
  shadow->add_option("--differences", words->differences, "differing incidents kept one by one")
      ->check(CLI::Range(0U, 10'000U))
      ->capture_default_str();
  shadow->footer("Examples: pollux model shadow motor.json start; pollux model shadow status;\n"
                 "pollux model shadow stop motor. Its state is memory: a restart begins it anew.");
  const auto options = add_node_options(shadow);
  on_run(shadow, ctx, [&ctx, options, words] { return run(ctx, *options, *words); });
}

} // namespace pollux::cli
