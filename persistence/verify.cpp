// SPDX-License-Identifier: Apache-2.0
// `journal verify` of one twin: its history is replayed, and everything that is stored about it
// must come out again (docs/journal_format.md, "What verify checks").
#include "messages/hash.hpp"
#include "persistence/chain_check.hpp"
#include "persistence/effect_codec.hpp"
#include "persistence/history.hpp"
#include "persistence/shard_wide_inputs.hpp"
#include "persistence/tail_view.hpp"
#include <map>
#include <optional>
#include <set>

namespace pollux::persistence {

namespace {

constexpr std::size_t findings_kept = 1000;

std::string text_of(const domain::input_id& id) {
  return std::to_string(id.at.value >> 40) + "-" +
         std::to_string(id.at.value & ((std::uint64_t{1} << 40) - 1)) + "-" +
         std::to_string(id.index);
}

class twin_verification {
public:
  twin_verification(const log& journal, const store& tables, const domain::model_source& models,
                    const verify_target& twin, verify_report& into)
      : journal_(journal), tables_(tables), models_(models), twin_(twin),
        state_id_(twin.id.substr(0, twin.id.find('#'))), into_(into) {}

  [[nodiscard]] status run(std::string_view live_state);

private:
  void finding(std::string what) { into_.add(twin_.id, std::move(what)); }
  void lose(std::string what, domain::input_id lost) {
    finding(std::move(what));
    resume_after(lost);
  }
  [[nodiscard]] status read_stored();
  [[nodiscard]] status read_tail();
  void read_live(std::string_view live_state);
  void check_shard_wide();
  [[nodiscard]] status replay_blocks();
  void check_block(const block_info& info, std::string_view bytes,
                   const std::optional<block_info>& before);
  void check_header(const block_info& info, std::string_view bytes);
  void feed(const domain::input& in);
  void begin(const domain::input& first);
  void resume_after(domain::input_id lost);
  void apply(const domain::input& in);
  void note_revision(const domain::input& in);
  void compare_state(std::string_view stored, const std::string& what);
  void keep_alerts(const domain::effects& born);
  void compare_alerts();
  void report_unreached();

  const log& journal_;
  const store& tables_;
  const domain::model_source& models_;
  const verify_target& twin_;
  std::string state_id_;
  verify_report& into_;
  chain_check chain_;

  shard_wide_inputs wide_;
  std::set<domain::input_id> skipped_;
  std::map<domain::input_id, snapshot> snapshots_; ///< those still to be compared
  std::optional<domain::effect_id> taken_;
  std::map<std::string, std::vector<std::string>> stored_alerts_, replayed_alerts_;
  std::map<std::string, std::vector<domain::effect_id>> stored_ids_;
  std::string live_;
  domain::input_id live_at_;

