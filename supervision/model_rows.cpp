// SPDX-License-Identifier: Apache-2.0
#include "supervision/model_rows.hpp"
#include <nlohmann/json.hpp>
#include <set>

namespace pollux::supervision {

namespace {

using json = nlohmann::json;

/// What rules after the first `count` of the remembered changes.
void rule_after(const json& history, std::size_t count, const std::string& name,
                persistence::store_batch& batch) {
  std::string ruling = history.at(0).value("previous", "");
  auto exceptions = json::array();
  auto left = json::array();
  for (std::size_t i = 0; i < count; ++i) {
    const auto& change = history.at(i);
    const auto twins = change.value("twins", "");
    left.push_back(change);
    if (twins.empty()) {
      ruling = change.value("hash", "");
      exceptions = json::array();
      continue;
    }
    auto others = json::array();
    for (const auto& e : exceptions)
      if (e.value("twins", "") != twins) others.push_back(e);
    others.push_back({{"twins", twins}, {"hash", change.value("hash", "")}});
    exceptions = std::move(others);
  }
  if (ruling.empty()) // there was no model of this name yet
    batch.erase_meta(ruling_key(name));
  else
    batch.put_meta(ruling_key(name), ruling);
  batch.put_meta(exceptions_key(name), exceptions.dump());
  batch.put_meta(history_key(name), left.dump(-1, ' ', false, json::error_handler_t::replace));
  batch.erase_meta(waiting_key(name));
}

} // namespace

result<std::string> let_stored_rule(const persistence::store& tables,
                                    actors::model_catalog& catalog, const std::string& name) {
  const auto hash = tables.meta(ruling_key(name));
  if (!hash) return hash.error();
  const auto version = *hash ? catalog.find(**hash) : nullptr;
  if (version == nullptr) return std::string();
  catalog.set_current(version);
  const auto text = tables.meta(exceptions_key(name));
  if (!text) return text.error();
  const auto exceptions = json::parse(*text ? **text : std::string(), nullptr, false);
  if (!exceptions.is_array()) return **hash;
  for (const auto& e : exceptions)
    if (const auto other = catalog.find(e.value("hash", "")); other != nullptr)
      catalog.set_exception(e.value("twins", ""), other);
  return **hash;
}

status rule_as_of(persistence::store& tables, std::int64_t to_ns) {
  const auto stored = tables.models();
  if (!stored) return stored.error();
  std::set<std::string> names;
  for (const auto& row : *stored) names.insert(row.name);
  auto batch = tables.batch();
  for (const auto& name : names) {
    const auto text = tables.meta(history_key(name));
    if (!text) return text.error();
    const auto history = json::parse(*text ? **text : std::string{}, nullptr, false);
    if (!history.is_array() || history.empty()) continue;
    std::size_t count = 0;
    while (count < history.size() && history.at(count).is_object() &&
           history.at(count).value("at_ns", std::int64_t{0}) <= to_ns)
      ++count;
    if (count < history.size() && history.at(count).is_object())
      rule_after(history, count, name, *batch);
  }
  return tables.write(*batch, true);
}

} // namespace pollux::supervision
