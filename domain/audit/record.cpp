// SPDX-License-Identifier: Apache-2.0
#include "domain/audit/record.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>
#include <set>

namespace pollux::domain::audit {
namespace {

std::map<std::string, double> numbers_of(const input& in, const reading& r) {
  std::map<std::string, double> out;
  if (r.first > in.fields.size() || r.count > in.fields.size() - r.first) return out;
  for (std::uint32_t i = r.first; i < r.first + r.count; ++i) {
    const auto& f = in.fields[i];
    if (f.value.numeric() && std::isfinite(f.value.number()))
      out.emplace(f.name, f.value.number()); // the first of two counts
  }
  return out;
}

std::map<std::string, std::string> texts_of(const input& in, const reading& r) {
  std::map<std::string, std::string> out;
  if (r.first > in.fields.size() || r.count > in.fields.size() - r.first) return out;
  for (std::uint32_t i = r.first; i < r.first + r.count; ++i) {
    const auto& f = in.fields[i];
    if (f.value.kind == value_kind::text)
      out.emplace(f.name, f.value.bytes);
    else if (!f.value.numeric())
      out.emplace(f.name, "");
  }
  return out;
}

// Takes over what is not known of that moment already.
template <class T, class K> void keep_new(std::int64_t t, const T& said, K& known, T& fresh) {
  for (const auto& [name, value] : said) {
    auto& before = known[name];
    const auto same = before.find(t);
    if (same != before.end() && same->second == value) continue;
    before[t] = value;
    fresh.emplace(name, value);
  }
}

// Values that say something new: neither the same time again with the same value, nor nothing.
std::vector<row> without_duplicates(const std::vector<row>& rows) {
  std::map<std::string, std::map<std::int64_t, double>> known;
  std::map<std::string, std::map<std::int64_t, std::string>> known_texts;
  std::vector<row> out;
  for (const auto& r : rows) {
    row fresh{r.id, r.event_ns, r.ingest_ns, {}, true};
    keep_new(r.event_ns, r.values, known, fresh.values);
    keep_new(r.event_ns, r.texts, known_texts, fresh.texts);
    // One without numbers still says how late it is.
    if (fresh.brings() || r.values.empty()) out.push_back(std::move(fresh));
  }
  return out;
}

std::vector<row> in_event_order(const std::vector<row>& rows, const event_time_rules& how,
                                const input_id& worked_in) {
  std::map<std::int64_t, row> by_time;
  std::map<std::int64_t, std::vector<row>> waiting; // by the newest time when they came
  std::int64_t newest = no_time;
  for (const auto& r : rows) {
    if (newest != no_time) {
      const auto watermark = saturating_add(newest, -how.disorder_ns);
      if (how.drop && r.event_ns < watermark) continue;
      if (r.event_ns < saturating_add(watermark, -how.lateness_ns)) continue;
      if (r.event_ns <= newest && r.id > worked_in) {
        waiting[newest].push_back(r);
        waiting[newest].back().judged = false;
        continue;
      }
    }
    newest = std::max(newest, r.event_ns);
    auto& at = by_time[r.event_ns];
    at.id = r.id;
    at.event_ns = r.event_ns;
    at.ingest_ns = r.ingest_ns;
    for (const auto& [name, value] : r.values) at.values[name] = value; // the last word counts
    for (const auto& [name, text] : r.texts) at.texts[name] = text;
  }
  std::vector<row> out;
  for (auto& [time, r] : by_time) {
    out.push_back(std::move(r));
    if (const auto after = waiting.find(time); after != waiting.end())
      out.insert(out.end(), after->second.begin(), after->second.end());
  }
  return out;
}

} // namespace

record::record() : newest_ns_(no_time), created_ns_(no_time) {}

void record::add(const input& in) {
  if (in.kind == input_kind::twin_created) {
    *this = {};
    created_ = true;
    created_ns_ = in.ingest_time_ns;
  }
  if (in.kind == input_kind::node_started) starts_.emplace_back(in.id, in.ingest_time_ns);
  const auto before = moments_.empty() ? no_time : moments_.back().now_ns;
  auto started = moments_.empty() ? no_time : moments_.back().started_ns;
  if (in.kind == input_kind::node_started) started = std::max(started, in.ingest_time_ns);
  moments_.push_back(
      {in.id, in.kind, std::max(before, in.ingest_time_ns), started, rows_.size(), rows_.size()});
  if (in.kind != input_kind::readings) return;
  for (const auto& r : in.readings) {
    const bool newer = r.event_time_ns > newest_ns_;
    if (r.sequence != 0 && !numbers_.emplace(r.sequence, true).second && !newer) continue;
    newest_ns_ = std::max(newest_ns_, r.event_time_ns);
    rows_.push_back(
        {in.id, r.event_time_ns, in.ingest_time_ns, numbers_of(in, r), true, texts_of(in, r)});
    moments_.back().end_row = rows_.size();
  }
}

std::int64_t record::started_before(const input_id& id) const {
  std::int64_t latest = no_time;
  for (const auto& [at, time] : starts_)
    if (at <= id) latest = std::max(latest, time);
  return latest;
}

std::vector<input_id> record::out_of_order(const input_id& last, std::size_t most) const {
  std::vector<input_id> out;
  std::int64_t newest = no_time;
  for (const auto& r : rows_) {
    if (r.id > last) break;
    if (r.event_ns <= newest && (out.empty() || out.back() != r.id)) out.push_back(r.id);
    newest = std::max(newest, r.event_ns);
  }
  std::reverse(out.begin(), out.end());
  if (out.size() > most) out.resize(most);
  return out;
}

std::vector<row> record::as_seen(const input_id& last, const event_time_rules& how,
                                 const input_id& worked_in) const {
  std::vector<row> until;
  for (const auto& r : rows_)
    if (r.id <= last) until.push_back(r);
  auto distinct = without_duplicates(until);
  if (!how.in_event_order) return distinct;
  std::erase_if(distinct, [](const row& r) { return !r.brings(); });
  return in_event_order(distinct, how, worked_in);
}

} // namespace pollux::domain::audit
