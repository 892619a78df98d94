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
    domain::input creation;
    creation.kind = domain::input_kind::twin_created;
    creation.model_hash = hash_;
    feed(creation, now);
    created_ = true;
  }
  in.kind = domain::input_kind::readings;
  feed(in, now);
  const bool judged = event_ns > newest_ns_;
  newest_ns_ = std::max(newest_ns_, event_ns);
  const bool active = twin_.state().active_alerts() > 0;
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
  in.ingest_time_ns = now_ns;
  effects_.clear();
  twin_.give(in, effects_);
  for (const auto& e : effects_)
    if (e.kind == domain::effect_kind::alert && e.alert.quiet == domain::silence::none &&
        (e.alert.transition == domain::alert_transition::raised ||
         e.alert.transition == domain::alert_transition::emitted))
      ++raised_;
}

double detect_twin::score() const {
  double largest = 0;
  for (const auto& s : scores_)
    if (const auto value = s.op->output(twin_.state().get(), s.which))
      largest = std::max(largest, std::fabs(*value)); // a z has a sign
  return largest;
}

} // namespace pollux::tools
