// SPDX-License-Identifier: Apache-2.0
// Reads the audit log, <data>/audit/*.jsonl, oldest first. Only who may read the node's files can.
#include "domain/base/time.hpp"
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/token_verbs.hpp"
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <utility>

namespace pollux::cli {

namespace {

/// "2h" (ago) or a moment; 0 for all.
result<std::int64_t> begin_of(const std::string& text) {
  if (text.empty()) return std::int64_t{0};
  if (const auto ago = parse_duration(text))
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
               .count() -
           *ago;
  return parse_when(text);
}

/// "2026-11.000001.jsonl", "2026-11.jsonl": sorted, they follow each other.
std::vector<std::filesystem::path> files_in(const std::string& folder) {
  std::vector<std::filesystem::path> out;
  std::error_code absent;
  for (const auto& file : std::filesystem::directory_iterator(folder, absent))
    if (file.path().extension() == ".jsonl") out.push_back(file.path());
  std::sort(out.begin(), out.end());
  return out;
}

struct wanted_lines {
  std::string since, who;
};

/// As json all of them are one array, which is written as it comes.
void print_line(const std::string& line, const json& document, const context& ctx, bool first) {
  if (ctx.format != output::table) {
    if (ctx.format == output::json) std::cout << (first ? "[\n" : ",\n");
    std::cout << line << (ctx.format == output::json ? "" : "\n");
    return;
  }
  for (const char* name : {"time", "door", "who", "from", "method", "target", "outcome"})
    std::cout << printable(plain(document.value(name, json("-")))) << "  ";
  std::cout << printable(plain(document.value("why", document.value("body", json(""))))) << '\n';
}

bool fits(const json& document, const std::string& who) {
  return who.empty() || plain(document.value("who", json(""))) == who ||
         plain(document.value("by", json(""))) == who;
}

/// Lines that cannot be read are counted, not shown: one that a power cut left half written, or
/// that someone has changed.
int show(const context& ctx, const node_options& options, const wanted_lines& wanted) {
  const auto from = begin_of(wanted.since);
  if (!from) return fail(exit_usage, "--since: " + from.error().what);
  const auto data = data_folder(options, ctx);
  if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
  const auto first_month = *from == 0 ? std::string() : format_rfc3339(*from).substr(0, 7);
  int code = exit_ok;
  bool first = true;
  for (const auto& file : files_in(*data + "/audit")) {
    if (file.filename().string().substr(0, 7) < first_month) continue;
    std::ifstream in(file);
    if (!in) return fail(exit_refused, "cannot read " + file.string());
    std::size_t damaged = 0;
    for (std::string line; std::getline(in, line);) {
      if (line.empty()) continue;
      const auto document = parse_document(line);
      const auto at = document.is_object() ? parse_rfc3339(plain(document.value("time", json(""))))
                                           : result<std::int64_t>(failure{});
      if (!at)
        ++damaged;
      else if (*at >= *from && fits(document, wanted.who))
        print_line(line, document, ctx, std::exchange(first, false));
    }
    if (damaged > 0 || in.bad())
      code = fail(exit_data, file.string() + ": " + std::to_string(damaged) +
                                 " lines cannot be read; the others are shown");
  }
  if (ctx.format == output::json) std::cout << (first ? "[]\n" : "\n]\n");
  return code;
}

} // namespace

void add_audit_verb(CLI::App& app, context& ctx) {
  auto* verb = app.add_subcommand("audit", "who changed what, by whichever door");
  auto wanted = std::make_shared<wanted_lines>();
  verb->add_option("--since", wanted->since, "2h ago, or a moment; default all");
  verb->add_option("--who", wanted->who, "a token's name, or a user of this machine; default all");
  auto options = add_node_options(verb);
  on_run(verb, ctx, [&ctx, options, wanted] { return show(ctx, *options, *wanted); });
}

} // namespace pollux::cli
