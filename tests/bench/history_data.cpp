// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/history_data.hpp"
#include <algorithm>
#include <charconv>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <stdexcept>
#include <zlib.h>

namespace pollux::bench {

namespace {

namespace fs = std::filesystem;
using domain::value_view;

constexpr std::int64_t ns_per_s = 1'000'000'000, first_day_ns = 1'700'000'000 * ns_per_s;

std::string read_whole(const fs::path& path) {
  gzFile in = gzopen(path.c_str(), "rb"); // reads plain files as well
  if (in == nullptr) throw std::runtime_error("cannot read " + path.string());
  std::string out;
  char buffer[65536];
  for (int n = 0; (n = gzread(in, buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<std::size_t>(n));
  gzclose(in);
  return out;
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && std::strchr(" \r\t", s.front()) != nullptr) s.remove_prefix(1);
  while (!s.empty() && std::strchr(" \r\t", s.back()) != nullptr) s.remove_suffix(1);
  return s;
}

std::vector<std::string_view> split(std::string_view line, char by) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto end = line.find(by);
    out.push_back(trimmed(line.substr(0, end)));
    if (end == line.npos) return out;
    line.remove_prefix(end + 1);
  }
}

template <class Visit> void each_line(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    visit(trimmed(text.substr(0, end)));
    if (end == text.npos) return;
    text.remove_prefix(end + 1);
  }
}

bool to_number(std::string_view s, double& out) {
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), out);
  return error == std::errc{} && end == s.data() + s.size();
}

/// "YYYY-MM-DD HH:MM:SS", or with T and an offset of hours; -1 when it is none.
std::int64_t to_time_ns(std::string_view s) {
  std::tm t{};
  int hours = 0;
  const std::string text(s);
  const auto fields = std::sscanf(text.c_str(), "%d-%d-%d%*[ T]%d:%d:%d%d", &t.tm_year, &t.tm_mon,
                                  &t.tm_mday, &t.tm_hour, &t.tm_min, &t.tm_sec, &hours);
  if (fields < 6) return -1;
  t.tm_year -= 1900;
  --t.tm_mon;
  return (static_cast<std::int64_t>(timegm(&t)) - std::int64_t{hours} * 3600) * ns_per_s;
}

/// Gives inputs what a node would: a place in the journal among others, and the time of arrival,
/// 20 to 22 ms after the event by a clock of nanoseconds.
class journal_places {
public:
  void give(domain::input& in, std::int64_t event_ns) {
    position_ += 1 + random_() % 3;
    in.id = {{(std::uint64_t{3} << 40) + position_}, static_cast<std::uint32_t>(random_() % 16)};
    in.kind = domain::input_kind::readings;
    in.ingest_time_ns = event_ns + 20'000'000 + static_cast<std::int64_t>(random_() % 2'000'000);
  }

private:
  std::mt19937_64 random_{17};
  std::uint64_t position_ = 0;
};

/// A CSV file whose first line names the columns.
class csv_reader {
public:
  csv_reader(data_set& into, std::string_view time, std::string_view device, char by)
      : into_(into), time_(time), device_(device), by_(by) {}

  void read(const fs::path& path) {
    const auto text = read_whole(path);
    into_.csv += text;
    names_.clear();
    std::map<std::string, std::size_t, std::less<>> streams; // by device, in this file
    std::int64_t row = 0;
    each_line(text, [&](std::string_view line) {
      if (line.empty()) return;
      const auto cells = split(line, by_);
      if (names_.empty()) {
        for (const auto c : cells)
          names_.push_back(into_.texts.emplace_back(c.substr(0, c.find(" ("))));
        return;
      }
      std::string_view device;
      domain::input in;
      const auto event_ns = fill(cells, row++, in, device);
      const auto [at, fresh] = streams.emplace(device, into_.streams.size());
      if (fresh) into_.streams.emplace_back();
      places_.give(in, event_ns);
      into_.streams[at->second].inputs.push_back(std::move(in));
    });
  }

private:
  std::int64_t fill(const std::vector<std::string_view>& cells, std::int64_t row, domain::input& in,
                    std::string_view& device) {
    auto event_ns = first_day_ns + row * ns_per_s;
    for (std::size_t i = 0; i < std::min(cells.size(), names_.size()); ++i) {
      double number = 0;
      if (names_[i] == time_)
        event_ns = to_time_ns(cells[i]);
      else if (names_[i] == device_)
        device = cells[i];
      else if (to_number(cells[i], number))
        in.fields.push_back({names_[i], value_view::of(number)});
      else if (!cells[i].empty())
        in.fields.push_back({names_[i], value_view::text(into_.texts.emplace_back(cells[i]))});
    }
    if (event_ns < 0) throw std::runtime_error(into_.name + ": a row without a time");
    in.readings.push_back(
        {.event_time_ns = event_ns, .count = static_cast<std::uint32_t>(in.fields.size())});
    into_.values += in.fields.size();
    return event_ns;
  }

