// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/wot/affordance_feed.hpp"
#include "domain/base/time.hpp"
#include <algorithm>

namespace pollux::bridge::http {

namespace {

class telemetry_reader : public affordance_reader {
public:
  telemetry_reader(std::string name, std::optional<std::int64_t> after_ns)
      : name_(std::move(name)), last_ns_(after_ns) {}

  std::vector<affordance_frame> news(std::string_view kind, const json& document) override {
    if (kind != "state") return {};
    const auto all = document.find("telemetry");
    if (all == document.end()) return {};
    const auto one = all->find(name_);
    if (one == all->end() || !one->is_object()) return {};
    const auto value = one->value("value", json());
    const auto text = one->value("event_time", json());
    if (value.is_null() || !text.is_string()) return {};
    const auto at = parse_rfc3339(text.get<std::string>());
    if (!at || (last_ns_ && (*at < *last_ns_ || (*at == *last_ns_ && value == last_)))) return {};
    if (last_ns_ && *at == *last_ns_ && last_.is_null()) return {}; // the client has it already
    last_ns_ = *at;
    last_ = value;
    return {{text.get<std::string>(), value}};
  }
  [[nodiscard]] std::unique_ptr<affordance_reader> copy() const override {
    return std::make_unique<telemetry_reader>(*this);
  }

private:
  std::string name_;
  std::optional<std::int64_t> last_ns_;
  json last_; ///< null: not known, the client says it has the one of that time
};

class rule_reader : public affordance_reader {
public:
  rule_reader(std::string rule, domain::effect_id after) : rule_(std::move(rule)), last_(after) {}

  std::vector<affordance_frame> news(std::string_view kind, const json& document) override {
    std::vector<affordance_frame> out;
    if (kind != "alert" || document.value("rule", "") != rule_) return out;
    const auto transitions = document.find("transitions");
    if (transitions == document.end() || !transitions->is_array()) return out;
    for (const auto& t : *transitions) {
      domain::effect_id id;
      const auto text = t.value("id", "");
      if (!domain::parse_effect_id(text, id) || id <= last_) continue;
      last_ = id;
      out.push_back({text, data_of(document, t)});
    }
    return out;
  }
  [[nodiscard]] std::unique_ptr<affordance_reader> copy() const override {
    return std::make_unique<rule_reader>(*this);
  }

private:
  static json data_of(const json& alert, const json& transition) {
    json out;
    out["id"] = transition.value("id", "");
    for (const char* name : {"twin", "rule", "incident"}) out[name] = alert.value(name, "");
    for (const char* name : {"transition", "severity", "message", "time"})
      if (const auto found = transition.find(name); found != transition.end()) out[name] = *found;
    out["state"] = alert.value("state", "");
    if (const auto proof = transition.find("evidence"); proof != transition.end())
      out["evidence"] = *proof;
    return out;
  }

  std::string rule_;
  domain::effect_id last_;
};

/// The documents in frames of the hub; what is no event of a twin is left out.
std::vector<std::pair<std::string, json>> documents_in(std::string_view frames) {
  std::vector<std::pair<std::string, json>> out;
  while (!frames.empty()) {
    const auto end = std::min(frames.find('\n'), frames.size());
    const auto line = frames.substr(0, end);
    frames.remove_prefix(std::min(end + 1, frames.size()));
    if (!line.starts_with("data: ")) continue;
    auto event = parse_document(std::string(line.substr(6)));
    if (!event.is_object() || !event.contains("document") || !event["document"].is_object())
      continue;
    out.emplace_back(event.value("kind", ""), std::move(event["document"]));
  }
  return out;
}

} // namespace

std::unique_ptr<affordance_reader> observed_telemetry(std::string name,
                                                      std::optional<std::int64_t> after_ns) {
  return std::make_unique<telemetry_reader>(std::move(name), after_ns);
}

std::unique_ptr<affordance_reader> subscribed_rule(std::string rule, domain::effect_id after) {
  return std::make_unique<rule_reader>(std::move(rule), after);
}

std::string frame_text(const affordance_frame& frame) {
  return "id: " + frame.id + "\ndata: " + dump(frame.data) + "\n\n";
}

affordance_feed::affordance_feed(std::shared_ptr<outlet> to,
                                 std::unique_ptr<affordance_reader> reads)
    : to_(std::move(to)), reads_(std::move(reads)) {}

bool affordance_feed::push(chunk bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes->starts_with(':')) return to_->push(std::move(bytes)); // a sign of life
  if (!ready_) return false;
  if (bytes->starts_with("event: missed") && lost_) lost_();
  return tell_locked(documents_in(*bytes));
}

bool affordance_feed::tell(std::string_view kind, const json& document) {
  const std::lock_guard lock(mutex_);
  return tell_locked({{std::string(kind), document}});
}

/// What the client does not take counts as not told: the hub comes again with it.
bool affordance_feed::tell_locked(const std::vector<std::pair<std::string, json>>& documents) {
  auto next = reads_->copy();
  std::string text;
  for (const auto& [kind, document] : documents)
    for (const auto& frame : next->news(kind, document)) text += frame_text(frame);
  if (!text.empty() && !to_->push(std::make_shared<const std::string>(std::move(text))))
    return false;
  reads_ = std::move(next);
  return true;
}

void affordance_feed::ready(std::function<void()> lost) {
  const std::lock_guard lock(mutex_);
  ready_ = true;
  lost_ = std::move(lost);
}

} // namespace pollux::bridge::http
