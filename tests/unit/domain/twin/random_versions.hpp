// SPDX-License-Identifier: Apache-2.0
// A random model of operators of every type, and versions of it: each keeps, rewords, alters,
// renames, adds and drops operators and telemetry of the one before, and treats late readings in
// its own way.
#pragma once
#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace pollux::domain::testing {

class random_versions {
public:
  explicit random_versions(unsigned seed) : random_(seed) {
    for (std::size_t kind = 0; kind < kinds; ++kind)
      if (kind < 2 || chance(3) != 0) pieces_.push_back(fresh(kind));
    std::shuffle(pieces_.begin() + 2, pieces_.end(), random_);
    event_time_ = block();
  }
  /// The version that rules now, as JSON.
  [[nodiscard]] std::string text() {
    std::string telemetry[] = {R"("t":{})",
                               R"("v":{"type":"number"})",
                               R"("open":{"type":"boolean"})",
                               R"("label":{"type":"text"})",
                               R"("setpoint":{})",
                               integer_ ? R"("n":{"type":"integer"})" : R"("n":{})"};
    std::shuffle(std::begin(telemetry), std::end(telemetry), random_);
    std::string text = R"({"name":"all","kind":"building",)";
    if (!event_time_.empty()) text += R"("event_time":)" + event_time_ + ",";
    text += R"("telemetry":{)";
    for (const auto& t : telemetry) text += t + ",";
    for (const int extra : extras_)
      text += R"("extra)" + std::to_string(extra) + R"(":{"unit":"K"},)";
    text.back() = '}';
    text += R"(,"commands":{"set_setpoint":{"argument":"setpoint","min":16,"max":)" +
            std::to_string(26 + chance(3)) + R"(,"ttl":"5s"},"reboot":{}},"operators":[)";
    for (const auto& p : pieces_) text += rendered(p) + ",";
    text.back() = ']';
    return text + "}";
  }
  /// Goes on to the next version.
  void change() {
    if (chance(2) == 0) event_time_ = block();
    if (chance(4) == 0) integer_ = !integer_;
    extras_.clear();
    for (int i = 0; i < 5; ++i)
      if (chance(4) == 0) extras_.push_back(i);
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      auto& p = pieces_[i];
      const auto old = p.name;
      switch (chance(12)) {
      case 0: p = fresh(p.kind); break; // renamed and altered
      case 1: p.name = name_of(p.kind); break;
      case 2:
      case 3:
        p = fresh(p.kind);
        p.name = old;
        break;
      case 4: p.life = life(); break;
      case 5:
        if (i >= 2) pieces_.erase(pieces_.begin() + static_cast<std::ptrdiff_t>(i--));
        break;
      default: break;
      }
    }
    for (std::size_t kind = 2; kind < kinds; ++kind) {
      const bool there = std::any_of(pieces_.begin(), pieces_.end(),
                                     [&](const piece& p) { return p.kind == kind; });
      if (!there && chance(3) == 0) pieces_.push_back(fresh(kind));
    }
    if (chance(2) == 0) std::shuffle(pieces_.begin() + 2, pieces_.end(), random_);
  }

