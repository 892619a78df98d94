// SPDX-License-Identifier: Apache-2.0
#include "actors/backtest_job.hpp"
#include "actors/backup_job.hpp"
#include "actors/erase_job.hpp"
#include "actors/jobs.hpp"
#include "actors/journal_jobs.hpp"

namespace pollux::actors {

const std::map<std::string, job_body>& job_kinds() {
  static const std::map<std::string, job_body> kinds{
      {"backtest", backtest_job},
      {"backup", backup_job},
      {"erase", erase_job},
      {"erased", erased_job},
      {"journal_heads", journal_heads_job},
      {"journal_stats", journal_stats_job},
  };
  return kinds;
}

} // namespace pollux::actors
