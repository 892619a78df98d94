// SPDX-License-Identifier: Apache-2.0
#include "domain/window/closing_window.hpp"
#include "domain/alert/wording.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace pollux::domain {
namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
constexpr std::string_view further[] = {"closed", "late", "closed_from_s", "closed_to_s"};

double in_seconds(std::int64_t time_ns) {
  return static_cast<double>(time_ns) / static_cast<double>(ns_per_s);
}

} // namespace

pane& closing_state::append(std::int64_t from, std::int64_t to) {
  fresh_merge = false;
  auto& added = panes.emplace_back();
  added.from_ns = from;
  added.to_ns = to;
  added.content = std::move(spare);
  added.content.clear();
  spare = tally{};
  return added;
}

void closing_state::drop(std::size_t count) {
  if (count == 0) return;
  fresh_merge = false;
  spare = std::move(panes.front().content);
  panes.erase(panes.begin(), panes.begin() + static_cast<std::ptrdiff_t>(count));
}

closing_window::closing_window(closing_keys keys)
    : alert_rule(keys.alert.level, keys.alert.message), keys_(std::move(keys)) {
  for (const auto& a : keys_.plan.chosen) names_.push_back("open_" + std::string(a.name));
}

closing_state& closing_window::state_for(twin_state::body& twin) const {
  auto& state = state_of(twin);
  if (!state) state = std::make_unique<closing_state>();
  return static_cast<closing_state&>(*state);
}

void closing_window::observe(row& reading) const {
  take(reading);
  if (!hooks().watermark) return;
  const auto disorder = reading.twin().ruling().event_time.disorder_ns;
  pass_watermark(reading.at(), saturating_add(reading.event_time_ns(), -disorder), false);
}

void closing_window::pass_watermark(step_context& at, std::int64_t watermark_ns,
                                    bool by_idle) const {
  auto* held = state_of(at.twin).get();
  if (held == nullptr) return; // nothing came yet, so nothing can be late for it either
  auto& state = static_cast<closing_state&>(*held);
  if (watermark_ns <= state.watermark_ns) return;
  close_until(at, state, watermark_ns, by_idle);
  state.watermark_ns = watermark_ns;
}

void closing_window::close(step_context& at, closing_state& state, const tally& content,
                           std::int64_t from_ns, std::int64_t to_ns, bool by_idle) const {
  ++state.closed;
  state.from_ns = from_ns;
  state.to_ns = to_ns;
  state.result.clear();
  for (const auto& a : keys_.plan.chosen)
    state.result.push_back(content.value(a, to_ns).value_or(unknown));
  if (keys_.each) tell(at, state, content, by_idle);
}

void closing_window::tell(step_context& at, const closing_state& state, const tally& content,
                          bool by_idle) const {
  evidence proof;
  proof.field = keys_.field;
  std::string numbers;
  bool counted = false;
  for (std::size_t i = 0; i < state.result.size(); ++i) {
    if (std::isnan(state.result[i])) continue;
    const std::string name(keys_.plan.chosen[i].name);
    counted = counted || name == "count";
    proof.numbers.push_back({name, state.result[i]});
    numbers += (numbers.empty() ? "" : ", ") + name + " " + brief(state.result[i]);
  }
  if (!counted) proof.numbers.push_back({"count", static_cast<double>(content.count())});
  if (by_idle) proof.numbers.push_back({"by_idle", 1});
  proof.times = {{"window_from", state.from_ns}, {"window_to", state.to_ns}};
  if (content.count() > 0) proof.event_times_ns.push_back(content.first_ns());
  if (content.count() > 1) proof.event_times_ns.push_back(content.last_ns());
  proof.explanation = keys_.field + " from " + format_rfc3339(state.from_ns) + " to " +
                      format_rfc3339(state.to_ns) + ": " + numbers +
                      (by_idle ? "; closed because nothing more came" : "");
  emit(at, state.to_ns, std::move(proof));
}

std::vector<operator_output> closing_window::outputs() const {
  std::vector<operator_output> out;
  for (const auto& a : keys_.plan.chosen) out.push_back({a.name, -1});
  for (const auto& name : names_) out.push_back({name, keys_.slot});
  for (const auto name : further) out.push_back({name, -1});
  return out;
}

