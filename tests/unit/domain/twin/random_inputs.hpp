// SPDX-License-Identifier: Apache-2.0
// Random inputs of every kind for one twin, as a running node would journal them, and what a twin
// told, as text to compare.
#pragma once
#include "domain/twin/told_verdict.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <random>

namespace pollux::domain::testing {

// One input with bytes of its own, so that a stream can be kept and fed again.
struct kept_input {
  input in;
  std::deque<std::string> texts;
  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
};

class input_stream {
public:
  explicit input_stream(unsigned seed) : random_(seed) {}
  /// The models it changes between, and how often: about one of so many inputs in 33.
  std::vector<std::string> hashes{"one", "two"};
  int one_change_in = 4;
  /// Above 0: half of the readings come up to so much later than they were measured, and some come
  /// once more, or again with another value.
  std::int64_t delay_ns = 0;

  std::vector<std::unique_ptr<kept_input>> make(const library& models, std::size_t count) {
    std::vector<std::unique_ptr<kept_input>> all;
    // Ticks and acknowledgements depend on the state, as they do in a running node.
    twin_state live("test:all");
    effects out;
    for (std::size_t i = 0; i < count; ++i) {
      auto k = std::make_unique<kept_input>();
      fill(*k, i, live);
      step(models, live, k->in, out);
      all.push_back(std::move(k));
      for (const auto& e : out)
        if (e.kind == effect_kind::alert) incident_ = to_string(e.alert.incident);
      out.clear();
    }
    return all;
  }

private:
  int chance(int n) { return std::uniform_int_distribution<int>{0, n - 1}(random_); }
  const std::string& hash() { return hashes[std::size_t(chance(int(hashes.size())))]; }
  double noise() { return std::normal_distribution<double>{0, 1}(random_); }

