// SPDX-License-Identifier: Apache-2.0
// W3C Trace Context at the HTTP door: who sent a traceparent finds its trace id in a problem's
// document, and so does the log when the node is at fault.
#pragma once
#include "bridge/http/message.hpp"

namespace pollux::bridge::http {

/// `run` with that around it. Without a valid traceparent nothing changes.
[[nodiscard]] handler traced(handler run);

} // namespace pollux::bridge::http
