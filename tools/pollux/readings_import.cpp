// SPDX-License-Identifier: Apache-2.0
// import readings: files of `pollux export readings`, and tables of other systems, into a running
// node. What comes twice changes nothing.
#include "domain/base/time.hpp"
#include "messages/readings_file.hpp"
#include "tools/pollux/client_job.hpp"
#include "tools/pollux/client_verbs.hpp"
#include "tools/pollux/sim_csv.hpp"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <unistd.h>

namespace pollux::cli {

namespace {

using messages::dated_reading;
constexpr std::size_t batch_readings = 1000;
constexpr std::size_t batch_bytes = 1 << 20; // of samples and texts
constexpr std::uint64_t max_piece = 64 << 20;
constexpr std::chrono::seconds long_enough{60};

struct import_request {
  std::vector<std::string> files;
  std::string twin, model, time_column = "time";
};

/// Gathers readings by twin and hands them to the node, a thousand at a time.
class importer {
public:
  importer(client& node, const import_request& want) : node_(node), want_(want) {}

  [[nodiscard]] status take(dated_reading r, const std::string& place) {
    if (r.twin.empty()) r.twin = want_.twin;
    if (r.twin.empty())
      return failure{errc::invalid_argument, place + ": names no twin (see --twin)"};
    auto& waiting = of_twin_[r.twin];
    auto& bytes = bytes_of_[r.twin];
    for (const auto& [name, value] : r.values) bytes += size_of(value);
    // values of one instant that stand in rows of their own are one reading
    if (!waiting.empty() && waiting.back().event_time_ns == r.event_time_ns)
      waiting.back().values.insert(waiting.back().values.end(), r.values.begin(), r.values.end());
    else if (waiting.empty() || (waiting.size() < batch_readings && bytes < batch_bytes))
      waiting.push_back(std::move(r));
    else {
      const auto twin = r.twin;
      if (auto s = send(twin, waiting); !s) return s.error().within(place);
      bytes = 0;
      for (const auto& [name, value] : r.values) bytes += size_of(value);
      waiting.push_back(std::move(r));
    }
    return {};
  }
  [[nodiscard]] status finish() {
    for (auto& [twin, waiting] : of_twin_)
      if (auto s = send(twin, waiting); !s) return s;
    return {};
  }
  std::uint64_t readings = 0, refused_batches = 0;
  std::vector<std::string> refusals; ///< the first few

private:
  static std::size_t size_of(const messages::file_value& value) {
    if (const auto* samples = std::get_if<messages::sample_block>(&value))
      return samples->bytes.size();
    const auto* text = std::get_if<std::string>(&value);
    return text == nullptr ? 0 : text->size();
  }
  [[nodiscard]] status send(const std::string& twin, std::vector<dated_reading>& waiting) {
    if (waiting.empty()) return {};
    const auto said = node_.ask(
        messages::readings_submit{twin, want_.model,
                                  messages::encode_batch(waiting.data(), waiting.size()), asker()},
        long_enough);
    const auto count = waiting.size();
    waiting.clear();
    if (!said && said.error().code != errc::invalid_argument) return said.error().within(twin);
    if (said) readings += count;
    const auto& words = said ? said->detail : said.error().what;
    if (said && words.find("refused") == words.npos) return {};
    ++refused_batches;
    if (refusals.size() < 10) refusals.push_back(twin + ": " + words);
    return {};
  }

  client& node_;
  const import_request& want_;
  std::map<std::string, std::vector<dated_reading>> of_twin_;
  std::map<std::string, std::size_t> bytes_of_;
};

/// The columns of a CSV file: ours (a row for each value), or a table with a column of times.
class csv_file {
public:
  csv_file(const import_request& want, const std::string& file) : want_(want), file_(file) {}

  [[nodiscard]] status head(std::string_view line) {
    separator_ = tools::guess_separator(line);
    static_cast<void>(messages::split_row(line, separator_, cells_));
    for (const auto& c : cells_) columns_.push_back(c.text);
    ours_ = columns_ == std::vector<std::string>{"twin", "event_time", "name", "value"};
    const auto found = std::find(columns_.begin(), columns_.end(), want_.time_column);
    if (!ours_ && found == columns_.end())
      return failure{errc::invalid_argument,
                     file_ + ":1: no column " + want_.time_column + " (see --time-column)"};
    time_ = ours_ ? 1 : static_cast<std::size_t>(found - columns_.begin());
    return {};
  }
  /// False: the row goes on in the next line.
  [[nodiscard]] bool split(std::string_view row) {
    return messages::split_row(row, separator_, cells_);
  }
  [[nodiscard]] result<dated_reading> reading() const {
    if (cells_.size() != columns_.size())
      return failure{errc::invalid_argument, std::to_string(cells_.size()) +
                                                 " columns, the header has " +
                                                 std::to_string(columns_.size())};
    const auto at = tools::parse_csv_time(cells_[time_].text, tools::csv_time::automatic);
    if (!at) return at.error().within("column " + columns_[time_]);
    dated_reading r{ours_ ? cells_[0].text : std::string(), *at, {}};
    if (ours_) {
      r.values.emplace_back(cells_[2].text, messages::parse_cell(cells_[3]));
      return r;
    }
    for (std::size_t c = 0; c < cells_.size(); ++c) {
      if (c == time_) continue;
      auto value = messages::parse_cell(cells_[c]);
      if (columns_[c] == "twin" && std::holds_alternative<std::string>(value))
        r.twin = cells_[c].text;
      else if (!std::holds_alternative<std::monostate>(value))
        r.values.emplace_back(columns_[c], std::move(value));
    }
    return r;
  }

private:
  const import_request& want_;
  const std::string& file_;
  char separator_ = ',';
  std::vector<std::string> columns_;
  std::vector<messages::csv_cell> cells_;
  std::size_t time_ = 0;
  bool ours_ = false;
};

class file_import {
public:
  file_import(importer& into, const import_request& want, const std::string& file,
              progress_bar& bar)
      : into_(into), want_(want), file_(file), bar_(bar) {}