std::optional<double> closing_window::output(const twin_state::body& twin,
                                             std::uint32_t which) const {
  const auto* state = static_cast<const closing_state*>(state_of(twin));
  const auto& chosen = keys_.plan.chosen;
  const std::size_t n = chosen.size();
  if (state == nullptr) return std::nullopt;
  if (which < n) {
    if (state->closed == 0 || std::isnan(state->result[which])) return std::nullopt;
    return state->result[which];
  }
  if (which < 2 * n) {
    const auto part = open(*state);
    if (part.content == nullptr) return std::nullopt;
    return part.content->value(chosen[which - n], part.end_ns);
  }
  switch (which - 2 * n) {
  case 0: return static_cast<double>(state->closed);
  case 1: return static_cast<double>(state->late);
  case 2: return state->closed == 0 ? std::nullopt : std::optional(in_seconds(state->from_ns));
  case 3: return state->closed == 0 ? std::nullopt : std::optional(in_seconds(state->to_ns));
  default: return std::nullopt;
  }
}

void closing_window::save(const operator_state& held, byte_writer& out) const {
  const auto& state = static_cast<const closing_state&>(held);
  out.i64(state.watermark_ns);
  out.u32(state.late);
  out.u32(state.hurried);
  out.u64(state.closed);
  if (state.closed != 0) {
    out.i64(state.from_ns);
    out.i64(state.to_ns);
    for (const double v : state.result) out.f64(v);
  }
  out.u16(static_cast<std::uint16_t>(state.panes.size()));
  for (const auto& p : state.panes) {
    out.i64(p.from_ns);
    out.i64(p.to_ns);
    p.content.save(keys_.plan, out);
  }
}

std::unique_ptr<operator_state> closing_window::load(byte_reader& in) const {
  auto state = std::make_unique<closing_state>();
  state->watermark_ns = in.i64();
  state->late = in.u32();
  state->hurried = in.u32();
  state->closed = in.u64();
  if (in.ok() && state->closed != 0) {
    state->from_ns = in.i64();
    state->to_ns = in.i64();
    for (std::size_t i = 0; i < keys_.plan.chosen.size(); ++i) {
      const double v = in.f64();
      state->result.push_back(std::isnan(v) ? unknown : v);
    }
  }
  const std::size_t count = in.u16();
  bool good = in.ok() && count <= max_panes + 1;
  for (std::size_t i = 0; good && i < count; ++i) {
    const std::int64_t from = in.i64(), to = in.i64();
    good = in.ok() && from < to && (i == 0 || from >= state->panes.back().to_ns);
    if (good) good = state->append(from, to).content.load(keys_.plan, in);
  }
  if (good) return state;
  in.fail();
  return nullptr;
}

std::size_t closing_window::state_bytes(const operator_state& held) const {
  const auto& state = static_cast<const closing_state&>(held);
  std::size_t bytes = sizeof(state) + state.result.capacity() * sizeof(double) +
                      state.panes.capacity() * sizeof(pane) + state.spare.heap_bytes() +
                      state.merged.heap_bytes() + state.all.heap_bytes() +
                      state.in_any_order.heap_bytes();
  for (const auto& p : state.panes) bytes += p.content.heap_bytes();
  return bytes;
}

described_rule closing_window::explain(const twin_state::body& twin, std::int64_t) const {
  const auto* state = static_cast<const closing_state*>(state_of(twin));
  if (state == nullptr)
    return {name(), "window", "no data", "no reading of " + keys_.field + " yet"};
  const auto part = open(*state);
  std::string text = std::string(kind()) + ": " +
                     std::to_string(part.content == nullptr ? 0 : part.content->count()) +
                     " readings in the open window";
  if (state->closed != 0) {
    text +=
        "; from " + format_rfc3339(state->from_ns) + " to " + format_rfc3339(state->to_ns) + ":";
    for (std::size_t i = 0; i < state->result.size(); ++i)
      if (!std::isnan(state->result[i]))
        text += " " + std::string(keys_.plan.chosen[i].name) + " " + brief(state->result[i]);
  }
  if (state->late != 0) text += "; " + std::to_string(state->late) + " readings came too late";
  return {name(), "window", "ok", text};
}

} // namespace pollux::domain
