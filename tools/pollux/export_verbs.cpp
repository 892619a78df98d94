// SPDX-License-Identifier: Apache-2.0
// export: readings into files that `pollux import readings` takes back, and rows for training that
// hold nothing a model could not have known at that time.
#include "domain/base/time.hpp"
#include "messages/readings_file.hpp"
#include "tools/pollux/client_history.hpp"
#include "tools/pollux/groups.hpp"
#include "tools/pollux/past_source.hpp"
#include "tools/pollux/sim_csv.hpp"
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <map>
#include <unistd.h>

namespace pollux::cli {

namespace {

using messages::readings_format;

/// A file, or stdout for "-". What was written of a failed export stays as it is and is named.
class output_file {
public:
  explicit output_file(const std::string& name) : name_(name) {
    file_ = name == "-" ? stdout : std::fopen(name.c_str(), "wb");
  }
  output_file(const output_file&) = delete;
  output_file& operator=(const output_file&) = delete;
  ~output_file() {
    if (file_ != nullptr && file_ != stdout) std::fclose(file_);
  }
  [[nodiscard]] status write(const std::string& text) {
    if (file_ == nullptr || std::fwrite(text.data(), 1, text.size(), file_) != text.size())
      return failure{errc::io, name_ + ": cannot be written"};
    return {};
  }
  [[nodiscard]] status close() {
    const bool ok = file_ != nullptr && std::fflush(file_) == 0;
    if (!ok) return failure{errc::io, name_ + ": cannot be written"};
    return {};
  }

private:
  std::string name_;
  std::FILE* file_ = nullptr;
};

struct export_request {
  std::string glob = "*", out = "-";
  readings_format format = readings_format::csv;
  wanted_interval within;
  std::vector<std::string> telemetry;
  bool offline = false;
  // features
  std::string labels, time_column = "time", twin_column = "twin", clock = "ingest";
};

messages::file_value value_of(const std::string& text) {
  const auto v = parse_document(text);
  if (v.is_boolean()) return v.get<bool>();
  if (v.is_number_integer()) return v.get<std::int64_t>();
  if (v.is_number()) return v.get<double>();
  if (v.is_string()) return v.get<std::string>();
  if (auto samples = messages::parse_samples(v)) return std::move(*samples);
  return std::monostate{};
}

/// One twin's readings, page by page. Only a history of one telemetry has the bytes of samples, so
/// a page that has rows without a value is asked for again, telemetry by telemetry.
class twin_export {
public:
  twin_export(past_source& past, const export_request& want, output_file& out)
      : past_(past), want_(want), out_(out) {}

  [[nodiscard]] status run(const std::string& twin, interval_ns within) {
    messages::history_query q{twin, want_.telemetry.size() == 1 ? want_.telemetry.front() : "",
                              within.from, within.to, messages::max_page};
    pending_.clear();
    for (;;) {
      const auto page = past_.history(q);
      if (!page) return page.error().within(twin);
      if (page->rows.empty()) break;
      const auto last = page->rows.back().event_time_ns;
      std::vector<messages::history_row> rows;
      for (const auto& row : page->rows) {
        // a page's last instant comes again, whole, with the next one
        if (!page->complete && row.event_time_ns == last && row.event_time_ns != q.from_ns) break;
        if (wanted(row.name)) rows.push_back(row);
      }
      if (auto s = fetch_samples(twin, rows); !s) return s.error().within(twin);
      for (const auto& row : rows) take(twin, row);
      if (auto s = write(); !s) return s;
      if (page->complete) break;
      q.from_ns = last == q.from_ns ? saturating_add(last, 1) : last;
    }
    return {};
  }
  std::uint64_t values = 0;

private:
  void take(const std::string& twin, const messages::history_row& row) {
    auto value = value_of(row.value);
    if (std::holds_alternative<std::monostate>(value)) return; // the same samples once more
    ++values;
    if (pending_.empty() || pending_.back().event_time_ns != row.event_time_ns)
      pending_.push_back({twin, row.event_time_ns, {}});
    pending_.back().values.emplace_back(row.name, std::move(value));
  }
  [[nodiscard]] bool wanted(const std::string& name) const {
    return want_.telemetry.empty() ||
           std::find(want_.telemetry.begin(), want_.telemetry.end(), name) != want_.telemetry.end();
  }
  [[nodiscard]] status fetch_samples(const std::string& twin,
                                     std::vector<messages::history_row>& rows) {
    std::map<std::string, std::vector<messages::history_row*>> lacking;
    for (auto& row : rows)
      if (row.value == "null") lacking[row.name].push_back(&row);
    for (auto& [name, waiting] : lacking) {
      messages::history_query q{twin, name, waiting.front()->event_time_ns,
                                waiting.back()->event_time_ns, messages::max_page};
      auto next = waiting.begin();
      for (;;) {
        auto page = past_.history(q);
        if (!page) return page.error();
        if (page->rows.empty()) break;
        const auto last = page->rows.back().event_time_ns;
        for (auto& found : page->rows) {
          if (!page->complete && found.event_time_ns == last && last != q.from_ns) break;
          if (!found.value.starts_with('{')) continue; // it is not always samples
          while (next != waiting.end() && (*next)->event_time_ns < found.event_time_ns) ++next;
          if (next != waiting.end() && (*next)->event_time_ns == found.event_time_ns)
            (*next++)->value = std::move(found.value);
        }
        if (page->complete) break;
        q.from_ns = last == q.from_ns ? saturating_add(last, 1) : last;
      }
    }
    return {};
  }
  [[nodiscard]] status write() {
    std::string text;
    messages::append_readings(want_.format, pending_, text);
    pending_.clear();
    return out_.write(text);
  }

