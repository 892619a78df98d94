// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/outliers.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {
namespace {

void merge(window_statistics& into, const window_statistics& next) {
  if (next.count == 0) return;
  if (into.count == 0) {
    into = next;
    return;
  }
  const auto a = static_cast<double>(into.count);
  const auto b = static_cast<double>(next.count);
  const double delta = next.mean - into.mean;
  into.count += next.count;
  into.mean += delta * (b / (a + b));
  into.m2 += next.m2 + delta * delta * (a * b / (a + b));
  into.min = std::min(into.min, next.min);
  into.max = std::max(into.max, next.max);
  into.to_ns = next.to_ns;
}

void drop_beyond_bound(std::vector<outlier_span>& spans) {
  if (spans.size() > max_outlier_spans) spans.erase(spans.begin());
}

} // namespace

void outliers::exclude(std::int64_t t) {
  if (open && !spans.empty()) {
    spans.back().to_ns = t;
    return;
  }
  spans.push_back({t, t, 0});
  drop_beyond_bound(spans);
  open = true;
}

void outliers::replace(std::int64_t t, double value) {
  spans.push_back({t, t, value});
  drop_beyond_bound(spans);
}

void outliers::readmit_since(std::int64_t t) {
  std::erase_if(spans, [&](const outlier_span& s) { return s.from_ns >= t; });
  open = false;
}

void outliers::forget(std::int64_t from_ns) {
  const auto gone = std::find_if(spans.begin(), spans.end(),
                                 [&](const outlier_span& s) { return s.to_ns > from_ns; });
  if (gone == spans.end()) open = false;
  spans.erase(spans.begin(), gone);
}

void outliers::save(byte_writer& out) const {
  out.i64(alerting_since_ns);
  out.boolean(open);
  out.u32(static_cast<std::uint32_t>(spans.size()));
  for (const auto& s : spans) {
    out.i64(s.from_ns);
    out.i64(s.to_ns);
    out.f64(s.value);
  }
}

bool outliers::load(byte_reader& in) {
  alerting_since_ns = in.i64();
  open = in.boolean();
  const auto count = in.u32();
  if (count > max_outlier_spans) return false;
  std::int64_t last = no_time;
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    outlier_span s{in.i64(), in.i64(), in.f64()};
    if (s.from_ns > s.to_ns || s.from_ns <= last || !std::isfinite(s.value)) return false;
    last = s.to_ns;
    spans.push_back(s);
  }
  return in.ok();
}

window_statistics over_without(const series& readings, std::int64_t from_ns, std::int64_t to_ns,
                               const std::vector<outlier_span>& spans, bool replaced) {
  window_statistics total;
  std::int64_t cursor = from_ns;
  for (const auto& s : spans) {
    if (s.to_ns <= from_ns) continue;
    if (s.from_ns >= to_ns) break;
    if (s.from_ns > cursor) merge(total, readings.over(cursor, s.from_ns, true));
    // The series may have dropped the reading (it keeps a bounded number): then nothing counts.
    if (replaced && readings.over(s.from_ns - 1, s.to_ns, false).count > 0)
      merge(total, {1, s.value, 0, s.value, s.value, s.from_ns, s.to_ns});
    cursor = s.to_ns;
  }
  if (cursor < to_ns) merge(total, readings.over(cursor, to_ns, true));
  return total;
}

} // namespace pollux::domain
