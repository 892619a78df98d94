// SPDX-License-Identifier: Apache-2.0
// What tests of windows share: outputs by name, a twin fed by (time, value), and the obvious
// aggregates, in long double over a plain list of readings.
#pragma once
#include "domain/model/operator.hpp"
#include "domain/twin/twin_state.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <set>
#include <vector>

namespace pollux::domain::testing {

struct sample {
  std::int64_t t; ///< nanoseconds
  double v;
};
using samples = std::vector<sample>;

/// "window.output" of the twin now.
inline std::optional<double> offered(const hand& h, std::string_view name) {
  const auto dot = name.rfind('.');
  const auto& twin = h.state.get();
  const auto* op = twin.ruling().find_operator(name.substr(0, dot));
  if (op == nullptr) throw std::runtime_error("no operator for " + std::string(name));
  const auto outputs = op->outputs();
  for (std::uint32_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].name == name.substr(dot + 1)) return op->output(twin, i);
  throw std::runtime_error("no output " + std::string(name));
}

/// One reading at a time in nanoseconds.
inline effects& feed(hand& h, std::int64_t t_ns, const char* name, double v) {
  auto& in = h.begin(input_kind::readings);
  in.ingest_time_ns = std::max<std::int64_t>(t_ns, 0);
  in.fields.push_back({name, value_view::of(v)});
  in.readings.push_back({t_ns, 0, 0, 1});
  return h.apply();
}

/// The obvious aggregate of readings in time order; nan: unknown.
inline double plainly(std::string_view name, const samples& all, std::int64_t end_ns,
                      double half_life_s = 60) {
  using real = long double;
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  const auto n = static_cast<real>(all.size());
  if (name == "count") return static_cast<double>(n);
  if (name == "sum" && all.empty()) return 0;
  if (all.empty()) return unknown;
  const auto s = [&](std::size_t i) { return static_cast<real>(all[i].t - all[0].t) / 1e9L; };
  real sum = 0, mean_s = 0, m2 = 0, least = all[0].v, greatest = all[0].v;
  for (std::size_t i = 0; i < all.size(); ++i) {
    sum += all[i].v;
    mean_s += s(i) / n;
    least = std::min<real>(least, all[i].v);
    greatest = std::max<real>(greatest, all[i].v);
  }
  const real mean = sum / n, first = all.front().v, last = all.back().v;
  real spread = 0, shared = 0, area = 0, weight = 0, weighted = 0, sine = 0, cosine = 0, rise = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const real v = all[i].v;
    m2 += (v - mean) * (v - mean);
    spread += (s(i) - mean_s) * (s(i) - mean_s);
    shared += (s(i) - mean_s) * (v - mean);
    const real until = i + 1 < all.size() ? s(i + 1) : static_cast<real>(end_ns - all[0].t) / 1e9L;
    area += v * (until - s(i));
    const real w = exp2l(-(s(all.size() - 1) - s(i)) / static_cast<real>(half_life_s));
    weight += w;
    weighted += w * v;
    sine += sinl(v * 3.14159265358979323846264L / 180);
    cosine += cosl(v * 3.14159265358979323846264L / 180);
    if (i > 0) rise += all[i].v >= all[i - 1].v ? v - static_cast<real>(all[i - 1].v) : v;
  }
  const real lasted = s(all.size() - 1);
  const real whole = static_cast<real>(end_ns - all[0].t) / 1e9L;
  const auto out = [](real v) { return static_cast<double>(v); };
  if (name == "mean") return out(mean);
  if (name == "sd") return all.size() < 2 ? unknown : out(sqrtl(m2 / (n - 1)));
  if (name == "psd") return out(sqrtl(m2 / n));
  if (name == "min") return out(least);
  if (name == "max") return out(greatest);
  if (name == "sum") return out(sum);
  if (name == "range") return out(greatest - least);
  if (name == "first") return out(first);
  if (name == "last") return out(last);
  if (name == "delta") return out(last - first);
  if (name == "rate") return lasted > 0 ? out((last - first) / lasted) : unknown;
  if (name == "slope") return spread > 0 ? out(shared / spread) : unknown;
  if (name == "ewma") return out(weighted / weight);
  if (name == "time_weighted_mean") return whole > 0 ? out(area / whole) : out(last);
  if (name == "counter_delta") return out(rise);
  if (name == "circular_mean") {
    const real degrees = atan2l(sine, cosine) * 180 / 3.14159265358979323846264L;
    return out(degrees < 0 ? degrees + 360 : degrees);
  }
  if (name == "distinct") {
    std::set<double> different;
    for (const auto& r : all) different.insert(r.v);
    return static_cast<double>(different.size());
  }
  unsigned permille = static_cast<unsigned>(std::stoul(std::string(name.substr(1))));
  if (permille < 100) permille *= 10;
  std::vector<double> sorted;
  for (const auto& r : all) sorted.push_back(r.v);
  std::sort(sorted.begin(), sorted.end());
  const auto rank = (sorted.size() * permille + 999) / 1000;
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

inline constexpr const char* every_aggregate =
    R"(["count","mean","sd","psd","min","max","sum","range","first","last","delta","rate","slope",
        "ewma","distinct","time_weighted_mean","counter_delta","circular_mean","p1","p50","p90",
        "p95","p99","p999"])";
inline const std::vector<std::string>& aggregate_names() {
  static const std::vector<std::string> all = {
      "count",         "mean",          "sd",       "psd",
      "min",           "max",           "sum",      "range",
      "first",         "last",          "delta",    "rate",
      "slope",         "ewma",          "distinct", "time_weighted_mean",
      "counter_delta", "circular_mean", "p1",       "p50",
      "p90",           "p95",           "p99",      "p999"};
  return all;
}

/// Relative to the size of what was added up.
inline bool agrees(std::optional<double> got, double want, double scale, double error = 1e-12) {
  if (std::isnan(want)) return !got.has_value();
  return got && std::fabs(*got - want) <= error * std::max(std::fabs(want), scale);
}

/// A stream that is mostly in order: gaps, duplicates of time, late readings.
struct stream_shape {
  std::int64_t step_ns = 10 * ns_per_s;
  int late_in = 0;                          ///< one of so many comes late; 0: none
  std::int64_t begin_ns = -3600 * ns_per_s; ///< negative times too
};
inline samples some_stream(unsigned seed, int count, stream_shape shape) {
  std::mt19937_64 random{seed};
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  samples out;
  std::int64_t now = shape.begin_ns + below(shape.step_ns);
  for (int i = 0; i < count; ++i) {
    now += below(12) == 0   ? 0
           : below(40) == 0 ? below(60 * shape.step_ns)
                            : below(2 * shape.step_ns);
    if (below(3) == 0) now -= now % shape.step_ns; // exactly on boundaries, too
    const std::int64_t t =
        shape.late_in > 0 && below(shape.late_in) == 0 ? now - below(8 * shape.step_ns) : now;
    out.push_back({t, static_cast<double>(below(2000)) / 8 - (seed % 2 == 0 ? 100 : 0)});
  }
  return out;
}

} // namespace pollux::domain::testing
