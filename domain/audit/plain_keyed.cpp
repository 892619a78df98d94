// SPDX-License-Identifier: Apache-2.0
#include "domain/audit/plain_keyed.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <set>

namespace pollux::domain::audit {
namespace {

bool has_only(const config_node& op, const std::set<std::string_view>& known) {
  return std::all_of(op.members.begin(), op.members.end(),
                     [&](const config_member& m) { return known.contains(m.first); });
}

} // namespace

// ---- by key ------------------------------------------------------------------------------------

std::optional<keyed_readings> keyed_readings::read(const config_node& op) {
  if (text_of(op, "type", "") != "window" || key(op, "by") == nullptr ||
      text_of(op, "kind", "sliding") != "sliding" ||
      !has_only(op, {"name", "type", "description", "kind", "by", "of", "span", "aggregates",
                     "half_life", "max_keys", "max_entries"}))
    return std::nullopt;
  keyed_readings out;
  out.by_ = text_of(op, "by", "");
  out.of_ = text_of(op, "of", "");
  out.span_ = duration_of(op, "span", 0);
  out.max_keys_ = static_cast<std::size_t>(number_of(op, "max_keys", 256));
  out.max_entries_ = static_cast<std::size_t>(number_of(op, "max_entries", 256));
  out.newest_ = no_time;
  return out;
}

void keyed_readings::learn(const row& r, const knowledge& known) {
  fresh_ = false;
  const auto number = r.values.find(by_);
  const auto text = r.texts.find(by_);
  if (!r.judged || (number == r.values.end() && text == r.texts.end())) return;
  const bool newer = r.event_ns > newest_;
  newest_ = std::max(newest_, r.event_ns);
  fresh_ = newer;
  const auto value = r.values.find(of_);
  if (!newer || (!of_.empty() && (value == r.values.end() || !known.fresh(of_)))) return;
  current_ = number != r.values.end() ? std::to_string(number->second + 0.0) : text->second;
  const auto old = [&](const auto& reading) { return reading.first <= r.event_ns - span_; };
  if (!keys_.contains(current_)) make_room(r.event_ns);
  auto& held = keys_[current_];
  std::erase_if(held, old);
  if (held.size() >= max_entries_) {
    held.erase(held.begin());
    overflow_ += 1;
  }
  held[r.event_ns] = of_.empty() ? 1 : value->second;
}

// At the bound the key goes that was silent for the longest time.
void keyed_readings::make_room(std::int64_t now) {
  std::erase_if(keys_, [&](const auto& k) { return k.second.rbegin()->first <= now - span_; });
  if (keys_.size() < max_keys_) return;
  keys_.erase(std::min_element(keys_.begin(), keys_.end(), [](const auto& a, const auto& b) {
    return a.second.rbegin()->first < b.second.rbegin()->first;
  }));
  overflow_ += 1;
}

std::map<std::int64_t, double> keyed_readings::held() const {
  const auto found = keys_.find(current_);
  return found == keys_.end() ? readings_of_key{} : found->second;
}

std::optional<double> keyed_readings::count_of(std::string_view what) const {
  if (keys_.empty()) return std::nullopt;
  if (what == "overflow") return overflow_;
  if (what != "keys") return std::nullopt;
  return static_cast<double>(std::count_if(keys_.begin(), keys_.end(), [&](const auto& k) {
    return k.second.rbegin()->first > newest_ - span_;
  }));
}

// ---- while something holds ---------------------------------------------------------------------

std::optional<readings_while> readings_while::read(const config_node& op,
                                                   std::int64_t disorder_ns) {
  if (text_of(op, "type", "") != "window" || text_of(op, "kind", "") != "state" ||
      !has_only(op, {"name", "type", "description", "kind", "of", "while", "aggregates",
                     "half_life", "emit", "severity", "message"}))
    return std::nullopt;
  readings_while out;
  out.of_ = text_of(op, "of", "");
  out.condition_ = text_of(op, "while", "");
  out.disorder_ = disorder_ns;
  out.newest_ = no_time;
  return out;
}

void readings_while::learn(const row& r, const knowledge& known, std::optional<bool> holds) {
  closed_now_ = false;
  newest_ = std::max(newest_, r.event_ns);
  if (holds) follow(*holds, r.event_ns);
  if (const auto found = r.values.find(of_); found != r.values.end() && known.fresh(of_))
    for (auto& w : waiting_)
      if (w.from <= r.event_ns && r.event_ns < w.to) w.readings[r.event_ns] = found->second;
  constexpr std::size_t most_waiting = 64;
  while (!waiting_.empty() && (waiting_.front().to <= saturating_add(newest_, -disorder_) ||
                               waiting_.size() > most_waiting)) {
    closed_ = std::move(waiting_.front());
    waiting_.pop_front();
    closed_now_ = true;
  }
}

// [first reading at which it is so, first at which it is not); one ends before the next begins.
void readings_while::follow(bool holds, std::int64_t t) {
  if (holds == (open() != nullptr)) return;
  if (holds) {
    const auto before = !waiting_.empty() ? waiting_.back().to : closed_ ? closed_->to : no_time;
    waiting_.push_back({std::max(t, before), never, {}});
    return;
  }
  auto& window = waiting_.back();
  window.to = std::max(t, window.from + 1);
  if (!window.readings.empty())
    window.to = std::max(window.to, window.readings.rbegin()->first + 1);
}

const readings_while::span* readings_while::open() const {
  return waiting_.empty() || waiting_.back().to != never ? nullptr : &waiting_.back();
}

// ---- side by side ------------------------------------------------------------------------------

std::optional<side_by_side> side_by_side::read(const config_node& op) {
  if (text_of(op, "type", "") != "as_of" ||
      !has_only(op, {"name", "type", "description", "of", "with", "tolerance"}))
    return std::nullopt;
  side_by_side out;
  out.of_ = text_of(op, "of", "");
  out.tolerance_ = duration_of(op, "tolerance", 0);
  if (const auto* with = key(op, "with"))
    for (const auto& [index, name] : with->members) out.with_.push_back(name.text);
  return out;
}

std::optional<std::pair<std::int64_t, double>>
side_by_side::beside(const std::string& telemetry, const knowledge& known, bool& known_here) const {
  const auto moment = known.latest_ns(of_);
  if (moment == no_time) return std::nullopt;
  const auto inside =
      known.between(telemetry, saturating_add(moment, -tolerance_ - 1), moment, true);
  if (inside.empty()) return std::nullopt;
  // What runs ahead may have pushed out of the twin's memory what belongs to the moment.
  const auto newest = known.latest_ns(telemetry);
  if (newest > saturating_add(moment, tolerance_) &&
      inside.rbegin()->first <= saturating_add(newest, -2 * tolerance_))
    known_here = false;
  return *inside.rbegin();
}

std::optional<double> side_by_side::value(std::string_view what, const knowledge& known,
                                          bool& known_here) const {
  const auto moment = known.latest_ns(of_);
  if (what == of_) return at_the_moment_;
  double matched = 0;
  for (const auto& telemetry : with_) {
    const auto found = beside(telemetry, known, known_here);
    matched += found ? 1 : 0;
    if (what == telemetry) return found ? std::optional(found->second) : std::nullopt;
    if (what == telemetry + "_age_s")
      return found ? std::optional(static_cast<double>(moment - found->first) / 1e9) : std::nullopt;
  }
  if (what == "matched") return moment == no_time ? std::nullopt : std::optional(matched);
  known_here = false;
  return std::nullopt;
}

void side_by_side::learn(const row& r, const knowledge& known) {
  if (r.judged && known.fresh(of_)) at_the_moment_ = r.values.at(of_);
  const auto brought = [&](const std::string& telemetry) { return r.values.contains(telemetry); };
  fresh_ = r.judged && (brought(of_) || std::any_of(with_.begin(), with_.end(), brought));
}

} // namespace pollux::domain::audit
