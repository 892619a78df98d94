// SPDX-License-Identifier: Apache-2.0
// A session is a thread that makes the actor system, connects, waits to be told to close and takes
// the system down again: all in one thread, because CAF's destructor waits for the thread-local
// logger of the thread that constructed it. When CAF hangs, that thread and all it holds is given
// up.
#include "bridge/remote/client.hpp"
#include <algorithm>
#include <atomic>
#include <caf/io/all.hpp>
#include <caf/openssl/all.hpp>
#include <future>
#include <map>
#include <thread>

namespace pollux::bridge::remote {
namespace {
/// A step that runs inside the link actor. Local only: never crosses a wire.
using link_step = std::shared_ptr<std::function<void()>>;
} // namespace
} // namespace pollux::bridge::remote

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(pollux::bridge::remote::link_step)

namespace pollux::bridge::remote {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::atomic<int> sessions_running{0};

/// Watches the gateway and asks it on behalf of threads. What is pending fails when the link goes.
class link_actor : public caf::event_based_actor {
public:
  link_actor(caf::actor_config& config, messages::node_actor gateway,
             std::shared_ptr<std::atomic<bool>> connected)
      : caf::event_based_actor(config), gateway_(std::move(gateway)),
        connected_(std::move(connected)) {}

  caf::behavior make_behavior() override {
    monitor(gateway_);
    set_down_handler([this](caf::down_msg&) { lost(); });
    return {[](const link_step& step) { (*step)(); }};
  }

  template <class Query>
  void ask(const Query& query, milliseconds timeout,
           std::shared_ptr<std::promise<result<messages::answer_to<Query>>>> promise) {
    if (!*connected_) return promise->set_value(link_lost());
    const auto number = ++last_;
    pending_[number] = [promise] { promise->set_value(link_lost()); };
    request(gateway_, timeout, query)
        .then(
            [this, number, promise](messages::answer_to<Query>& answer) {
              if (pending_.erase(number) > 0) promise->set_value(std::move(answer));
            },
            [this, number, promise](caf::error& e) {
              if (pending_.erase(number) > 0) promise->set_value(messages::from_caf(e));
            });
  }

  void on_exit() override { lost(); }

private:
  static failure link_lost() {
    return {errc::unavailable, "the link to the node was lost; the outcome is unknown"};
  }
  void lost() {
    *connected_ = false;
    const auto pending = std::exchange(pending_, {});
    for (const auto& [number, fail] : pending) fail();
  }
  messages::node_actor gateway_;
  std::shared_ptr<std::atomic<bool>> connected_;
  std::map<std::uint64_t, std::function<void()>> pending_;
  std::uint64_t last_ = 0;
};

struct client_config : caf::actor_system_config {
  explicit client_config(const pki_files& files) {
    set("scheduler.policy", caf::atom("sharing")); // the default polls
    set("scheduler.max-threads", std::size_t{2});
    messages::add_message_types(*this);
    configure_remoting(*this, files);
  }
};

failure not_reachable(const endpoint& where, const std::string& why) {
  return {errc::unavailable, "no node reachable at " + to_string(where) + ": " + why};
}

/// May hang for ever when the peer is stopped.
result<messages::node_actor> find_gateway(caf::actor_system& system, const endpoint& where,
                                          steady_clock::time_point until) {
  if (auto ready = check_remoting(system); !ready) return ready.error();
  for (;;) {
    auto found = caf::openssl::remote_actor<messages::node_actor>(system, where.host, where.port);
    if (found) return std::move(*found);
    // a heartbeat that falls into the handshake ends it; the next attempt is a new one
    if (found.error() == caf::sec::connection_timeout && steady_clock::now() < until) continue;
    if (found.error() == caf::sec::cannot_connect_to_node)
      return not_reachable(where, "nothing listens there");
    if (found.error() == caf::sec::disconnect_during_handshake)
      return not_reachable(where,
                           "it closed the connection: not a Pollux node, or one with another "
                           "certificate authority");
    const auto why = messages::from_caf(found.error());
    if (why.code == errc::version_mismatch) return why.within(to_string(where));
    return not_reachable(where, why.what);
  }
}

} // namespace

/// What the session's thread and the client share.
struct client::session {
  std::promise<status> opened;
  std::promise<void> close_wanted;
  std::promise<void> closed;
  std::shared_ptr<std::atomic<bool>> connected = std::make_shared<std::atomic<bool>>(false);
  caf::actor link; ///< a link_actor; set before `opened`, taken away after close_wanted

  void run(const pki_files& files, const endpoint& where, steady_clock::time_point until) {
    client_config config(files);
    caf::actor_system system(config);
    auto found = find_gateway(system, where, until);
    if (!found) return opened.set_value(found.error());
    *connected = true;
    link = system.spawn<link_actor>(std::move(*found), connected);
    opened.set_value({});
    close_wanted.get_future().wait();
    caf::anon_send_exit(std::exchange(link, {}), caf::exit_reason::user_shutdown);
  }
};

