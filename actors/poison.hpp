// SPDX-License-Identifier: Apache-2.0
// What the quarantine keeps of an input that crashed its twin: where it lies in the journal, when
// it was measured and what it said, as JSON a person can read. The input itself stays in the
// journal, untouched; a replay takes it from there.
#pragma once
#include "actors/work.hpp"
#include <functional>

namespace pollux::actors {

inline constexpr std::size_t max_poison_document = 4096; ///< bytes

/// An input's place: which twin (by its journal key) and which input.
struct input_place {
  twin_place twin;
  std::string key;
  domain::input_id id;
};

/// Shows one input where it lies, in the log's tail or in a block; its views end with the visit.
/// Errors: not_found (no longer, or not yet, in the journal), corrupt, io. Cost: one seek in the
/// log, else a scan of the shard's tail.
[[nodiscard]] status visit_input(const persistence::log& journal, const persistence::store& tables,
                                 const input_place& where,
                                 const std::function<void(const domain::input&)>& visit);

/// {"input":{"shard":..,"row":..,"position":..,"index":..},"kind":"readings","ingest_time":"..",
/// "readings":[{"event_time":"..","values":{..}}],"readings_total":..,"values_shown":..,
/// "values_total":..}. Values beyond max_poison_document are left out, samples are counted. An
/// input that cannot be read gives its place and the reason under "unreadable".
[[nodiscard]] std::string poison_document(const persistence::log& journal,
                                          const persistence::store& tables,
                                          const input_place& where);

/// Where a document says its input lies (the key is left empty). Errors: invalid_argument.
[[nodiscard]] result<input_place> place_in(std::string_view document);

} // namespace pollux::actors
