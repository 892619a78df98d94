// SPDX-License-Identifier: Apache-2.0
// The job `backup`: arguments {"to": folder, "share": of the time, 0 to 1}, the result says what
// was copied (docs/backup.md).
#pragma once
#include "actors/jobs.hpp"
#include "persistence/backup.hpp"

namespace pollux::actors {

[[nodiscard]] result<std::string> backup_job(const job_surroundings& with,
                                             const std::string& arguments, job_progress& progress);

/// What a backup has to say, as JSON; the same for one made without a node.
[[nodiscard]] std::string backup_document(const persistence::backup_report& report);

} // namespace pollux::actors
