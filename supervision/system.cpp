// SPDX-License-Identifier: Apache-2.0
#include "supervision/system.hpp"
#include "actors/black_box.hpp"
#include "actors/desk.hpp"
#include "bridge/remote/gateway.hpp"
#include "bridge/remote/pki.hpp"
#include "messages/observability/log.hpp"
#include "supervision/audit.hpp"
#include "supervision/core.hpp"
#include "supervision/http_door.hpp"
#include "supervision/model_changes.hpp"
#include "supervision/mqtt_bridge.hpp"
#include "supervision/storage.hpp"
#include "supervision/suspects.hpp"
#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

namespace pollux::supervision {

namespace logging = messages::log;
using namespace std::chrono;

namespace {

class node_config : public caf::actor_system_config {
public:
  node_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads",
        static_cast<std::size_t>(std::max(2u, std::thread::hardware_concurrency())));
    set("scheduler.max-throughput", std::size_t{300});
    messages::add_message_types(*this);
  }
};

constexpr std::size_t restart_budget = 5;
constexpr auto restart_window = seconds{60};

} // namespace

struct system::parts {
  config::settings settings;
  messages::metrics metrics;
  messages::health conditions;
  messages::trace_board traces;
  actors::model_catalog models;
  actors::shadow_board shadows;
  std::unique_ptr<persistence::log> journal;
  std::unique_ptr<persistence::store> tables;
  std::shared_ptr<persistence::cold_folder> files;
  std::unique_ptr<model_changes> changes;
  std::unique_ptr<bridge::audit::log> audit; ///< who changed what, of every door
  std::unique_ptr<actors::intake> inlet;
  std::unique_ptr<actors::quarantine_queue> quarantine;
  node_config actor_config;
  std::unique_ptr<caf::actor_system> actors;
  std::unique_ptr<mqtt_bridge> mqtt;
  std::unique_ptr<fault_injection> faults; ///< tests only
  core_surroundings around;
  std::mutex core_mutex; ///< guards `running`; also holds hand-overs back while the core is rebuilt
  core running;
  std::unique_ptr<actors::desk> desk; ///< the present core's, through restarts, too
  std::vector<persistence::positioned_segment>
      held; ///< handed over while there was no core; bounded by the inlet's credits
  messages::node_actor front; ///< stands before the present core's node, through restarts
  std::unique_ptr<http_door> http;
  std::uint16_t http_port = 0;
  std::unique_ptr<bridge::remote::gateway> gateway;
  std::unique_ptr<caf::scoped_actor> monitor;
  std::deque<steady_clock::time_point> restarts;
  bool unannounced = false; ///< a start the journal does not know of yet
  bool stopped = false;

  status announce_start();
  void allow_faults();
  status start_core();
  status start_doors();
  void watch_core();
  void await_end(std::size_t left);
};

// What every shard must know of changes of models and of this start, in the journal before anything
// else of it.
status system::parts::announce_start() {
  const auto now = actors::system_now_ns();
  for (std::uint32_t shard = 0; shard < inlet->shards(); ++shard) {
    if (auto sent = changes->submit(shard); !sent) return sent;
    domain::input started;
    started.kind = domain::input_kind::node_started;
    started.ingest_time_ns = now;
    if (auto sent = inlet->submit_shard_wide(shard, started); !sent) return sent.error();
  }
  if (auto written = inlet->flush(messages::durability::d2); !written) return written;
  return changes->settle();
}

void system::parts::watch_core() {
  monitor = std::make_unique<caf::scoped_actor>(*actors, true);
  for (const auto& a : running.all()) (*monitor)->monitor(a);
}

void system::parts::allow_faults() {
  faults = std::make_unique<fault_injection>(settings.node.data, mqtt->egress());
  around.egress = &faults->egress();
  around.faults = faults.get();
}

// What is left of the old core must not write beside the new one: the new outbox reads the delivery
// marks that the old one may still be about to write.
void system::parts::await_end(std::size_t left) {
  const auto patience = steady_clock::now() + seconds{5};
  while (left > 0 && steady_clock::now() < patience)
    (*monitor)->receive([&](const caf::down_msg&) { --left; },
                        caf::after(milliseconds{50}) >> [] {});
  if (left > 0)
    logging::warning("system", "actors of the old core have not ended", {{"actors", left}});
}

status system::parts::start_core() {
  auto made = spawn_core(*actors, around);
  if (!made) return made.error();
  {
    std::lock_guard lock{core_mutex};
    running = std::move(*made);
    desk->seat(running.hosts);
    hand_over(running.hosts,
              std::exchange(held, {})); // what recovery has read already is passed over by position
  }
  watch_core();
  return {};
}

