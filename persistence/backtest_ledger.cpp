// SPDX-License-Identifier: Apache-2.0
#include "persistence/backtest_ledger.hpp"
#include <algorithm>
#include <queue>
#include <tuple>

namespace pollux::persistence {

using domain::alert_transition;

told_alert* alert_ledger::find(const domain::effect_id& incident) {
  const auto found = by_incident_.find(incident);
  return found == by_incident_.end() ? nullptr : &alerts_[found->second];
}

void alert_ledger::begin(const domain::effect& e, std::int64_t lag_ns) {
  told_alert a;
  a.incident = e.alert.incident;
  a.rule = e.alert.rule;
  a.level = e.alert.level;
  a.event_ns = e.alert.event_time_ns;
  a.single = e.alert.transition == alert_transition::emitted;
  if (a.single) a.end_ns = a.event_ns;
  a.published = e.alert.quiet == domain::silence::none;
  a.message = e.alert.message;
  if (e.alert.event_time_ns == e.ingest_time_ns) a.lag_ns = lag_ns;
  if (with_why_ < most_alerts_with_why) {
    a.why = std::make_unique<domain::effect>(e);
    ++with_why_;
  }
  by_incident_[a.incident] = alerts_.size();
  alerts_.push_back(std::move(a));
}

void alert_ledger::assume(const domain::effect_id& incident, std::string_view rule,
                          domain::severity level, std::int64_t event_ns, std::string_view message) {
  told_alert a;
  a.incident = incident;
  a.rule = rule;
  a.level = level;
  a.event_ns = event_ns;
  a.published = true;
  a.message = message;
  by_incident_[incident] = alerts_.size();
  alerts_.push_back(std::move(a));
}

void alert_ledger::hear(const domain::effect& e, std::int64_t lag_ns) {
  if (e.kind != domain::effect_kind::alert) return;
  const auto t = e.alert.transition;
  auto* known = find(e.alert.incident);
  if (known == nullptr) {
    if (t == alert_transition::raised || t == alert_transition::emitted) begin(e, lag_ns);
    return; // a shelf or a maintenance: no alert
  }
  if (!known->single || t == alert_transition::corrected) known->level = e.alert.level;
  switch (t) {
  case alert_transition::raised: // again, behind a silence
  case alert_transition::reopened:
    known->end_ns = never;
    known->published = known->published || e.alert.quiet == domain::silence::none;
    break;
  case alert_transition::corrected:
    if (!known->single) known->end_ns = never;
    if (e.alert.proof.numbers.empty()) break;
    known->event_ns = e.alert.event_time_ns;
    if (known->single) known->end_ns = known->event_ns;
    known->message = e.alert.message;
    if (known->why) *known->why = e;
    break;
  case alert_transition::cleared: known->end_ns = e.alert.event_time_ns; break;
  case alert_transition::retracted: known->retracted = true; break;
  default: break;
  }
}

std::string_view alert_ledger::rule_of(std::string_view incident) const {
  domain::effect_id id;
  if (!domain::parse_effect_id(incident, id)) return {};
  const auto found = by_incident_.find(id);
  return found == by_incident_.end() ? std::string_view{} : alerts_[found->second].rule;
}

std::optional<domain::effect_id> alert_ledger::open_of(std::string_view rule) const {
  for (auto a = alerts_.rbegin(); a != alerts_.rend(); ++a)
    if (a->rule == rule && !a->single && !a->retracted) {
      if (a->end_ns == never) return a->incident;
      return std::nullopt; // a rule has one incident at a time
    }
  return std::nullopt;
}

bool at_one_time(const told_alert& ruling, const told_alert& candidate) noexcept {
  return candidate.event_ns <= ruling.event_ns &&
         candidate.event_ns >= saturating_add(ruling.event_ns, -ruling.lag_ns);
}

namespace {

// One alert on the common time line of a rule; neighbours are linked, so that what is paired can be
// taken out.
struct place {
  std::size_t index = 0;
  bool candidate = false;
  std::int64_t event_ns = 0, end_ns = 0;
  std::size_t before = 0, after = 0;
  bool taken = false;
};

constexpr auto nobody = static_cast<std::size_t>(-1);

std::uint64_t distance(const place& a, const place& b) {
  return static_cast<std::uint64_t>(b.event_ns) - static_cast<std::uint64_t>(a.event_ns);
}

// The nearest two of different versions are always neighbours once all nearer pairs are gone.
class pairing {
public:
  pairing(std::vector<place>& line, std::int64_t tolerance_ns)
      : line_(line), tolerance_(tolerance_ns) {
    for (std::size_t i = 0; i < line_.size(); ++i) {
      line_[i].before = i == 0 ? nobody : i - 1;
      line_[i].after = i + 1 == line_.size() ? nobody : i + 1;
    }
    for (std::size_t i = 0; i + 1 < line_.size(); ++i) offer(i, i + 1);
  }
  void run(std::vector<alert_pair>& out) {
    while (!near_.empty()) {
      const auto [far, left, right] = near_.top();
      near_.pop();
      auto &a = line_[left], &b = line_[right];
      if (a.taken || b.taken) continue;
      a.taken = b.taken = true;
      out.push_back(a.candidate ? alert_pair{b.index, a.index} : alert_pair{a.index, b.index});
      const auto before = a.before, after = b.after;
      if (before != nobody) line_[before].after = after;
      if (after != nobody) line_[after].before = before;
      if (before != nobody && after != nobody) offer(before, after);
    }
  }

private:
  using entry = std::tuple<std::uint64_t, std::size_t, std::size_t>;

  void offer(std::size_t left, std::size_t right) {
    const auto &a = line_[left], &b = line_[right];
    if (a.candidate == b.candidate) return;
    const auto far = distance(a, b);
    const bool together = a.end_ns > b.event_ns;
    if (far <= static_cast<std::uint64_t>(tolerance_) || together) near_.emplace(far, left, right);
  }

  std::vector<place>& line_;
  std::int64_t tolerance_;
  std::priority_queue<entry, std::vector<entry>, std::greater<>> near_;
};

} // namespace

std::vector<alert_pair> pair_alerts(const std::vector<told_alert>& ruling,
                                    const std::vector<told_alert>& candidate,
                                    std::int64_t tolerance_ns) {
  std::map<std::pair<std::string_view, bool>, std::vector<place>> lines;
  const auto add = [&](const std::vector<told_alert>& alerts, bool of_candidate) {
    for (std::size_t i = 0; i < alerts.size(); ++i)
      if (const auto& a = alerts[i]; !a.retracted)
        lines[{a.rule, a.single}].push_back(
            {i, of_candidate, a.event_ns, a.end_ns, nobody, nobody, false});
  };
  add(ruling, false);
  add(candidate, true);
  std::vector<alert_pair> out;
  for (auto& [key, line] : lines) {
    std::stable_sort(line.begin(), line.end(), [](const place& a, const place& b) {
      return std::tie(a.event_ns, a.end_ns) < std::tie(b.event_ns, b.end_ns);
    });
    pairing(line, tolerance_ns).run(out);
  }
  std::sort(out.begin(), out.end(),
            [](const alert_pair& a, const alert_pair& b) { return a.ruling < b.ruling; });
  return out;
}

} // namespace pollux::persistence
