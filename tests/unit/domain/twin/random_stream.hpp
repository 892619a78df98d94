// SPDX-License-Identifier: Apache-2.0
// Random models and streams for the tests of event time, and what a twin looks like from outside
// once the order in which its readings came is forgotten.
#pragma once
#include "domain/model/operator.hpp"
#include "domain/twin/timeline.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <algorithm>
#include <random>

namespace pollux::domain::testing {

struct sent_reading {
  std::int64_t event_ns = 0;
  std::int64_t arrives_ns = 0;
  std::vector<std::pair<std::string, double>> numbers;
  std::string label; ///< empty: none
};

class random_stream {
public:
  explicit random_stream(unsigned seed) : random_(seed) {}
  int chance(int n) { return std::uniform_int_distribution<int>{0, n - 1}(random_); }
  double noise() { return std::normal_distribution<double>{0, 1}(random_); }

  /// A model with the given event_time block and a random choice of rules.
  std::string model(const std::string& block) {
    std::string ops = R"(
      {"name":"xs","type":"window","of":"x","span":")" +
                      std::to_string(10 + chance(50)) + R"(s"},
      {"name":"ys","type":"window","of":"y","span":"40s"})";
    static const char* poison[] = {"exclude_while_alerting", "include", "winsorise"};
    static const char* emit[] = {"each", "transition"};
    for (int i = 0; i < 3; ++i)
      ops += R"(,{"name":"z)" + std::to_string(i) + R"(","type":"z_score","window":")" +
             (chance(2) == 0 ? "xs" : "ys") + R"(","limit":)" + std::to_string(1 + chance(3)) +
             R"(,"sides":"both","min_samples":4,"relearn_after":"20s","poison":")" + poison[i] +
             R"(","emit":")" + emit[chance(2)] + "\"}";
    ops += R"(,{"name":"wear","type":"sequence","rises":{"of":"x","above":49.5,"count":2},
              "then":"z1","then_side":"both","within":"25s"})";
    ops +=
        R"(,{"name":"hot","type":"threshold","value":"xs.mean + y / 100","above":50.6,"clear":50.4})";
    if (chance(2) == 0)
      ops += R"(,{"name":"held","type":"threshold","value":"x","above":50.5,"for":"6s"})";
    if (chance(2) == 0)
      ops +=
          R"(,{"name":"often","type":"threshold","value":"y","below":20,"times":3,"within":"30s"})";
    static const char* own_limits[] = {
        R"(,{"name":"own","type":"ewma","of":"x","half_life":"30s","min_samples":4})",
        R"(,{"name":"own","type":"cusum","of":"x","min_samples":8,"h":3,"relearn_after":"40s"})",
        R"(,{"name":"own","type":"seasonal","of":"y","min_samples":4,"slots_per_day":96,
            "poison":"winsorise","relearn_after":"20s"})",
        R"(,{"name":"own","type":"robust","of":"x","span":"1m","min_samples":4})"};
    ops += own_limits[chance(4)];
    return R"({"name":"m","event_time":)" + block +
           R"(,"telemetry":{"x":{},"y":{},"label":{"type":"text"}},"operators":[)" + ops + "]}";
  }

  /// In order of event time; some share one, each with telemetry of its own.
  std::vector<sent_reading> readings(std::size_t count) {
    std::vector<sent_reading> all;
    std::int64_t t = 1'700'000'000 * ns_per_s;
    for (std::size_t i = 0; i < count; ++i) {
      t += (chance(40) == 0 ? 90 : 1) * (100 + chance(3000)) * ns_per_ms;
      sent_reading r;
      r.event_ns = t;
      if (chance(3) != 0) r.numbers.emplace_back("x", 50 + noise() + (chance(9) == 0 ? 6 : 0));
      if (chance(12) == 0) r.label = "state" + std::to_string(chance(5));
      if (r.numbers.empty() || chance(3) == 0) {
        sent_reading other;
        auto& into = !r.numbers.empty() && chance(2) == 0 ? other : r;
        into.numbers.emplace_back("y", 20 + noise() - (chance(9) == 0 ? 5 : 0));
        other.event_ns = t;
        if (!other.numbers.empty()) all.push_back(other);
      }
      all.push_back(r);
    }
    return all;
  }

  /// Delays each by up to `most_ns`: nothing comes later than that behind what came before.
  void shuffle(std::vector<sent_reading>& all, std::int64_t most_ns) {
    std::uniform_int_distribution<std::int64_t> delay{0, most_ns};
    const bool storm = chance(2) == 0;
    for (auto& r : all) r.arrives_ns = r.event_ns + (storm || chance(5) == 0 ? delay(random_) : 0);
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.arrives_ns < b.arrives_ns; });
  }

private:
  std::mt19937 random_;
};