status system::parts::start_doors() {
  audit = open_audit(settings, metrics);
  front = bridge::remote::spawn_gateway(*actors, [this] {
    std::lock_guard lock{core_mutex};
    return running.node;
  });
  if (settings.http.enabled) {
    bridge::http::route_sources from{conditions, metrics, *actors, front};
    from.desk = desk.get();
    auto opened = http_door::open(settings, from, metrics, *audit);
    if (!opened) return opened.error().within("http");
    http = std::move(*opened);
    http_port = http->port();
  }
  if (settings.remote.enabled) {
    auto opened = bridge::remote::gateway::open(
        *actors,
        [this] {
          std::lock_guard lock{core_mutex};
          return running.node;
        },
        {settings.node.data, settings.remote.address, settings.remote.port, witness_for(*audit)});
    if (!opened) return opened.error().within("remote gateway");
    gateway = std::move(*opened);
  }
  return mqtt->start();
}

system::system(std::unique_ptr<parts> p) : parts_(std::move(p)) {}

system::~system() { stop(); }

result<std::unique_ptr<system>> system::start(config::settings settings) {
  const auto began = steady_clock::now();
  auto p = std::make_unique<parts>();
  p->metrics
      .make_gauge("pollux_build_info", "The release that runs; always 1",
                  {{"version", POLLUX_VERSION}})
      .set(1);
  p->settings = std::move(settings);
  p->conditions.set("recovery", false, "the journal is being read");
  auto opened = open_storage(p->settings);
  if (!opened) return opened.error();
  p->journal = std::move(opened->journal);
  p->tables = std::move(opened->tables);
  p->files = std::move(opened->files);
  auto left = actors::open_black_box(p->settings.node.data + "/black-box");
  if (!left) return left.error();
  p->changes = std::make_unique<model_changes>(*p->tables, p->models, p->shadows);
  p->changes->set_grace(p->settings.twins.start_grace_ns);
  if (auto loaded = p->changes->load(p->settings.node.models); !loaded) return loaded.error();
  p->quarantine = std::make_unique<actors::quarantine_queue>(*p->tables, p->metrics);

  actors::intake_options inlet_options;
  inlet_options.tick_ns = p->settings.journal.tick_ns;
  inlet_options.sync_interval_ns = p->settings.journal.sync_interval_ns;
  inlet_options.inbox_bytes = p->settings.journal.inbox_bytes;
  inlet_options.inbox_inputs = p->settings.journal.inbox_inputs;
  inlet_options.sync_before_hand_over =
      std::ranges::any_of(p->settings.ingress, [&](const auto& i) {
        return (i.durability_set ? i.durability : p->settings.journal.durability) ==
               messages::durability::d2;
      });
  p->inlet = std::make_unique<actors::intake>(*p->journal, *p->tables, p->models, p->metrics,
                                              inlet_options);
  auto* raw = p.get();
  p->inlet->on_hand_over([raw](std::vector<persistence::positioned_segment>&& segments) {
    std::lock_guard lock{raw->core_mutex};
    if (!raw->running.hosts.empty()) return hand_over(raw->running.hosts, std::move(segments));
    for (auto& s : segments) raw->held.push_back(std::move(s));
  });
  if (auto loaded = load_directory(*p->journal, *p->tables, *p->inlet); !loaded)
    return loaded.error();
  if (auto judged = judge_suspects(*left, *p->journal, *p->tables, *p->inlet, *p->quarantine);
      !judged)
    return judged.error();
  p->changes->set_inlet(*p->inlet);
  p->desk = std::make_unique<actors::desk>(p->inlet->shards());
  if (auto announced = p->announce_start(); !announced) {
    // On a full disk the node still answers; it announces itself when the journal writes again.
    if (announced.error().code != errc::no_space) return announced.error();
    p->unannounced = true;
    p->conditions.set("journal", false, announced.error().what);
    logging::error("system", "started without space for the journal; reads are served",
                   {{"why", announced.error().what}});
  }

  auto files = bridge::remote::prepare_pki(
      p->settings.node.data,
      duration_cast<seconds>(system_clock::now().time_since_epoch()).count());
  if (!files) return files.error();
  bridge::remote::configure_remoting(p->actor_config, *files);
  p->actors = std::make_unique<caf::actor_system>(p->actor_config);
  if (auto types = messages::check_message_types(*p->actors); !types) return types.error();

  auto rules = compile_egress(p->settings);
  if (!rules) return rules.error();
  auto mqtt = mqtt_bridge::make(p->settings, {p->inlet.get(), p->quarantine.get(), &p->models,
                                              &p->metrics, &p->conditions, &p->traces});
  if (!mqtt) return mqtt.error();
  p->mqtt = std::move(*mqtt);
  p->around = {
      p->journal.get(),    p->tables.get(),
      &p->models,          p->inlet.get(),
      p->quarantine.get(), &p->metrics,
      &p->conditions,      &p->mqtt->egress(),
      std::move(*rules),   [raw](const messages::quarantined& q) { return raw->mqtt->replay(q); },
      p->settings,         nullptr};
  p->around.model_changes = p->changes.get();
  p->around.shadows = &p->shadows;
  p->around.files = p->files;
  p->around.traces = &p->traces;
  if (p->settings.testing.allow_fault_injection) p->allow_faults();
  std::unique_ptr<system> made{
      new system(std::move(p))}; // from here on stop() puts everything in order
  if (auto core_up = raw->start_core(); !core_up) return core_up.error();
  raw->conditions.set("recovery", true);
  raw->inlet->start();
  if (auto doors = raw->start_doors(); !doors) return doors.error();
  logging::info("system", "started",
                {{"data", raw->settings.node.data},
                 {"twins", raw->inlet->twins()},
                 {"models", raw->models.names().size()},
                 {"ms", duration_cast<milliseconds>(steady_clock::now() - began).count()},
                 {"http", made->http_url()},
                 {"remote", made->remote_endpoint()}});
  return made;
}

