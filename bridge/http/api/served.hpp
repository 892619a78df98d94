// SPDX-License-Identifier: Apache-2.0
// What every operation of the table has around it: the role is checked, ?fields= is applied to
// what it answers, and an Idempotency-Key makes a repetition harmless.
#pragma once
#include "bridge/http/api/answer_memory.hpp"
#include "bridge/http/route_table.hpp"
#include <functional>
#include <memory>

namespace pollux::bridge::http {

/// The handler to give to the server for this entry. `now`: wall clock, ns.
[[nodiscard]] handler served(const route_entry& entry, std::shared_ptr<answer_memory> memory,
                             std::function<std::int64_t()> now);

/// The table as a document: {"routes":[{"method","path","role"}]}.
[[nodiscard]] std::string table_document(const route_table& table);

} // namespace pollux::bridge::http
