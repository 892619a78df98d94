// SPDX-License-Identifier: Apache-2.0
#include "actors/alert_audit.hpp"
#include "domain/audit/second_opinion.hpp"
#include "domain/base/time.hpp"
#include "messages/model_codec.hpp"
#include "persistence/history.hpp"
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace pollux::actors {

namespace {

using json = nlohmann::ordered_json;
namespace audit = domain::audit;

result<std::map<std::string, domain::config_node>> texts_of(const persistence::store& tables) {
  auto rows = tables.models();
  if (!rows) return rows.error();
  std::map<std::string, domain::config_node> out;
  for (const auto& row : *rows) {
    auto tree = messages::parse_config_tree(row.json, row.name);
    if (tree) out.emplace(row.hash, std::move(*tree));
  }
  return out;
}

// People's doings carry no verdict of a rule.
bool has_verdict(domain::alert_transition t) {
  using enum domain::alert_transition;
  return t == raised || t == cleared || t == emitted || t == corrected;
}

json told(const domain::effect& e, const audit::second_opinion& opinion) {
  json findings = json::array();
  for (const auto& f : opinion.findings)
    findings.push_back({{"agrees", f.agrees}, {"what", f.what}});
  return {{"transition", domain::to_string(e.alert.transition)},
          {"id", domain::to_string(e.id)},
          {"event_time", format_rfc3339(e.alert.event_time_ns)},
          {"model_hash", e.model_hash},
          {"says", audit::to_string(opinion.says)},
          {"findings", std::move(findings)}};
}

} // namespace

result<messages::alert_verified> audit_alert(const persistence::log& journal,
                                             const persistence::store& tables,
                                             const audit_ask& ask) {
  auto row = tables.find_alert(ask.twin.shard, ask.twin.row, ask.what.incident);
  if (!row) return row.error();
  if (!*row || (*row)->transitions.empty())
    return failure{errc::not_found, "no alert " + ask.what.incident + " of twin " + ask.what.twin};
  auto models = texts_of(tables);
  if (!models) return models.error();
  const auto& transitions = (*row)->transitions;
  const auto last =
      std::max_element(transitions.begin(), transitions.end(), [](const auto& a, const auto& b) {
        return a.id < b.id;
      })->id.cause;
  audit::record history;
  std::uint64_t inputs = 0;
  auto read = persistence::each_input(journal, tables, ask.twin.shard, ask.twin.row, ask.key, {},
                                      [&](const domain::input& in) {
                                        if (in.id > last) return false;
                                        history.add(in);
                                        ++inputs;
                                        return true;
                                      });
  if (!read) return read.error();

  auto worst = audit::opinion::confirmed;
  json all = json::array();
  for (const auto& e : transitions) {
    if (!has_verdict(e.alert.transition)) continue;
    const auto model = models->find(e.model_hash);
    audit::second_opinion opinion;
    if (model == models->end())
      opinion.findings.push_back({false, "the model's text is not in the tables"});
    else
      opinion = audit::judge_again(model->second, history, e);
    if (opinion.says == audit::opinion::contradicted ||
        (opinion.says == audit::opinion::unsettled && worst == audit::opinion::confirmed))
      worst = opinion.says;
    all.push_back(told(e, opinion));
  }
  const json document = {{"twin", ask.what.twin},
                         {"incident", ask.what.incident},
                         {"rule", transitions.front().alert.rule},
                         {"says", audit::to_string(worst)},
                         {"inputs_read", inputs},
                         {"whole_history", history.whole()},
                         {"transitions", std::move(all)}};
  return messages::alert_verified{audit::to_string(worst),
                                  document.dump(-1, ' ', false, json::error_handler_t::replace)};
}

} // namespace pollux::actors
