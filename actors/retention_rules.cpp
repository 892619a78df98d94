// SPDX-License-Identifier: Apache-2.0
#include "actors/retention_rules.hpp"
#include "actors/directory.hpp"
#include "domain/base/time.hpp"
#include "persistence/retention_book.hpp"
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace pollux::actors {

result<persistence::shard_rules> retention_rules_of(const persistence::store& tables,
                                                    const model_catalog& models,
                                                    std::uint32_t shard) {
  const auto holds = persistence::holds_in(tables);
  if (!holds) return holds.error();
  std::set<std::string, std::less<>> held;
  for (const auto& h : *holds) held.insert(h.twin);
  persistence::shard_rules out;
  auto keys = std::make_shared<std::vector<std::string>>();
  auto s = tables.each_registry(shard, [&](const persistence::registry_row& row) {
    if (out.rule_of_row.size() <= row.row) {
      out.rule_of_row.resize(row.row + 1, persistence::no_rule);
      out.deleted.resize(row.row + 1);
      out.held.resize(row.row + 1);
      keys->resize(row.row + 1);
    }
    (*keys)[row.row] = journal_key(row.id, row.incarnation);
    out.deleted[row.row] = row.deleted;
    out.held[row.row] = held.contains(row.id);
    auto version = models.ruling(row.model_name, row.id);
    if (version == nullptr) version = models.find(row.model_hash);
    // a life that has ended may be of a model nobody knows any more: it ages as most do
    const auto rule = version == nullptr ? domain::retention_rule{} : version->retention;
    auto known = std::find(out.rules.begin(), out.rules.end(), rule);
    if (known == out.rules.end()) {
      if (out.rules.size() + 1 >= persistence::no_rule) return;
      known = out.rules.insert(known, rule);
    }
    out.rule_of_row[row.row] = static_cast<std::uint16_t>(known - out.rules.begin());
  });
  if (!s && s.error().code != errc::corrupt) return s.error();
  out.key = [keys](std::uint32_t row) { return (*keys)[row]; };
  return out;
}

result<std::string> tiers_document(const persistence::store& tables, std::uint32_t shards) {
  using json = nlohmann::ordered_json;
  static constexpr const char* names[] = {"hot", "warm", "cold"};
  const auto totals = persistence::count_tiers(tables, shards);
  if (!totals) return totals.error();
  json tiers = json::array();
  for (std::size_t t = 0; t < totals->size(); ++t) {
    const auto& one = (*totals)[t];
    const bool any = one.oldest_ns <= one.newest_ns;
    tiers.push_back({{"tier", names[t]},
                     {"blocks", one.blocks},
                     {"inputs", one.inputs},
                     {"readings", one.readings},
                     {"values", one.values},
                     {"bytes", one.bytes},
                     {"bytes_per_value", one.values > 0 ? json(static_cast<double>(one.bytes) /
                                                               static_cast<double>(one.values))
                                                        : json(nullptr)},
                     {"oldest", any ? json(format_rfc3339(one.oldest_ns)) : json(nullptr)},
                     {"newest", any ? json(format_rfc3339(one.newest_ns)) : json(nullptr)}});
  }
  const auto held = persistence::holds_in(tables);
  if (!held) return held.error();
  json holds = json::array();
  for (const auto& h : *held)
    holds.push_back({{"twin", h.twin},
                     {"by", h.by},
                     {"reason", h.reason},
                     {"since", format_rfc3339(h.since_ns)}});
  return json{{"tiers", std::move(tiers)}, {"holds", std::move(holds)}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
}

} // namespace pollux::actors
