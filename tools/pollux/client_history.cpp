// SPDX-License-Identifier: Apache-2.0
// twin history: everything a twin received, oldest first, page by page.
#include "domain/base/time.hpp"
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/client_verbs.hpp"
#include <iostream>

namespace pollux::cli {

namespace {

using messages::history_row;

enum class history_format : std::uint8_t { table, json, jsonl, csv };

struct history_request {
  std::string id, telemetry, from, to, last;
  std::uint64_t limit = 0; ///< 0 = all
  history_format format = history_format::table;
};

class history_printer {
public:
  history_printer(history_format format, bool bold) : format_(format), bold_(bold) {
    if (format_ == history_format::csv) std::cout << "event_time,ingest_time,name,value\n";
    if (format_ == history_format::json) std::cout << '[';
  }
  void add(const history_row& row) {
    const auto event = time_text(row.event_time_ns);
    const auto ingest = time_text(row.ingest_time_ns);
    const auto value = parse_document(row.value);
    switch (format_) {
    case history_format::table:
      table_.add({event, ingest, printable(row.name), plain(value)});
      break;
    case history_format::csv:
      std::cout << event << ',' << ingest << ',' << csv_field(row.name) << ','
                << csv_field(value.is_string() ? value.get<std::string>() : row.value) << '\n';
      break;
    case history_format::json:
      std::cout << (rows_ == 0 ? "\n" : ",\n") << line(row, event, ingest, value);
      break;
    case history_format::jsonl: std::cout << line(row, event, ingest, value) << '\n'; break;
    }
    ++rows_;
  }
  void end() {
    if (format_ == history_format::json) std::cout << (rows_ == 0 ? "]\n" : "\n]\n");
    if (format_ == history_format::table && rows_ > 0) table_.print(bold_);
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

/// The interval asked for. --last counts back from the twin's newest reading: recorded data is old.
result<messages::history_query> interval(client& node, const history_request& want) {
  // one short of the ends, which mean "never" elsewhere
  messages::history_query query{want.id, want.telemetry, no_time + 1, never - 1,
                                messages::max_page};
  for (auto [text, at] : {std::pair{&want.from, &query.from_ns}, {&want.to, &query.to_ns}}) {
    if (text->empty()) continue;
    const auto when = parse_when(*text);
    if (!when) return when.error();
    *at = *when;
  }
  if (want.last.empty()) return query;
  const auto last = parse_duration(want.last);
  if (!last) return last.error().within("--last");
  const auto twin = node.ask(messages::twin_query{want.id});
  if (!twin) return twin.error();
  query.from_ns = saturating_add(twin->last_event_time_ns, -*last);
  return query;
}

int history(client& node, const context& ctx, const history_request& want) {
  auto query = interval(node, want);
  if (!query) return fail(query.error());
  history_printer printer(want.format, ctx.color);
  std::int64_t last_time = 0;
  std::size_t at_last_time = 0; // rows printed that bear last_time: the next page repeats them
  for (;;) {
    const auto page = node.ask(*query);
    if (!page) return fail(page.error());
    std::size_t repeated = query->from_ns == last_time ? at_last_time : 0;
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
    query->from_ns = progress ? last_time : saturating_add(last_time, 1);
  }
  printer.end();
  if (printer.rows() == 0 && !ctx.quiet) std::cerr << "no readings in this interval\n";
  return exit_ok;
}

} // namespace

void add_history_verb(CLI::App& twin, context& ctx) {
  auto* verb = twin.add_subcommand("history", "the readings of a twin, oldest first");
  auto want = std::make_shared<history_request>();
  verb->add_option("ID", want->id, "namespace:name")->required();
  verb->add_option("--telemetry", want->telemetry, "only this one")->type_name("NAME");
  auto* from = verb->add_option("--from", want->from, "event time: RFC 3339 or seconds since 1970")
                   ->type_name("TIME");
  verb->add_option("--to", want->to, "event time, inclusive")->type_name("TIME");
  verb->add_option("--last", want->last, "so long before the newest reading, as in 1h")
      ->type_name("DURATION")
      ->excludes(from);
  verb->add_option("--limit", want->limit, "at most so many rows; 0 = all")->capture_default_str();
  const std::map<std::string, history_format> formats{{"table", history_format::table},
                                                      {"json", history_format::json},
                                                      {"jsonl", history_format::jsonl},
                                                      {"csv", history_format::csv}};
  auto* format = verb->add_option("-o,--output", want->format, "table, csv, json or jsonl")
                     ->transform(CLI::CheckedTransformer(formats).description(""))
                     ->type_name("FORMAT");
  auto options = add_node_options(verb);
  on_run(verb, ctx, [&ctx, options, want, format] {
    if (format->count() == 0) // -o may stand before the verb as well
      want->format = ctx.format == output::json    ? history_format::json
                     : ctx.format == output::jsonl ? history_format::jsonl
                                                   : history_format::table;
    return with_node(ctx, *options, [&](client& node) { return history(node, ctx, *want); });
  });
}

} // namespace pollux::cli
