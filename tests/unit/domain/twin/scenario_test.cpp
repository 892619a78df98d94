// SPDX-License-Identifier: Apache-2.0
// Runs the stories of tests/data/scenarios: what reaches a twin, line by line, and what leaves it.
//
//   model NAME ... end               JSON of a model; the first one rules from the start
//   at 60                            ingest clock, seconds
//   reading t=10 seq=3 x=1.5 on=true text="a"   t: event time in seconds, absent = the ingest time
//   wait 45                          the clock goes on; the timer ticks each time it falls due
//   command ID NAME arg=1 expires=90 / reply ID accepted|rejected arg=1 "words"
//   ack [BY]                         acknowledges the last incident raised
//   end / reset / snooze S / assign WHO / comment "text"      ... deals with it otherwise
//   shelve RULE S ["why"] / unshelve RULE / maintenance start S ["why"] / maintenance stop
//   child ID NUMBER raised|cleared GROUP INCIDENT SEVERITY    an alert of a twin below
//   parent ID                        whom this twin's alerts are told
//   node_started / connected yes|no / created NAME INCARNATION / deleted / changed NAME / reload
//   > raised RULE [name=number ...] [quiet=.. severity=.. to=.. by=.. group=..] [same] ["part of
//     the explanation"]              same: the incident is the last one raised
//   > dispatched ID ["part of the detail"]        and the other phases and transitions
//   > fault "part of the text"
//   why RULE "STATE: part of the explanation"
//   counts readings=3 late=1 duplicates=0 corrections=0 alerts=1 on_time=2 reordered=1 amended=0
//   ... clock watermark=58 by_idle=no skew=-90      seconds
//
// The `>` lines after a line name all its effects, in order; no `>` line, no effect.
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (c == '#' && !quoted) break;
    if (c == ' ' && !quoted) {
      if (!word.empty()) words.push_back(word);
      word.clear();
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

bool is_quoted(const std::string& word) { return word.size() >= 2 && word.front() == '"'; }
std::string unquoted(const std::string& word) { return word.substr(1, word.size() - 2); }

class scenario {
public:
  void run(std::istream& script) {
    std::string line;
    for (int number = 1; std::getline(script, line); ++number) {
      CAPTURE(number);
      CAPTURE(line);
      const auto words = words_of(line);
      if (words.empty()) continue;
      if (words[0] == "model") {
        read_model(script, words.at(1), number);
      } else if (words[0] == ">") {
        REQUIRE_MESSAGE(next_ < out_.size(), "no such effect: nothing more was told");
        check(out_[next_++], words);
      } else {
        finish();
        act(words);
      }
    }
    finish();
  }

private:
  void read_model(std::istream& script, const std::string& name, int& number) {
    std::string json, line;
    for (; std::getline(script, line) && line != "end"; ++number) json += line + "\n";
    models_.add(name, json);
    if (!device_) device_ = std::make_unique<hand>(models_, name);
  }
  void finish() {
    REQUIRE_MESSAGE(next_ == out_.size(), "an effect nobody expected: " << told(out_[next_]));
    out_.clear();
    next_ = 0;
  }
  static std::string told(const effect& e) {
    switch (e.kind) {
    case effect_kind::alert:
      return std::string(to_string(e.alert.transition)) + " " + e.alert.rule + " " +
             e.alert.proof.explanation;
    case effect_kind::command:
      return std::string(to_string(e.command.phase)) + " " + e.command.command_id + " " +
             e.command.detail;
    case effect_kind::fault: break;
    }
    return "fault " + e.fault.what;
  }
  void check(const effect& e, const std::vector<std::string>& words) {
    const auto text = told(e);
    CAPTURE(text);
    std::size_t from = 2;
    if (words.at(1) != "fault") {
      CHECK(text.starts_with(words[1] + " " + words.at(2) + " "));
      from = 3;
    } else {
      CHECK(text.starts_with("fault"));
    }
    for (std::size_t i = from; i < words.size(); ++i) {
      if (is_quoted(words[i])) {
        CHECK(text.find(unquoted(words[i])) != std::string::npos);
        continue;
      }
      const auto eq = std::min(words[i].find('='), words[i].size());
      const auto name = words[i].substr(0, eq);
      if (words[i] == "late" || words[i] == "on_time") {
        CHECK(e.alert.late == (words[i] == "late"));
        continue;
      }
      if (words[i] == "same") {
        CHECK(to_string(e.alert.incident) == incident_);
        continue;
      }
      const std::map<std::string, std::string> said = {{"quiet", to_string(e.alert.quiet)},
                                                       {"severity", to_string(e.alert.level)},
                                                       {"to", e.alert.to},
                                                       {"by", e.alert.by},
                                                       {"parent", e.alert.parent},
                                                       {"group", e.alert.group}};
      if (const auto found = said.find(name); found != said.end()) {
        CHECK(found->second == words[i].substr(eq + 1));
        continue;
      }
      const double value = std::stod(words[i].substr(eq + 1));
      CHECK(number(e.alert.proof, name) == doctest::Approx(value));
    }
  }
  void keep(const effects& more) {
    for (const auto& e : more) {
      out_.push_back(e);
      if (e.kind == effect_kind::alert && e.alert.transition == alert_transition::raised)
        incident_ = to_string(e.alert.incident);
    }
  }
  value_view value(const std::string& text) {
    if (is_quoted(text)) return value_view::text(texts_.emplace_back(unquoted(text)));
    if (text == "true" || text == "false") return value_view::of(text == "true");
    return value_view::of(std::stod(text));
  }
  // name=value words become fields; t, seq and expires are taken out.
  void arguments(const std::vector<std::string>& words, std::size_t from, input& in, reading* r) {
    for (std::size_t i = from; i < words.size(); ++i) {
      const auto eq = words[i].find('=');
      if (eq == std::string::npos || is_quoted(words[i])) {
        if (is_quoted(words[i])) in.detail = texts_.emplace_back(unquoted(words[i]));
        continue;
      }
      const auto& name = texts_.emplace_back(words[i].substr(0, eq));
      const auto text = words[i].substr(eq + 1);
      if (r != nullptr && name == "t")
        r->event_time_ns = static_cast<std::int64_t>(std::stod(text) * 1e9);
      else if (r != nullptr && name == "seq")
        r->sequence = std::stoull(text);
      else if (name == "expires")
        in.expires_at_ns = std::stoll(text) * ns_per_s;
      else
        in.fields.push_back({name, value(text)});
    }
  }
  void act(const std::vector<std::string>& words) {
    auto& d = *device_;
    const auto& verb = words[0];
    if (verb == "at") {
      d.now_s = std::stoll(words.at(1));
    } else if (verb == "wait") {
      wait(std::stoll(words.at(1)));
    } else if (verb == "why") {
      const auto text = d.why(words.at(1));
      CAPTURE(text);
      CHECK(text.starts_with(unquoted(words.at(2))));
    } else if (verb == "counts") {
      counts(words);
    } else if (verb == "clock") {
      clock(words);
    } else if (verb == "reload") {
      d.reload();
    } else {
      feed(words);
    }
  }
  void wait(std::int64_t seconds) {
    auto& d = *device_;
    const auto until = d.now_s + seconds;
    for (int i = 0; d.state.next_wakeup_ns() <= until * ns_per_s; ++i) {
      REQUIRE_MESSAGE(i < 100, "the timer falls due again and again");
      d.now_s = std::max(d.now_s, (d.state.next_wakeup_ns() + ns_per_s - 1) / ns_per_s);
      keep(d.tick());
    }
    d.now_s = until;
  }
  void counts(const std::vector<std::string>& words) {
    const auto seen = device_->seen();
    const std::map<std::string, std::uint64_t> got = {{"readings", seen.readings},
                                                      {"late", seen.late},
                                                      {"duplicates", seen.duplicates},
                                                      {"corrections", seen.corrections},
                                                      {"alerts", seen.alerts.size()},
                                                      {"on_time", seen.event_time.on_time},
                                                      {"reordered", seen.event_time.reordered},
                                                      {"amended", seen.event_time.late_amended},
                                                      {"kept", seen.event_time.late_kept},
                                                      {"dropped", seen.event_time.late_dropped},
                                                      {"too_late", seen.event_time.too_late},
                                                      {"future", seen.event_time.future}};
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto eq = words[i].find('=');
      CAPTURE(words[i]);
      CHECK(got.at(words[i].substr(0, eq)) == std::stoull(words[i].substr(eq + 1)));
    }
  }
  void clock(const std::vector<std::string>& words) {
    const auto seen = device_->seen().event_time;
    for (std::size_t i = 1; i < words.size(); ++i) {
      CAPTURE(words[i]);
      const auto eq = words[i].find('=');
      const auto name = words[i].substr(0, eq), wanted = words[i].substr(eq + 1);
      if (name == "by_idle")
        CHECK(seen.by_idle == (wanted == "yes"));
      else
        CHECK((name == "skew" ? seen.clock_skew_ns : seen.watermark_ns) ==
              std::stoll(wanted) * ns_per_s);
    }
  }
  void feed(const std::vector<std::string>& words) {
    auto& d = *device_;
    const auto& verb = words[0];
    if (verb == "reading") {
      auto& in = d.begin(input_kind::readings);
      reading r;
      r.event_time_ns = in.ingest_time_ns;
      arguments(words, 1, in, &r);
      r.count = static_cast<std::uint32_t>(in.fields.size());
      in.readings.push_back(r);
    } else if (verb == "command") {
      auto& in = d.begin(input_kind::command_requested);
      in.command_id = texts_.emplace_back(words.at(1));
      in.command_name = texts_.emplace_back(words.at(2));
      arguments(words, 3, in, nullptr);
    } else if (verb == "reply") {
      auto& in = d.begin(input_kind::command_replied);
      in.command_id = texts_.emplace_back(words.at(1));
      in.accepted = words.at(2) == "accepted";
      arguments(words, 3, in, nullptr);
    } else if (verb == "ack") {
      auto& in = d.begin(input_kind::alert_acknowledged);
      in.incident = incident_;
      in.by = texts_.emplace_back(words.size() > 1 ? words[1] : "someone");
    } else if (operators_verb(words)) {
      // done
    } else if (verb == "node_started") {
      d.begin(input_kind::node_started);
    } else if (verb == "connected") {
      d.begin(input_kind::connection_changed).connected = words.at(1) == "yes";
    } else if (verb == "created") {
      auto& in = d.begin(input_kind::twin_created);
      in.model_hash = texts_.emplace_back(words.at(1));
      in.incarnation = static_cast<std::uint32_t>(std::stoul(words.at(2)));
    } else if (verb == "deleted") {
      d.begin(input_kind::twin_deleted);
    } else if (verb == "changed") {
      auto& in = d.begin(input_kind::model_changed);
      in.model_hash = texts_.emplace_back(words.at(1));
      in.model_name = models_.find(words[1])->name;
    } else {
      FAIL("no such line: " << verb);
    }
    keep(d.apply());
  }

  // What an operator or a twin below does; false when the line is none of these.
  bool operators_verb(const std::vector<std::string>& words) {
    auto& d = *device_;
    const auto& verb = words[0];
    static const std::map<std::string, alert_verb> verbs = {
        {"end", alert_verb::clear},         {"reset", alert_verb::reset},
        {"snooze", alert_verb::snooze},     {"shelve", alert_verb::shelve},
        {"unshelve", alert_verb::unshelve}, {"assign", alert_verb::assign},
        {"comment", alert_verb::comment},   {"maintenance", alert_verb::start_maintenance}};
    if (verb == "parent") {
      d.begin(input_kind::parent_changed).rule = texts_.emplace_back(words.at(1));
      return true;
    }
    if (verb == "child") {
      auto& in = d.begin(input_kind::child_alert);
      in.by = texts_.emplace_back(words.at(1));
      in.command_id = texts_.emplace_back(to_string(effect_id{{{std::stoull(words.at(2))}, 0}, 0}));
      in.accepted = words.at(3) == "raised";
      in.rule = texts_.emplace_back(words.at(4));
      in.incident = texts_.emplace_back(words.at(5));
      in.timer = words.at(6) == "critical" ? 3 : words.at(6) == "warning" ? 2 : 1;
      in.generation = words.size() > 7 ? std::stoull(words[7]) : 1;
      in.expires_at_ns = in.ingest_time_ns;
      in.detail = "something is wrong";
      return true;
    }
    const auto known = verbs.find(verb);
    if (known == verbs.end()) return false;
    auto& in = d.begin(input_kind::alert_action);
    in.verb = known->second;
    in.incident = incident_;
    in.by = "ada";
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto& word = texts_.emplace_back(words[i]);
      const bool number = word.find_first_not_of("-0123456789") == std::string::npos;
      if (is_quoted(word))
        in.detail = texts_.emplace_back(unquoted(word));
      else if (number)
        in.expires_at_ns = in.ingest_time_ns + std::stoll(word) * ns_per_s;
      else if (verb == "assign")
        in.detail = word;
      else if (verb == "shelve" || verb == "unshelve")
        in.rule = word;
      else if (word == "stop")
        in.verb = alert_verb::stop_maintenance;
    }
    if (verb == "maintenance" || !in.rule.empty()) in.incident = {};
    return true;
  }

  library models_;
  std::unique_ptr<hand> device_;
  std::deque<std::string> texts_; // what inputs point into
  effects out_;
  std::size_t next_ = 0;
  std::string incident_ = "0000000000000001-0-0";
};

} // namespace

TEST_CASE("the scenarios of tests/data/scenarios go as they are written") {
  const std::filesystem::path folder = std::string(POLLUX_SOURCE_DIR) + "/tests/data/scenarios";
  std::vector<std::filesystem::path> files;
  for (const auto& f : std::filesystem::directory_iterator(folder)) files.push_back(f.path());
  std::sort(files.begin(), files.end());
  REQUIRE(files.size() >= 5);
  for (const auto& file : files) {
    CAPTURE(file.filename().string());
    std::ifstream script(file);
    scenario{}.run(script);
  }
}
