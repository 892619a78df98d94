// SPDX-License-Identifier: Apache-2.0
// Questions about numbers over time (docs/history.md): buckets, M4, aggregates, completeness.
#include "actors/directory.hpp"
#include "actors/glob.hpp"
#include "actors/historian.hpp"
#include "domain/base/time.hpp"
#include "persistence/series.hpp"
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace pollux::actors {

namespace {

using json = nlohmann::ordered_json;
using persistence::summary;

constexpr std::size_t max_rows = 100'000; ///< buckets of all telemetries in one answer
constexpr std::size_t max_twins = 10'000; ///< in one report on completeness

std::string text_of(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

json described(const summary& s) {
  return {{"count", s.count()},
          {"min", s.least().value},
          {"min_time", format_rfc3339(s.least().time_ns)},
          {"max", s.greatest().value},
          {"max_time", format_rfc3339(s.greatest().time_ns)},
          {"mean", s.mean()},
          {"sum", s.sum()},
          {"sample_stddev", s.sample_stddev()},
          {"first", s.first().value},
          {"first_time", format_rfc3339(s.first().time_ns)},
          {"last", s.last().value},
          {"last_time", format_rfc3339(s.last().time_ns)},
          {"delta", s.last().value - s.first().value}};
}

json columns_of(const std::vector<persistence::bucket>& buckets) {
  json time = json::array(), count = json::array(), least = json::array(), greatest = json::array(),
       mean = json::array();
  for (const auto& b : buckets) {
    time.push_back(format_rfc3339(b.from_ns));
    count.push_back(b.of.count());
    least.push_back(b.of.least().value);
    greatest.push_back(b.of.greatest().value);
    mean.push_back(b.of.mean());
  }
  return {{"time", std::move(time)},
          {"count", std::move(count)},
          {"min", std::move(least)},
          {"max", std::move(greatest)},
          {"mean", std::move(mean)}};
}

json points_of(const std::vector<persistence::point>& points) {
  json time = json::array(), value = json::array();
  for (const auto& p : points) {
    time.push_back(format_rfc3339(p.time_ns));
    value.push_back(p.value);
  }
  return {{"time", std::move(time)}, {"value", std::move(value)}};
}

/// The width that gives at most `points` buckets over the interval.
std::int64_t width_for(persistence::series_interval what, std::uint32_t points) {
  const auto whole =
      static_cast<std::uint64_t>(what.to_ns) - static_cast<std::uint64_t>(what.from_ns);
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(whole / std::max(1U, points) + 1, never));
}

class series_answerer {
public:
  series_answerer(const historian_surroundings& with, const series_ask& ask)
      : with_(with),
        ask_(ask), place_{ask.twin.shard, ask.twin.row, ask.key}, what_{ask.what.from_ns,
                                                                        ask.what.to_ns} {}

  result<messages::series_answer> run() {
    if (what_.from_ns > what_.to_ns) return failure{errc::invalid_argument, "from: lies behind to"};
    const auto& f = ask_.what.function;
    json series = json::array();
    std::int64_t width = 0;
    if (f == "aggregate") {
      if (auto s = aggregate(series); !s) return s.error();
    } else if (f == "buckets" || f == "m4") {
      if (auto s = bucketed(f == "m4", width, series); !s) return s.error();
    } else {
      return failure{errc::invalid_argument,
                     "function: no " + f + "; there are buckets, m4, aggregate"};
    }
    json document{{"id", ask_.what.id}, {"function", f}};
    if (width != 0) document["bucket"] = format_duration(width);
    document["series"] = std::move(series);
    document["tiers"] = origin_.names();
    document["blocks_read"] = origin_.blocks;
    return messages::series_answer{text_of(document), origin_.names()};
  }

private:
  [[nodiscard]] status visit(const persistence::stretch_visit& visit) {
    return persistence::each_stretch(*with_.journal, *with_.tables, place_, ask_.what.telemetry,
                                     what_, origin_, visit);
  }

  status aggregate(json& out) {
    std::map<std::string, summary> of;
    auto s = visit([&](const std::string& name, std::span<const persistence::point> points) {
      auto& into = of[name];
      for (const auto& p : points) into.add(p);
    });
    if (!s) return s;
    for (const auto& [name, sum] : of) {
      json one = described(sum);
      one["telemetry"] = name;
      out.push_back(std::move(one));
    }
    return {};
  }

  status bucketed(bool as_m4, std::int64_t& width, json& out) {
    std::int64_t origin = 0; // buckets of a stated width stand on whole widths since 1970
    width = ask_.what.bucket_ns;
    if (width < 0) return failure{errc::invalid_argument, "bucket: must be longer than nothing"};
    if (width == 0) {
      const auto extent = persistence::extent_of(*with_.journal, *with_.tables, place_, what_);
      if (!extent) return extent.error();
      if (extent->from_ns > extent->to_ns) return {};
      width = width_for(*extent, ask_.what.points);
      origin = extent->from_ns;
    }
    std::map<std::string, persistence::bucketing> of;
    std::size_t rows = 0;
    auto s = visit([&](const std::string& name, std::span<const persistence::point> points) {
      if (rows > max_rows) return;
      auto& into = of.try_emplace(name, origin, width).first->second;
      const auto before = into.buckets().size();
      for (const auto& p : points) into.add(p);
      rows += into.buckets().size() - before;
    });
    if (!s) return s;
    if (rows > max_rows)
      return failure{errc::invalid_argument,
                     "bucket: the answer would have more than " + std::to_string(max_rows) +
                         " buckets; take wider ones, fewer telemetries or a shorter interval"};
    for (const auto& [name, b] : of) {
      json one = as_m4 ? points_of(persistence::m4(b.buckets())) : columns_of(b.buckets());
      one["telemetry"] = name;
      out.push_back(std::move(one));
    }
    return {};
  }

  const historian_surroundings& with_;
  const series_ask& ask_;
  persistence::series_place place_;
  persistence::series_interval what_;
  persistence::series_origin origin_;
};

json document_of(const std::string& id, const persistence::completeness_report& report) {
  json periods = json::array(), gaps = json::array();
  std::uint64_t readings = 0, expected = 0;
  for (const auto& p : report.periods) {
    readings += p.readings;
    expected += p.expected;
    periods.push_back({{"from", format_rfc3339(p.from_ns)},
                       {"to", format_rfc3339(p.to_ns)},
                       {"readings", p.readings},
                       {"expected", p.expected}});
  }
  for (const auto& g : report.gaps)
    gaps.push_back({{"from", format_rfc3339(g.from_ns)},
                    {"to", format_rfc3339(g.to_ns)},
                    {"missing", g.missing}});
  return {{"id", id},
          {"readings", readings},
          {"expected", expected},
          {"every", report.expected_ns > 0 ? json(format_duration(report.expected_ns)) : json()},
          {"periods", std::move(periods)},
          {"gaps_total", report.gaps_total},
          {"gaps", std::move(gaps)}};
}

} // namespace

result<messages::series_answer> series_of(const historian_surroundings& with,
                                          const series_ask& ask) {
  return series_answerer(with, ask).run();
}

result<messages::history_document> completeness_of(const historian_surroundings& with,
                                                   const messages::completeness_query& q) {
  std::map<std::string, persistence::series_place> twins;
  for (std::uint32_t shard = 0; shard < with.inlet->shards(); ++shard)
    with.inlet->with_directory(shard, [&](shard_directory& d) {
      for (std::uint32_t row = 0; row < d.size() && twins.size() <= max_twins; ++row) {
        const auto id = split_key(d.key(row)).id;
        if (!d.deleted(row) && matches_glob(q.glob.empty() ? "*" : q.glob, id))
          twins.insert_or_assign(std::string(id),
                                 persistence::series_place{shard, row, std::string(d.key(row))});
      }
    });
  if (twins.size() > max_twins)
    return failure{errc::invalid_argument, "glob: more than " + std::to_string(max_twins) +
                                               " twins; ask for fewer at a time"};
  json rows = json::array();
  persistence::series_origin origin;
  for (const auto& [id, place] : twins) {
    auto report =
        persistence::completeness_of(*with.journal, *with.tables, place, {q.from_ns, q.to_ns},
                                     q.period_ns, q.expected_ns, origin);
    if (!report) return report.error().within(id);
    rows.push_back(document_of(id, *report));
  }
  return messages::history_document{
      text_of(json{{"twins", std::move(rows)}, {"tiers", origin.names()}})};
}

} // namespace pollux::actors
