// SPDX-License-Identifier: Apache-2.0
// Names of a source's phases, for health pages and logs.
#include "bridge/mqtt/source.hpp"

namespace pollux::bridge {

const char* to_string(source_phase phase) noexcept {
  switch (phase) {
  case source_phase::stopped: return "stopped";
  case source_phase::connecting: return "connecting";
  case source_phase::connected: return "connected";
  case source_phase::paused: return "paused";
  }
  return "unknown";
}

} // namespace pollux::bridge
