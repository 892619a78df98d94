// SPDX-License-Identifier: Apache-2.0
// The readings of a twin, as a page of rows.
#pragma once
#include "bridge/http/api/door.hpp"

namespace pollux::bridge::http {

/// GET /api/v1/twins/{id}/history?telemetry=a,b&from&to&limit&cursor
void history(const door_pointer& to, const request& r, const responder& respond);

} // namespace pollux::bridge::http