  [[nodiscard]] status run() {
    std::error_code ignored;
    const auto bytes = std::filesystem::file_size(file_, ignored);
    size_ = ignored || bytes == 0 ? 1 : static_cast<double>(bytes);
    if (file_.ends_with(".pb")) return protobuf();
    auto in = tools::line_reader::open(file_);
    if (!in) return in.error();
    const bool json_lines = file_.find(".jsonl") != file_.npos;
    return json_lines ? lines(*in) : table(*in);
  }
  std::uint64_t bad_rows = 0;

private:
  [[nodiscard]] std::string place(std::uint64_t line) const {
    return file_ + ":" + std::to_string(line);
  }
  /// A bad row is named and passed over.
  [[nodiscard]] status take(result<dated_reading> r, std::uint64_t line) {
    if (r) return r->values.empty() ? status{} : into_.take(std::move(*r), place(line));
    if (++bad_rows <= 10) std::cerr << place(line) << ": " << printable(r.error().what) << '\n';
    return {};
  }
  [[nodiscard]] status lines(tools::line_reader& in) {
    std::string line;
    while (in.next(line)) {
      if (line.empty()) continue;
      if (auto s = take(messages::parse_json_reading(line), in.line_number()); !s) return s;
      bar_.show(static_cast<double>(in.offset()) / size_);
    }
    return in.error();
  }
  [[nodiscard]] status table(tools::line_reader& in) {
    std::string line, more;
    if (!in.next(line)) return in.error();
    csv_file csv(want_, file_);
    if (auto s = csv.head(line); !s) return s;
    while (in.next(line)) {
      if (line.empty()) continue;
      const auto at = in.line_number();
      while (!csv.split(line) && line.size() < (1 << 20) && in.next(more)) line += '\n' + more;
      if (auto s = take(csv.reading(), at); !s) return s;
      bar_.show(static_cast<double>(in.offset()) / size_);
    }
    return in.error();
  }
  [[nodiscard]] status protobuf() {
    std::ifstream in(file_, std::ios::binary);
    if (!in) return failure{errc::not_found, file_ + ": cannot be read"};
    std::string bytes;
    for (std::uint64_t offset = 0; in.peek() != std::ifstream::traits_type::eof();) {
      const auto here = file_ + " at byte " + std::to_string(offset);
      std::uint64_t size = 0;
      unsigned shift = 0;
      for (char c = static_cast<char>(128); (c & 128) != 0 && shift < 64; shift += 7) {
        if (!in.get(c)) return failure{errc::corrupt, here + ": ends within a length"};
        size |= std::uint64_t(static_cast<unsigned char>(c) & 127) << shift;
      }
      if (size > max_piece) return failure{errc::corrupt, here + ": too long a message"};
      bytes.resize(size);
      if (!in.read(bytes.data(), static_cast<std::streamsize>(size)))
        return failure{errc::corrupt, here + ": ends within a message"};
      auto readings = messages::parse_exported(bytes);
      if (!readings) return readings.error().within(here);
      for (auto& r : *readings)
        if (auto s = into_.take(std::move(r), here); !s) return s;
      offset += size + shift / 7;
      bar_.show(static_cast<double>(offset) / size_);
    }
    return {};
  }

  importer& into_;
  const import_request& want_;
  const std::string& file_;
  progress_bar& bar_;
  double size_ = 1;
};

int run(client& node, const context& ctx, const import_request& want) {
  importer into(node, want);
  std::uint64_t bad = 0;
  for (const auto& file : want.files) {
    progress_bar bar(!ctx.quiet && ::isatty(STDERR_FILENO) != 0);
    file_import one(into, want, file, bar);
    if (auto s = one.run(); !s) return fail(s.error());
    bad += one.bad_rows;
  }
  if (auto s = into.finish(); !s) return fail(s.error());
  for (const auto& r : into.refusals) std::cerr << printable(r) << '\n';
  if (!ctx.quiet)
    std::cerr << into.readings << " readings handed over"
              << (bad == 0 ? std::string() : ", " + std::to_string(bad) + " bad rows passed over")
              << '\n';
  return bad == 0 && into.refused_batches == 0 ? exit_ok : exit_data;
}

} // namespace

void add_readings_import(CLI::App& import, context& ctx) {
  auto want = std::make_shared<import_request>();
  auto* verb = import.add_subcommand(
      "readings", "recorded readings, as `export readings` writes them or as a CSV table");
  verb->add_option("FILE", want->files, ".csv, .csv.gz, .jsonl, .jsonl.gz or .pb")->required();
  verb->add_option("--model", want->model, "of twins that are not there yet");
  verb->add_option("--twin", want->twin, "whose readings they are, where the rows do not say");
  verb->add_option("--time-column", want->time_column, "of a CSV table")->capture_default_str();
  auto options = add_node_options(verb);
  on_run(verb, ctx, [&ctx, options, want] {
    return with_node(ctx, *options, [&](client& node) { return run(node, ctx, *want); });
  });
}

} // namespace pollux::cli
