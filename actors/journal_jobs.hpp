// SPDX-License-Identifier: Apache-2.0
// The job `journal_stats`: arguments {"twins": bool}, the result is stats_document() of
// persistence/journal_stats.hpp. The job `journal_heads`: arguments {}, the result is
// heads_document() of persistence/chain_heads.hpp; or {"kept": such a document}, then
// comparison_document().
#pragma once
#include "actors/jobs.hpp"

namespace pollux::actors {

[[nodiscard]] result<std::string> journal_stats_job(const job_surroundings& with,
                                                    const std::string& arguments,
                                                    job_progress& progress);
[[nodiscard]] result<std::string> journal_heads_job(const job_surroundings& with,
                                                    const std::string& arguments,
                                                    job_progress& progress);

/// The heads of all twins, or how they compare with those in `kept`, where it is not empty; the
/// same without a node.
[[nodiscard]] result<std::string> heads_of(const persistence::log& journal,
                                           const persistence::store& tables,
                                           const std::string& kept);

} // namespace pollux::actors
