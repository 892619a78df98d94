// SPDX-License-Identifier: Apache-2.0
// What a device puts into an MQTT message: readings as JSON or Protobuf
// (messages/proto/telemetry.proto).
#pragma once
#include "domain/twin/input.hpp"
#include <string>

namespace pollux::tools {

enum class sim_format : std::uint8_t { json, protobuf };

/// Replaces `out` by the readings of `in` (kind and ids are not looked at): in JSON one object, or
/// an array when there are several; in Protobuf one Batch. A reading at `no_time` carries no time,
/// so the node takes the time of arrival. Numbers, booleans and text only; samples are left out of
/// JSON.
void encode_payload(const domain::input& in, sim_format format, std::string& out);

} // namespace pollux::tools
