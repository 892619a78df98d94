// SPDX-License-Identifier: Apache-2.0
#include "actors/twin_actor.hpp"
#include "actors/black_box.hpp"
#include "actors/desk.hpp"
#include "messages/documents.hpp"
#include "messages/hash.hpp"
#include <chrono>

namespace pollux::actors {

namespace {

std::int64_t wall_clock_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

class twin_actor;
thread_local twin_actor* running = nullptr; // the twin whose message this thread handles now

// All twins share one behaviour object (its handlers find their twin through `running`): with
// 100,000 twins a behaviour each would cost more memory than their rules.
class twin_actor : public caf::event_based_actor {
public:
  twin_actor(caf::actor_config& config, std::shared_ptr<const twin_surroundings> around,
             twin_place place, std::string key, domain::twin_state state)
      : caf::event_based_actor(config), around_(std::move(around)), place_(place),
        key_(std::move(key)), state_(std::move(state)) {}
  ~twin_actor() override {
    if (around_->board) around_->board->leaves(place_, turn_);
  }

  caf::behavior make_behavior() override {
    if (around_->board) around_->board->awake(place_, turn_, state_);
    tell_timer();
    static const caf::behavior shared{
        [](const twin_work& work) { running->apply(work); },
        [](const check_timer& check) { running->look_at_timer(check.now_ns); },
        [](const take_snapshot& how) { running->snapshot(how.and_quit); },
        [](const describe_ask& ask) {
          return answer_for(*running->around_->models, running->state_, ask.now_ns);
        },
        [](const look_here& look) {
          look.slip->give(answer_for(*running->around_->models, running->state_, look.now_ns));
        },
        [](const ask_brief& ask) {
          return row_for(*running->around_->models, running->state_, true, ask.now_ns);
        },
        [](const ask_bytes&) { return running->bytes(); },
        [](const set_watched& w) { running->watched_ = w.on; },
    };
    return shared;
  }

  caf::resumable::resume_result resume(caf::execution_unit* unit,
                                       std::size_t max_throughput) override {
    running = this;
    return caf::event_based_actor::resume(unit, max_throughput);
  }

private:
  void apply(const twin_work& work) {
    thread_local domain::input in;
    thread_local domain::effects out;
    out.clear();
    std::uint64_t readings = 0;
    const auto lanes = state_.lanes() != nullptr ? state_.lanes()->all() : lane_totals{};
    shadow_turn beside;
    const bool shadows = around_->shadows != nullptr && around_->shadows->on();
    for (std::uint32_t i = work.first; i < work.first + work.count; ++i) {
      const auto& item = work.from->items[i];
      work.from->segments[item.segment]->decode(item.entry, item.id.at, in);
      in.id = item.id;
      readings += in.readings.size();
      if (shadows && !beside)
        beside = around_->shadows->join(place_, key_, state_, *around_->models, in.ingest_time_ns);
      const auto before = out.size();
      try {
        const black_box_mark mark{place_.shard, place_.row, item.id};
        const own_turn turn(turn_); // not for the whole message: a search must not wait long
        domain::step(*around_->models, state_, in, out);
      } catch (const std::exception& e) {
        tell_effects(out);
        send(around_->host, crashed{place_, item.id, e.what()});
        quit(caf::exit_reason::unhandled_exception);
        return;
      }
      if (beside) beside.take(in, out.data() + before, out.size() - before);
    }
    around_->applied_inputs->add(work.count);
    around_->applied_readings->add(readings);
    if (state_.lanes() != nullptr) count_lanes(lanes);
    tell_effects(out);
    if (work.first + work.count == work.from->items.size()) measure(*work.from, in.ingest_time_ns);
    if (state_.deleted()) return snapshot(true);
    tell_timer();
    if (watched_) tell_feed(in.ingest_time_ns);
  }

  using lane_totals = decltype(domain::lane_counts{}.all());

  // The twin's own totals go on, so what is new is counted once for all of a message's readings.
  void count_lanes(const lane_totals& before) {
    const auto now = state_.lanes()->all();
    for (std::size_t i = 0; i < now.size(); ++i)
      if (now[i] > before[i]) around_->lanes[i]->add(now[i] - before[i]);
  }

  // Once a delivery, by the twin that is last in it.
  void measure(const delivery& whole, std::int64_t ingest_time_ns) {
    if (whole.committed_ns != 0 && around_->journal_to_applied != nullptr)
      around_->journal_to_applied->observe(seconds_between(whole.committed_ns, wall_clock_ns()));
    if (!whole.look || !around_->samples) return;
    const auto d = domain::describe(*around_->models, state_, ingest_time_ns);
    auto& to = *around_->samples;
    to.state_bytes.add(ingest_time_ns, static_cast<double>(d.state_bytes));
    to.window_bytes.add(ingest_time_ns, static_cast<double>(d.window_bytes));
    if (d.event_time.configured && d.event_time.watermark_ns != no_time)
      to.watermark_lag_s.add(ingest_time_ns,
                             seconds_between(d.event_time.watermark_ns, ingest_time_ns));
  }

