// SPDX-License-Identifier: Apache-2.0
#include "actors/backup_job.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <nlohmann/json.hpp>

namespace pollux::actors {

std::string backup_document(const persistence::backup_report& report) {
  return nlohmann::json{{"folder", report.folder},
                        {"rows", report.rows},
                        {"bytes_of_rows", report.bytes},
                        {"cold_files", report.cold_files},
                        {"linked_files", report.linked_files},
                        {"damage", report.damage}}
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

result<std::string> backup_job(const job_surroundings& with, const std::string& arguments,
                               job_progress& progress) {
  const auto asked = nlohmann::json::parse(arguments, nullptr, false);
  if (!asked.is_object() || !asked.contains("to") || !asked["to"].is_string())
    return failure{errc::invalid_argument, "a backup needs a folder: {\"to\": \"...\"}"};
  persistence::backup_order order;
  order.data = with.data;
  order.into = asked["to"].get<std::string>();
  order.now_ns = with.now();
  if (order.into.empty() || order.into.front() != '/')
    return failure{errc::invalid_argument, "the folder of a backup is named from the root on"};
  if (const auto share = asked.find("share"); share != asked.end() && share->is_number())
    order.share = std::clamp(share->get<double>(), 0.01, 1.0);
  progress.say("copying");
  order.progress = [&](std::uint64_t done, std::uint64_t total) {
    progress.set(done, total);
    return !progress.cancelled();
  };
  const auto report = persistence::back_up(*with.journal, *with.tables, order);
  if (!report) return report.error();
  messages::log::info(
      "backup", "a backup was made",
      {{"folder", report->folder}, {"bytes", report->bytes}, {"damaged", report->damage.size()}});
  return backup_document(*report);
}

} // namespace pollux::actors
