// SPDX-License-Identifier: Apache-2.0
// The part of the node's interface that the HTTP doors brought: what a twin is said to be.
// node_api.hpp takes it into node_actor.
#pragma once
#include <caf/all.hpp>
#include <cstdint>
#include <string>

namespace pollux::messages {

/// Changes what people say of a twin (its properties, a JSON object of at most 64 KiB). Answered
/// when the twin has applied it. Errors: not_found, invalid_argument (no JSON, not an object, too
/// large or deep), conflict (a failed `test`, or another change was quicker), refused (the
/// properties are not at `base` any more).
struct twin_patch {
  std::string id;
  std::string how;        ///< merge (RFC 7396), json (RFC 6902), replace
  std::string patch;      ///< JSON
  std::int64_t base = -1; ///< properties_revision it was made for; below 0: any
  std::string by;
};

#define POLLUX_DOOR_TYPES(use) use(twin_patch)

template <class Inspector> typename Inspector::result_type inspect(Inspector& f, twin_patch& x) {
  return f(caf::meta::type_name("pollux.twin_patch"), x.id, x.how, x.patch, x.base, x.by);
}

} // namespace pollux::messages
