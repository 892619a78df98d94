// SPDX-License-Identifier: Apache-2.0
// Every operation of the HTTP door as one table: method, pattern, who may, what is done. It is the
// single source of what there is: the server's routes, the list at /api/v1, and the test that
// compares it with docs/openapi.json are made of it.
#pragma once
#include "bridge/http/message.hpp"
#include <optional>
#include <string>
#include <vector>

namespace pollux::bridge::http {

/// Over what the role of an operation must hold.
enum class reach : std::uint8_t {
  open,       ///< nobody needs to be known: health, the description of the interface
  somewhere,  ///< in one namespace at least; the handler drops rows of others
  everywhere, ///< in all namespaces: models, the node itself
  twin,       ///< in the namespace of the twin that {id} or {twin} of the pattern names
};

/// What a repeated Idempotency-Key gets.
enum class repeat : std::uint8_t {
  nothing,      ///< the header means nothing here
  first_answer, ///< the answer that was given the first time
  again,        ///< done again, which is harmless; the body must be the same
};

struct route_entry {
  std::string method, pattern;
  role needed = role::viewer;
  reach over = reach::everywhere;
  handler run;
  repeat on_repeat = repeat::nothing;
};
using route_table = std::vector<route_entry>;

/// Nothing when `who` may do what the entry does with these parameters, else the problem to answer
/// with: 401 for those nobody knows, 403 for the others.
[[nodiscard]] std::optional<response> refusal(const route_entry& entry, const request& r);

} // namespace pollux::bridge::http
