// SPDX-License-Identifier: Apache-2.0
// The twin's document against a slow obvious version, which makes a tree of values and dumps it.
#include "domain/base/time.hpp"
#include "messages/documents.hpp"
#include "messages/input_document.hpp"
#include "messages/json_writer.hpp"
#include <cmath>
#include <doctest/doctest.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

using namespace pollux;
using namespace pollux::messages;
using json = nlohmann::ordered_json;

namespace {

json time_or_null(std::int64_t time_ns) {
  if (time_ns == no_time || time_ns == never) return nullptr;
  return format_rfc3339(time_ns);
}

/// Seconds with milliseconds; whole nanoseconds are noise to whoever asks how old a value is.
json age_or_null(std::int64_t time_ns, std::int64_t now_ns) {
  if (time_ns == no_time) return nullptr;
  const auto age_ms = now_ns / ns_per_ms - time_ns / ns_per_ms;
  return static_cast<double>(age_ms) / 1000.0;
}

json to_json(const domain::owned_value& value) {
  return std::visit(
      [](const auto& v) -> json {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::monostate>)
          return nullptr;
        else
          return v;
      },
      value);
}

json telemetry_json(const domain::twin_description& twin, std::int64_t now_ns) {
  json out = json::object();
  for (const auto& t : twin.telemetry) {
    out[t.name] = {{"value", to_json(t.value)},
                   {"unit", t.unit},
                   {"event_time", time_or_null(t.event_time_ns)},
                   {"age_s", age_or_null(t.event_time_ns, now_ns)},
                   {"readings", t.readings},
                   {"declared", t.declared}};
  }
  return out;
}

json outputs_json(const domain::twin_description& twin) {
  json out = json::object();
  for (const auto& o : twin.outputs) out[o.name] = o.value ? json(*o.value) : json();
  return out;
}

json windows_json(const domain::twin_description& twin) {
  json out = json::array();
  for (const auto& w : twin.windows) {
    json one = {{"name", w.name},
                {"telemetry", w.telemetry},
                {"span", format_duration(w.span_ns)},
                {"count", w.statistics.count}};
    if (w.statistics.count > 0) {
      one["mean"] = w.statistics.mean;
      one["sample_stddev"] = w.statistics.sample_stddev();
      one["population_stddev"] = w.statistics.population_stddev();
      one["min"] = w.statistics.min;
      one["max"] = w.statistics.max;
      one["from"] = time_or_null(w.statistics.from_ns);
      one["to"] = time_or_null(w.statistics.to_ns);
    }
    out.push_back(std::move(one));
  }
  return out;
}

json alerts_json(const domain::twin_description& twin) {
  json out = json::array();
  for (const auto& a : twin.alerts) {
    json one = {{"incident", a.incident},
                {"rule", a.rule},
                {"severity", domain::to_string(a.level)},
                {"message", a.message},
                {"raised_at", time_or_null(a.raised_at_ns)},
                {"acknowledged", a.acknowledged}};
    if (a.acknowledged) one["acknowledged_by"] = a.acknowledged_by;
    one["state"] = a.state;
    if (!a.assignee.empty()) one["assigned_to"] = a.assignee;
    if (a.snoozed_until_ns != no_time) one["snoozed_until"] = time_or_null(a.snoozed_until_ns);
    if (a.latched) one["latched"] = true;
    one["transitions"] = a.effects;
    if (!a.members.empty()) one["members"] = a.members;
    out.push_back(std::move(one));
  }
  return out;
}

json silences_json(const std::vector<domain::described_silence>& silences) {
  json out = json::array();
  for (const auto& s : silences) {
    json one = {{"id", s.id}};
    if (!s.rule.empty()) one["rule"] = s.rule;
    one["until"] = time_or_null(s.until_ns);
    one["by"] = s.by;
    one["reason"] = s.reason;
    out.push_back(std::move(one));
  }
  return out;
}

json event_time_json(const domain::described_event_time& e) {
  json skew = nullptr;
  if (e.clock_skew_ns != no_time)
    skew = static_cast<double>(e.clock_skew_ns) / static_cast<double>(ns_per_s);
  return {{"watermark", time_or_null(e.watermark_ns)},
          {"by_idle", e.by_idle},
          {"clock_skew_s", skew},
          {"late", e.late},
          {"readings",
           {{"on_time", e.on_time},
            {"reordered", e.reordered},
            {"late_amended", e.late_amended},
            {"late_kept", e.late_kept},
            {"late_dropped", e.late_dropped},
            {"too_late", e.too_late},
            {"future", e.future}}},
          {"pending", e.pending},
          {"kept_readings", e.kept_readings},
          {"state_bytes", e.bytes}};
}

