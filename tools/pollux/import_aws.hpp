// SPDX-License-Identifier: Apache-2.0
// A detector model of AWS IoT Events becomes a model of ours with a state_machine, and a list says
// of every part whether it means the same, or in what it differs, or that it was left out and why.
// docs/import_aws_iot_events.md has the table.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::cli {

struct import_finding {
  enum class kind : std::uint8_t { exact, difference, refused };
  kind what = kind::exact;
  std::uint32_t line = 0, column = 0; ///< in the file, from 1; 0: the file as a whole
  std::string path;                   ///< "states[1].onInput.events[0]"
  std::string text;
};

struct import_result {
  std::string model; ///< JSON of a model file; empty when what is left does not compile
  std::string model_name;
  std::vector<import_finding> findings; ///< in the order of the file; those about the whole last
  std::string configuration;            ///< TOML to go with it: [[mqtt.ingress]], [[mqtt.egress]]

  [[nodiscard]] std::size_t count(import_finding::kind what) const noexcept;
};

/// Reads a detector model as `aws iotevents describe-detector-model` gives it, as it is given to
/// create-detector-model or in CloudFormation (JSON), or its definition alone. `name`: of the
/// model; empty: the detector model's. Errors: invalid_argument, for what is no detector model at
/// all. Untrusted bytes are safe.
[[nodiscard]] result<import_result>
import_aws_detector(std::string_view json, std::string_view file_name, const std::string& name);

} // namespace pollux::cli
