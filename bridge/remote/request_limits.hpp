// SPDX-License-Identifier: Apache-2.0
// How large a query from outside may be. Lengths beyond a limit are refused by name; page sizes are
// cut to what one answer may carry.
#pragma once
#include "messages/node_api.hpp"

namespace pollux::bridge::remote {

inline constexpr std::size_t max_glob_bytes = 512;
inline constexpr std::size_t max_search_bytes = 4096; ///< each text of a search
inline constexpr std::size_t max_search_words = 16;   ///< in each list of one
inline constexpr std::size_t max_name_bytes = 128;    ///< rules, commands, models, people
inline constexpr std::size_t max_incident_bytes = 64;
inline constexpr std::size_t max_arguments_bytes = 64 * 1024;
inline constexpr std::size_t max_job_bytes = 2 * 1024 * 1024; ///< a model file and options
inline constexpr std::size_t max_batch_bytes = 4 * 1024 * 1024;
inline constexpr std::size_t max_series = 64; ///< telemetries in one question
inline constexpr std::size_t max_comment_bytes = 1024;
inline constexpr std::size_t max_file_name_bytes = 4096;

/// Cuts the page size of `query` and checks its texts. Errors: invalid_argument, naming the member.
status limit(messages::twin_query& query);
status limit(messages::twin_list_query& query);
status limit(messages::history_query& query);
status limit(messages::watch_open& query);
status limit(messages::watch_pull& query);
status limit(messages::watch_close& query);
status limit(messages::command_request& query);
status limit(messages::command_query& query);
status limit(messages::alert_list_query& query);
status limit(messages::alert_query& query);
status limit(messages::alert_acknowledge& query);
status limit(messages::alert_verify& query);
status limit(messages::alert_action& query);
status limit(messages::parent_set& query);
status limit(messages::twin_patch& query);
status limit(messages::twin_search& query);
status limit(messages::search_watch& query);
status limit(messages::quarantine_query& query);
status limit(messages::quarantine_replay& query);
status limit(messages::stats_query& query);
status limit(messages::verify_start& query);
status limit(messages::verify_query& query);
status limit(messages::twin_create& query);
status limit(messages::twin_delete& query);
status limit(messages::log_level_set& query);
status limit(messages::model_list_query& query);
status limit(messages::model_text_query& query);
status limit(messages::model_apply& query);
status limit(messages::model_rollback& query);
status limit(messages::shadow_order& query);
status limit(messages::series_query& query);
status limit(messages::completeness_query& query);
status limit(messages::replay_query& query);
status limit(messages::retention_order& query);
status limit(messages::job_start& query);
status limit(messages::job_query& query);
status limit(messages::job_cancel& query);
status limit(messages::readings_submit& query);

} // namespace pollux::bridge::remote
