// SPDX-License-Identifier: Apache-2.0
#include "actors/journal_jobs.hpp"
#include "persistence/chain_heads.hpp"
#include "persistence/journal_stats.hpp"
#include <nlohmann/json.hpp>

namespace pollux::actors {

result<std::string> journal_stats_job(const job_surroundings& with, const std::string& arguments,
                                      job_progress& progress) {
  const auto asked = nlohmann::json::parse(arguments, nullptr, false);
  if (!asked.is_object()) return failure{errc::invalid_argument, "journal_stats: not an object"};
  const auto twins = asked.find("twins");
  const bool by_twin = twins != asked.end() && twins->is_boolean() && twins->get<bool>();
  const auto stats =
      persistence::count_journal(*with.journal, *with.tables, by_twin, [&](std::uint32_t done) {
        progress.set(done, with.journal->shards());
        return !progress.cancelled();
      });
  if (!stats) return stats.error();
  return persistence::stats_document(*stats);
}

result<std::string> heads_of(const persistence::log& journal, const persistence::store& tables,
                             const std::string& kept) {
  if (kept.empty()) {
    const auto heads = persistence::chain_heads(journal, tables);
    if (!heads) return heads.error();
    return persistence::heads_document(*heads);
  }
  const auto wanted = persistence::parse_heads(kept);
  if (!wanted) return wanted.error();
  const auto done = persistence::compare_heads(journal, tables, *wanted);
  if (!done) return done.error();
  return nlohmann::json{{"compared", done->compared}, {"findings", done->findings}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

result<std::string> journal_heads_job(const job_surroundings& with, const std::string& arguments,
                                      job_progress&) {
  const auto asked = nlohmann::json::parse(arguments, nullptr, false);
  if (!asked.is_object()) return failure{errc::invalid_argument, "journal_heads: not an object"};
  const auto kept = asked.find("kept");
  return heads_of(*with.journal, *with.tables,
                  kept != asked.end() && kept->is_object() ? kept->dump() : std::string{});
}

} // namespace pollux::actors
