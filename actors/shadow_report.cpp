// SPDX-License-Identifier: Apache-2.0
// What a candidate would have done, told.
#include "actors/shadow.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <nlohmann/json.hpp>

namespace pollux::actors {

namespace {

using json = nlohmann::ordered_json;

json time_or_null(std::int64_t time_ns) {
  return time_ns == 0 ? json(nullptr) : json(format_rfc3339(time_ns));
}

json median_s(std::vector<std::int64_t> leads_ns) {
  if (leads_ns.empty()) return nullptr;
  const auto middle = leads_ns.begin() + static_cast<std::ptrdiff_t>(leads_ns.size() / 2);
  std::ranges::nth_element(leads_ns, middle);
  return static_cast<double>(*middle) / static_cast<double>(ns_per_s);
}

} // namespace

std::string shadow_run::document(std::int64_t now_ns) {
  std::vector<std::shared_ptr<shadow_twin>> twins;
  {
    std::lock_guard lock{twins_mutex_};
    for (const auto& [place, twin] : twins_) twins.push_back(twin);
  }
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>, std::less<>> open;
  std::vector<difference> standing;
  for (const auto& twin : twins) {
    std::lock_guard turn{twin->mutex};
    domain::effects out;
    if (twin->life) let_time_pass(*twin, now_ns, out);
    compare(*twin, nullptr, 0, out);
    for (const auto& [rule, pair] : twin->rules)
      for (const bool by_candidate : {false, true}) {
        const auto& one = by_candidate ? pair.candidate : pair.ruling;
        if (!one.open || one.matched) continue;
        ++(by_candidate ? open[rule].second : open[rule].first);
        if (standing.size() < limits_.differences)
          standing.push_back({twin->id, rule, one.event_time_ns, by_candidate, true});
      }
  }
  std::lock_guard lock{tally_mutex_};
  json rules = json::array();
  for (const auto& [rule, count] : open) (void)tally_[rule]; // so that each is told below
  for (const auto& [rule, tally] : tally_) {
    const auto& [ruling, candidate] = open[rule];
    rules.push_back({{"name", rule},
                     {"both", tally.both},
                     {"only_ruling", tally.only_ruling + ruling},
                     {"only_candidate", tally.only_candidate + candidate},
                     {"lead_median_s", median_s(tally.leads_ns)}});
  }
  json differences = json::array();
  auto all = differences_;
  all.insert(all.end(), standing.begin(), standing.end());
  for (const auto& d : all) {
    if (differences.size() >= limits_.differences) break;
    differences.push_back({{"twin", d.twin},
                           {"rule", d.rule},
                           {"time", format_rfc3339(d.event_time_ns)},
                           {"only", d.by_candidate ? "candidate" : "ruling"},
                           {"open", d.open}});
  }
  std::uint64_t standing_total = 0;
  for (const auto& [rule, count] : open) standing_total += count.first + count.second;
  const auto ruling = known_.current(candidate_->name);
  return json{{"model", candidate_->name},
              {"candidate", candidate_->hash},
              {"ruling", ruling ? json(ruling->hash) : json(nullptr)},
              {"file", origin_.file},
              {"by", origin_.by},
              {"started_at", time_or_null(origin_.started_ns)},
              {"restarted_at", time_or_null(origin_.restarted_ns)},
              {"twins", twins.size()},
              {"max_twins", limits_.twins},
              {"twins_left_out", full_.load()},
              {"twins_failed", failed_.load()},
              {"inputs", inputs_.load()},
              {"rules", std::move(rules)},
              {"differences_total", differences_total_ + standing_total},
              {"differences", std::move(differences)}}
      .dump();
}

} // namespace pollux::actors