  void fill(kept_input& k, std::size_t i, const twin_state& live) {
    auto& in = k.in;
    now_ns_ +=
        (chance(20) == 0 ? 8 : 1) * ns_per_s * chance(3) / 2 - (chance(30) == 0 ? ns_per_s : 0);
    in.id = {{i / 4 + 1}, static_cast<std::uint32_t>(i % 4)};
    in.ingest_time_ns = now_ns_;
    if (i == 0 || chance(400) == 0) return create(k);
    switch (chance(33)) {
    case 30: return action(k);
    case 31: return action(k);
    case 32: return child(k);
    case 0: in.kind = input_kind::node_started; return;
    case 1:
      in.kind = input_kind::connection_changed;
      in.connected = chance(2) == 0;
      return;
    case 2: in.kind = input_kind::input_skipped; return;
    case 3: return command(k);
    case 4: return command(k);
    case 5: return reply(k);
    case 6:
      in.kind = input_kind::alert_acknowledged;
      in.incident = k.keep(chance(5) == 0 ? "nonsense" : incident_);
      in.by = "ada";
      return;
    case 7:
      in.kind = input_kind::model_changed;
      in.model_name = chance(5) == 0 ? "another" : "all";
      in.model_hash = k.keep(hash());
      if (delay_ns > 0 && chance(3) == 0) in.detail = chance(3) == 0 ? "other:*" : "test:*";
      if (chance(one_change_in) != 0) in.kind = input_kind::ingress_changed;
      return;
    case 8:
      if (chance(10) != 0) return readings(k);
      in.kind = input_kind::twin_deleted;
      in.incarnation = incarnation_;
      return;
    case 9:
    case 10:
    case 11:
    case 12:
      in.kind = input_kind::tick;
      in.timer = live.next_timer();
      in.generation = live.timer_generation() + (chance(6) == 0 ? 1 : 0);
      return;
    default: return readings(k);
    }
  }
  void action(kept_input& k) {
    auto& in = k.in;
    in.kind = input_kind::alert_action;
    in.verb = static_cast<alert_verb>(1 + chance(9));
    in.incident = k.keep(chance(6) == 0 ? "" : incident_);
    if (in.verb == alert_verb::shelve || in.verb == alert_verb::unshelve)
      if (chance(3) != 0) in.rule = chance(2) == 0 ? "hot" : "odd";
    in.by = "ada";
    in.detail = chance(2) == 0 ? "why" : "because";
    in.expires_at_ns = now_ns_ + (chance(40) - 2) * ns_per_s;
  }
  void child(kept_input& k) {
    auto& in = k.in;
    if (chance(6) == 0) {
      in.kind = input_kind::properties_changed;
      in.by = "ada";
      in.detail = chance(5) == 0 ? "{}" : k.keep("{\"floor\":" + std::to_string(chance(9)) + "}");
      in.generation = static_cast<std::uint64_t>(chance(4));
      return;
    }
    if (chance(6) == 0) {
      in.kind = input_kind::parent_changed;
      in.rule = chance(3) == 0 ? "" : "site:above";
      return;
    }
    in.kind = input_kind::child_alert;
    in.by = chance(2) == 0 ? "test:one" : "test:two";
    children_ += static_cast<unsigned>(chance(3));
    in.command_id = k.keep(to_string(effect_id{{{children_}, 0}, 0}));
    in.incident = chance(2) == 0 ? "i1" : "i2";
    in.rule = chance(3) == 0 ? "power" : "cooling";
    in.accepted = chance(2) == 0;
    in.timer = 1 + static_cast<std::uint32_t>(chance(3));
    in.generation = 1;
    in.expires_at_ns = now_ns_;
    in.detail = "as the child said";
  }
  void create(kept_input& k) {
    k.in.kind = input_kind::twin_created;
    k.in.model_hash = chance(20) == 0 ? "missing" : k.keep(hash());
    k.in.incarnation = ++incarnation_;
  }
  void command(kept_input& k) {
    auto& in = k.in;
    in.kind = input_kind::command_requested;
    in.command_id = k.keep("c" + std::to_string(chance(10) == 0 ? commands_ : ++commands_));
    in.command_name = chance(8) == 0 ? "set_setpont" : chance(4) == 0 ? "reboot" : "set_setpoint";
    in.fields.push_back({"setpoint", value_view::of(14.0 + chance(16))});
    if (chance(6) == 0) in.fields.push_back({"why", value_view::text("draught")});
    if (chance(5) == 0) in.expires_at_ns = now_ns_ + (chance(5) - 1) * ns_per_s;
  }
  void reply(kept_input& k) {
    k.in.kind = input_kind::command_replied;
    k.in.command_id = k.keep("c" + std::to_string(commands_ - chance(2)));
    k.in.accepted = chance(3) != 0;
    k.in.detail = "as the valve said";
  }
  void readings(kept_input& k) {
    auto& in = k.in;
    in.kind = input_kind::readings;
    const int count = 1 + chance(3);
    for (int i = 0; i < count; ++i) {
      event_ns_ += ns_per_s * (1 + chance(2));
      reading r;
      r.event_time_ns = event_ns_ - (chance(10) == 0 ? ns_per_s * chance(90) : 0);
      if (delay_ns > 0) {
        if (chance(12) == 0 && again(k)) continue;
        auto late = std::uniform_int_distribution<std::int64_t>{0, delay_ns};
        r.event_time_ns = event_ns_ - (chance(2) == 0 ? late(random_) : 0);
      }
      r.sequence = chance(3) == 0 ? 0 : sequence_ += static_cast<unsigned>(chance(3));
      if (chance(100) == 0) sequence_ = 1;
      r.first = static_cast<std::uint32_t>(in.fields.size());
      fields(k);
      r.count = static_cast<std::uint32_t>(in.fields.size()) - r.first;
      in.readings.push_back(r);
      if (delay_ns > 0) keep(k, r);
    }
  }
  // What is sent may be sent again: the same, or with another value.
  void keep(const kept_input& k, const reading& r) {
    if (sent_.size() == 40) sent_.pop_front();
    auto& kept = sent_.emplace_back();
    kept.first = r;
    for (auto i = r.first; i < r.first + r.count; ++i)
      if (k.in.fields[i].value.numeric()) kept.second.push_back(k.in.fields[i]);
  }
  bool again(kept_input& k) {
    if (sent_.empty()) return false;
    auto [r, fields] = sent_[std::size_t(chance(int(sent_.size())))];
    if (chance(2) == 0) {
      r.sequence = 0;
      for (auto& f : fields)
        if (f.value.kind == value_kind::f64) f.value = value_view::of(f.value.f64 + noise());
    }
    r.first = static_cast<std::uint32_t>(k.in.fields.size());
    r.count = static_cast<std::uint32_t>(fields.size());
    for (auto& f : fields) f.name = k.keep(std::string(f.name));
    k.in.fields.insert(k.in.fields.end(), fields.begin(), fields.end());
    k.in.readings.push_back(r);
    return true;
  }
  void fields(kept_input& k) {
    auto& f = k.in.fields;
    if (chance(4) != 0)
      f.push_back({"t", value_view::of(50 + noise() + (chance(12) == 0 ? 9 : 0))});
    if (chance(3) != 0) f.push_back({"v", value_view::of(4 + noise())});
    if (chance(4) == 0) f.push_back({"n", value_view::of(std::int64_t{chance(10)})});
    if (chance(4) == 0) f.push_back({"open", value_view::of(chance(2) == 0)});
    if (chance(9) == 0)
      f.push_back({"label", value_view::text(k.keep(std::string(std::size_t(chance(40)), 'x')))});
    if (chance(9) == 0) f.push_back({"setpoint", value_view::of(20.0 + chance(4))});
    if (chance(9) == 0)
      f.push_back({k.keep("extra" + std::to_string(chance(5))), value_view::of(noise())});
    if (chance(20) == 0) f.push_back({"t", value_view::text("warm")}); // not what was declared
    if (chance(30) == 0) f.push_back({"open", value_view::of(1.0)});
  }

