// SPDX-License-Identifier: Apache-2.0
// Reads <data>/audit/YYYY-MM.jsonl, oldest first.
#include "domain/base/time.hpp"
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/token_verbs.hpp"
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>

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

/// Names of months sort as they follow each other.
std::vector<std::filesystem::path> months(const std::string& folder) {
  std::vector<std::filesystem::path> out;
  std::error_code absent;
  for (const auto& file : std::filesystem::directory_iterator(folder, absent))
    if (file.path().extension() == ".jsonl") out.push_back(file.path());
  std::sort(out.begin(), out.end());
  return out;
}

int print_line(const std::string& line, const json& document, const context& ctx) {
  if (ctx.format != output::table) {
    std::cout << line << '\n';
    return exit_ok;
  }
  for (const char* name : {"time", "who", "from", "method", "target", "status", "outcome"})
    std::cout << printable(plain(document.value(name, json()))) << "  ";
  std::cout << printable(plain(document.value("body", json("")))) << '\n';
  return exit_ok;
}

int show(const context& ctx, const node_options& options, const std::string& since) {
  const auto from = begin_of(since);
  if (!from) return fail(exit_usage, "--since: " + from.error().what);
  const auto data = data_folder(options, ctx);
  if (!data) return fail(data.error(), "or name the node's data folder: --data DIR");
  const auto first_month = *from == 0 ? std::string() : format_rfc3339(*from).substr(0, 7);
  for (const auto& file : months(*data + "/audit")) {
    if (file.stem().string() < first_month) continue;
    std::ifstream in(file);
    if (!in) return fail(exit_refused, "cannot read " + file.string());
    for (std::string line; std::getline(in, line);) {
      const auto document = parse_document(line);
      if (!document.is_object()) continue; // the line a power cut left half written
      const auto at = parse_rfc3339(plain(document.value("time", json(""))));
      if (at && *at >= *from) print_line(line, document, ctx);
    }
  }
  return exit_ok;
}

} // namespace

void add_audit_verb(CLI::App& app, context& ctx) {
  auto* verb = app.add_subcommand("audit", "who changed what over HTTP");
  auto since = std::make_shared<std::string>();
  verb->add_option("--since", *since, "2h ago, or a moment; default all");
  auto options = add_node_options(verb);
  on_run(verb, ctx, [&ctx, options, since] { return show(ctx, *options, *since); });
}

} // namespace pollux::cli
