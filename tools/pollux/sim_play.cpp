// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/sim_play.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <thread>

namespace pollux::tools {

namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t most_complaints = 20;

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

failure no_column(const std::string& name, const std::vector<std::string>& header) {
  return {errc::invalid_argument, "no column '" + name + "'; there are: " + joined(header)};
}

std::size_t guess_time_column(const std::vector<std::string>& header) {
  for (const char* wanted : {"timestamp", "datetime", "time", "date_time", "date", "ts"})
    for (std::size_t i = 0; i < header.size(); ++i)
      if (lower(header[i]) == wanted) return i;
  return 0;
}

/// The value of one cell; kind none when there is nothing to send.
domain::value_view read_cell(const std::string& cell, std::deque<std::string>& keep) {
  if (cell.empty()) return {};
  const auto* end = cell.data() + cell.size();
  double number = 0;
  const auto* begin = cell.data() + (cell[0] == '+' ? 1 : 0);
  if (const auto parsed = std::from_chars(begin, end, number);
      parsed.ec == std::errc() && parsed.ptr == end)
    return std::isfinite(number) ? domain::value_view::of(number) : domain::value_view{};
  const auto word = lower(cell);
  if (word == "true" || word == "false") return domain::value_view::of(word == "true");
  if (word == "na" || word == "n/a" || word == "null") return {};
  if (cell.size() > domain::max_text_bytes) return {};
  return domain::value_view::text(keep.emplace_back(cell));
}

/// Holds back each message until it is due.
class pace {
public:
  pace(double speed, double rate) : speed_(speed), rate_(rate) {}
  /// A new file: its first event time is due now.
  void begin() { first_event_ns_ = no_time; }
  void wait(std::int64_t event_ns, const std::function<bool()>& stop) {
    auto due = start_;
    if (rate_ > 0) {
      due += seconds(static_cast<double>(messages_++) / rate_);
    } else if (speed_ > 0) {
      if (first_event_ns_ == no_time) {
        first_event_ns_ = event_ns;
        start_ = due = std::chrono::steady_clock::now();
      }
      const auto passed = static_cast<double>(event_ns - first_event_ns_) / 1e9;
      due += seconds(passed / speed_);
    }
    while (!stop()) { // in slices, so that Ctrl-C is heard
      const auto left = due - std::chrono::steady_clock::now();
      if (left <= 0s) return;
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, 100ms));
    }
  }

private:
  static std::chrono::nanoseconds seconds(double s) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(s, 9e9) * 1e9));
  }
  double speed_, rate_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::int64_t first_event_ns_ = no_time;
  std::uint64_t messages_ = 0;
};

/// One run of play(): what is carried from file to file.
class player {
public:
  player(const play_options& options, sim_publisher* to, play_counts& counts,
         std::ostream& complaints, const std::function<bool()>& stop)
      : options_(options), to_(to), counts_(counts), complaints_(complaints), stop_(stop),
        pace_(options.speed, options.rate) {}

  status play_file(const std::string& file, const std::function<void(std::uint64_t)>& offset);

private:
  void complain(const std::string& file, std::uint64_t line, const std::string& why) {
    ++counts_.bad;
    if (counts_.bad <= most_complaints) complaints_ << file << ':' << line << ": " << why << '\n';
    if (counts_.bad == most_complaints) complaints_ << "further bad rows are only counted\n";
  }
  status send(const std::string& topic);

  const play_options& options_;
  sim_publisher* to_;
  play_counts& counts_;
  std::ostream& complaints_;
  const std::function<bool()>& stop_;
  pace pace_;
  domain::input waiting_; // rows of the next message
  std::deque<std::string> keep_;
  std::uint64_t row_ = 0;           // over all files, those passed over included
  std::uint64_t first_waiting_ = 0; // row of the first in waiting_
  std::string payload_;
};

status player::send(const std::string& topic) {
  if (waiting_.readings.empty()) return {};
  pace_.wait(waiting_.readings.front().event_time_ns, stop_);
  encode_payload(waiting_, options_.format, payload_);
  const auto sent = to_ ? to_->publish(topic, payload_, first_waiting_, stop_) : status{};
  if (sent.ok()) counts_.readings += waiting_.readings.size();
  waiting_.clear();
  keep_.clear();
  return sent;
}