json commands_json(const domain::twin_description& twin) {
  json out = json::array();
  for (const auto& c : twin.commands) {
    out.push_back({{"id", c.id},
                   {"command", c.name},
                   {"phase", domain::to_string(c.phase)},
                   {"requested_at", time_or_null(c.requested_at_ns)},
                   {"expires_at", time_or_null(c.expires_at_ns)},
                   {"detail", c.detail}});
  }
  return out;
}

std::string slow_document(const domain::twin_description& twin, std::int64_t now_ns) {
  json document = {
      {"id", twin.id},
      {"kind", twin.kind},
      {"model", {{"name", twin.model_name}, {"hash", twin.model_hash}}},
      {"incarnation", twin.incarnation},
      {"revision", input_id_text(twin.revision)},
      {"connected", twin.connected},
      {"last_event_time", time_or_null(twin.last_event_time_ns)},
      {"last_ingest_time", time_or_null(twin.last_ingest_time_ns)},
      {"next_wakeup", time_or_null(twin.next_wakeup_ns)},
      {"readings",
       {{"applied", twin.readings},
        {"late", twin.late},
        {"duplicates", twin.duplicates},
        {"missing", twin.missing},
        {"corrections", twin.corrections}}},
      {"memory", {{"state_bytes", twin.state_bytes}, {"window_bytes", twin.window_bytes}}},
      {"telemetry", telemetry_json(twin, now_ns)},
      {"windows", windows_json(twin)},
      {"outputs", outputs_json(twin)},
      {"rules",
       [&] {
         json out = json::array();
         for (const auto& r : twin.rules)
           out.push_back({{"name", r.name},
                          {"type", r.type},
                          {"state", r.state},
                          {"explanation", r.explanation}});
         return out;
       }()},
      {"alerts", alerts_json(twin)},
      {"commands", commands_json(twin)}};
  if (twin.event_time.configured) document["event_time"] = event_time_json(twin.event_time);
  if (!twin.shelved.empty()) document["shelved"] = silences_json(twin.shelved);
  if (!twin.maintenance.empty()) document["maintenance"] = silences_json(twin.maintenance);
  if (!twin.parent.empty()) document["parent"] = twin.parent;
  if (twin.properties_revision != 0) {
    auto properties = json::parse(twin.properties, nullptr, false);
    document["properties"] = properties.is_object() ? std::move(properties) : json::object();
    document["properties_revision"] = twin.properties_revision;
  }
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

class any_twin {
public:
  explicit any_twin(std::uint32_t seed) : random_(seed) {}

  domain::twin_description make() {
    domain::twin_description t;
    t.id = "plant1:" + text();
    t.kind = text();
    t.model_name = text();
    t.model_hash = text();
    t.incarnation = static_cast<std::uint32_t>(random_());
    t.revision = {{whole()}, static_cast<std::uint32_t>(random_())};
    t.readings = whole();
    t.late = whole();
    t.connected = flip();
    t.last_event_time_ns = time();
    t.last_ingest_time_ns = time();
    t.next_wakeup_ns = time();
    t.state_bytes = whole();
    fill_values(t);
    fill_events(t);
    if (flip()) fill_event_time(t.event_time);
    if (flip()) t.parent = text();
    if (flip()) {
      t.properties = flip() ? R"({"b":[1,2.50,null],"a":{"x":"\u00e4\n"}})" : text();
      t.properties_revision = 1 + whole() / 2;
    }
    return t;
  }

private:
  bool flip() { return random_() % 2 == 0; }
  std::uint64_t whole() { return std::uint64_t{random_()} << random_() % 33; }
  std::int64_t time() {
    static constexpr std::int64_t special[] = {no_time,
                                               never,
                                               0,
                                               -1,
                                               1'700'000'000 * ns_per_s,
                                               std::numeric_limits<std::int64_t>::min() + 1};
    if (random_() % 4 == 0) return special[random_() % std::size(special)];
    return static_cast<std::int64_t>(random_()) * (1 << random_() % 10) * (flip() ? 1 : -1) *
           (flip() ? 1 : ns_per_ms);
  }
  double number() {
    static constexpr double special[] = {
        0.0,  -0.0, 1.0,   0.1,    1e15,
        1e16, 1e-5, 1e300, 5e-324, std::numeric_limits<double>::infinity()};
    if (random_() % 3 == 0) return special[random_() % std::size(special)];
    return std::ldexp(static_cast<double>(random_()), static_cast<int>(random_() % 200) - 120);
  }
  std::string text() {
    static constexpr std::string_view pieces[] = {
        "a", "temperature", "\"",       "\\",      "/", "\n\x01", "\xc3\xa4", "\xff\xfe",
        "",  "\x7f",        "\xe2\x82", "0 of 30", "~"};
    std::string out;
    for (auto left = random_() % 4; left > 0; --left) out += pieces[random_() % std::size(pieces)];
    return out;
  }
  domain::owned_value value() {
    switch (random_() % 5) {
    case 0: return std::monostate{};
    case 1: return number();
    case 2: return static_cast<std::int64_t>(whole() / 2) * (flip() ? 1 : -1);
    case 3: return flip();
    default: return text();
    }
  }
  void fill_values(domain::twin_description& t) {
    for (auto left = random_() % 4; left > 0; --left)
      t.telemetry.push_back(
          {std::to_string(left) + text(), text(), flip(), value(), time(), whole()});
    for (auto left = random_() % 3; left > 0; --left) {
      domain::described_window w;
      w.name = text();
      w.telemetry = text();
      w.span_ns = static_cast<std::int64_t>(random_()) * ns_per_ms;
      w.statistics.count = flip() ? 0 : whole();
      w.statistics.mean = number();
      w.statistics.min = number();
      w.statistics.max = number();
      w.statistics.from_ns = time();
      w.statistics.to_ns = time();
      t.windows.push_back(w);
    }
    for (auto left = random_() % 3; left > 0; --left)
      t.outputs.push_back(
          {std::to_string(left) + text(), flip() ? std::nullopt : std::optional<double>(number())});
    for (auto left = random_() % 3; left > 0; --left)
      t.rules.push_back({text(), text(), text(), text()});
  }
  void fill_events(domain::twin_description& t) {
    for (auto left = random_() % 3; left > 0; --left) {
      domain::described_alert a{text(),
                                text(),
                                text(),
                                domain::severity::critical,
                                time(),
                                flip(),
                                text(),
                                text(),
                                text(),
                                time(),
                                static_cast<std::uint32_t>(random_()),
                                flip(),
                                {}};
      if (flip()) a.members = {text(), text()};
      t.alerts.push_back(a);
    }
    for (auto left = random_() % 3; left > 0; --left)
      t.commands.push_back(
          {text(), text(), domain::command_phase::dispatched, time(), time(), text()});
    for (auto left = random_() % 3; left > 0; --left) {
      t.shelved.push_back({text(), text(), text(), text(), time()});
      t.maintenance.push_back({text(), {}, text(), text(), time()});
    }
  }
  void fill_event_time(domain::described_event_time& e) {
    e.configured = true;
    e.late = text();
    e.watermark_ns = time();
    e.by_idle = flip();
    e.clock_skew_ns = time();
    e.on_time = whole();
    e.future = whole();
    e.pending = flip();
    e.kept_readings = whole();
    e.bytes = whole();
  }

  std::mt19937 random_;
};

} // namespace

TEST_CASE("property: a twin's document has the bytes that a tree of values would be dumped as") {
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    const auto twin = any_twin(seed).make();
    constexpr std::int64_t now = 1'700'000'123'456 * ns_per_ms;
    CAPTURE(seed);
    REQUIRE(twin_document(twin, now) == slow_document(twin, now));
  }
}

TEST_CASE("a writer sets commas where they belong and says null where JSON has no word") {
  json_writer w;
  w.begin('{');
  w.member("a", 1);
  w.key("b");
  w.begin('[');
  w.number(std::numeric_limits<double>::quiet_NaN());
  w.truth(false);
  w.begin('{');
  w.end('}');
  w.text("x");
  w.end(']');
  w.name("c\"d");
  w.time(0);
  w.time_member("e", never);
  w.end('}');
  CHECK(w.take() == R"({"a":1,"b":[null,false,{},"x"],"c\"d":"1970-01-01T00:00:00Z","e":null})");
}