status system::supervise() {
  auto& p = *parts_;
  p.mqtt->report();
  if (p.faults) p.faults->look();
  if (p.journal->state().writable) {
    if (!p.unannounced)
      p.changes->retry();
    else
      p.unannounced = !p.announce_start().ok();
  }
  bool down = false;
  std::size_t ended = 0;
  std::string why;
  auto& self = *p.monitor;
  while (self->has_next_message())
    self->receive(
        [&](const caf::down_msg& msg) {
          ++ended;
          if (msg.reason == caf::exit_reason::user_shutdown) return;
          down = true;
          why = p.actors->render(msg.reason);
        },
        caf::others >> [](caf::message_view&) -> caf::result<caf::message> {
          return caf::sec::unexpected_message;
        });
  if (!down) return {};
  const auto now = steady_clock::now();
  while (!p.restarts.empty() && now - p.restarts.front() > restart_window) p.restarts.pop_front();
  if (p.restarts.size() >= restart_budget)
    return failure{errc::internal, "the core ended " + std::to_string(restart_budget) +
                                       " times within a minute, last: " + why};
  p.restarts.push_back(now);
  const auto back_off = milliseconds{100} * (1 << p.restarts.size());
  logging::error("system", "an actor of the core ended; the core is rebuilt from the journal",
                 {{"why", why}, {"restart", p.restarts.size()}});
  p.conditions.set("recovery", false, "the core is being rebuilt");
  const auto actors = p.running.all().size();
  {
    std::lock_guard lock{p.core_mutex};
    p.running.stop();
  }
  std::this_thread::sleep_for(back_off);
  p.await_end(actors - std::min(actors, ended));
  if (auto again = p.start_core(); !again) return again;
  p.conditions.set("recovery", true);
  return {};
}

status system::reload(const config::settings& changed) {
  logging::level level;
  if (logging::parse_level(changed.log.level, level))
    logging::configure(changed.log.format == "json" ? logging::format::json : logging::format::text,
                       level);
  auto count = parts_->changes->reload(parts_->settings.node.models);
  if (!count) return count.error();
  logging::info("system", "reloaded; other settings need a restart", {{"models_changed", *count}});
  if (*count > 0 && parts_->audit)
    tell_reload(*parts_->audit, parts_->settings.node.models, *count);
  return {};
}

void system::stop() {
  auto& p = *parts_;
  if (p.stopped) return;
  p.stopped = true;
  p.conditions.set("running", false, "the node is stopping");
  if (p.mqtt) p.mqtt->stop_source();
  if (p.gateway) p.gateway->close();
  if (p.http) p.http->stop();
  if (p.inlet) p.inlet->stop();
  // What was taken in is safe already; twins and outbox get a moment to send what follows from it.
  const auto patience = steady_clock::now() + milliseconds{1500};
  while (p.inlet && p.inlet->used_inputs() != 0 && steady_clock::now() < patience)
    std::this_thread::sleep_for(milliseconds{5});
  while (p.actors && p.metrics.total("pollux_outbox_waiting") != 0 &&
         p.mqtt->egress().connected() && steady_clock::now() < patience)
    std::this_thread::sleep_for(milliseconds{5});
  if (p.quarantine)
    if (auto flushed = p.quarantine->flush(); !flushed)
      logging::error("system", "quarantine records are lost with this stop",
                     {{"why", flushed.error().what}});
  {
    std::lock_guard lock{p.core_mutex};
    p.running.stop();
  }
  if (p.desk) p.desk->seat({});
  if (p.front) caf::anon_send_exit(p.front, caf::exit_reason::user_shutdown);
  p.front = nullptr;
  p.gateway.reset();
  p.http.reset();
  p.monitor.reset();
  if (p.mqtt) p.mqtt->stop_egress();
  p.around = {};
  p.actors.reset();
  p.mqtt.reset();
  p.inlet.reset();
  logging::info("system", "stopped");
  logging::flush();
}

std::string system::http_url() const {
  return parts_->http ? (parts_->settings.http.certificate_file.empty() ? "http://" : "https://") +
                            parts_->settings.http.address + ":" + std::to_string(parts_->http_port)
                      : std::string{};
}

std::string system::remote_endpoint() const {
  return parts_->gateway ? bridge::remote::to_string(parts_->gateway->where()) : std::string{};
}

} // namespace pollux::supervision
