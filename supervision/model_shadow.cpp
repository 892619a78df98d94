// SPDX-License-Identifier: Apache-2.0
// Candidates in the shadow, as far as they outlive the process: which ones ran, not how they did.
#include "actors/shard_host.hpp"
#include "messages/model_codec.hpp"
#include "messages/observability/log.hpp"
#include "supervision/model_changes.hpp"
#include <algorithm>
#include <nlohmann/json.hpp>

namespace pollux::supervision {

namespace logging = messages::log;
using json = nlohmann::ordered_json;

namespace {

constexpr std::uint32_t most_twins = 100'000, most_differences = 10'000;
constexpr const char* shadows_key = "model-shadows";

json parsed(const std::string& text) {
  auto document = json::parse(text, nullptr, false);
  return document.is_array() ? document : json::array();
}

json without(const json& all, const std::string& name) {
  auto left = json::array();
  for (const auto& s : all)
    if (s.value("name", "") != name) left.push_back(s);
  return left;
}

} // namespace

void model_changes::restart_shadows() {
  for (const auto& s : parsed(meta(shadows_key))) {
    auto version = messages::parse_model(s.value("text", ""), s.value("file", "model"));
    if (!version) {
      logging::error("models", "a candidate cannot be compiled any more and is given up",
                     {{"model", s.value("name", "")}, {"why", version.error().what}});
      continue;
    }
    const actors::shadow_limits limits{s.value("max_twins", 1U), s.value("max_differences", 1U),
                                       grace_ns_};
    const actors::shadow_origin origin{s.value("file", ""), s.value("by", ""),
                                       s.value("started_ns", std::int64_t{0}),
                                       actors::system_now_ns()};
    shadows_.start(std::make_shared<actors::shadow_run>(*version, catalog_, limits, origin));
    logging::info("models", "a candidate runs in the shadow again, its tally begins anew",
                  {{"model", (*version)->name}, {"version", (*version)->hash}});
  }
}

status model_changes::start_shadow(const messages::shadow_order& order) {
  auto version = messages::parse_model(order.text, order.file.empty() ? "model" : order.file);
  if (!version) return version.error();
  const auto& m = **version;
  const auto current = catalog_.current(m.name);
  if (!current) return failure{errc::not_found, "no model " + m.name + " rules: apply this one"};
  if (current->hash == m.hash)
    return failure{errc::refused, "this version of " + m.name + " rules already"};
  const actors::shadow_limits limits{std::clamp(order.max_twins, 1U, most_twins),
                                     std::min(order.max_differences, most_differences), grace_ns_};
  const actors::shadow_origin origin{order.file, "", actors::system_now_ns(), 0};
  auto all = without(parsed(meta(shadows_key)), m.name);
  all.push_back({{"name", m.name},
                 {"text", messages::self_contained(order.text)},
                 {"file", order.file},
                 {"started_ns", origin.started_ns},
                 {"max_twins", limits.twins},
                 {"max_differences", limits.differences}});
  auto batch = tables_.batch();
  batch->put_meta(shadows_key, all.dump(-1, ' ', false, json::error_handler_t::replace));
  if (auto written = tables_.write(*batch, true); !written) return written;
  shadows_.start(std::make_shared<actors::shadow_run>(*version, catalog_, limits, origin));
  logging::info("models", "a candidate runs in the shadow",
                {{"model", m.name}, {"version", m.hash}});
  return {};
}

void model_changes::forget_shadow(const std::string& name) {
  shadows_.stop(name);
  auto batch = tables_.batch();
  batch->put_meta(shadows_key, without(parsed(meta(shadows_key)), name).dump());
  if (auto written = tables_.write(*batch, false); !written)
    logging::warning("models", "a candidate that was stopped will run again after a restart",
                     {{"model", name}, {"why", written.error().what}});
}

result<messages::shadow_answer> model_changes::shadow(const messages::shadow_order& order) {
  std::lock_guard lock{mutex_};
  auto name = order.name;
  if (order.verb == "start") {
    if (auto started = start_shadow(order); !started) return started.error();
    name = messages::parse_model(order.text, "")->get()->name;
  } else if (order.verb != "stop" && order.verb != "status") {
    return failure{errc::invalid_argument, "a shadow is to start, stop or show its status"};
  }
  json out{{"shadows", json::array()}};
  for (const auto& run : shadows_.all())
    if (name.empty() || run->candidate().name == name)
      out["shadows"].push_back(json::parse(run->document(actors::system_now_ns())));
  if (!name.empty() && out["shadows"].empty())
    return failure{errc::not_found, "no candidate runs beside " + name};
  if (order.verb == "stop") {
    if (name.empty()) return failure{errc::invalid_argument, "which one is to stop?"};
    forget_shadow(name);
  }
  return messages::shadow_answer{out.dump()};
}

} // namespace pollux::supervision
