// SPDX-License-Identifier: Apache-2.0
#include "domain/base/time.hpp"
#include "tools/pollux/sim_play.hpp"
#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>
#include <zlib.h>

using namespace pollux;
using namespace pollux::tools;

namespace {

/// A folder that goes away with the test.
struct temporary_folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("pollux-sim-" + std::to_string(::getpid()));
  temporary_folder() { std::filesystem::create_directories(path); }
  ~temporary_folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const std::string& text) const {
    const auto file = (path / name).string();
    if (name.ends_with(".gz")) {
      const auto out = gzopen(file.c_str(), "wb");
      gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
      gzclose(out);
    } else {
      std::ofstream(file) << text;
    }
    return file;
  }
};

std::vector<std::string> split(std::string_view line, char separator = ',') {
  std::vector<std::string> cells = {"stale", "stale", "stale", "stale", "stale"};
  split_csv(line, separator, cells);
  return cells;
}

std::int64_t time_of(std::string_view text, csv_time format = csv_time::automatic) {
  const auto parsed = parse_csv_time(text, format);
  INFO(text);
  REQUIRE(parsed.ok());
  return *parsed;
}

using cells_t = std::vector<std::string>;

} // namespace

TEST_CASE("cells are split at the separator, quotes protect it, blanks around go") {
  CHECK(split("a, b ,c") == cells_t{"a", "b", "c"});
  CHECK(split("a;;", ';') == cells_t{"a", "", ""});
  CHECK(split("") == cells_t{""});
  CHECK(split(R"("a,b", "say ""x""",c)") == cells_t{"a,b", "say \"x\"", "c"});
  CHECK(split(R"("never closed, c)") == cells_t{"never closed, c"});
  CHECK(guess_separator("a;b;c,d") == ';');
  CHECK(guess_separator("a,b") == ',');
  CHECK(guess_separator("a\tb") == '\t');
  CHECK(guess_separator("alone") == ',');
}

TEST_CASE("times are understood as people write them") {
  CHECK(time_of("2013-07-04 00:00:00") == 1372896000 * ns_per_s);
  CHECK(time_of("2013-07-04T02:00:00+02:00") == 1372896000 * ns_per_s);
  CHECK(time_of("2013-07-04 00:00:00.250") == 1372896000 * ns_per_s + 250 * ns_per_ms);
  CHECK(time_of("2013-07-04") == 1372896000 * ns_per_s);
  CHECK(time_of("1372896000") == 1372896000 * ns_per_s);
  CHECK(time_of("1372896000.1") == 1372896000 * ns_per_s + 100 * ns_per_ms);
  CHECK(time_of("1372896000123") == 1372896000123 * ns_per_ms);
  CHECK(time_of("1372896000123456") == 1372896000123456 * ns_per_us);
  CHECK(time_of("1372896000123456789") == 1372896000123456789);
  CHECK(time_of("1.372896e9") == 1372896000 * ns_per_s);
  CHECK(time_of("-1.5", csv_time::seconds) == -1'500'000'000);
  CHECK(time_of("5", csv_time::milliseconds) == 5 * ns_per_ms);
  for (const char* bad :
       {"", "  ", "yesterday", "2013-13-04 00:00:00", "nan", "inf", "1e300", "12:30"})
    CHECK_FALSE(parse_csv_time(bad, csv_time::automatic).ok());
}

TEST_CASE("lines come out the same from a plain and a compressed file, whatever ends them") {
  const temporary_folder folder;
  const std::string text = "\xEF\xBB\xBFts,v\r\n1,2\n\n" + std::string(200'000, 'x') + "\n3,4";
  for (const char* name : {"a.csv", "a.csv.gz"}) {
    auto lines = line_reader::open(folder.write(name, text));
    REQUIRE(lines.ok());
    std::vector<std::string> got;
    std::string line;
    while (lines->next(line)) got.push_back(line);
    CHECK(lines->error().ok());
    REQUIRE(got.size() == 5);
    CHECK(got[0] == "ts,v");
    CHECK(got[2].empty());
    CHECK(got[3].size() == 200'000);
    CHECK(got[4] == "3,4");
    CHECK(lines->line_number() == 5);
  }
  CHECK(line_reader::open((folder.path / "absent.csv").string()).error().code == errc::not_found);
}

TEST_CASE("a damaged gzip and an endless line are errors that name the file") {
  const temporary_folder folder;
  std::string noise;
  for (int i = 0; i < 50'000; ++i) noise += std::to_string(i * 7919 % 10007);
  const auto whole = folder.write("cut.csv.gz", noise);
  std::filesystem::resize_file(whole, std::filesystem::file_size(whole) / 2);
  const auto endless = folder.write("endless.csv", std::string(3 << 20, 'x'));
  for (const auto& file : {whole, endless}) {
    auto lines = line_reader::open(file);
    REQUIRE(lines.ok());
    std::string line;
    while (lines->next(line)) {
    }
    REQUIRE_FALSE(lines->error().ok());
    CHECK(lines->error().error().what.find(file) != std::string::npos);
  }
}

TEST_CASE("columns are chosen, skipped and renamed; the time column is found by its name") {
  play_options options;
  options.rename = {{"Accelerometer1RMS", "vibration"}};
  options.skip = {"anomaly"};
  const auto plan = plan_columns({"n", "datetime", "Accelerometer1RMS", "anomaly"}, options);
  REQUIRE(plan.ok());
  CHECK(plan->time == 1);
  REQUIRE(plan->columns.size() == 2);
  CHECK(plan->columns[0].name == "n");
  CHECK(plan->columns[1].name == "vibration");
  options.columns = {"n"};
  CHECK(plan_columns({"n", "datetime", "Accelerometer1RMS", "anomaly"}, options)->columns.size() ==
        1);
  options.columns = {"typo"};
  const auto wrong = plan_columns({"n", "datetime", "Accelerometer1RMS", "anomaly"}, options);
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().what.find("'typo'") != std::string::npos);
  CHECK(wrong.error().what.find("datetime") != std::string::npos);
  CHECK_FALSE(plan_columns({"time"}, {}).ok());
}

TEST_CASE("a row becomes a reading: numbers, words, texts; holes are left out") {
  const auto plan = plan_columns({"ts", "a", "b", "c", "d"}, {});
  REQUIRE(plan.ok());
  domain::input in;
  std::deque<std::string> keep;
  REQUIRE(
      add_row(*plan, {"1372896000", "1.5", "", "TRUE", "open"}, csv_time::automatic, 4, in, keep)
          .ok());
  REQUIRE(in.readings.size() == 1);
  CHECK(in.readings[0].event_time_ns == 1372896000 * ns_per_s);
  CHECK(in.readings[0].sequence == 4);
  REQUIRE(in.fields.size() == 3);
  CHECK(in.fields[0].value.f64 == 1.5);
  CHECK(in.fields[1].name == "c");
  CHECK(in.fields[1].value.boolean);
  CHECK(in.fields[2].value.bytes == "open");
  CHECK(add_row(*plan, {"1372896000", "1", "2", "3", "4", ""}, csv_time::automatic, 0, in, keep)
            .ok());
  for (const auto& bad :
       {cells_t{"1372896000", "1"}, cells_t{"1372896000", "1", "2", "3", "4", "5"},
        cells_t{"soon", "1", "2", "3", "4"}, cells_t{"1372896000", "", "nan", "NA", "null"}})
    CHECK_FALSE(add_row(*plan, bad, csv_time::automatic, 0, in, keep).ok());
  CHECK(in.readings.size() == 2);
}

TEST_CASE("a file's name becomes a part of a topic and of a twin id") {
  CHECK(play_topic("telemetry/pump/{file}", "/data/skab/valve1/0.csv") == "telemetry/pump/0");
  CHECK(play_topic("t/{file}", "run 1+2#.csv.gz") == "t/run_1_2_");
  CHECK(play_topic("t/fixed", "a.csv") == "t/fixed");
}

TEST_CASE("rows are counted over all files, bad ones named by file and line, resuming skips them") {
  const temporary_folder folder;
  play_options options;
  options.files = {folder.write("a.csv", "ts,v\n1372896000,1\nsoon,2\n1372896002,3\n"),
                   folder.write("b.csv.gz", "ts;v\n1372896000;1\n1372896001;2\n")};
  const auto run = [&](std::uint64_t from) {
    options.from_row = from;
    play_counts counts;
    std::ostringstream complaints;
    double share = 0;
    const auto played = play(
        options, nullptr, counts, complaints, [&](double s) { share = s; }, [] { return false; });
    CHECK(played.ok());
    CHECK(share == 1.0);
    return std::tuple{counts.rows, counts.readings, counts.bad, complaints.str()};
  };
  const auto [rows, readings, bad, complaints] = run(0);
  CHECK(rows == 5);
  CHECK(readings == 4);
  CHECK(bad == 1);
  CHECK(complaints.find("a.csv:3: ") != std::string::npos);
  CHECK(std::get<0>(run(3)) == 2);
  CHECK(std::get<2>(run(3)) == 0);
}

TEST_CASE("the recorded sets are read, but for a row cut short at the end of one") {
  const std::string data = std::string(POLLUX_SOURCE_DIR) + "/../shared/data";
  if (!std::filesystem::exists(data)) {
    MESSAGE("skipped: no recorded data at ../shared/data");
    return;
  }
  struct expectation {
    std::string file;
    std::uint64_t readings, bad;
  };
  for (const auto& [file, readings, bad] : std::vector<expectation>{
           {"/nab/data/realKnownCause/ambient_temperature_system_failure.csv", 7267, 0},
           {"/skab/valve1/0.csv", 1147, 0},
           {"/car_obd/idle1.csv.gz", 1212, 1}}) {
    CAPTURE(file);
    play_options options;
    options.files = {data + file};
    play_counts counts;
    std::ostringstream complaints;
    CHECK(play(
              options, nullptr, counts, complaints, [](double) {}, [] { return false; })
              .ok());
    INFO(complaints.str());
    CHECK(counts.bad == bad);
    CHECK(counts.readings == readings);
  }
}
