// SPDX-License-Identifier: Apache-2.0
// Long work of a running node, watched from here: started, its progress shown, cancelled with
// Ctrl-C, and its result fetched.
#pragma once
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/progress_bar.hpp"

namespace pollux::cli {

/// Starts a job and waits for its end. Errors: as the node says, or as the job failed;
/// unavailable when it was cancelled, but where `partial` results are wanted and there is one.
[[nodiscard]] result<messages::job_answer> run_job(client& node, const context& ctx,
                                                   const std::string& kind, const json& arguments,
                                                   bool partial = false);

/// Whether a node serves on this data folder. One that was killed leaves its address behind, but
/// nobody listens there any more.
[[nodiscard]] bool node_runs(const std::string& data);

} // namespace pollux::cli
