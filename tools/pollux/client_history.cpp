// SPDX-License-Identifier: Apache-2.0
// twin history: everything a twin received, oldest first, page by page.
#include "tools/pollux/client_history.hpp"
#include "domain/base/time.hpp"
#include "tools/pollux/client_verbs.hpp"
#include <iostream>
#include <set>

namespace pollux::cli {

namespace {

using messages::history_row;

struct history_request {
  std::string id;
  std::vector<std::string> telemetry;
  wanted_interval within;
  series_request series;
  std::uint64_t limit = 0; ///< 0 = all
  history_format format = history_format::as_table;
};

class history_printer {
public:
  history_printer(history_format format, bool bold) : format_(format), bold_(bold) {
    if (format_ == history_format::as_csv) std::cout << "event_time,ingest_time,name,value\n";
    if (format_ == history_format::as_json) std::cout << '[';
  }
  void add(const history_row& row) {
    const auto event = time_text(row.event_time_ns);
    const auto ingest = time_text(row.ingest_time_ns);
    const auto value = parse_document(row.value);
    switch (format_) {
    case history_format::as_table:
      table_.add({event, ingest, printable(row.name), plain(value)});
      break;
    case history_format::as_csv:
      std::cout << event << ',' << ingest << ',' << csv_field(row.name) << ','
                << csv_field(value.is_string() ? value.get<std::string>() : row.value) << '\n';
      break;
    case history_format::as_json:
      std::cout << (rows_ == 0 ? "\n" : ",\n") << line(row, event, ingest, value);
      break;
    case history_format::as_jsonl: std::cout << line(row, event, ingest, value) << '\n'; break;
    }
    ++rows_;
  }
  void end() {
    if (format_ == history_format::as_json) std::cout << (rows_ == 0 ? "]\n" : "\n]\n");
    if (format_ == history_format::as_table && rows_ > 0) table_.print(bold_);
  }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }

private:
  static std::string line(const history_row& row, const std::string& event,
                          const std::string& ingest, const json& value) {
    const json out = {
        {"event_time", event}, {"ingest_time", ingest}, {"name", row.name}, {"value", value}};
    return out.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  history_format format_;
  bool bold_;
  std::uint64_t rows_ = 0;
  table table_{{"EVENT TIME", "INGEST TIME", "NAME", "VALUE"}};
};

/// Programs that read rows get nothing but rows.
bool tiers_told(const context& ctx, const history_request& want) {
  return !ctx.quiet && want.format == history_format::as_table;
}

int history(client& node, const context& ctx, const history_request& want) {
  const auto within = interval_of(node, want.id, want.within);
  if (!within) return fail(within.error());
  if (want.series.wanted())
    return show_series(node, ctx, want.id, want.telemetry, *within, want.series, want.format);
  if (want.telemetry.size() > 1)
    return fail(exit_usage,
                "readings of one telemetry, or of all; several with --bucket, --points, "
                "--m4 or --aggregate");
  messages::history_query query{want.id, want.telemetry.empty() ? "" : want.telemetry.front(),
                                within->from, within->to, messages::max_page};
  history_printer printer(want.format, ctx.color);
  std::set<std::string> tiers; // read, over all pages
  std::int64_t last_time = 0;
  std::size_t at_last_time = 0; // rows printed that bear last_time: the next page repeats them
  for (;;) {
    const auto page = node.ask(query);
    if (!page) return fail(page.error());
    for (const auto& t : page->tiers) tiers.insert(t);
    std::size_t repeated = query.from_ns == last_time ? at_last_time : 0;
    bool progress = false;
    for (const auto& row : page->rows) {
      if (repeated > 0 && row.event_time_ns == last_time) {
        --repeated;
        continue;
      }
      if (want.limit != 0 && printer.rows() == want.limit) break;
      printer.add(row);
      progress = true;
      at_last_time = row.event_time_ns == last_time ? at_last_time + 1 : 1;
      last_time = row.event_time_ns;
    }
    const bool enough = want.limit != 0 && printer.rows() == want.limit;
    if (page->complete || enough || page->rows.empty() || !std::cout) break;
    // a page full of one instant cannot be asked for again from that instant: step over it
    query.from_ns = progress ? last_time : saturating_add(last_time, 1);
  }
  printer.end();
  if (printer.rows() == 0 && !ctx.quiet) std::cerr << "no readings in this interval\n";
  if (tiers_told(ctx, want) && !tiers.empty()) {
    std::cerr << "read from:";
    for (const auto& t : tiers) std::cerr << ' ' << t;
    std::cerr << '\n';
  }
  return exit_ok;
}

} // namespace

void add_interval_options(CLI::App* verb, wanted_interval& want) {
  auto* from = verb->add_option("--from", want.from, "event time: RFC 3339 or seconds since 1970")
                   ->type_name("TIME");
  verb->add_option("--to", want.to, "event time, inclusive")->type_name("TIME");
  verb->add_option("--last", want.last, "so long before the newest reading, as in 1h")
      ->type_name("DURATION")
      ->excludes(from);
}

result<interval_ns> interval_of(const wanted_interval& want) {
  // one short of the ends, which mean "never" elsewhere
  interval_ns out{no_time + 1, never - 1};
  for (auto [text, at] : {std::pair{&want.from, &out.from}, {&want.to, &out.to}}) {
    if (text->empty()) continue;
    const auto when = parse_when(*text);
    if (!when) return when.error();
    *at = *when;
  }
  return out;
}

result<interval_ns> interval_of(client& node, const std::string& id, const wanted_interval& want) {
  auto out = interval_of(want);
  if (!out || want.last.empty()) return out;
  const auto last = parse_duration(want.last);
  if (!last) return last.error().within("--last");
  const auto twin = node.ask(messages::twin_query{id});
  if (!twin) return twin.error();
  out->from = saturating_add(twin->last_event_time_ns, -*last);
  return out;
}

void add_history_verb(CLI::App& twin, context& ctx) {
  auto* verb = twin.add_subcommand("history", "the readings of a twin, oldest first");
  auto want = std::make_shared<history_request>();
  verb->add_option("ID", want->id, "namespace:name")->required();
  verb->add_option("--telemetry", want->telemetry, "only this one (several: again, or a,b)")
      ->type_name("NAME")
      ->delimiter(',');
  add_interval_options(verb, want->within);
  add_series_options(verb, want->series);
  verb->add_option("--limit", want->limit, "at most so many rows; 0 = all")->capture_default_str();
  const std::map<std::string, history_format> formats{{"table", history_format::as_table},
                                                      {"json", history_format::as_json},
                                                      {"jsonl", history_format::as_jsonl},
                                                      {"csv", history_format::as_csv}};
  auto* format = verb->add_option("-o,--output", want->format, "table, csv, json or jsonl")
                     ->transform(CLI::CheckedTransformer(formats).description(""))
                     ->type_name("FORMAT");
  auto options = add_node_options(verb);
  on_run(verb, ctx, [&ctx, options, want, format] {
    if (format->count() == 0) // -o may stand before the verb as well
      want->format = ctx.format == output::json    ? history_format::as_json
                     : ctx.format == output::jsonl ? history_format::as_jsonl
                                                   : history_format::as_table;
    return with_node(ctx, *options, [&](client& node) { return history(node, ctx, *want); });
  });
}

} // namespace pollux::cli
