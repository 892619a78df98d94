// SPDX-License-Identifier: Apache-2.0
// The job `backtest` (docs/backtest.md): {"model": text, "file": its name, "twins": glob, "from",
// "to": ns or null, "warm_up": ns or -1 for all, "tolerance": ns, "differences": n, "threads": n}.
#pragma once
#include "actors/jobs.hpp"
#include "persistence/backtest.hpp"

namespace pollux::actors {

/// What is asked for, from the job's arguments. Errors: invalid_argument, for the model with its
/// place.
struct backtest_request {
  persistence::backtest_order order;
  std::string twins = "*";
};
[[nodiscard]] result<backtest_request> read_backtest_request(const std::string& arguments);

[[nodiscard]] result<std::string>
backtest_job(const job_surroundings& with, const std::string& arguments, job_progress& progress);

/// Runs it; `look` is called ten times a second with twins done and in all, and cancels by giving
/// false. The result is the report.
[[nodiscard]] result<std::string>
run_backtest(persistence::backtest& test,
             const std::function<bool(std::uint64_t done, std::uint64_t total)>& look);

} // namespace pollux::actors