  data_set& into_;
  std::string_view time_, device_;
  char by_;
  std::vector<std::string_view> names_;
  journal_places places_;
};

std::vector<fs::path> files_below(const fs::path& folder, std::string_view prefix = {}) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (entry.is_regular_file() && name.find(".csv") != name.npos && name.starts_with(prefix))
      out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

data_set load_csv(const std::string& name, const std::vector<fs::path>& files,
                  std::string_view time, std::string_view device, char by) {
  data_set out;
  out.name = name;
  csv_reader reader(out, time, device, by);
  for (const auto& f : files) reader.read(f);
  return out;
}

/// A snapshot of two channels is one reading with two arrays of 32-bit floats.
data_set load_snapshots(const fs::path& folder) {
  data_set out;
  out.name = "femto snapshots";
  journal_places places;
  auto& inputs = out.streams.emplace_back().inputs;
  for (const auto& path : files_below(folder)) {
    const auto text = read_whole(path);
    out.csv += text;
    std::string channels[2];
    each_line(text, [&](std::string_view line) {
      const auto cells = split(line, ',');
      double number = 0;
      for (std::size_t c = 0; c < 2 && c < cells.size() && to_number(cells[c], number); ++c) {
        const auto sample = static_cast<float>(number);
        char raw[4];
        std::memcpy(raw, &sample, 4); // the format's order, as every machine we run on
        channels[c].append(raw, 4);
      }
    });
    domain::input in;
    constexpr std::string_view names[2] = {"horizontal", "vertical"};
    for (std::size_t c = 0; c < 2; ++c) {
      out.values += channels[c].size() / 4;
      in.fields.push_back({names[c], value_view::samples(domain::value_kind::samples_f32,
                                                         out.texts.emplace_back(channels[c]))});
    }
    const auto event_ns = first_day_ns + static_cast<std::int64_t>(inputs.size()) * 500 * ns_per_s;
    in.readings.push_back({.event_time_ns = event_ns, .count = 2});
    places.give(in, event_ns);
    inputs.push_back(std::move(in));
  }
  return out;
}

} // namespace

std::deque<data_set> load_recorded(const std::string& folder) {
  std::deque<data_set> out; // never moves a set: inputs point into it
  const fs::path root(folder);
  const auto there = [&](const char* name) { return fs::is_directory(root / name); };
  if (there("nab"))
    out.push_back(load_csv("NAB", files_below(root / "nab" / "data"), "timestamp", {}, ','));
  if (there("skab"))
    out.push_back(load_csv("SKAB", files_below(root / "skab"), "datetime", {}, ';'));
  if (there("car_obd"))
    out.push_back(load_csv("car_obd", files_below(root / "car_obd"), {}, {}, ','));
  if (there("bus_gps"))
    out.push_back(
        load_csv("bus_gps", files_below(root / "bus_gps", "20"), "timestamp", "vehicle_id", ','));
  if (there("femto_bearing")) out.push_back(load_snapshots(root / "femto_bearing" / "raw"));
  return out;
}

data_set load_job_j(const std::string& file) {
  const auto bytes = read_whole(file);
  data_set out;
  out.name = "job J";
  if (bytes.size() < 40) throw std::runtime_error(file + " is no msgs.bin");
  std::uint64_t head[5];
  std::memcpy(head, bytes.data(), sizeof head);
  const auto devices = head[1];
  out.streams.resize(devices);
  std::vector<journal_places> places(devices);
  std::uint64_t message = 0;
  for (std::size_t at = 40; at < bytes.size(); ++message) {
    const auto size = static_cast<unsigned char>(bytes[at]);
    const std::string json = bytes.substr(at + 1, size);
    at += 1u + size;
    long long ts = 0;
    double v[3];
    if (std::sscanf(json.c_str(), R"({"ts":%lld,"temperature":%lf,"vibration":%lf,"current":%lf})",
                    &ts, v, v + 1, v + 2) != 4)
      throw std::runtime_error(file + ": " + json);
    std::ostringstream row;
    row << "d" << message % devices << ',' << ts << ',' << v[0] << ',' << v[1] << ',' << v[2];
    out.csv += row.str() + '\n';
    domain::input in;
    in.fields = {{"temperature", value_view::of(v[0])},
                 {"vibration", value_view::of(v[1])},
                 {"current", value_view::of(v[2])}};
    in.readings.push_back({.event_time_ns = std::int64_t{ts} * 1'000'000, .count = 3});
    places[message % devices].give(in, in.readings[0].event_time_ns);
    out.streams[message % devices].inputs.push_back(std::move(in));
    out.values += 3;
  }
  return out;
}

} // namespace pollux::bench
