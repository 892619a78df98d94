// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/detect_run.hpp"
#include "domain/model/operator.hpp"
#include "tools/pollux/detect_twin.hpp"
#include "tools/pollux/sim_play.hpp"
#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

namespace pollux::tools {

namespace {
namespace fs = std::filesystem;
constexpr std::uint64_t most_complaints = 20;

// What all threads share.
struct run_state {
  const std::vector<detect_file>& files;
  const detect_options& options;
  const std::function<void(const std::string&)>& tell;
  const std::function<void(double)>& progress;
  const std::function<bool()>& stop;
  double bytes = 0; // of all files
  std::mutex guard; // of what follows, of tell and of progress
  double done = 0;
  detect_counts counts;

  void say(const std::string& what) {
    const std::lock_guard lock(guard);
    tell(what);
  }
  void advance(double read) {
    const std::lock_guard lock(guard);
    done += read;
    if (bytes > 0) progress(std::min(1.0, done / bytes));
  }
};

std::string csv_cell(std::string_view cell) {
  if (cell.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(cell);
  std::string out = "\"";
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

const domain::telemetry_spec* telemetry(const domain::model& m, std::string_view name) {
  const int slot = m.telemetry_slot(name);
  return slot < 0 ? nullptr : &m.telemetry[static_cast<std::size_t>(slot)];
}

// The columns that are telemetry of the model, and which of its telemetry the file has not.
result<column_plan> plan_telemetry(const std::vector<std::string>& header,
                                   const detect_options& options, std::string& absent) {
  play_options wanted;
  wanted.time_column = options.time_column;
  wanted.rename = options.renamed;
  auto plan = plan_columns(header, wanted);
  if (!plan.ok()) return plan;
  std::erase_if(plan->columns, [&](const column_plan::column& c) {
    return telemetry(*options.model, c.name) == nullptr;
  });
  std::string declared;
  for (const auto& t : options.model->telemetry) {
    declared += (declared.empty() ? "" : ", ") + t.name;
    const auto same = [&](const column_plan::column& c) { return c.name == t.name; };
    const auto found = std::count_if(plan->columns.begin(), plan->columns.end(), same);
    if (found == 0) absent += (absent.empty() ? "" : ", ") + t.name;
    if (found > 1)
      return failure{errc::invalid_argument, "two columns for the telemetry '" + t.name + "'"};
  }
  if (plan->columns.empty())
    return failure{errc::invalid_argument, "no column is named like a telemetry of the model (" +
                                               declared +
                                               "); --map column=telemetry says which is which"};
  return plan;
}

// What the door of a node would refuse.
status check_values(const domain::input& in, const domain::model& m) {
  for (const auto& f : in.fields) {
    const auto* spec = telemetry(m, f.name);
    const bool number = spec->type == domain::telemetry_type::number ||
                        spec->type == domain::telemetry_type::integer ||
                        spec->type == domain::telemetry_type::boolean;
    if (!number) continue;
    if (!f.value.numeric()) return failure{errc::invalid_argument, spec->name + " is not a number"};
    const double value = f.value.number();
    if (value < spec->min || value > spec->max)
      return failure{errc::invalid_argument, spec->name + " is beyond the model's range"};
  }
  return {};
}

// Cells are text or doubles; telemetry may want another kind.
void convert(domain::input& in, const domain::model& m, std::deque<std::string>& keep) {
  for (auto& f : in.fields) {
    const auto* spec = telemetry(m, f.name);
    if (!f.value.numeric()) continue;
    const double value = f.value.number();
    if (spec->type == domain::telemetry_type::boolean && (value == 0 || value == 1))
      f.value = domain::value_view::of(value == 1);
    else if (spec->type == domain::telemetry_type::integer && value > -9e15 && value < 9e15 &&
             value == static_cast<double>(static_cast<std::int64_t>(value)))
      f.value = domain::value_view::of(static_cast<std::int64_t>(value));
    else if (spec->type == domain::telemetry_type::text) {
      char digits[32];
      const auto end = std::to_chars(digits, digits + sizeof digits, value);
      f.value = domain::value_view::text(keep.emplace_back(digits, end.ptr));
    }
  }
}

class one_file {
public:
  one_file(run_state& all, const detect_file& file) : all_(all), file_(file) {}
  status run();
  detect_counts counts;

private:
  status read_header(line_reader& lines);
  status read_rows(line_reader& lines, std::ostream& out);
  void complain(std::uint64_t line, const std::string& why);
  void advance(const line_reader& lines);

  run_state& all_;
  const detect_file& file_;
  std::optional<column_plan> plan_;
  char separator_ = ',';
  std::string line_;
  std::vector<std::string> cells_;
  std::uint64_t told_bytes_ = 0;
};

void one_file::complain(std::uint64_t line, const std::string& why) {
  if (++counts.bad <= most_complaints)
    all_.say(file_.in + ":" + std::to_string(line) + ": " + why + "; skipped");
  if (counts.bad == most_complaints) all_.say(file_.in + ": further bad rows are only counted");
}

void one_file::advance(const line_reader& lines) {
  const auto at = lines.offset();
  all_.advance(static_cast<double>(at - std::min(at, told_bytes_)));
  told_bytes_ = std::max(told_bytes_, at);
}

status one_file::read_header(line_reader& lines) {
  if (!lines.next(line_)) {
    if (!lines.error().ok()) return lines.error();
    return failure{errc::invalid_argument, file_.in + ": the file is empty"};
  }
  separator_ = all_.options.separator != 0 ? all_.options.separator : guess_separator(line_);
  split_csv(line_, separator_, cells_);
  std::string absent;
  auto plan = plan_telemetry(cells_, all_.options, absent);
  if (!plan.ok()) return plan.error().within(file_.in);
  if (!absent.empty()) all_.say(file_.in + ": no column for " + absent);
  plan_ = std::move(*plan);
  return {};
}

status one_file::read_rows(line_reader& lines, std::ostream& out) {
  out << csv_cell(cells_[plan_->time]) << ",alert,anomaly_score\n";
  detect_twin twin(all_.options);
  domain::input in;
  std::deque<std::string> keep;
  while (lines.next(line_)) {
    if (line_.empty()) continue;
    if (++counts.rows % 256 == 0) {
      if (all_.stop()) return failure{errc::unavailable, file_.in + ": interrupted"};
      advance(lines);
    }
    split_csv(line_, separator_, cells_);
    in.clear();
    keep.clear();
    auto read = add_row(*plan_, cells_, all_.options.time_format, 0, in, keep);
    if (read.ok()) {
      convert(in, *all_.options.model, keep);
      read = check_values(in, *all_.options.model);
    }
    if (!read.ok()) {
      complain(lines.line_number(), read.error().what);
      continue;
    }
    const auto found = twin.apply(in);
    counts.alerts += found.raised;
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, found.score);
    out << csv_cell(cells_[plan_->time]) << (found.alert ? ",1," : ",0,")
        << std::string_view(digits, static_cast<std::size_t>(end.ptr - digits)) << '\n';
  }
  return lines.error();
}

status one_file::run() {
  auto lines = line_reader::open(file_.in);
  if (!lines) return lines.error();
  if (auto header = read_header(*lines); !header.ok()) return header;
  std::error_code bad;
  const fs::path place(file_.out);
  fs::create_directories(place.parent_path(), bad); // an error shows when the file is opened
  const auto unfinished = file_.out + ".part";
  std::ofstream out(unfinished, std::ios::binary | std::ios::trunc);
  if (!out) return failure{errc::io, unfinished + ": " + std::strerror(errno)};
  auto read = read_rows(*lines, out);
  out.close();
  if (read.ok() && out.fail())
    read = failure{errc::io, unfinished + ": not everything could be written"};
  if (read.ok()) {
    fs::rename(unfinished, place, bad);
    if (bad) read = failure{errc::io, file_.out + ": " + bad.message()};
  }
  if (!read.ok()) fs::remove(unfinished, bad);
  return read;
}

void work(run_state& all, std::atomic<std::size_t>& next) {
  for (;;) {
    const auto i = next.fetch_add(1);
    if (i >= all.files.size() || all.stop()) return;
    one_file one(all, all.files[i]);
    const auto done = one.run();
    const std::lock_guard lock(all.guard);
    all.counts.rows += one.counts.rows;
    all.counts.bad += one.counts.bad;
    all.counts.alerts += one.counts.alerts;
    ++(done.ok() ? all.counts.files : all.counts.failed);
    if (!done.ok()) all.tell(done.error().what);
  }
}

} // namespace

status check(const detect_options& options) {
  const auto& m = *options.model;
  for (const auto& [column, name] : options.renamed)
    if (telemetry(m, name) == nullptr)
      return failure{errc::invalid_argument,
                     "the model " + m.name + " declares no telemetry '" + name + "'"};
  if (options.score.empty() || !scores_of(m, options.score).empty()) return {};
  std::string known;
  for (const auto& s : scores_of(m, "")) known += " " + s.op->name();
  return failure{errc::invalid_argument, "no operator '" + options.score + "' with a score" +
                                             (known.empty() ? "" : "; there are:" + known)};
}

detect_counts detect(const std::vector<detect_file>& files, const detect_options& options,
                     const std::function<void(const std::string&)>& tell,
                     const std::function<void(double)>& progress,
                     const std::function<bool()>& stop) {
  run_state all{files, options, tell, progress, stop, 0, {}, 0, {}};
  for (const auto& f : files) all.bytes += static_cast<double>(f.bytes);
  const auto cores = options.parallel != 0 ? options.parallel : std::thread::hardware_concurrency();
  const auto threads = std::clamp<std::size_t>(cores, 1, std::max<std::size_t>(files.size(), 1));
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < threads; ++i) others.emplace_back([&] { work(all, next); });
  work(all, next);
  for (auto& t : others) t.join();
  if (!stop()) progress(1.0);
  return all.counts;
}

} // namespace pollux::tools
