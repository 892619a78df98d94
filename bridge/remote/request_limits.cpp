// SPDX-License-Identifier: Apache-2.0
#include "bridge/remote/request_limits.hpp"
#include "domain/base/twin_id.hpp"
#include "messages/model_codec.hpp"
#include <algorithm>
#include <initializer_list>

namespace pollux::bridge::remote {

namespace {

constexpr std::size_t max_id_bytes = 2 * max_id_part + 1;

struct bounded_text {
  const char* member;
  const std::string& text;
  std::size_t limit;
};

status check(std::initializer_list<bounded_text> texts) {
  for (const auto& t : texts)
    if (t.text.size() > t.limit)
      return failure{errc::invalid_argument,
                     std::string(t.member) + ": " + std::to_string(t.text.size()) +
                         " bytes, at most " + std::to_string(t.limit) + " are allowed"};
  return {};
}

void cut_page(std::uint32_t& limit) { limit = std::clamp(limit, 1U, messages::max_page); }

} // namespace

using namespace messages;

status limit(twin_query& q) { return check({{"id", q.id, max_id_bytes}}); }
status limit(twin_list_query& q) {
  cut_page(q.limit);
  return check({{"glob", q.glob, max_glob_bytes}, {"after", q.after, max_id_bytes}});
}
status limit(history_query& q) {
  cut_page(q.limit);
  return check({{"id", q.id, max_id_bytes}, {"telemetry", q.telemetry, max_name_bytes}});
}
status limit(watch_open& q) { return check({{"glob", q.glob, max_glob_bytes}}); }
status limit(watch_pull& q) {
  cut_page(q.limit);
  return {};
}
status limit(watch_close&) { return {}; }
status limit(command_request& q) {
  if (q.ttl_ns < 0) return failure{errc::invalid_argument, "ttl: must not be negative"};
  return check({{"twin", q.twin, max_id_bytes},
                {"id", q.id, max_name_bytes},
                {"name", q.name, max_name_bytes},
                {"arguments", q.arguments, max_arguments_bytes},
                {"by", q.by, max_name_bytes}});
}
status limit(command_query& q) {
  return check({{"twin", q.twin, max_id_bytes}, {"id", q.id, max_name_bytes}});
}
status limit(alert_list_query& q) {
  cut_page(q.limit);
  return check({{"glob", q.glob, max_glob_bytes},
                {"after", q.after, max_glob_bytes},
                {"state", q.state, max_name_bytes},
                {"severity", q.severity, max_name_bytes},
                {"rule", q.rule, max_glob_bytes}});
}
status limit(alert_query& q) {
  return check({{"twin", q.twin, max_id_bytes}, {"incident", q.incident, max_incident_bytes}});
}
status limit(alert_acknowledge& q) {
  return check({{"twin", q.twin, max_id_bytes},
                {"incident", q.incident, max_incident_bytes},
                {"by", q.by, max_name_bytes},
                {"comment", q.comment, max_comment_bytes}});
}
status limit(alert_verify& q) {
  return check({{"twin", q.twin, max_id_bytes}, {"incident", q.incident, max_incident_bytes}});
}
status limit(alert_action& q) {
  return check({{"twin", q.twin, max_id_bytes},
                {"verb", q.verb, max_name_bytes},
                {"incident", q.incident, max_incident_bytes},
                {"rule", q.rule, max_name_bytes},
                {"by", q.by, max_name_bytes},
                {"detail", q.detail, max_comment_bytes}});
}
status limit(parent_set& q) {
  return check({{"twin", q.twin, max_id_bytes},
                {"parent", q.parent, max_id_bytes},
                {"by", q.by, max_name_bytes}});
}
status limit(twin_patch& q) {
  return check({{"id", q.id, max_id_bytes},
                {"how", q.how, max_name_bytes},
                {"patch", q.patch, 1 << 20},
                {"by", q.by, max_name_bytes}});
}

namespace {
status check_words(const char* member, const std::vector<std::string>& words) {
  if (words.size() > max_search_words)
    return failure{errc::invalid_argument, std::string(member) + ": at most 16 are allowed"};
  for (const auto& word : words)
    if (auto fits = check({{member, word, max_glob_bytes}}); !fits) return fits;
  return {};
}
} // namespace

status limit(twin_search& q) {
  cut_page(q.limit);
  if (auto fits = check_words("group_by", q.group_by); !fits) return fits;
  if (auto fits = check_words("values", q.values); !fits) return fits;
  if (auto fits = check_words("within", q.within); !fits) return fits;
  return check({{"filter", q.filter, max_search_bytes},
                {"sort", q.sort, max_search_bytes},
                {"fields", q.fields, max_search_bytes},
                {"cursor", q.cursor, 2 * max_search_bytes},
                {"at_least", q.at_least, max_search_bytes}});
}
status limit(search_watch& q) {
  if (auto fits = check_words("within", q.within); !fits) return fits;
  return check({{"filter", q.filter, max_search_bytes}, {"fields", q.fields, max_search_bytes}});
}
status limit(quarantine_query& q) {
  cut_page(q.limit);
  return {};
}
status limit(quarantine_replay&) { return {}; }
status limit(stats_query&) { return {}; }
status limit(verify_start& q) { return check({{"glob", q.glob, max_glob_bytes}}); }
status limit(verify_query&) { return {}; }
status limit(twin_create& q) {
  return check({{"id", q.id, max_id_bytes}, {"model", q.model, max_name_bytes}});
}
status limit(twin_delete& q) { return check({{"id", q.id, max_id_bytes}}); }
status limit(log_level_set& q) { return check({{"level", q.level, max_name_bytes}}); }
status limit(model_list_query& q) {
  cut_page(q.limit);
  return check({{"name", q.name, max_name_bytes}});
}
status limit(model_text_query& q) {
  return check({{"name", q.name, max_name_bytes}, {"hash", q.hash, max_incident_bytes}});
}
status limit(model_apply& q) {
  return check({{"text", q.text, max_model_bytes},
                {"file", q.file, max_file_name_bytes},
                {"twins", q.twins, max_glob_bytes},
                {"by", q.by, max_name_bytes}});
}
status limit(model_rollback& q) {
  return check({{"name", q.name, max_name_bytes},
                {"hash", q.hash, max_incident_bytes},
                {"by", q.by, max_name_bytes}});
}
status limit(shadow_order& q) {
  return check({{"verb", q.verb, max_name_bytes},
                {"name", q.name, max_name_bytes},
                {"text", q.text, max_model_bytes},
                {"file", q.file, max_file_name_bytes}});
}
status limit(series_query& q) {
  q.points = std::clamp(q.points, 1U, 100'000U);
  if (q.telemetry.size() > max_series)
    return failure{errc::invalid_argument,
                   "telemetry: at most " + std::to_string(max_series) + " at a time"};
  for (const auto& name : q.telemetry)
    if (auto fits = check({{"telemetry", name, max_name_bytes}}); !fits) return fits;
  return check({{"id", q.id, max_id_bytes}, {"function", q.function, max_name_bytes}});
}
status limit(completeness_query& q) { return check({{"glob", q.glob, max_glob_bytes}}); }
status limit(replay_query& q) {
  cut_page(q.limit);
  return check({{"id", q.id, max_id_bytes},
                {"clock", q.clock, max_name_bytes},
                {"after", q.after, max_name_bytes}});
}
status limit(retention_order& q) {
  return check({{"verb", q.verb, max_name_bytes},
                {"twin", q.twin, max_id_bytes},
                {"by", q.by, max_name_bytes},
                {"detail", q.detail, max_comment_bytes}});
}
status limit(job_start& q) {
  return check({{"kind", q.kind, max_name_bytes},
                {"arguments", q.arguments, max_job_bytes},
                {"by", q.by, max_name_bytes}});
}
status limit(job_query&) { return {}; }
status limit(job_cancel&) { return {}; }
status limit(readings_submit& q) {
  return check({{"twin", q.twin, max_id_bytes},
                {"model", q.model, max_name_bytes},
                {"batch", q.batch, max_batch_bytes},
                {"by", q.by, max_name_bytes}});
}

} // namespace pollux::bridge::remote