client::client(std::shared_ptr<session> s, endpoint where, milliseconds timeout)
    : session_(std::move(s)), where_(std::move(where)), timeout_(timeout) {}

result<std::unique_ptr<client>> client::connect(const client_settings& settings) {
  const auto files = find_pki(settings.data, pki_role::client);
  if (!files && files.error().code == errc::not_found)
    return failure{errc::unavailable, files.error().what};
  if (!files) return files.error();
  const auto where =
      settings.server.empty() ? read_endpoint(settings.data) : parse_endpoint(settings.server);
  if (!where && where.error().code == errc::not_found)
    return failure{errc::unavailable, "no node is running on the data folder " + settings.data};
  if (!where) return where.error();

  const auto limit = std::min(settings.timeout, longest_connect);
  const auto shared = std::make_shared<session>();
  auto opened = shared->opened.get_future();
  std::unique_ptr<client> out(new client(shared, *where, settings.timeout));
  ++sessions_running;
  std::thread([shared, files = *files, to = *where, until = steady_clock::now() + limit] {
    try {
      shared->run(files, to, until);
    } catch (const std::exception& e) { // CAF throws when it cannot set itself up
      shared->opened.set_value(failure{errc::internal, std::string("remoting: ") + e.what()});
    }
    --sessions_running;
    shared->closed.set_value();
  }).detach();
  if (opened.wait_for(limit) != std::future_status::ready) {
    out->give_up();
    return not_reachable(*where, "no answer within " + std::to_string(limit.count()) + " ms");
  }
  if (auto done = opened.get(); !done) return done.error();
  return out;
}

void client::give_up() {
  if (session_) session_->close_wanted.set_value();
  session_ = nullptr;
}

client::~client() {
  const auto closing = session_;
  give_up();
  if (closing) closing->closed.get_future().wait_for(milliseconds(500));
}

template <class Query>
result<messages::answer_to<Query>> client::ask(const Query& query, milliseconds timeout) {
  auto promise = std::make_shared<std::promise<result<messages::answer_to<Query>>>>();
  auto answer = promise->get_future();
  auto* link = static_cast<link_actor*>(caf::actor_cast<caf::abstract_actor*>(session_->link));
  caf::anon_send(session_->link, std::make_shared<std::function<void()>>(
                                     [=] { link->ask(query, timeout, promise); }));
  // the actor's own time-out comes first; this one is for an actor system that hangs
  if (answer.wait_for(timeout + milliseconds(500)) != std::future_status::ready)
    return failure{errc::timed_out, "no answer in time"};
  return answer.get();
}

bool client::connected() const noexcept { return *session_->connected; }

bool must_exit_hard() noexcept { return sessions_running != 0; }

#define POLLUX_ASK(query)                                                                          \
  template result<messages::answer_to<messages::query>> client::ask(const messages::query&,        \
                                                                    milliseconds);
POLLUX_ASK(twin_query)
POLLUX_ASK(twin_list_query)
POLLUX_ASK(history_query)
POLLUX_ASK(watch_open)
POLLUX_ASK(watch_pull)
POLLUX_ASK(watch_close)
POLLUX_ASK(command_request)
POLLUX_ASK(command_query)
POLLUX_ASK(alert_list_query)
POLLUX_ASK(alert_query)
POLLUX_ASK(alert_acknowledge)
POLLUX_ASK(alert_verify)
POLLUX_ASK(alert_action)
POLLUX_ASK(parent_set)
POLLUX_ASK(twin_patch)
POLLUX_ASK(twin_search)
POLLUX_ASK(search_watch)
POLLUX_ASK(quarantine_query)
POLLUX_ASK(quarantine_replay)
POLLUX_ASK(stats_query)
POLLUX_ASK(verify_start)
POLLUX_ASK(verify_query)
POLLUX_ASK(twin_create)
POLLUX_ASK(twin_delete)
POLLUX_ASK(log_level_set)
POLLUX_ASK(model_list_query)
POLLUX_ASK(model_text_query)
POLLUX_ASK(model_apply)
POLLUX_ASK(model_rollback)
POLLUX_ASK(shadow_order)
POLLUX_ASK(series_query)
POLLUX_ASK(completeness_query)
POLLUX_ASK(replay_query)
POLLUX_ASK(retention_order)
POLLUX_ASK(job_start)
POLLUX_ASK(job_query)
POLLUX_ASK(job_cancel)
POLLUX_ASK(readings_submit)
#undef POLLUX_ASK

} // namespace pollux::bridge::remote
