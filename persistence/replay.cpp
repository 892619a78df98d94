// SPDX-License-Identifier: Apache-2.0
#include "persistence/replay.hpp"
#include "domain/base/time.hpp"
#include "persistence/shard_wide_inputs.hpp"
#include "persistence/tail_view.hpp"
#include <algorithm>
#include <optional>
#include <set>

namespace pollux::persistence {

namespace {

class replay_run {
public:
  replay_run(const log& tail, const store& tables, const domain::model_source& models,
             const verify_target& twin, const replay_interval& what, const replay_visit& visit)
      : tail_(tail), tables_(tables), models_(models), twin_(twin),
        id_(twin.id.substr(0, twin.id.find('#'))), what_(what), visit_(visit) {}

  [[nodiscard]] result<replayed> run(bool from_creation) {
    if (auto s = note_skips(); !s) return s.error();
    if (!from_creation)
      if (auto s = find_base(); !s) return s.error();
    if (!out_) out_ = replayed{domain::twin_state{id_}, {}, 0, 0};
    status failed;
    auto read = each_input(tail_, tables_, twin_.shard, twin_.row, twin_.id, out_->base,
                           [&](const domain::input& in) { return take(in, failed); });
    if (!failed) return failed.error();
    if (!read) return read.error();
    return std::move(*out_);
  }

private:
  /// Inputs that made the twin fail are passed over in replay as they were live.
  [[nodiscard]] status note_skips() {
    tail_view tail;
    if (auto s = tail.refresh(tail_, twin_.shard); !s) return s;
    shard_wide_inputs wide;
    if (auto s = wide.load(tables_, tail, twin_.shard, {}); !s) return s;
    for (const auto& w : wide.all())
      if (w.kind == domain::input_kind::input_skipped) skipped_.insert(w.skipped);
    return {};
  }

  /// The newest stored state from before the interval. One that cannot be read is passed over.
  [[nodiscard]] status find_base() {
    return tables_.each_snapshot(twin_.shard, twin_.row, [&](const snapshot& kept) {
      auto state = domain::load(models_, id_, kept.state);
      if (!state) return true;
      const auto seen = domain::describe(models_, *state, 0);
      if (what_.after != domain::input_id{}) {
        if (kept.at > what_.after) return false;
      } else {
        const auto newest = what_.clock == replay_clock::ingest ? seen.last_ingest_time_ns
                                                                : seen.last_event_time_ns;
        if (visit_.step ? newest >= what_.from_ns : newest > what_.to_ns) {
          oldest_ns_ = std::min(oldest_ns_, newest);
          return false; // the later ones are later still
        }
      }
      out_ = replayed{std::move(*state), kept.at, 0, 0};
      return true;
    });
  }

  bool take(const domain::input& in, status& failed) {
    if (out_->base == domain::input_id{} && !domain::is_shard_wide(in.kind) &&
        in.kind != domain::input_kind::twin_created && out_->state.model_hash().empty()) {
      failed = failure{errc::not_found, "the history of " + id_ + " does not reach back so far" +
                                            (oldest_ns_ == never ? std::string()
                                                                 : ": its oldest state is of " +
                                                                       format_rfc3339(oldest_ns_))};
      return false;
    }
    // before its creation nothing tells a twin that was not yet from one whose beginning is gone
    const bool unborn = out_->base == domain::input_id{} && out_->state.model_hash().empty();
    if (is_later(in, what_.clock, what_.to_ns) && !(unborn && domain::is_shard_wide(in.kind)))
      return false;
    if (skipped_.contains(in.id)) return true;
    const bool seen = visit_.step && begins(in);
    if (seen && visit_.before) visit_.before(in, out_->state);
    begun_ = seen;
    born_.clear();
    try {
      domain::step(models_, out_->state, in, born_);
    } catch (const std::exception& e) {
      failed = failure{errc::internal, "an input of " + id_ + " cannot be replayed: " + e.what()};
      return false;
    }
    ++out_->inputs;
    out_->readings += in.readings.size();
    return !seen || visit_.step(in, born_, out_->state);
  }

  /// Once the interval has begun, all that follows in the journal is in it.
  [[nodiscard]] bool begins(const domain::input& in) const {
    if (begun_) return true;
    if (what_.after != domain::input_id{}) return in.id > what_.after;
    return what_.from_ns == no_time || is_later(in, what_.clock, what_.from_ns - 1);
  }

  const log& tail_;
  const store& tables_;
  const domain::model_source& models_;
  const verify_target& twin_;
  std::string id_;
  const replay_interval& what_;
  const replay_visit& visit_;
  std::set<domain::input_id> skipped_;
  std::optional<replayed> out_;
  std::int64_t oldest_ns_ = never;
  domain::effects born_;
  bool begun_ = false;
};

} // namespace

bool is_later(const domain::input& in, replay_clock clock, std::int64_t than_ns) {
  if (clock == replay_clock::ingest) return in.ingest_time_ns > than_ns;
  return std::any_of(in.readings.begin(), in.readings.end(),
                     [&](const domain::reading& r) { return r.event_time_ns > than_ns; });
}

result<replayed> replay(const log& tail, const store& tables, const domain::model_source& models,
                        const verify_target& twin, const replay_interval& what, bool from_creation,
                        const replay_visit& visit) {
  return replay_run(tail, tables, models, twin, what, visit).run(from_creation);
}

} // namespace pollux::persistence
