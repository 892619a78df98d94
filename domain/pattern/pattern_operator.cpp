// SPDX-License-Identifier: Apache-2.0
#include "domain/pattern/pattern_operator.hpp"
#include "domain/alert/wording.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {
namespace {

constexpr std::size_t most_event_times = 64;
constexpr std::size_t most_numbers = 64;
constexpr std::size_t worth_releasing = 4096; // bytes held by a pattern that waits for nothing

} // namespace

/// Hears matches and time-outs while one reading, or the watermark, is taken through.
class pattern_operator::herald final : public match_listener {
public:
  herald(const pattern_operator& op, step_context& at, row* reading)
      : op_(op), at_(at), reading_(reading) {}

  void matched(const half_matches& all, const found_match& match) override {
    if (reading_ != nullptr) reading_->find(op_.index(), verdict::upper);
    if (op_.emission_ == pattern_emission::time_out) return;
    auto proof = op_.prove(at_.twin, all, match.node);
    proof.times.push_back({"matched", match.end_ns});
    op_.emit(at_, match.end_ns, std::move(proof));
  }
  void timed_out(const half_matches& all, const half_match& half,
                 std::int64_t deadline_ns) override {
    if (op_.emission_ == pattern_emission::match) return;
    auto proof = op_.prove(at_.twin, all, half.node);
    proof.times.push_back({"timed out", deadline_ns});
    proof.explanation = "timed out: " + proof.explanation + ", then nothing more in time";
    op_.emit(at_, deadline_ns, std::move(proof));
  }

private:
  const pattern_operator& op_;
  step_context& at_;
  row* reading_;
};

pattern_operator::pattern_operator(pattern_definition d, alert_keys keys)
    : alert_rule(keys.level, std::move(keys.message)), stages_(std::move(d.stages)),
      conditions_(std::move(d.conditions)),
      matcher_(std::move(d.graph), d.bounds, conditions_.referred, conditions_.kept.size(),
               d.emission != pattern_emission::match),
      emission_(d.emission) {}

operator_hooks pattern_operator::hooks() const noexcept {
  const auto& graph = matcher_.graph();
  const bool timed = graph.within_ns > 0 || graph.has_steps || graph.ending.step_ns > 0;
  return {.observe = true, .state = true, .watermark = timed};
}

void pattern_operator::observe(row& reading) const {
  if (!conditions_.is_event(reading)) return;
  auto& slot = state_of(reading.twin());
  if (!slot) {
    auto fresh = std::make_unique<pattern_state>();
    fresh->trackers.resize(conditions_.trackers.size());
    slot = std::move(fresh);
  }
  auto& state = static_cast<pattern_state&>(*slot);
  const std::int64_t t = reading.event_time_ns();
  if (t < state.last_ns) {
    ++state.matches.counts.late;
    return;
  }
  state.last_ns = t;
  for (std::size_t i = 0; i < conditions_.trackers.size(); ++i) {
    const auto& spec = conditions_.trackers[i];
    if (reading.fresh(spec.slot)) spec.note(state.trackers[i], reading.value(spec.slot));
  }
  row_judge judge(conditions_, matcher_.graph(), reading, state.trackers);
  herald out(*this, reading.at(), &reading);
  matcher_.feed(state.matches, {++state.events, t}, judge, out);
  release_idle(state);
}

void pattern_operator::pass_watermark(step_context& at, std::int64_t watermark_ns, bool) const {
  auto& slot = state_of(at.twin);
  if (!slot) return;
  auto& state = static_cast<pattern_state&>(*slot);
  herald out(*this, at, nullptr);
  matcher_.pass(state.matches, watermark_ns, state.events, out);
  release_idle(state);
}

// A burst may leave more memory behind than a million quiet twins can afford.
void pattern_operator::release_idle(pattern_state& state) const {
  auto& m = state.matches;
  if (!m.partial.empty() || !m.held.empty() || m.heap_bytes() <= worth_releasing) return;
  const auto counts = m.counts;
  m = half_matches();
  m.counts = counts;
}

std::vector<operator_output> pattern_operator::outputs() const {
  return {{"matches", -1}, {"partial", -1}};
}

std::optional<double> pattern_operator::output(const twin_state::body& twin,
                                               std::uint32_t which) const {
  const auto* state = static_cast<const pattern_state*>(state_of(twin));
  if (state == nullptr) return 0;
  return which == 0 ? static_cast<double>(state->matches.counts.matches)
                    : static_cast<double>(state->matches.partial.size());
}

