// SPDX-License-Identifier: Apache-2.0
#include "domain/model/crash_probe.hpp"
#include "domain/alert/wording.hpp"
#include "domain/base/ensure.hpp"
#include "domain/model/registry.hpp"

namespace pollux::domain {

void crash_probe::judge(row& reading) const {
  ensure(!(reading.fresh(slot_) && reading.value(slot_) == value_),
         "crash_probe met the value it waits for");
}

described_rule crash_probe::explain(const twin_state::body&, std::int64_t) const {
  return {name(), "crash_probe", "armed",
          "fault injection: crashes the twin at the value " + brief(value_)};
}

std::unique_ptr<twin_operator> read_crash_probe(object_reader& in, model_scope& scope) {
  const int slot = scope.numeric_telemetry(in, "of");
  const double value = in.number("value");
  if (slot < 0) return nullptr;
  return std::make_unique<crash_probe>(slot, value);
}

} // namespace pollux::domain