private:
  static constexpr std::size_t kinds = 27;
  struct piece {
    std::size_t kind = 0;
    std::string name;
    std::string body; ///< ME its name, TS and VS the windows over t and v, LIFE its alerts' keys
    std::string life;
  };

  int chance(int n) { return std::uniform_int_distribution<int>{0, n - 1}(random_); }
  std::string of(std::initializer_list<const char*> all) {
    return all.begin()[chance(int(all.size()))];
  }
  std::string name_of(std::size_t kind) {
    return "op" + std::to_string(kind) + std::string(1, char('a' + chance(4)));
  }
  std::string block() {
    return of({"", "", R"({"disorder":"2s","lateness":"40s","idle":"20s"})",
               R"({"disorder":"10s","lateness":"2m"})", R"({"lateness":"1m","max_rows":64})",
               R"({"lateness":"20s","idle":"5s","future":"30m"})",
               R"({"late":"drop","disorder":"10s","idle":"10s"})",
               R"({"late":"keep","disorder":"4s"})"});
  }
  std::string life() {
    return of({"", "", "", "", R"(,"latch":true)", R"(,"dedup":"9s")", R"(,"message":"look")",
               R"(,"flapping":{"changes":4,"within":"10s"})", R"(,"severity":"critical")",
               R"(,"escalate":[{"after":"3s","severity":"critical"}])",
               R"(,"escalation":[{"after":"2s","to":"ada"},{"after":"5s","to":"grace"}])",
               R"(,"suppress_while":"n > 6")", R"(,"parent_group":"cooling")"});
  }
  piece fresh(std::size_t kind) { return {kind, name_of(kind), body(kind), life()}; }

  std::string rendered(const piece& p) const {
    std::string text = p.body;
    const auto put = [&](const std::string& mark, const std::string& with) {
      for (auto at = text.find(mark); at != std::string::npos;
           at = text.find(mark, at + with.size()))
        text.replace(at, mark.size(), with);
    };
    put("ME", p.name);
    put("TS", pieces_[0].name);
    put("VS", pieces_[1].name);
    put("LIFE", p.life);
    return text;
  }

  std::string body(std::size_t kind) {
    const auto n = [&](int from, int to) { return std::to_string(from + chance(to - from + 1)); };
    const auto poison = R"(,"poison":")" + of({"exclude_while_alerting", "include", "winsorise"}) +
                        R"(","relearn_after":"20s")";
    const auto emit = R"(,"emit":")" + of({"each", "transition"}) + R"(")";
    const auto close = R"(,"emit":")" + of({"each", "none"}) + R"(")";
    const std::string me = R"({"name":"ME","type":")";
    switch (kind) {
    case 0: return me + R"(window","of":"t","span":")" + n(10, 60) + R"(s"})";
    case 1:
      return me + R"(window","of":"v","span":")" + n(20, 60) + R"(s","max_entries":)" + n(8, 99) +
             R"(,"aggregates":["sum","p90"]})";
    case 2:
      return me + R"(threshold","value":"TS.mean + 2 * open","above":50.)" + n(3, 7) +
             R"(,"clear":50.2,"levels":[{"above":51,"severity":"critical"}]LIFE})";
    case 3: return me + R"(threshold","value":"n > )" + n(4, 6) + R"( && !open"LIFE})";
    case 4:
      return me + R"(threshold","value":"t","above":50.3,"for":")" + n(1, 5) +
             R"(s","times":2,"clear_for":"2s"LIFE})";
    case 5:
      return me + R"(threshold","value":"v","below":4,"times":3,"within":")" + n(9, 30) +
             R"(s"LIFE})";
    case 6:
      return me + R"(threshold","value":"TS.mean - VS.mean","outside":[45,46.)" + n(2, 6) +
             R"(],"for":"2s","active":{"from":"08:00","to":"22:14"}LIFE})";
    case 7:
      return me + R"(z_score","window":"TS","sides":"both","min_samples":5,"limit":)" + n(1, 2) +
             emit + poison + "LIFE}";
    case 8:
      return me + R"(z_score","window":"VS","min_samples":5,"limit":)" + n(1, 2) + emit + poison +
             "LIFE}";
    case 9:
      return R"({"name":"ME_z","type":"z_score","window":"TS","sides":"both","limit":1,"min_samples":4},)" +
             me +
             R"(sequence","rises":{"of":"v","above":3.5,"count":2},"then":"ME_z","then_side":"both",
                 "within":")" +
             n(20, 60) + R"(s"LIFE})";
    case 10:
      return R"({"name":"ME_z","type":"z_score","window":"TS","limit":1,"min_samples":4},)" + me +
             R"(pattern","emit":")" + of({"match", "timeout", "both"}) +
             R"(","pattern":"worn: rising(v, 2) above 3.5 then hot: upper(ME_z) within )" +
             n(10, 40) + R"(s"LIFE})";
    case 11:
      return me + R"(pattern","within":"20s","skip":")" + of({"none", "next", "past_last"}) +
             R"(","stages":[{"name":"a","where":"t > 50.5"},{"name":"b","where":"v > a.v"}]LIFE})";
    case 12:
      return me + R"(ewma","of":"t","half_life":")" + n(10, 40) +
             R"(s","min_samples":4,"limit":2)" + emit + poison + "LIFE}";
    case 13:
      return me +
             R"(ewma","of":"v","half_life_readings":5,"test":"mean","limit":2,"min_samples":8LIFE})";
    case 14:
      return me + R"(cusum","of":"v","min_samples":8,"relearn_after":"40s","h":)" + n(2, 4) +
             "LIFE}";
    case 15:
      return me + R"(seasonal","of":"t","min_samples":4,"slots_per_day":96,"limit":)" + n(1, 2) +
             poison + "LIFE}";
    case 16:
      return me + R"(robust","of":"v","min_samples":4,"limit":2,"span":")" + n(20, 90) + R"(s")" +
             poison + "LIFE}";
    case 17:
      return me + R"(absence","of":")" + of({"*", "v"}) + R"(","for":")" + n(3, 9) + R"(s"LIFE})";
    case 18:
      return me + R"(as_of","of":"t","with":["v","n"],"tolerance":")" + n(3, 9) +
             R"(s"},{"name":"ME_o","type":"threshold","value":"ME.v + t","above":54.5LIFE})";
    case 19:
      return me +
             R"(nearest","of":"t","lengths":[3,5],"neighbours":2,"history":40,"min_samples":8,"limit":0.)" +
             n(4, 9) + "LIFE}";
    case 20:
      return me + R"(multivariate","of":["t","v"],"learn":10,"smoothing":1,"limit":2,"recovery":0.2,
                 "relearn_after":")" +
             n(20, 50) + R"(s"LIFE})";
    case 21:
      return R"({"name":"ME_a","type":"machine_alert"LIFE},)" + me +
             R"(state_machine","initial":"idle","variables":[{"name":"seen","initial":0}],
                "timers":[{"name":"patience","for":")" +
             n(2, 6) + R"(s"}],"states":[
                {"name":"idle","transitions":[{"when":"t > 51","to":"busy"}]},
                {"name":"busy","alert":"ME_a","on_enter":[{"do":[{"start":"patience"},
                  {"set":"seen","to":"var.seen + 1"}]}],
                 "transitions":[{"when":"timeout(patience) || t < 49","to":"idle"}]}]})";
    default: return window_body(kind, close);
    }
  }
  std::string window_body(std::size_t kind, const std::string& close) {
    const auto n = [&](int from, int to) { return std::to_string(from + chance(to - from + 1)); };
    const std::string me = R"({"name":"ME","type":"window","of":"t",)";
    const std::string judged =
        R"(,{"name":"ME_o","type":"threshold","value":"ME.mean","above":50.4LIFE})";
    switch (kind) {
    case 22:
      return me + R"("kind":"tumbling","size":")" + n(5, 15) +
             R"(s","aggregates":["mean","p95","slope"])" + close + "}" + judged;
    case 23:
      return me + R"("kind":"hopping","size":"20s","hop":")" + of({"4", "5", "10"}) +
             R"(s","aggregates":["mean","max"])" + close + "}" + judged;
    case 24:
      return me + R"("kind":"session","gap":")" + n(2, 5) +
             R"(s","aggregates":["mean","distinct"])" + close + "}" + judged;
    case 25:
      return me + R"("kind":"count","last":)" + n(3, 9) + R"(,"aggregates":["mean"]})" + judged;
    default:
      return me + R"("kind":"state","while":")" + of({"open", "n > 4"}) +
             R"(","aggregates":["mean","delta"])" + close + "}" + judged +
             R"(,{"name":"ME_k","type":"window","of":"v","span":"30s","by":"label","aggregates":["count","sum"]},
             {"name":"ME_s","type":"window","of":"v","span":"32s","slices":)" +
             of({"4", "8"}) + R"(,"aggregates":["mean","p50","circular_mean"]})";
    }
  }

  std::mt19937 random_;
  std::vector<piece> pieces_; ///< the first two: the windows that others look at
  std::vector<int> extras_;
  std::string event_time_;
  bool integer_ = true;
};

} // namespace pollux::domain::testing
