// SPDX-License-Identifier: Apache-2.0
// The shipped models on recorded data (played straight into a twin, without a broker): at least one
// alert in each labelled window, and few outside.
#include "domain/base/time.hpp"
#include "domain/twin/twin.hpp"
#include "messages/model_codec.hpp"
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace pollux;
using namespace pollux::domain;

namespace {

const std::filesystem::path data = POLLUX_SOURCE_DIR "/../shared/data";

struct one_model : model_source {
  std::shared_ptr<const model> only;
  explicit one_model(const std::string& name) {
    std::ifstream in(POLLUX_SOURCE_DIR "/config/models/" + name + ".json", std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    auto parsed = messages::parse_model(text.str(), name);
    REQUIRE_MESSAGE(parsed.ok(), (parsed.ok() ? "" : parsed.error().what));
    only = *parsed;
  }
  std::shared_ptr<const model> find(std::string_view hash) const override {
    return hash == only->hash ? only : nullptr;
  }
};

struct raised_alert {
  std::string rule;
  std::int64_t at_ns;
};

/// A twin of one model that is told rows of readings and tells its raised alerts.
class played_twin {
public:
  explicit played_twin(const one_model& models) : models_(models), state_("test:played") {
    in_.kind = input_kind::twin_created;
    in_.model_hash = models.only->hash;
    in_.model_name = models.only->name;
    in_.incarnation = 1;
    apply(0);
  }
  void tell(std::int64_t at_ns, const std::vector<std::pair<std::string, double>>& values) {
    in_.kind = input_kind::readings;
    reading r;
    r.event_time_ns = at_ns;
    r.count = static_cast<std::uint32_t>(values.size());
    in_.readings = {r};
    for (const auto& [name, value] : values) in_.fields.push_back({name, value_view::of(value)});
    apply(at_ns);
    ++rows_;
  }
  [[nodiscard]] const std::vector<raised_alert>& alerts() const { return alerts_; }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }

private:
  void apply(std::int64_t now_ns) {
    in_.id = {{++position_}, 0};
    in_.ingest_time_ns = now_ns;
    effects out;
    step(models_, state_, in_, out);
    for (const auto& e : out) {
      REQUIRE(e.kind == effect_kind::alert);
      if (e.alert.transition == alert_transition::raised)
        alerts_.push_back({e.alert.rule, e.alert.event_time_ns});
    }
    in_.clear();
  }
  const one_model& models_;
  twin_state state_;
  input in_;
  std::uint64_t position_ = 0, rows_ = 0;
  std::vector<raised_alert> alerts_;
};

std::vector<std::string> cells(const std::string& line, char separator) {
  std::vector<std::string> out;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, separator);) out.push_back(cell);
  return out;
}

std::int64_t time_of(std::string text) { return *parse_rfc3339(text.substr(0, 19) + "Z"); }

int within(const std::vector<raised_alert>& alerts, std::int64_t from, std::int64_t to) {
  int count = 0;
  for (const auto& a : alerts) count += a.at_ns >= from && a.at_ns <= to ? 1 : 0;
  return count;
}

} // namespace

TEST_CASE("the ambient temperature model alerts in both labelled windows of the NAB recording") {
  const std::string name = "realKnownCause/ambient_temperature_system_failure.csv";
  std::ifstream rows(data / "nab/data" / name);
  if (!rows) {
    MESSAGE("skipped: no recorded data beside the sources");
    return;
  }
  const one_model models("ambient_temperature");
  played_twin twin(models);
  std::string line;
  std::getline(rows, line);
  while (std::getline(rows, line)) {
    const auto row = cells(line, ',');
    twin.tell(time_of(row[0]), {{"temperature", std::stod(row[1])}});
  }
  std::ifstream labels(data / "nab/labels/windows.json");
  const auto windows = nlohmann::json::parse(labels).at(name);
  int inside = 0;
  for (const auto& window : windows) {
    const int here = within(twin.alerts(), time_of(window[0]), time_of(window[1]));
    CHECK(here >= 1);
    inside += here;
  }
  const int outside = static_cast<int>(twin.alerts().size()) - inside;
  MESSAGE("NAB ambient: " << twin.rows() << " rows, " << inside << " alerts inside, " << outside
                          << " outside");
  CHECK(outside <= 6);
}

TEST_CASE("the pump model finds most SKAB faults and hardly alerts in normal running") {
  if (!std::filesystem::exists(data / "skab")) {
    MESSAGE("skipped: no recorded data beside the sources");
    return;
  }
  const std::map<std::string, std::string> names{{"Accelerometer1RMS", "accelerometer_1"},
                                                 {"Accelerometer2RMS", "accelerometer_2"},
                                                 {"Current", "current"},
                                                 {"Pressure", "pressure"},
                                                 {"Temperature", "temperature"},
                                                 {"Thermocouple", "thermocouple"},
                                                 {"Voltage", "voltage"},
                                                 {"Volume Flow RateRMS", "flow_rate"}};
  const one_model models("pump");
  int files = 0, found = 0, outside = 0;
  std::uint64_t total = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data / "skab")) {
    if (entry.path().extension() != ".csv") continue;
    std::ifstream rows(entry.path());
    std::string line;
    std::getline(rows, line);
    const auto header = cells(line, ';');
    played_twin twin(models);
    std::int64_t from = never, to = no_time;
    while (std::getline(rows, line)) {
      const auto row = cells(line, ';');
      std::vector<std::pair<std::string, double>> values;
      const auto at = time_of(row[0]);
      for (std::size_t i = 1; i < row.size(); ++i) {
        if (const auto n = names.find(header[i]); n != names.end())
          values.emplace_back(n->second, std::stod(row[i]));
        else if (header[i] == "anomaly" && std::stod(row[i]) != 0) {
          from = std::min(from, at);
          to = std::max(to, at);
        }
      }
      twin.tell(at, values);
    }
    const int inside = from <= to ? within(twin.alerts(), from, to) : 0;
    outside += static_cast<int>(twin.alerts().size()) - inside;
    total += twin.rows();
    if (from <= to) ++files;
    if (inside > 0) ++found;
    if (entry.path().filename() == "9.csv") CHECK(inside >= 1);
  }
  MESSAGE("SKAB: " << total << " rows, " << found << " of " << files << " faults found, " << outside
                   << " alerts outside");
  CHECK(files == 15);
  CHECK(found >= 8);
  CHECK(outside <= 8);
}
