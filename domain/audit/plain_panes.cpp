// SPDX-License-Identifier: Apache-2.0
// Windows that are not sliding, as maps of readings (docs/windows.md).
#include "domain/audit/plain_windows.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <set>

namespace pollux::domain::audit {
namespace {

bool has_only(const config_node& op, const std::set<std::string_view>& known) {
  return std::all_of(op.members.begin(), op.members.end(),
                     [&](const config_member& m) { return known.contains(m.first); });
}

bool is_window(const config_node& op, std::string_view kind) {
  return text_of(op, "type", "") == "window" && text_of(op, "kind", "sliding") == kind;
}

} // namespace

std::optional<double> aggregate(const std::map<std::int64_t, double>& readings,
                                std::string_view name, bool& understood) {
  std::vector<double> values;
  for (const auto& [time, value] : readings) values.push_back(value);
  const auto s = add_up(values);
  if (name == "count") return s.n;
  if (name == "sum") return s.n * s.mean;
  understood = std::set<std::string_view>{"mean",  "sd",    "psd",  "min",   "max",
                                          "range", "first", "last", "delta", "rate"}
                   .contains(name);
  if (!understood || values.size() < (name == "sd" || name == "rate" ? 2U : 1U))
    return std::nullopt;
  if (name == "mean") return s.mean;
  if (name == "sd") return s.sd;
  if (name == "psd") return s.psd;
  if (name == "min") return s.min;
  if (name == "max") return s.max;
  if (name == "range") return s.max - s.min;
  if (name == "first") return values.front();
  if (name == "last") return values.back();
  const double delta = values.back() - values.front();
  if (name == "delta") return delta;
  return delta * 1e9 / static_cast<double>(readings.rbegin()->first - readings.begin()->first);
}

// ---- the last n --------------------------------------------------------------------------------

std::optional<last_readings> last_readings::read(const config_node& op) {
  if (!is_window(op, "count") || !has_only(op, {"name", "type", "description", "kind", "of", "last",
                                                "aggregates", "half_life"}))
    return std::nullopt;
  last_readings out;
  out.of_ = text_of(op, "of", "");
  out.last_ = static_cast<std::size_t>(number_of(op, "last", 1));
  return out;
}

void last_readings::learn(const row& r, const knowledge& known) {
  const auto found = r.values.find(of_);
  if (found == r.values.end() || !known.fresh(of_)) return;
  held_[r.event_ns] = found->second;
  if (held_.size() > last_) held_.erase(held_.begin());
}

// ---- panes that close --------------------------------------------------------------------------

std::optional<closing_panes> closing_panes::read(const config_node& op, std::int64_t disorder_ns) {
  if (!is_window(op, "tumbling") && !is_window(op, "hopping") && !is_window(op, "session"))
    return std::nullopt;
  if (!has_only(op, {"name", "type", "description", "kind", "of", "size", "hop", "offset", "gap",
                     "aggregates", "half_life", "max_entries", "emit", "severity", "message"}))
    return std::nullopt;
  closing_panes out;
  out.of_ = text_of(op, "of", "");
  out.size_ = duration_of(op, "size", 0);
  out.hop_ = duration_of(op, "hop", out.size_);
  out.offset_ = duration_of(op, "offset", 0);
  out.gap_ = duration_of(op, "gap", 0);
  out.disorder_ = disorder_ns;
  out.newest_ = out.watermark_ = no_time;
  return out;
}

void closing_panes::learn(const row& r, const knowledge& known) {
  if (!r.judged || !r.brings()) return; // what waits to be worked in is in no pane yet
  newest_ = std::max(newest_, r.event_ns);
  watermark_ = saturating_add(newest_, -disorder_);
  // What closes at a reading without numbers may be looked at with the next one only.
  if (heard_) closed_now_ = false;
  heard_ = r.brings();
  if (const auto found = r.values.find(of_); found != r.values.end())
    join(r.event_ns, found->second, known.fresh(of_));
  close();
}

void closing_panes::join(std::int64_t t, double value, bool fresh) {
  if (gap_ > 0) { // a session takes readings in order only
    if (!fresh) return;
    const bool goes_on = !open_.empty() && t - open_.rbegin()->second.rbegin()->first < gap_;
    auto& session = goes_on ? open_.rbegin()->second : open_[t];
    session[t] = value;
    return;
  }
  // The first pane that may hold it: the largest k with k hop + offset <= t, then those before.
  auto begin = t - offset_ - (((t - offset_) % hop_) + hop_) % hop_ + offset_;
  for (; begin + size_ > t; begin -= hop_)
    if (begin + size_ > watermark_) open_[begin][t] = value;
}

void closing_panes::close() {
  for (auto at = open_.begin(); at != open_.end();) {
    const auto end = gap_ > 0 ? at->second.rbegin()->first + gap_ : at->first + size_;
    if (end > watermark_) {
      ++at;
      continue;
    }
    closed_ = std::move(at->second);
    closed_to_ = end;
    closed_now_ = true;
    at = open_.erase(at);
  }
}

std::optional<double> closing_panes::value(std::string_view name, bool& understood) const {
  if (closed_) return aggregate(*closed_, name, understood);
  (void)aggregate({}, name, understood);
  return std::nullopt;
}

} // namespace pollux::domain::audit