status player::play_file(const std::string& file,
                         const std::function<void(std::uint64_t)>& offset) {
  auto lines = line_reader::open(file);
  if (!lines.ok()) return lines.error();
  std::string line;
  std::vector<std::string> cells;
  if (!lines->next(line))
    return lines->error().ok() ? failure{errc::invalid_argument, file + ": no header line"}
                               : lines->error().error();
  const char separator = options_.separator != 0 ? options_.separator : guess_separator(line);
  split_csv(line, separator, cells);
  const auto plan = plan_columns(cells, options_);
  if (!plan.ok()) return plan.error().within(file);
  const auto topic = play_topic(options_.topic, file);
  pace_.begin();
  std::uint64_t row_of_file = 0;
  while (!stop_() && lines->next(line)) {
    if (line.empty()) continue;
    ++row_of_file;
    if (row_++ < options_.from_row) continue;
    ++counts_.rows;
    split_csv(line, separator, cells);
    if (waiting_.readings.empty()) first_waiting_ = row_ - 1;
    const auto added = add_row(*plan, cells, options_.time_format,
                               options_.sequence ? row_of_file : 0, waiting_, keep_);
    if (added.ok()) {
      auto& time = waiting_.readings.back().event_time_ns;
      time = saturating_add(time, options_.time_base_ns);
    } else {
      complain(file, lines->line_number(), added.error().what);
    }
    if (waiting_.readings.size() >= options_.batch)
      if (const auto sent = send(topic); !sent.ok()) return sent;
    if (row_of_file % 64 == 0) offset(lines->offset());
  }
  if (!lines->error().ok()) return lines->error();
  return send(topic);
}

} // namespace

result<column_plan> plan_columns(const std::vector<std::string>& header,
                                 const play_options& options) {
  column_plan plan;
  plan.cells = header.size();
  if (options.time_column.empty()) {
    plan.time = guess_time_column(header);
  } else {
    const auto found = std::find(header.begin(), header.end(), options.time_column);
    if (found == header.end()) return no_column(options.time_column, header);
    plan.time = static_cast<std::size_t>(found - header.begin());
  }
  for (const auto& name : options.columns)
    if (!contains(header, name)) return no_column(name, header);
  for (const auto& name : options.skip)
    if (!contains(header, name)) return no_column(name, header);
  for (const auto& [from, to] : options.rename)
    if (!contains(header, from)) return no_column(from, header);
  for (std::size_t i = 0; i < header.size(); ++i) {
    const bool wanted = options.columns.empty() || contains(options.columns, header[i]);
    if (i == plan.time || !wanted || header[i].empty() || contains(options.skip, header[i]))
      continue;
    auto name = header[i];
    for (const auto& [from, to] : options.rename)
      if (from == header[i]) name = to;
    plan.columns.push_back({i, std::move(name)});
  }
  if (plan.columns.empty())
    return failure{errc::invalid_argument, "no column left to send beside the time column '" +
                                               header[plan.time] + "'; is the separator right?"};
  return plan;
}

status add_row(const column_plan& plan, const std::vector<std::string>& cells, csv_time format,
               std::uint64_t sequence, domain::input& in, std::deque<std::string>& keep) {
  // some programs end every row with a separator, but not the header
  const bool spare = cells.size() == plan.cells + 1 && cells.back().empty();
  if (cells.size() != plan.cells && !spare)
    return failure{errc::invalid_argument, std::to_string(cells.size()) +
                                               " cells, the header has " +
                                               std::to_string(plan.cells)};
  const auto time = parse_csv_time(cells[plan.time], format);
  if (!time.ok()) return time.error();
  domain::reading one{*time, sequence, static_cast<std::uint32_t>(in.fields.size()), 0};
  for (const auto& column : plan.columns)
    if (const auto value = read_cell(cells[column.at], keep);
        value.kind != domain::value_kind::none)
      in.fields.push_back({column.name, value});
  one.count = static_cast<std::uint32_t>(in.fields.size()) - one.first;
  if (one.count == 0) return failure{errc::invalid_argument, "a row without any value"};
  in.readings.push_back(one);
  return {};
}

std::string play_topic(const std::string& topic, const std::string& file) {
  auto name = std::filesystem::path(file).filename().string();
  for (const std::string_view end : {".gz", ".csv", ".txt", ".tsv"})
    if (name.size() > end.size() && name.ends_with(end)) name.resize(name.size() - end.size());
  for (auto& c : name) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    if (!allowed) c = '_';
  }
  auto out = topic;
  const std::string_view placeholder = "{file}";
  for (auto at = out.find(placeholder); at != std::string::npos;
       at = out.find(placeholder, at + name.size()))
    out.replace(at, placeholder.size(), name);
  return out;
}

status play(const play_options& options, sim_publisher* to, play_counts& counts,
            std::ostream& complaints, const std::function<void(double)>& progress,
            const std::function<bool()>& stop) {
  std::vector<double> sizes;
  double total = 0;
  for (const auto& file : options.files) {
    std::error_code ignored; // a file that is not there is told when it is opened
    const auto size = std::filesystem::file_size(file, ignored);
    sizes.push_back(ignored ? 0 : static_cast<double>(size));
    total += sizes.back();
  }
  player one(options, to, counts, complaints, stop);
  double before = 0;
  for (std::size_t i = 0; i < options.files.size() && !stop(); ++i) {
    const auto played = one.play_file(options.files[i], [&](std::uint64_t offset) {
      if (total > 0) progress(std::min(1.0, (before + static_cast<double>(offset)) / total));
    });
    if (!played.ok()) return played;
    before += sizes[i];
  }
  if (to && !to->drain(60s, stop))
    return failure{errc::unavailable, stop() ? "interrupted" : "not everything was acknowledged"};
  if (stop()) return failure{errc::unavailable, "interrupted"};
  progress(1.0);
  return {};
}

} // namespace pollux::tools