  void tell_effects(domain::effects& out) {
    if (out.empty()) return;
    around_->effects->add(out.size());
    send(around_->outbox,
         twin_effects{place_, key_, std::make_shared<domain::effects>(std::move(out))});
    out.clear();
  }

  struct own_turn {
    explicit own_turn(twin_turn& t) noexcept : turn(t) { turn.begin(); }
    own_turn(const own_turn&) = delete;
    own_turn& operator=(const own_turn&) = delete;
    ~own_turn() { turn.end(true); }
    twin_turn& turn;
  };

  // Only an earlier wish is told: one that moved later costs nothing until the old time comes.
  void tell_timer() {
    const auto due = state_.next_wakeup_ns();
    if (due >= armed_ns_) return;
    armed_ns_ = due;
    send(around_->host, timer_at{place_, due, state_.next_timer()});
  }

  void look_at_timer(std::int64_t now_ns) {
    const auto due = state_.next_wakeup_ns();
    if (due == domain_never) {
      armed_ns_ = domain_never;
    } else if (due <= now_ns) {
      armed_ns_ = domain_never; // re-armed when the journaled tick has been applied
      send(around_->host, timer_due{place_, state_.next_timer(), state_.timer_generation()});
    } else {
      armed_ns_ = due;
      send(around_->host, timer_at{place_, due, state_.next_timer()});
    }
  }

  void snapshot(bool and_quit) {
    // The host hears of the sleep before the outbox can tell it that the snapshot is stored.
    if (and_quit)
      send(around_->host, passivated{place_, state_.last_applied(), state_.next_wakeup_ns(),
                                     state_.next_timer(), state_.timer_generation()});
    if (and_quit && around_->board) {
      if (state_.deleted())
        around_->board->gone(place_, turn_);
      else
        around_->board->asleep(place_, turn_, state_);
    }
    send(around_->outbox, store_snapshot{place_, snapshot_of(state_), around_->host});
    if (and_quit) quit(caf::exit_reason::normal);
  }

  void tell_feed(std::int64_t now_ns) {
    if (!around_->node) return;
    auto answer = answer_for(*around_->models, state_, now_ns);
    send(around_->node, feed_event{"state", answer.id, std::move(answer.document)});
  }

  [[nodiscard]] std::string bytes() const {
    std::string out;
    domain::save(state_, out);
    return out;
  }

  static constexpr std::int64_t domain_never = never;
  std::shared_ptr<const twin_surroundings> around_;
  twin_place place_;
  twin_turn turn_;
  bool watched_ = false;
  std::int64_t armed_ns_ = never;
  std::string key_;
  domain::twin_state state_;
};

} // namespace

void twin_surroundings::count_in(messages::metrics& all) {
  applied_readings = &all.make_counter("pollux_twin_readings_total",
                                       "Readings applied by twins, replays included");
  applied_inputs =
      &all.make_counter("pollux_twin_inputs_total", "Inputs applied by twins, replays included");
  effects = &all.make_counter("pollux_twin_effects_total", "Effects born, replays included");
  journal_to_applied = &stage_seconds(all, "journal_to_applied");
  for (std::size_t i = 0; i < lanes.size(); ++i)
    lanes[i] =
        &all.make_counter("pollux_event_time_readings_total",
                          "Readings applied by twins with an event_time block, by how they stood "
                          "to the watermark",
                          {{"lane", domain::lane_counts::names[i]}});
}

caf::actor spawn_twin(caf::actor_system& system, std::shared_ptr<const twin_surroundings> around,
                      twin_place place, std::string key, domain::twin_state state) {
  return system.spawn<twin_actor>(std::move(around), place, std::move(key), std::move(state));
}

messages::twin_answer answer_for(const domain::model_source& models,
                                 const domain::twin_state& state, std::int64_t now_ns) {
  const auto d = domain::describe(models, state, now_ns);
  return {d.id,
          d.kind,
          d.model_name,
          d.model_hash,
          d.revision.at.value,
          d.readings,
          d.last_event_time_ns,
          static_cast<std::uint32_t>(d.alerts.size()),
          messages::twin_document(d, now_ns)};
}

messages::twin_row row_for(const domain::model_source& models, const domain::twin_state& state,
                           bool awake, std::int64_t now_ns) {
  const auto d = domain::describe(models, state, now_ns);
  return {d.id,
          d.kind,
          d.model_name,
          awake,
          d.readings,
          d.last_event_time_ns,
          static_cast<std::uint32_t>(d.alerts.size())};
}

std::shared_ptr<persistence::snapshot> snapshot_of(const domain::twin_state& state) {
  auto s = std::make_shared<persistence::snapshot>();
  s->at = state.last_applied();
  s->next_wakeup_ns = state.next_wakeup_ns();
  s->timer = state.next_timer();
  s->generation = state.timer_generation();
  domain::save(state, s->state);
  s->hash = messages::content_hash(s->state);
  return s;
}

} // namespace pollux::actors
