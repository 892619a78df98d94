// SPDX-License-Identifier: Apache-2.0
// What the node of a measured run is told: the configuration, and job J's model.
#include "config/config.hpp"
#include "tools/pollux/bench_node.hpp"

namespace pollux::bench {

std::string_view job_model() noexcept {
  return R"({
  "name": "job_j",
  "kind": "motor",
  "description": "Job J: three z-scores over five minutes, and a bearing that wears before it runs hot.",
  "telemetry": {
    "temperature": {"type": "number", "unit": "degC"},
    "vibration": {"type": "number", "unit": "mm/s"},
    "current": {"type": "number", "unit": "A"}
  },
  "operators": [
    {"name": "temperature_5m", "type": "window", "of": "temperature", "span": "5m"},
    {"name": "vibration_5m", "type": "window", "of": "vibration", "span": "5m"},
    {"name": "current_5m", "type": "window", "of": "current", "span": "5m"},
    {"name": "temperature_anomaly", "type": "z_score", "window": "temperature_5m", "limit": 3,
     "sides": "both", "sd": "population", "min_samples": 10, "min_stddev": 0, "emit": "each", "poison": "include"},
    {"name": "vibration_anomaly", "type": "z_score", "window": "vibration_5m", "limit": 3,
     "sides": "both", "sd": "population", "min_samples": 10, "min_stddev": 0, "emit": "each", "poison": "include"},
    {"name": "current_anomaly", "type": "z_score", "window": "current_5m", "limit": 3,
     "sides": "both", "sd": "population", "min_samples": 10, "min_stddev": 0, "emit": "each", "poison": "include"},
    {"name": "wear_then_heat", "type": "sequence",
     "rises": {"of": "vibration", "above": 4.0, "count": 3}, "then": "temperature_anomaly",
     "within": "10m", "emit": "each"}
  ]
}
)";
}

std::string node_configuration(const node_options& options, std::uint16_t http_port,
                               const std::filesystem::path& folder) {
  const auto qos = std::to_string(options.qos);
  std::string out = "[node]\ndata = '" + (folder / "data").string() + "'\nmodels = '" +
                    (folder / "models").string() + "'\n\n[journal]\ndurability = \"" +
                    config::to_text(options.durability) +
                    "\"\n# below the default, so that short runs seal, too\n"
                    "tail_readings = 400000\n\n[mqtt]\nurl = \"tcp://127.0.0.1:" +
                    std::to_string(options.broker_port) + "\"\n";
  out += "source = \"" + options.source + "\"\n";
  // a backlog of a minute may stand in the broker before its answer to a ping
  out += R"(client_id = "pollux-bench"
keep_alive_s = 600
version = 3
clean_start = true
will_topic = ""
max_in_flight = 1000

[[mqtt.ingress]]
topic = "telemetry/{name}"
twin = "bench:{name}"
model = "job_j"
sequence_field = ""
qos = )" +
         qos + R"(

[[mqtt.egress]]
effect = "alert"
rule = "*_anomaly"
topic = "alerts/{name}"
payload = '{"rule":"anomaly","field":"{field}","ts":{event_time_ms},"value":{value},"mean":{mean},"sd":{sd}}'
qos = )" +
         qos + R"(

[[mqtt.egress]]
effect = "alert"
rule = "wear_then_heat"
topic = "alerts/{name}"
payload = '{"rule":"sequence","ts":{event_time_ms},"armed":{armed_ms}}'
qos = )" +
         qos + "\n\n[http]\nport = " + std::to_string(http_port) +
         "\n\n[remote]\nenabled = false\n\n[log]\nlevel = \"warning\"\n";
  return out;
}

} // namespace pollux::bench