  past_source& past_;
  const export_request& want_;
  output_file& out_;
  std::vector<messages::dated_reading> pending_;
};

int export_readings(past_source& past, const context& ctx, const export_request& want) {
  const auto within = interval_of(want.within);
  if (!within) return fail(within.error());
  const auto twins = past.twins(want.glob);
  if (!twins) return fail(twins.error());
  if (twins->empty()) return fail(exit_not_found, "no twin matches " + want.glob);
  output_file out(want.out);
  if (auto s = out.write(messages::file_head(want.format)); !s) return fail(s.error());
  twin_export one(past, want, out);
  {
    progress_bar bar(!ctx.quiet && want.out != "-" && ::isatty(STDERR_FILENO) != 0);
    double done = 0;
    for (const auto& twin : *twins) {
      if (auto s = one.run(twin, *within); !s) return fail(s.error());
      bar.show(++done / static_cast<double>(twins->size()));
    }
  }
  if (auto s = out.close(); !s) return fail(s.error());
  if (!ctx.quiet) std::cerr << one.values << " values of " << twins->size() << " twins\n";
  return exit_ok;
}

// --- features

struct label {
  std::vector<std::string> cells;
  std::string twin;
  std::int64_t at_ns = 0;
};

struct label_file {
  std::vector<std::string> header;
  std::vector<label> rows;
};

/// The rows of the label file; for those that name no twin one for each of `twins`.
result<label_file> read_labels(const export_request& want, const std::vector<std::string>& twins) {
  auto in = tools::line_reader::open(want.labels);
  if (!in) return in.error();
  label_file out;
  std::string line;
  if (!in->next(line)) return failure{errc::invalid_argument, want.labels + ": is empty"};
  const char separator = tools::guess_separator(line);
  tools::split_csv(line, separator, out.header);
  const auto column = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(out.header.begin(), out.header.end(), name) -
                                    out.header.begin());
  };
  const auto time = column(want.time_column), twin = column(want.twin_column);
  if (time == out.header.size())
    return failure{errc::invalid_argument,
                   want.labels + ":1: no column " + want.time_column + " (see --time-column)"};
  std::vector<std::string> cells;
  while (in->next(line)) {
    if (line.empty()) continue;
    const auto place = want.labels + ":" + std::to_string(in->line_number());
    tools::split_csv(line, separator, cells);
    if (cells.size() != out.header.size())
      return failure{errc::invalid_argument, place + ": " + std::to_string(cells.size()) +
                                                 " columns, the header has " +
                                                 std::to_string(out.header.size())};
    const auto at = tools::parse_csv_time(cells[time], tools::csv_time::automatic);
    if (!at) return at.error().within(place + ": column " + want.time_column);
    if (twin == out.header.size()) {
      for (const auto& t : twins) out.rows.push_back({cells, t, *at});
    } else {
      if (!std::binary_search(twins.begin(), twins.end(), cells[twin]))
        return failure{errc::not_found,
                       place + ": no twin " + cells[twin] + " among those of " + want.glob};
      out.rows.push_back({cells, cells[twin], *at});
    }
  }
  if (!in->error()) return in->error().error();
  return out;
}

std::string number_text(const std::optional<double>& value) {
  if (!value) return {};
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), *value).ptr;
  return {text.data(), end};
}

