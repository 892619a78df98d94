// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/bench_report.hpp"
#include "tools/pollux/cli.hpp"
#include <iostream>
#include <set>

namespace pollux::bench {

using json = nlohmann::ordered_json;

namespace {

using figure = std::function<double(const outcome&)>;

/// Of the rounds that have this figure; what was not measured is 0.
std::vector<double> values(const row& r, const figure& f) {
  std::vector<double> out;
  for (const auto& one : r.rounds)
    if (const double v = f(one); v > 0) out.push_back(v);
  return out;
}

/// Here 0 is a figure.
std::string other_cores(const row& r) {
  std::vector<double> out;
  for (const auto& one : r.rounds)
    if (one.cpu_s > 0) out.push_back(one.other_cores);
  return spread_text(out, 2);
}

/// Round by round, `f` of this row divided by that of the row which counts through `source`.
std::vector<double> ratios(const table_of_rows& t, const row& r, const char* source,
                           const std::function<figure(const row&)>& of) {
  std::vector<double> out;
  for (const auto& other : t.rows) {
    if (other.what.kind != subject_kind::count || other.what.source != source) continue;
    for (std::size_t i = 0; i < std::min(r.rounds.size(), other.rounds.size()); ++i)
      if (const double whole = of(other)(other.rounds[i]), part = of(r)(r.rounds[i]);
          whole > 0 && part > 0)
        out.push_back(part / whole);
  }
  return out;
}

std::function<figure(const row&)> cpu_per_million(const table_of_rows& t) {
  return [&t](const row& r) -> figure {
    const auto n = static_cast<double>(scene_of(t, r).readings());
    return [n](const outcome& o) { return o.cpu_s * 1e6 / n; };
  };
}
figure rate(const row&) {
  return [](const outcome& o) { return o.rate; };
}

std::string title(const scene& in) {
  auto out = std::to_string(in.devices) + " devices, " + std::to_string(in.readings()) +
             " readings, " + std::to_string(in.batch) + " a message, QoS " + std::to_string(in.qos);
  out += in.rate > 0 ? ", " + std::to_string(static_cast<std::uint64_t>(in.rate)) + " messages/s"
                     : ", all at once";
  return out;
}

void begin_table(const scene& in) { std::cout << '\n' << title(in) << '\n'; }

json spread_json(const std::vector<double>& of) {
  if (of.empty()) return nullptr;
  const auto s = spread_of(of);
  return {{"median", s.median}, {"min", s.least}, {"max", s.most}};
}

} // namespace

scene scene_of(const table_of_rows& t, const row& r) {
  auto out = t.in;
  if (r.messages > 0) out.messages = r.messages;
  return out;
}

std::string gate_of(const row& r) {
  std::set<std::string> wrong;
  for (const auto& one : r.rounds)
    if (one.gate != "ok") wrong.insert(one.gate);
  std::string out;
  for (const auto& what : wrong) out += (out.empty() ? "" : "; ") + what;
  return out.empty() ? "ok" : out;
}

void print_ingest(const table_of_rows& t, bool bold) {
  begin_table(t.in);
  cli::table out({"WHAT", "CPU-S PER MILLION", "TO COUNT PAHO", "READINGS/S", "TO THE BROKER'S",
                  "OTHER CORES", "GATE"});
  for (const auto& r : t.rows) {
    const auto cpu = cpu_per_million(t);
    auto name = name_of(r.what);
    if (r.messages > 0) name += ", " + std::to_string(scene_of(t, r).readings()) + " readings";
    out.add({name, spread_text(values(r, cpu(r)), 2), spread_text(ratios(t, r, "paho", cpu), 2),
             spread_text(values(r, rate(r)), 0), spread_text(ratios(t, r, "sink", rate), 2),
             other_cores(r), gate_of(r)});
  }
  out.print(bold);
  std::cout.flush();
}

void print_latency(const table_of_rows& t, bool bold) {
  begin_table(t.in);
  cli::table out({"WHAT", "P50 MS", "P99 MS", "MAX MS", "FSYNC P99 MS", "CPU-S PER MILLION",
                  "OTHER CORES", "GATE"});
  for (const auto& r : t.rows) {
    const auto text = [&](double outcome::*field) {
      return spread_text(values(r, [field](const outcome& o) { return o.*field; }), 2);
    };
    out.add({name_of(r.what), text(&outcome::p50_ms), text(&outcome::p99_ms),
             text(&outcome::max_ms), text(&outcome::sync_p99_ms),
             spread_text(values(r, cpu_per_million(t)(r)), 2), other_cores(r), gate_of(r)});
  }
  out.print(bold);
  std::cout.flush();
}

json to_json(const table_of_rows& t) {
  json rows = json::array();
  for (const auto& r : t.rows) {
    const auto cpu = cpu_per_million(t);
    json one{{"what", name_of(r.what)}, {"source", r.what.source}};
    if (r.what.kind == subject_kind::full)
      one["durability"] = "D" + std::to_string(static_cast<int>(r.what.durability));
    one["readings"] = scene_of(t, r).readings();
    one["gate"] = gate_of(r);
    one["cpu_s_per_million"] = spread_json(values(r, cpu(r)));
    one["cpu_to_count_paho"] = spread_json(ratios(t, r, "paho", cpu));
    one["readings_per_s"] = spread_json(values(r, rate(r)));
    one["rate_to_broker"] = spread_json(ratios(t, r, "sink", rate));
    for (const auto& o : r.rounds) one["rounds"].push_back(to_json(o));
    rows.push_back(std::move(one));
  }
  return {{"devices", t.in.devices},     {"messages", t.in.messages}, {"batch", t.in.batch},
          {"readings", t.in.readings()}, {"qos", t.in.qos},           {"messages_per_s", t.in.rate},
          {"rows", std::move(rows)}};
}

} // namespace pollux::bench
