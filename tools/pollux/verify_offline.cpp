// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/verify_offline.hpp"
#include "actors/verifier.hpp"
#include "supervision/offline.hpp"
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace pollux::cli {

namespace {

void print_verify_report(const std::string& document, const context& ctx) {
  if (ctx.format != output::table) {
    std::cout << document << "\n";
    return;
  }
  const auto report = nlohmann::json::parse(document, nullptr, false);
  if (!report.is_object()) return;
  const auto number = [&](const char* key) {
    return std::to_string(report.value(key, std::uint64_t{0}));
  };
  std::cout << report.value("state", "?") << ": " << number("twins") << " twins, "
            << number("inputs") << " inputs, " << number("readings") << " readings, "
            << number("values") << " values replayed; " << number("blocks") << " blocks, "
            << number("snapshots_compared") << " snapshots and " << number("alerts_compared")
            << " alerts compared";
  if (report.value("revised_states", 0) + report.value("revised_alerts", 0) > 0)
    std::cout << "; " << number("revised_states") << " states and " << number("revised_alerts")
              << " alerts are of before a release that revised their rules: not judged";
  if (report.contains("vouches_from") && report["vouches_from"].is_string())
    std::cout << "; vouches from " << report["vouches_from"].get<std::string>();
  std::cout << "\n";
  for (const auto& f : report["findings"])
    std::cout << "  " << f.value("twin", "") << ": " << f.value("what", "") << "\n";
  if (report.value("findings_total", std::uint64_t{0}) > report["findings"].size())
    std::cout << "  ... and more, " << number("findings_total") << " in all\n";
}

} // namespace

int verify_offline(const std::string& data, const std::string& glob, const context& ctx) {
  const bool bar = isatty(STDERR_FILENO) != 0 && !ctx.quiet;
  auto report = supervision::verify_offline(data, glob, [&](std::uint64_t done, std::uint64_t all) {
    if (bar && (done % 64 == 0 || done == all))
      std::fprintf(stderr, "\rverifying %llu of %llu twins%s",
                   static_cast<unsigned long long>(done), static_cast<unsigned long long>(all),
                   done == all ? "\n" : "");
  });
  if (!report) return fail(report.error());
  print_verify_report(actors::verify_document(*report, false), ctx);
  return report->findings_total == 0 ? exit_ok : exit_failure;
}

int count_offline(const std::string& data, const context& ctx) {
  auto readings = supervision::count_readings_offline(data);
  if (!readings) return fail(readings.error());
  if (ctx.format == output::table)
    std::cout << *readings << "\n";
  else
    std::cout << nlohmann::json{{"readings", *readings}}.dump() << "\n";
  return exit_ok;
}

} // namespace pollux::cli