int export_features(past_source& past, const context& ctx, const export_request& want) {
  const auto twins = past.twins(want.glob);
  if (!twins) return fail(twins.error());
  auto labels = read_labels(want, *twins);
  if (!labels) return fail(labels.error());
  std::map<std::string, std::vector<std::size_t>> of_twin;
  for (std::size_t i = 0; i < labels->rows.size(); ++i) of_twin[labels->rows[i].twin].push_back(i);
  std::vector<std::map<std::string, std::string>> found(labels->rows.size());
  std::vector<std::string> columns;
  progress_bar bar(!ctx.quiet && want.out != "-" && ::isatty(STDERR_FILENO) != 0);
  std::size_t done = 0;
  for (auto& [twin, rows] : of_twin) {
    std::stable_sort(rows.begin(), rows.end(), [&](std::size_t a, std::size_t b) {
      return labels->rows[a].at_ns < labels->rows[b].at_ns;
    });
    std::vector<std::int64_t> times;
    for (const auto i : rows) times.push_back(labels->rows[i].at_ns);
    std::size_t at = 0;
    auto s = past.features(twin, want.clock, times, [&](feature_row row) {
      for (const auto& f : row.features) {
        if (std::find(columns.begin(), columns.end(), f.name) == columns.end())
          columns.push_back(f.name);
        found[rows[at]][f.name] = number_text(f.value);
      }
      ++at;
      bar.show(static_cast<double>(++done) / static_cast<double>(labels->rows.size()));
    });
    if (!s) return fail(s.error());
  }
  const bool named = std::find(labels->header.begin(), labels->header.end(), want.twin_column) !=
                     labels->header.end();
  std::string text;
  for (const auto& name : labels->header) text += (text.empty() ? "" : ",") + csv_field(name);
  if (!named) text += ',' + csv_field(want.twin_column);
  for (const auto& name : columns) text += ',' + csv_field(name);
  text += '\n';
  output_file out(want.out);
  for (std::size_t i = 0; i < labels->rows.size(); ++i) {
    const auto& row = labels->rows[i];
    for (std::size_t c = 0; c < row.cells.size(); ++c)
      text += (c == 0 ? "" : ",") + csv_field(row.cells[c]);
    if (!named) text += ',' + csv_field(row.twin);
    for (const auto& name : columns) {
      const auto cell = found[i].find(name);
      text += ',' + (cell == found[i].end() ? std::string() : cell->second);
    }
    text += '\n';
    if (text.size() < 1 << 16) continue;
    if (auto s = out.write(text); !s) return fail(s.error());
    text.clear();
  }
  if (auto s = out.write(text); !s) return fail(s.error());
  if (auto s = out.close(); !s) return fail(s.error());
  if (!ctx.quiet)
    std::cerr << labels->rows.size() << " rows of " << columns.size() << " features\n";
  return exit_ok;
}

void add_shared(CLI::App* verb, export_request& want) {
  verb->add_option("--out", want.out, "the file; - is standard output")->capture_default_str();
  verb->add_flag("--offline", want.offline, "open the data folder; the node must be stopped");
}

} // namespace

void add_export_verbs(CLI::App& app, context& ctx) {
  auto* group = app.add_subcommand("export", "readings and training rows, into files");
  group->require_subcommand(1);
  auto want = std::make_shared<export_request>();
  auto* readings = group->add_subcommand("readings", "what twins measured, as `import readings` "
                                                     "takes it back");
  readings->add_option("GLOB", want->glob, "twins whose id matches")->capture_default_str();
  const std::map<std::string, readings_format> formats{{"csv", readings_format::csv},
                                                       {"jsonl", readings_format::jsonl},
                                                       {"protobuf", readings_format::protobuf}};
  readings->add_option("--format", want->format, "csv, jsonl or protobuf")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->type_name("FORMAT");
  readings->add_option("--telemetry", want->telemetry, "only these, as in a,b")
      ->delimiter(',')
      ->type_name("NAME");
  add_interval_options(readings, want->within);
  readings->remove_option(readings->get_option("--last"));
  add_shared(readings, *want);
  auto options = add_node_options(readings);
  on_run(readings, ctx, [&ctx, options, want] {
    return with_past(ctx, *options, want->offline,
                     [&](past_source& past) { return export_readings(past, ctx, *want); });
  });
  auto* features = group->add_subcommand(
      "features", "for each labelled moment the row a model would have been served then");
  features->add_option("--labels", want->labels, "CSV with a column of times, maybe one of twins")
      ->required()
      ->type_name("FILE");
  features->add_option("--twins", want->glob, "twins whose id matches")->capture_default_str();
  features->add_option("--time-column", want->time_column, "")->capture_default_str();
  features->add_option("--twin-column", want->twin_column, "without it each row is for all twins")
      ->capture_default_str();
  features
      ->add_option("--clock", want->clock,
                   "ingest: what the node knew at that time; event: by the readings' own times")
      ->check(CLI::IsMember({"ingest", "event"}))
      ->capture_default_str();
  add_shared(features, *want);
  auto where = add_node_options(features);
  on_run(features, ctx, [&ctx, where, want] {
    return with_past(ctx, *where, want->offline,
                     [&](past_source& past) { return export_features(past, ctx, *want); });
  });
}

} // namespace pollux::cli
