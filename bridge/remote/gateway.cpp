// SPDX-License-Identifier: Apache-2.0
#include "bridge/remote/gateway.hpp"
#include "bridge/remote/request_limits.hpp"
#include <caf/io/all.hpp>
#include <caf/openssl/all.hpp>

namespace pollux::bridge::remote {

namespace {

using messages::from_caf;
using messages::node_actor;
using messages::to_caf;

struct gateway_state {
  node_source node;
  order_witness witness;
  std::size_t in_flight = 0;
  static inline const char* name = "gateway";
};
using gateway_pointer = node_actor::stateful_pointer<gateway_state>;

/// Tells of a query that may change something; does nothing for others.
template <class Query> auto told_of(gateway_pointer self, const Query& query) {
  std::function<void(const failure*)> tell;
  if (!self->state.witness) return tell;
  if (auto what = order_of(query)) {
    const auto sender = self->current_sender();
    auto who = asker_of(sender ? sender->node() : caf::node_id{}, self->node());
    if (who.who.empty()) who.who = what->by.empty() ? "unknown" : what->by;
    tell = [self, what = std::move(*what), who = std::move(who)](const failure* why) {
      self->state.witness(what, who, why);
    };
  }
  return tell;
}

template <class Query>
caf::result<messages::answer_to<Query>> pass_on(gateway_pointer self, Query query) {
  using answer = messages::answer_to<Query>;
  const auto tell = told_of(self, query);
  const auto refuse = [&](const failure& why) {
    if (tell) tell(&why);
    return to_caf(why);
  };
  if (const auto fits = limit(query); !fits) return refuse(fits.error());
  const auto node = self->state.node();
  if (!node) return refuse({errc::unavailable, "the node is starting or stopping"});
  if (self->state.in_flight >= max_queries_in_flight)
    return refuse({errc::overloaded, "too many queries at once; try again"});
  ++self->state.in_flight;
  auto promise = self->template make_response_promise<answer>();
  self->request(node, node_answer_timeout, std::move(query))
      .then(
          [self, promise, tell](answer& a) mutable {
            --self->state.in_flight;
            if (tell) tell(nullptr);
            promise.deliver(std::move(a));
          },
          [self, promise, tell](caf::error& e) mutable {
            --self->state.in_flight;
            const auto why = from_caf(e);
            if (tell) tell(&why);
            promise.deliver(to_caf(why));
          });
  return promise;
}

template <class Query> auto door(gateway_pointer self) {
  return [self](const Query& query) { return pass_on<Query>(self, query); };
}

node_actor::behavior_type gateway_behavior(gateway_pointer self, node_source node,
                                           order_witness witness) {
  using namespace messages;
  self->state.node = std::move(node);
  self->state.witness = std::move(witness);
  // a peer of another release may send what we do not know: its query runs into its own time-out
  self->set_default_handler(caf::drop);
  return {
      door<twin_query>(self),       door<twin_list_query>(self),   door<history_query>(self),
      door<watch_open>(self),       door<watch_pull>(self),        door<watch_close>(self),
      door<command_request>(self),  door<command_query>(self),     door<alert_list_query>(self),
      door<alert_query>(self),      door<alert_acknowledge>(self), door<alert_verify>(self),
      door<quarantine_query>(self), door<quarantine_replay>(self), door<stats_query>(self),
      door<verify_start>(self),     door<verify_query>(self),      door<twin_create>(self),
      door<twin_delete>(self),      door<log_level_set>(self),     door<model_list_query>(self),
      door<model_text_query>(self), door<model_apply>(self),       door<model_rollback>(self),
      door<shadow_order>(self),     door<alert_action>(self),      door<parent_set>(self),
      door<twin_patch>(self),       door<series_query>(self),      door<completeness_query>(self),
      door<replay_query>(self),     door<retention_order>(self),   door<job_start>(self),
      door<job_query>(self),        door<job_cancel>(self),        door<readings_submit>(self),
      door<twin_search>(self),      door<search_watch>(self)};
}

} // namespace

node_actor spawn_gateway(caf::actor_system& system, node_source node, order_witness witness) {
  return system.spawn(gateway_behavior, std::move(node), std::move(witness));
}

gateway::gateway(caf::actor_system& system, node_actor actor, std::string data, endpoint where)
    : system_(system), actor_(std::move(actor)), data_(std::move(data)), where_(std::move(where)) {}

result<std::unique_ptr<gateway>> gateway::open(caf::actor_system& system, node_source node,
                                               const gateway_settings& settings) {
  if (auto ready = check_remoting(system); !ready) return ready.error();
  auto actor = spawn_gateway(system, std::move(node), settings.witness);
  const endpoint wanted{settings.address, settings.port};
  const auto* address = settings.address.empty() ? nullptr : settings.address.c_str();
  auto port = caf::openssl::publish(actor, settings.port, address, true);
  if (!port) {
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    auto why = from_caf(port.error());
    why.code = errc::io;
    return why.within("remote gateway: cannot listen on " + to_string(wanted) +
                      " (is the port taken?)");
  }
  std::unique_ptr<gateway> out(
      new gateway(system, std::move(actor), settings.data, {settings.address, *port}));
  if (auto done = write_endpoint(settings.data, out->where_); !done) return done.error();
  return out;
}

void gateway::close() {
  if (!actor_) return;
  remove_endpoint(data_, where_);
  system_.middleman().unpublish(actor_, where_.port);
  caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown);
  actor_ = nullptr;
}

} // namespace pollux::bridge::remote