  std::optional<domain::twin_state> state_;
  domain::input_id base_; ///< replay began after this input
  domain::input_id last_; ///< newest own input seen
  bool begun_ = false, lost_ = false;
  bool revised_ = false; ///< the ruling version's operators are not what they were
  bool loose_ = false;   ///< differences come from that until the next stored state
  std::set<std::string> revised_alerts_;
  std::string bytes_; ///< reused by compare_state
  domain::effects effects_;
};

status twin_verification::run(std::string_view live_state) {
  ++into_.twins;
  // stored results first, then the journal: what they came from is then sure to be read
  if (auto s = read_stored(); !s) return s;
  read_live(live_state);
  if (auto s = read_tail(); !s) return s;
  if (auto s = wide_.load(tables_, *into_.tail, twin_.shard, {}); !s) {
    finding(s.error().what);
    return {};
  }
  for (const auto& w : wide_.all())
    if (w.kind == domain::input_kind::input_skipped) skipped_.insert(w.skipped);
  if (auto s = replay_blocks(); !s) return s;
  into_.tail->each(twin_.id, [&](const domain::input& in) {
    if (in.id > last_) feed(in);
  });
  // a live twin may have been given those that follow its newest own input
  while (const auto* w = wide_.next()) apply(*w);
  report_unreached();
  if (!lost_) compare_alerts();
  return {};
}

status twin_verification::read_stored() {
  const auto taken = tables_.taken_upto(twin_.shard, twin_.row);
  if (taken)
    taken_ = *taken;
  else
    finding(taken.error().what);
  auto s = tables_.each_alert_of(twin_.shard, twin_.row, [&](const alert_row& a) {
    auto& bytes = stored_alerts_[a.incident];
    auto& ids = stored_ids_[a.incident];
    for (const auto& t : a.transitions) {
      if (!taken_ || t.id > *taken_) continue;
      bytes.push_back(encode_effect(t));
      ids.push_back(t.id);
      const auto named = models_.find(t.model_hash);
      if (named && named->hash != t.model_hash) revised_alerts_.insert(a.incident);
    }
    return true;
  });
  if (!s) finding(s.error().what);
  s = tables_.each_snapshot(twin_.shard, twin_.row, [&](const snapshot& kept) {
    if (messages::content_hash(kept.state) != kept.hash)
      finding("snapshot " + text_of(kept.at) + ": its hash is not that of its state");
    snapshots_.emplace(kept.at, kept);
    return true;
  });
  if (!s) finding(s.error().what);
  return {};
}

void twin_verification::read_live(std::string_view live_state) {
  if (live_state.empty()) return;
  const auto loaded = domain::load(models_, state_id_, live_state);
  if (!loaded) {
    finding("the live state cannot be read: " + loaded.error().what);
    return;
  }
  live_ = live_state;
  live_at_ = loaded->last_applied();
}

status twin_verification::read_tail() {
  const bool fresh = into_.tail == nullptr || !into_.tail->holds(journal_, twin_.shard);
  if (into_.tail == nullptr) into_.tail = std::make_shared<tail_view>();
  if (fresh) {
    auto s = journal_.check(twin_.shard, [&](const std::string& what) { into_.add("", what); });
    if (!s) return s;
    check_shard_wide();
  }
  const auto before = fresh ? 0 : into_.tail->segments();
  if (auto s = into_.tail->refresh(journal_, twin_.shard); !s) return s;
  into_.segments += into_.tail->segments() - before;
  return {};
}

/// The chain of the inputs that reach all of the shard's twins, once for the shard.
void twin_verification::check_shard_wide() {
  const auto name = "shard " + std::to_string(twin_.shard);
  chain_check chain;
  auto s = tables_.each_block_info(twin_.shard, shard_wide_row, false, [&](const block_info& b) {
    const auto bytes = tables_.block(twin_.shard, shard_wide_row, b.first);
    if (!bytes) return true; // loading them says so
    const bool linked = chain.begin(b, *bytes);
    const auto decoded = decode_any_block(*bytes, [&](const auto& in) { chain.add(in); });
    if (!linked || (decoded && !chain.end()))
      into_.add(name, "block " + text_of(b.first) + ": its hash chain does not hold");
    return true;
  });
  if (!s) into_.add(name, s.error().what);
}

status twin_verification::replay_blocks() {
  std::vector<block_info> infos;
  auto s = tables_.each_block_info(twin_.shard, twin_.row, false, [&](const block_info& b) {
    infos.push_back(b);
    return true;
  });
  if (!s) finding(s.error().what);
  std::optional<block_info> before;
  for (const auto& info : infos) {
    const auto bytes = tables_.block(twin_.shard, twin_.row, info.first);
    ++into_.blocks;
    if (!bytes) {
      if (bytes.error().code != errc::not_found) return bytes.error();
      last_ = info.last;
      lose("block " + text_of(info.first) + " is in the index only", info.last);
      continue;
    }
    check_block(info, *bytes, before);
    before = info;
    if (!chain_.begin(info, *bytes))
      lose("block " + text_of(info.first) + ": the chain is broken before it", info.first);
    const auto decoded = decode_any_block(*bytes, [&](const domain::input& in) {
      chain_.add(in);
      if (in.id <= last_)
        finding("input " + text_of(in.id) + " is repeated or out of order");
      else
        feed(in);
    });
    if (decoded && !chain_.end())
      finding("block " + text_of(info.first) +
              ": its inputs are not those that were sealed, by the hash chain");
    if (decoded) continue;
    last_ = info.last;
    lose("block " + text_of(info.first) + ": " + decoded.error().what, info.last);
  }
  return {};
}

void twin_verification::check_block(const block_info& info, std::string_view bytes,
                                    const std::optional<block_info>& before) {
  const auto name = "block " + text_of(info.first);
  if (messages::hash64(bytes) != info.hash) finding(name + ": its hash is not the index's");
  if (info.kept != tier::cold) check_header(info, bytes);
  if (before && info.first <= before->last)
    finding(name + ": it overlaps block " + text_of(before->first));
}

void twin_verification::check_header(const block_info& info, std::string_view bytes) {
  const auto name = "block " + text_of(info.first);
  const auto h = read_block_header(bytes);
  if (!h) return; // decoding will say so
  if (h->first != info.first || h->last != info.last || h->inputs != info.inputs ||
      h->chain_after != info.chain)
    finding(name + ": its head is not what the index says");
}

void twin_verification::feed(const domain::input& in) {
  if (!begun_) begin(in);
  last_ = in.id;
  ++into_.inputs;
  into_.readings += in.readings.size();
  if (in.kind == domain::input_kind::readings) into_.values += in.fields.size();
  const bool replayed = state_ && in.id > state_->last_applied();
  if (replayed && (into_.vouches_from_ns == 0 || in.ingest_time_ns < into_.vouches_from_ns))
    into_.vouches_from_ns = in.ingest_time_ns;
  while (const auto* w = wide_.next_before(in.id)) apply(*w);
  apply(in);
}

/// Replay starts with the twin, or where its beginning is gone with its oldest stored base.
void twin_verification::begin(const domain::input& first) {
  begun_ = true;
  if (first.kind == domain::input_kind::twin_created) {
    state_.emplace(state_id_);
    return;
  }
  resume_after(first.id); // one before it may have missed what was between
  if (lost_) finding("neither its creation nor a stored state to replay from is left");
}

/// Inputs up to `lost` cannot be replayed: goes on from the first snapshot that has them in it.
void twin_verification::resume_after(domain::input_id lost) {
  begun_ = true;
  state_.reset();
  lost_ = true;
  for (const auto& [at, kept] : snapshots_) {
    if (at < lost) continue;
    auto loaded = domain::load(models_, state_id_, kept.state);
    if (!loaded) {
      finding("snapshot " + text_of(at) + " cannot be read: " + loaded.error().what);
      continue;
    }
    state_ = std::move(*loaded);
    base_ = at;
    // today's name of the version is not in it: an earlier one is
    revised_ = kept.state.find(state_->model_hash()) == std::string::npos;
    loose_ = lost_ = false;
    break;
  }
  replayed_alerts_.clear();
}

void twin_verification::apply(const domain::input& in) {
  if (!state_ || skipped_.contains(in.id) || in.id <= state_->last_applied()) return;
  effects_.clear();
  try {
    domain::step(models_, *state_, in, effects_);
  } catch (const std::exception& e) {
    lose("input " + text_of(in.id) + " cannot be replayed: " + e.what(), in.id);
    return;
  }
  note_revision(in);
  loose_ = loose_ || revised_;
  keep_alerts(effects_);
  if (const auto kept = snapshots_.find(in.id); kept != snapshots_.end()) {
    compare_state(kept->second.state, "snapshot " + text_of(in.id));
    ++into_.snapshots_compared;
    snapshots_.erase(kept);
  }
  if (!live_.empty() && in.id == live_at_) {
    compare_state(live_, "the live state at " + text_of(in.id));
    live_.clear();
  }
}

/// Under a version whose operators have been revised since, today's code need not come to what was
/// stored then. Replay is strict again from the next stored state on.
void twin_verification::note_revision(const domain::input& in) {
  if (in.kind != domain::input_kind::twin_created && in.kind != domain::input_kind::model_changed)
    return;
  const auto named = models_.find(in.model_hash);
  if (!named || state_->model_hash() != named->hash) return; // for another model or twin
  revised_ = named->hash != in.model_hash;
}

/// What is stored is compared as today's format has it.
void twin_verification::compare_state(std::string_view stored, const std::string& what) {
  auto then = domain::load(models_, state_id_, stored);
  if (!then) return finding(what + " cannot be read: " + then.error().what);
  bytes_.clear();
  domain::save(*state_, bytes_);
  std::string as_today;
  domain::save(*then, as_today);
  const bool same = bytes_ == as_today;
  const bool older = stored.front() != as_today.front(); // of an earlier format
  if (!same && !loose_ && !older)
    return finding(what + ": the state differs from the replayed one");
  if (!same) {
    ++into_.revised_states;
    state_ = std::move(*then);
  }
  loose_ = false;
}

void twin_verification::keep_alerts(const domain::effects& born) {
  for (const auto& e : born)
    if (e.kind == domain::effect_kind::alert && taken_ && e.id <= *taken_) {
      const auto incident = domain::to_string(e.alert.incident);
      replayed_alerts_[incident].push_back(encode_effect(e));
      if (loose_) revised_alerts_.insert(incident);
    }
}

/// What came before the base was not replayed and is left out on the stored side, too.
void twin_verification::compare_alerts() {
  for (auto& [incident, stored] : stored_alerts_) {
    const auto& ids = stored_ids_[incident];
    std::size_t old = 0;
    while (old < ids.size() && ids[old].cause <= base_) ++old;
    stored.erase(stored.begin(), stored.begin() + static_cast<std::ptrdiff_t>(old));
    const auto replayed = replayed_alerts_.find(incident);
    const bool same =
        replayed == replayed_alerts_.end() ? stored.empty() : replayed->second == stored;
    if (revised_alerts_.contains(incident)) {
      ++into_.revised_alerts;
      if (replayed != replayed_alerts_.end()) replayed_alerts_.erase(replayed);
      continue;
    }
    into_.alerts_compared += stored.size();
    if (!same) finding("alert " + incident + ": its transitions differ from the replayed ones");
    if (replayed != replayed_alerts_.end()) replayed_alerts_.erase(replayed);
  }
  for (const auto& [incident, transitions] : replayed_alerts_)
    if (!revised_alerts_.contains(incident))
      finding("alert " + incident + " is missing from the table of alerts");
}

void twin_verification::report_unreached() {
  for (const auto& [at, kept] : snapshots_)
    if (begun_ && base_ < at && !lost_)
      finding("snapshot " + text_of(at) + ": no such input is in the journal");
  if (!live_.empty() && base_ < live_at_ && !lost_)
    finding("the live state stands at input " + text_of(live_at_) +
            ", which the journal does not hold");
}

} // namespace

void verify_report::add(const std::string& twin, std::string what) {
  if (findings.size() < findings_kept) findings.push_back({twin, std::move(what)});
  ++findings_total;
}

status verify_twin(const log& tail, const store& tables, const domain::model_source& models,
                   const verify_target& twin, std::string_view live_state, verify_report& into) {
  return twin_verification(tail, tables, models, twin, into).run(live_state);
}

} // namespace pollux::persistence
