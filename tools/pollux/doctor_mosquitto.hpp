// SPDX-License-Identifier: Apache-2.0
// Reads a mosquitto.conf and names the settings with which that broker loses messages it has
// acknowledged. Thresholds come from tests of mosquitto 2.0.11 (docs/mqtt_topics.md).
#pragma once
#include "domain/base/result.hpp"
#include "tools/pollux/doctor_finding.hpp"
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::cli {

/// Every key with its values in order; mosquitto lets the last one of a single-valued key rule.
using mosquitto_settings = std::map<std::string, std::vector<std::string>, std::less<>>;

/// Takes "key value" lines; comments and blank lines are skipped.
void read_mosquitto_lines(std::string_view text, mosquitto_settings& into);
/// A file with what its include_dir names. Errors: not_found, io.
[[nodiscard]] result<mosquitto_settings> read_mosquitto_conf(const std::string& file);

/// The configuration of a mosquitto that runs on this machine and listens on `port`; empty when
/// there is none, or it shows its file to others only. `processes`: where the kernel lists them.
[[nodiscard]] std::string running_mosquitto_conf(std::uint16_t port,
                                                 const std::string& processes = "/proc");

/// `largest_payload`: what the node would take, in bytes.
[[nodiscard]] findings judge_mosquitto(const mosquitto_settings& s, std::uint64_t largest_payload);

} // namespace pollux::cli