/// Alerts as whoever listens has them after all corrections and retractions.
class listener {
public:
  void hear(const effects& all) {
    for (const auto& e : all)
      if (e.kind == effect_kind::alert) hear(e.alert);
  }
  void hear(const alert_effect& a) {
    ++met[std::string(a.late ? "late " : "") + to_string(a.transition)];
    const auto id = to_string(a.incident);
    switch (a.transition) {
    case alert_transition::raised:
    case alert_transition::emitted:
      REQUIRE_MESSAGE(incidents_.count(id) == 0, "told twice: " << a.rule << ' ' << id);
      incidents_[id] = {told(a), ""};
      break;
    case alert_transition::corrected:
      REQUIRE_MESSAGE(incidents_.count(id) == 1, "corrects nothing: " << a.rule << ' ' << id);
      if (!a.proof.numbers.empty()) incidents_[id].first = told(a);
      incidents_[id].second.clear();
      break;
    case alert_transition::cleared:
      REQUIRE_MESSAGE(incidents_.count(id) == 1, "clears nothing: " << a.rule << ' ' << id);
      incidents_[id].second = told(a);
      break;
    case alert_transition::retracted:
      REQUIRE_MESSAGE(incidents_.erase(id) == 1, "retracts nothing: " << a.rule << ' ' << id);
      break;
    default: break;
    }
  }
  /// Without the incidents' names, sorted.
  [[nodiscard]] std::vector<std::string> view() const {
    std::vector<std::string> all;
    for (const auto& [id, what] : incidents_)
      all.push_back(what.first + (what.second.empty() ? "" : " UNTIL " + what.second));
    std::sort(all.begin(), all.end());
    return all;
  }
  std::map<std::string, int> met;

private:
  static std::string told(const alert_effect& a) {
    return a.rule + " " + std::to_string(a.event_time_ns) + " " +
           std::to_string(digest_of(a.event_time_ns, a.proof)) + " " + a.message;
  }
  std::map<std::string, std::pair<std::string, std::string>> incidents_;
};

/// One twin that is fed a stream.
class fed_twin {
public:
  fed_twin(const library& models, std::string_view hash) : models_(models) {
    in_.id = next();
    in_.kind = input_kind::twin_created;
    in_.model_hash = hash;
    in_.ingest_time_ns = now_ns_ = 1'600'000'000 * ns_per_s;
    apply();
  }
  /// One input with readings [from, to).
  const effects& feed(const std::vector<sent_reading>& all, std::size_t from, std::size_t to) {
    in_.clear();
    in_.id = next();
    in_.kind = input_kind::readings;
    for (auto i = from; i < to; ++i) {
      reading r;
      r.event_time_ns = all[i].event_ns;
      r.first = static_cast<std::uint32_t>(in_.fields.size());
      for (const auto& [name, v] : all[i].numbers) in_.fields.push_back({name, value_view::of(v)});
      if (!all[i].label.empty()) in_.fields.push_back({"label", value_view::text(all[i].label)});
      r.count = static_cast<std::uint32_t>(in_.fields.size()) - r.first;
      in_.readings.push_back(r);
      now_ns_ = std::max(now_ns_, all[i].arrives_ns);
    }
    in_.ingest_time_ns = now_ns_;
    return apply();
  }
  /// The timer falls due, when there is one within `within_ns`.
  const effects& tick(std::int64_t within_ns) {
    out.clear();
    if (state.next_wakeup_ns() > now_ns_ + within_ns) return out;
    in_.clear();
    in_.id = next();
    in_.kind = input_kind::tick;
    in_.timer = state.next_timer();
    in_.generation = state.timer_generation();
    in_.ingest_time_ns = now_ns_ = std::max(now_ns_, state.next_wakeup_ns());
    return apply();
  }
  const effects& acknowledge(const std::string& incident) {
    in_.clear();
    in_.id = next();
    in_.kind = input_kind::alert_acknowledged;
    in_.incident = incident;
    in_.by = "ada";
    in_.ingest_time_ns = now_ns_;
    return apply();
  }
  void reload() {
    auto again = load(models_, "test:twin", saved(state));
    REQUIRE_MESSAGE(again.ok(), (again.ok() ? "" : again.error().what));
    state = std::move(*again);
  }
  [[nodiscard]] const timeline& line() const { return *state.get().line; }

  twin_state state{"test:twin"};
  effects out;

private:
  input_id next() { return {{++position_}, 0}; }
  const effects& apply() {
    out.clear();
    step(models_, state, in_, out);
    return out;
  }
  const library& models_;
  input in_;
  std::uint64_t position_ = 0;
  std::int64_t now_ns_ = 0;
};

/// All that must not depend on the order of arrival: latest values, the content of windows, the
/// operators' states, active alerts, the watermark.
inline std::string content_of(const twin_state& state) {
  const auto& b = state.get();
  const auto& m = b.ruling();
  std::string text = "watermark " + std::to_string(b.line->watermark_ns);
  for (std::size_t s = 0; s < m.telemetry.size(); ++s) {
    const auto& v = b.latest[s];
    text += "\nlatest " + m.telemetry[s].name + " " + std::to_string(v.event_time_ns) + " " +
            std::to_string(v.number().value_or(0)) + " " + std::to_string(v.readings);
    if (b.rare && !b.rare->texts.empty()) text += " " + b.rare->texts[s];
  }
  for (std::size_t s = 0; s < m.telemetry.size(); ++s) {
    const auto* w = b.series_of(static_cast<int>(s));
    if (w == nullptr || w->size() == 0) continue;
    text += "\nseries"; // beyond the span it may hold more, to go back
    w->each(w->newest_ns() - m.series_span_ns[s], w->newest_ns(), [&](std::int64_t t, double v) {
      text += " " + std::to_string(t) + "=" + std::to_string(v);
    });
  }
  for (const auto* op : m.by_time.keeping) {
    std::string bytes;
    byte_writer out(bytes);
    if (const auto& s = b.states[op->identity().state]) op->save(*s, out);
    text += "\nstate " + op->name() + " ";
    for (const char c : bytes) text += std::to_string(static_cast<unsigned char>(c)) + ".";
  }
  std::vector<std::string> alerts;
  if (b.rare)
    for (const auto& a : b.rare->alerts.all())
      alerts.push_back(m.operators[a.rule]->name() + " " + std::to_string(a.raised_event_ns) + " " +
                       a.message);
  std::sort(alerts.begin(), alerts.end());
  for (const auto& a : alerts) text += "\nalert " + a;
  return text;
}

} // namespace pollux::domain::testing
