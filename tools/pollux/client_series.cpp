// SPDX-License-Identifier: Apache-2.0
// twin history with buckets, M4 or aggregates, and twin completeness.
#include "domain/base/time.hpp"
#include "tools/pollux/client_history.hpp"
#include "tools/pollux/client_verbs.hpp"
#include <array>
#include <cctype>
#include <cstdio>
#include <iostream>
#include <optional>

namespace pollux::cli {

namespace {

constexpr std::chrono::seconds long_enough{60};
constexpr std::uint32_t default_points = 1000;

std::string cell(const json& v) { return v.is_string() ? v.get<std::string>() : plain(v); }

/// One row for each index of a series' columns.
class series_printer {
public:
  series_printer(history_format format, std::vector<std::string> columns, bool bold)
      : format_(format), bold_(bold), columns_(std::move(columns)), table_(heads()) {
    if (format_ != history_format::as_csv) return;
    std::cout << "telemetry";
    for (const auto& c : columns_) std::cout << ',' << c;
    std::cout << '\n';
  }
  void add(const json& series) {
    const auto name = series.at("telemetry").get<std::string>();
    if (!series.at(columns_.front()).is_array()) return row(name, series, std::nullopt);
    for (std::size_t i = 0; i < series.at(columns_.front()).size(); ++i) row(name, series, i);
  }
  void end() {
    if (format_ == history_format::as_table) table_.print(bold_);
  }

private:
  [[nodiscard]] std::vector<std::string> heads() const {
    std::vector<std::string> out{"TELEMETRY"};
    for (auto c : columns_) {
      for (auto& letter : c) letter = letter == '_' ? ' ' : static_cast<char>(std::toupper(letter));
      out.push_back(std::move(c));
    }
    return out;
  }
  void row(const std::string& name, const json& series, std::optional<std::size_t> at) {
    json object{{"telemetry", name}};
    std::vector<std::string> cells{printable(name)};
    for (const auto& c : columns_) {
      const auto& value = at ? series.at(c).at(*at) : series.at(c);
      cells.push_back(printable(cell(value)));
      object[c] = value;
    }
    if (format_ == history_format::as_table) return table_.add(cells);
    if (format_ == history_format::as_jsonl) {
      std::cout << object.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
      return;
    }
    std::cout << csv_field(name);
    for (std::size_t i = 1; i < cells.size(); ++i) std::cout << ',' << csv_field(cells[i]);
    std::cout << '\n';
  }

  history_format format_;
  bool bold_;
  std::vector<std::string> columns_;
  table table_;
};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words) out += (out.empty() ? "" : ", ") + w;
  return out;
}

void print_completeness(const json& document, const context& ctx) {
  table rows{{"TWIN", "FROM", "TO", "READINGS", "EXPECTED", "SHARE"}};
  table gaps{{"TWIN", "GAP FROM", "TO", "MISSING"}};
  bool any_gap = false;
  for (const auto& twin : document.at("twins")) {
    const auto id = printable(twin.at("id").get<std::string>());
    for (const auto& p : twin.at("periods")) {
      const auto expected = p.at("expected").get<double>();
      const auto share = expected > 0 ? p.at("readings").get<double>() / expected * 100 : 0;
      std::array<char, 16> text{};
      std::snprintf(text.data(), text.size(), "%.1f %%", share);
      rows.add({id, cell(p.at("from")), cell(p.at("to")), plain(p.at("readings")),
                plain(p.at("expected")), expected > 0 ? text.data() : "-"});
    }
    for (const auto& g : twin.at("gaps")) {
      any_gap = true;
      gaps.add({id, cell(g.at("from")), cell(g.at("to")), plain(g.at("missing"))});
    }
  }
  rows.print(ctx.color);
  if (any_gap) {
    std::cout << '\n';
    gaps.print(ctx.color);
  }
}

struct completeness_request {
  std::string glob = "*", period, every;
  wanted_interval within;
};