  std::mt19937 random_;
  std::int64_t now_ns_ = 1'700'000'000 * ns_per_s, event_ns_ = now_ns_;
  std::uint64_t sequence_ = 0;
  std::uint32_t incarnation_ = 0;
  int commands_ = 0;
  std::uint64_t children_ = 1;
  std::deque<std::pair<reading, std::vector<field>>> sent_;
  std::string incident_ = "0000000000000001-0-0";
};

inline std::string as_text(const effects& all) {
  std::string text;
  for (const auto& e : all) {
    text += to_string(e.id) + ' ' + e.model_hash + ' ';
    if (e.kind == effect_kind::fault) text += e.fault.what;
    if (e.kind == effect_kind::command)
      text += std::string(to_string(e.command.phase)) + ' ' + e.command.command_id + ' ' +
              e.command.detail;
    if (e.kind == effect_kind::alert) {
      text += std::string(to_string(e.alert.transition)) + ' ' + e.alert.rule + ' ' +
              to_string(e.alert.incident) + ' ' + e.alert.message + ' ' + e.alert.proof.explanation;
      const auto& a = e.alert;
      text += std::string(" ") + to_string(a.level) + ' ' + to_string(a.quiet) + ' ' +
              (a.late ? "late " : "") + std::to_string(a.event_time_ns) + ' ' + a.by + ' ' + a.to +
              ' ' + std::to_string(a.until_ns) + ' ' +
              std::to_string(digest_of(a.event_time_ns, a.proof));
      for (const auto& n : a.proof.numbers) text += ' ' + n.name + '=' + std::to_string(n.value);
      for (const auto& t : a.proof.event_times_ns) text += ' ' + std::to_string(t);
    }
    text += '\n';
  }
  return text;
}

} // namespace pollux::domain::testing
