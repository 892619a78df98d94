// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/input.hpp"
#include <utility>

namespace pollux::domain {

void input::clear() {
  auto kept_readings = std::move(readings);
  auto kept_fields = std::move(fields);
  kept_readings.clear();
  kept_fields.clear();
  *this = input{};
  readings = std::move(kept_readings);
  fields = std::move(kept_fields);
}

} // namespace pollux::domain