// The path: for each event its stage, its time and what was known at it.
evidence pattern_operator::prove(const twin_state::body& twin, const half_matches& all,
                                 std::uint32_t node) const {
  const auto& telemetry = twin.ruling().telemetry;
  const auto& graph = matcher_.graph();
  std::vector<std::uint32_t> path, seen(stages_.size());
  all.paths.path(node, path);
  evidence proof;
  const auto& first = all.paths.event_of(path.front());
  const auto& last = all.paths.event_of(path.back());
  const auto span = elapsed_ns(last.time_ns, first.time_ns);
  proof.numbers = {{"events", static_cast<double>(path.size())},
                   {"span_s", static_cast<double>(span) / static_cast<double>(ns_per_s)}};
  if (graph.within_ns > 0)
    proof.numbers.push_back(
        {"within_s", static_cast<double>(graph.within_ns) / static_cast<double>(ns_per_s)});
  std::string story;
  std::uint16_t told = no_condition;
  for (const auto n : path) {
    const auto stage = graph.positions[all.paths.node(n).position].stage;
    const auto& event = all.paths.event_of(n);
    const auto label = stages_[stage] + "[" + std::to_string(seen[stage]++) + "]";
    if (proof.event_times_ns.size() < most_event_times) {
      proof.event_times_ns.push_back(event.time_ns);
      proof.times.push_back({label, event.time_ns});
    }
    const auto* values = all.paths.values(all.paths.node(n).event, conditions_.kept.size());
    for (std::size_t v = 0; v < conditions_.kept.size(); ++v)
      if (!std::isnan(values[v]) && proof.numbers.size() < most_numbers)
        proof.numbers.push_back(
            {label + "." + telemetry[static_cast<std::size_t>(conditions_.kept[v])].name,
             values[v]});
    if (stage == told) continue;
    story += (story.empty() ? "" : ", then ") + stages_[stage];
    told = stage;
  }
  if (conditions_.kept.size() == 1)
    proof.field = telemetry[static_cast<std::size_t>(conditions_.kept.front())].name;
  proof.explanation = story + ": " + std::to_string(path.size()) + " readings within " +
                      (span > 0 ? brief_duration(span) : "one instant");
  return proof;
}

void pattern_operator::save(const operator_state& s, byte_writer& out) const {
  const auto& state = static_cast<const pattern_state&>(s);
  out.i64(state.last_ns);
  out.u64(state.events);
  for (const auto& t : state.trackers) {
    out.f64(t.value);
    out.f64(t.before);
    out.u8(t.seen);
    out.u32(t.run);
  }
  state.matches.save(out, conditions_.kept.size());
}

std::unique_ptr<operator_state> pattern_operator::load(byte_reader& in) const {
  auto state = std::make_unique<pattern_state>();
  state->last_ns = in.i64();
  state->events = in.u64();
  state->trackers.resize(conditions_.trackers.size());
  for (std::size_t i = 0; i < state->trackers.size(); ++i) {
    auto& t = state->trackers[i];
    t.value = in.f64();
    t.before = in.f64();
    t.seen = in.u8();
    t.run = in.u32();
    if (!std::isfinite(t.value) || !std::isfinite(t.before) || t.seen > 2 ||
        t.run > conditions_.trackers[i].count)
      in.fail();
  }
  if (!state->matches.load(in, matcher_.graph(), matcher_.bounds(), conditions_.kept.size()))
    in.fail();
  return state;
}

std::size_t pattern_operator::state_bytes(const operator_state& s) const {
  const auto& state = static_cast<const pattern_state&>(s);
  return sizeof(pattern_state) + state.trackers.capacity() * sizeof(tracker_state) +
         state.matches.heap_bytes();
}

described_rule pattern_operator::explain(const twin_state::body& twin, std::int64_t) const {
  const auto* state = static_cast<const pattern_state*>(state_of(twin));
  if (state == nullptr) return {name(), "pattern", "no data", "no event yet"};
  const auto& m = state->matches;
  const auto& c = m.counts;
  std::string why =
      std::to_string(c.matches) + " matches in " + std::to_string(state->events) + " events";
  const auto note = [&](std::uint64_t n, const char* what) {
    if (n > 0) why += ", " + std::to_string(n) + what;
  };
  note(m.held.size(), " matches wait for an earlier half match");
  note(c.timed_out, " half matches timed out");
  note(c.evicted, " gave way at max_partial");
  note(c.too_long, " events not taken at max_events");
  note(c.merged, " merged");
  note(c.late, " readings too old");
  if (m.partial.empty()) return {name(), "pattern", "ok", why};
  const auto& newest = m.partial.back();
  return {name(), "pattern", "armed",
          std::to_string(m.partial.size()) + " half matches, the newest at " +
              stages_[matcher_.graph().positions[newest.position].stage] + "; " + why};
}

} // namespace pollux::domain
