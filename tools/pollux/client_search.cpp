// SPDX-License-Identifier: Apache-2.0
// pollux twin search: the twins a filter holds for, or figures of groups of them.
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/client_verbs.hpp"
#include "tools/pollux/output.hpp"
#include <algorithm>
#include <iostream>
#include <memory>
#include <vector>

namespace pollux::cli {

namespace {

struct search_options {
  messages::twin_search what;
  std::string group_by, values;
};

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    if (end > at) out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

/// "telemetry/temperature/value" for each value that is no object.
void flatten(const json& item, const std::string& path, std::vector<std::string>& columns,
             std::vector<std::pair<std::string, std::string>>& row) {
  for (const auto& [name, value] : item.items()) {
    const auto here = path.empty() ? name : path + "/" + name;
    if (value.is_object()) {
      flatten(value, here, columns, row);
      continue;
    }
    if (std::find(columns.begin(), columns.end(), here) == columns.end()) columns.push_back(here);
    row.emplace_back(here, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

void print_rows(const json& items, const context& ctx) {
  std::vector<std::string> columns;
  std::vector<std::vector<std::pair<std::string, std::string>>> rows;
  for (const auto& item : items) flatten(item, {}, columns, rows.emplace_back());
  if (rows.empty()) {
    if (!ctx.quiet) std::cerr << "no twin fits\n";
    return;
  }
  std::vector<std::string> heads;
  for (const auto& c : columns) heads.push_back(printable(c));
  table out(heads);
  for (const auto& row : rows) {
    std::vector<std::string> cells;
    for (const auto& column : columns) {
      const auto found = std::find_if(row.begin(), row.end(),
                                      [&](const auto& cell) { return cell.first == column; });
      cells.push_back(found == row.end() ? "-" : printable(found->second));
    }
    out.add(cells);
  }
  out.print(ctx.color);
}

/// All pages, until `limit` items (0: no limit).
int run_search(client& node, const context& ctx, search_options options) {
  auto& q = options.what;
  q.group_by = words(options.group_by);
  q.values = words(options.values);
  const auto limit = q.limit;
  json all = json::array();
  std::int64_t total = -1;
  for (;;) {
    const auto left = limit - static_cast<std::uint32_t>(all.size());
    q.limit = limit == 0 ? messages::max_page : std::min(left, messages::max_page);
    auto answer = node.ask(q);
    if (!answer) return fail(answer.error());
    const auto page = parse_document(answer->document);
    if (total < 0) total = answer->total;
    const bool groups = page.contains("groups");
    for (const auto& item : page.value(groups ? "groups" : "items", json::array()))
      all.push_back(item);
    q.cursor = answer->next;
    q.count = false;
    if (q.cursor.empty() || (limit != 0 && all.size() >= limit)) break;
  }
  if (ctx.format == output::json) {
    print_document(all, ctx.format);
  } else if (ctx.format == output::jsonl) {
    for (const auto& item : all) print_document(item, ctx.format);
  } else {
    print_rows(all, ctx);
  }
  if (total >= 0 && !ctx.quiet) std::cerr << total << " in all\n";
  if (!q.cursor.empty() && !ctx.quiet) std::cerr << "there are more; --limit 0 shows all\n";
  return exit_ok;
}

} // namespace

void add_search_verb(CLI::App& twin, context& ctx) {
  auto* search = twin.add_subcommand("search", "twins that a filter holds for (docs/search.md)");
  auto what = std::make_shared<search_options>();
  search->add_option("FILTER", what->what.filter,
                     "as in 'and(eq(model,\"motor\"),gt(telemetry/temperature,80))'; none: all");
  search->add_option("--sort", what->what.sort, "as in '-telemetry/temperature,id'");
  search->add_option("--fields", what->what.fields, "as in 'id,telemetry/temperature/value'");
  search->add_option("--limit", what->what.limit, "at most so many; 0 = all")
      ->capture_default_str();
  search->add_flag("--count", what->what.count, "say how many there are in all");
  search->add_option("--group-by", what->group_by, "figures of groups: paths, as in 'model'");
  search->add_option("--values", what->values,
                     "of each group, as in 'count,mean(telemetry/temperature)'");
  search->add_option("--at-least", what->what.at_least,
                     "wait until a twin has come so far: 'plant1:press-7 rev:42'");
  auto options = add_node_options(search);
  on_run(search, ctx, [&ctx, options, what] {
    return with_node(ctx, *options, [&](client& node) { return run_search(node, ctx, *what); });
  });
}

} // namespace pollux::cli
