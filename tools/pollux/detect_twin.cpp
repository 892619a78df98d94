// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/detect_twin.hpp"
#include "domain/base/time.hpp"
#include "domain/model/operator.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::tools {

std::vector<score_output> scores_of(const domain::model& m, const std::string& name) {
  std::vector<score_output> found;
  for (const auto& op : m.operators) {
    if (!name.empty() && op->name() != name) continue;
    const auto outputs = op->outputs();
    for (std::uint32_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].name == "score") found.push_back({op.get(), i});
  }
  return found;
}

detect_twin::detect_twin(const detect_options& options)
    : models_(options.model), hash_(options.model->hash), mark_(options.mark),
      scores_(scores_of(*options.model, options.score)), now_ns_(no_time), newest_ns_(no_time) {}

detect_twin::outcome detect_twin::apply(domain::input& in) {
  raised_ = 0;
  const std::int64_t event_ns = in.readings.front().event_time_ns;
  const auto now = created_ ? std::max(now_ns_, event_ns) : event_ns;
  if (!created_) {
    own_.clear();
    own_.kind = domain::input_kind::twin_created;
    own_.model_hash = hash_;
    feed(own_, now);
    created_ = true;
  }
  tick_until(now);
  in.kind = domain::input_kind::readings;
  feed(in, now);
  const bool judged = event_ns > newest_ns_;
  newest_ns_ = std::max(newest_ns_, event_ns);
  const bool active = state_.active_alerts() > 0;
  outcome out;
  out.raised = raised_;
  out.alert = raised_ > 0 || (mark_ == detect_mark::active && active);
  if (scores_.empty())
    out.score = active || raised_ > 0 ? 1 : 0;
  else if (judged)
    out.score = score();
  return out;
}

void detect_twin::feed(domain::input& in, std::int64_t now_ns) {
  now_ns_ = now_ns;
  in.id = {{++inputs_}, 0};
  in.ingest_time_ns = now_ns;
  effects_.clear();
  domain::step(models_, state_, in, effects_);
  for (const auto& e : effects_)
    if (e.kind == domain::effect_kind::alert && e.alert.quiet == domain::silence::none &&
        (e.alert.transition == domain::alert_transition::raised ||
         e.alert.transition == domain::alert_transition::emitted))
      ++raised_;
}

// A tick that leaves its timer as it was would go off for ever: the generation tells.
void detect_twin::tick_until(std::int64_t now_ns) {
  while (state_.next_wakeup_ns() <= now_ns) {
    const auto generation = state_.timer_generation();
    own_.clear();
    own_.kind = domain::input_kind::tick;
    own_.timer = state_.next_timer();
    own_.generation = generation;
    feed(own_, std::max(now_ns_, state_.next_wakeup_ns()));
    if (state_.timer_generation() == generation) return;
  }
}

double detect_twin::score() const {
  double largest = 0;
  for (const auto& s : scores_)
    if (const auto value = s.op->output(state_.get(), s.which))
      largest = std::max(largest, std::fabs(*value)); // a z has a sign
  return largest;
}

} // namespace pollux::tools
