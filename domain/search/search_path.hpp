// SPDX-License-Identifier: Apache-2.0
// What a search can name of a twin: "telemetry/temperature", "windows/drift/mean", "age". The same
// words stand in filters, sort orders, fields and groups. '.' may stand for '/'.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::domain {

enum class path_kind : std::uint8_t {
  id,
  name_space, ///< "namespace": the id before its colon
  name,       ///< the id after its colon
  kind,
  model,
  connected,
  awake,
  age,             ///< seconds since the newest reading's event time
  last_event_time, ///< RFC 3339; compared with texts of that form
  readings,
  revision,
  parent,
  telemetry,     ///< telemetry/<name>, telemetry/<name>/value: its newest value
  telemetry_age, ///< telemetry/<name>/age, seconds
  property,      ///< properties, properties/<pointer>
  output,        ///< windows/<name>/<aggregate>: a number an operator offers
  alert_count,
  alert_severity, ///< the worst of the active alerts; info < warning < critical
  alert_state,    ///< alerts/<rule>/state: active, acknowledged, ..., or ok
};

struct search_path {
  path_kind kind = path_kind::id;
  std::string first;  ///< telemetry, operator, rule; of a property its JSON pointer
  std::string second; ///< an operator's output; "value" where a telemetry is asked for so
  std::string text;   ///< as it was written, with '/'

  bool operator==(const search_path& o) const { return text == o.text; }
};

/// Within names '/' is written ~1 and '~' is written ~0. Errors: invalid_argument, saying what
/// paths there are.
[[nodiscard]] result<search_path> parse_search_path(std::string_view text);

} // namespace pollux::domain
