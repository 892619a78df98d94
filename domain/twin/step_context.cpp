// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/step_context.hpp"

namespace pollux::domain {

effect& step_context::add(effect_kind kind) {
  auto& e = out.emplace_back();
  e.id = {in.id, ordinal++};
  e.kind = kind;
  e.ingest_time_ns = in.ingest_time_ns;
  if (twin.rules) e.model_hash = twin.rules->hash;
  return e;
}

void step_context::fault(std::string what) { add(effect_kind::fault).fault.what = std::move(what); }

} // namespace pollux::domain