int completeness(client& node, const context& ctx, const completeness_request& want) {
  const auto within = interval_of(want.within);
  if (!within) return fail(within.error());
  messages::completeness_query q{want.glob, within->from, within->to, 0, 0};
  for (auto [text, into, option] : {std::tuple{&want.period, &q.period_ns, "--period"},
                                    {&want.every, &q.expected_ns, "--every"}}) {
    if (text->empty()) continue;
    const auto duration = parse_duration(*text);
    if (!duration) return fail(duration.error().within(option));
    *into = *duration;
  }
  const auto answer = node.ask(q, long_enough);
  if (!answer) return fail(answer.error());
  const auto document = parse_document(answer->document);
  if (ctx.format == output::table)
    print_completeness(document, ctx);
  else
    print_document(document, ctx.format);
  return exit_ok;
}

} // namespace

void add_series_options(CLI::App* verb, series_request& want) {
  auto* bucket = verb->add_option("--bucket", want.bucket,
                                  "count, least, greatest and mean of each such stretch, as in 1h")
                     ->type_name("DURATION");
  auto* points = verb->add_option("--points", want.points, "the same, in at most so many buckets")
                     ->excludes(bucket)
                     ->check(CLI::Range(1, 100'000));
  auto* m4 = verb->add_flag("--m4", want.m4,
                            "the readings a line chart needs: first, least, greatest and last of "
                            "each bucket");
  verb->add_flag("--aggregate", want.aggregate, "one row for each telemetry")
      ->excludes(bucket)
      ->excludes(points)
      ->excludes(m4);
}

int show_series(client& node, const context& ctx, const std::string& id,
                const std::vector<std::string>& telemetry, interval_ns within,
                const series_request& want, history_format format) {
  messages::series_query q{id,
                           telemetry,
                           within.from,
                           within.to,
                           want.aggregate ? "aggregate"
                           : want.m4      ? "m4"
                                          : "buckets",
                           0,
                           want.points == 0 ? default_points : want.points};
  if (!want.bucket.empty()) {
    const auto width = parse_duration(want.bucket);
    if (!width) return fail(width.error().within("--bucket"));
    q.bucket_ns = *width;
  }
  const auto answer = node.ask(q, long_enough);
  if (!answer) return fail(answer.error());
  const auto document = parse_document(answer->document);
  if (format == history_format::as_json) {
    print_document(document, output::json);
    return exit_ok;
  }
  std::vector<std::string> columns{"time", "count", "min", "max", "mean"};
  if (want.m4) columns = {"time", "value"};
  if (want.aggregate)
    columns = {"count", "min",        "max",  "mean",      "sum",  "sample_stddev",
               "first", "first_time", "last", "last_time", "delta"};
  series_printer printer(format, columns, ctx.color);
  for (const auto& series : document.at("series")) printer.add(series);
  printer.end();
  if (document.at("series").empty() && !ctx.quiet) std::cerr << "no numbers in this interval\n";
  if (!ctx.quiet && !answer->tiers.empty())
    std::cerr << "read from: " << joined(answer->tiers) << '\n';
  return exit_ok;
}

void add_completeness_verb(CLI::App& twin, context& ctx) {
  auto* verb = twin.add_subcommand("completeness",
                                   "how many readings came of those that were due, and the gaps");
  auto want = std::make_shared<completeness_request>();
  verb->add_option("GLOB", want->glob, "twins whose id matches")->capture_default_str();
  add_interval_options(verb, want->within);
  verb->remove_option(verb->get_option("--last"));
  verb->add_option("--period", want->period, "a row for each such stretch, as in 1d")
      ->type_name("DURATION");
  verb->add_option("--every", want->every,
                   "how often a reading is due; without it the median distance is taken")
      ->type_name("DURATION");
  auto options = add_node_options(verb);
  on_run(verb, ctx, [&ctx, options, want] {
    return with_node(ctx, *options, [&](client& node) { return completeness(node, ctx, *want); });
  });
}

} // namespace pollux::cli
