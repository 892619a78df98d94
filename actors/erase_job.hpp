// SPDX-License-Identifier: Apache-2.0
// The job `erase`: arguments {"id", "by", "reason", "delete": bool}. Everything the data folder
// holds of a twin goes, physically; the result is {"proof": erasure_document, "found": [where the
// id still stands]}. Cut off anywhere it goes on at the next start. The job `erased`: {"id"}, gives
// {"found": [...], "proofs": [...]}.
#pragma once
#include "actors/jobs.hpp"

namespace pollux::actors {

[[nodiscard]] result<std::string> erase_job(const job_surroundings& with,
                                            const std::string& arguments, job_progress& progress);
[[nodiscard]] result<std::string> erased_job(const job_surroundings& with,
                                             const std::string& arguments, job_progress& progress);

} // namespace pollux::actors
