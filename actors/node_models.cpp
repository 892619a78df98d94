// SPDX-License-Identifier: Apache-2.0
#include "actors/node_models.hpp"

namespace pollux::actors {

using namespace messages;

namespace {

constexpr std::int64_t patience_ns = 3 * ns_per_s; // below the shortest time-out of those who ask

const failure no_port{errc::unavailable, "this node takes no changes of models"};

// What the hosts say of one change, gathered.
struct spreading {
  model_applied answer;
  std::size_t open = 0;
  caf::typed_response_promise<model_applied> promise;

  void one_less() {
    if (--open != 0) return;
    if (answer.shards_pending != 0 || answer.twins_pending != 0) answer.state = "pending";
    promise.deliver(answer);
  }
};

caf::result<model_applied> await_hosts(node_pointer self, const model_journaled& change) {
  const auto& hosts = self->state.with.hosts;
  if (change.answer.state != "applied" || hosts.empty()) return change.answer;
  auto all = std::make_shared<spreading>();
  all->answer = change.answer;
  all->open = hosts.size();
  all->promise = self->make_response_promise<model_applied>();
  for (const auto& host : hosts)
    self->request(host, std::chrono::seconds{10}, spread_ask{change.at_ns, patience_ns})
        .then(
            [all](const spread_state& s) {
              all->answer.shards += s.shards;
              all->answer.shards_pending += s.shards_pending;
              all->answer.twins_awake += s.awake;
              all->answer.twins_pending += s.pending;
              all->answer.twins_asleep += s.asleep;
              all->one_less();
            },
            [all](const caf::error&) { // the core is being rebuilt: recovery reads the record
              ++all->answer.shards_pending;
              all->one_less();
            });
  return all->promise;
}

template <class Answer, class Query>
caf::result<Answer> ask(const node_state& s, const Query& query,
                        result<Answer> (model_port::*how)(const Query&)) {
  if (s.with.model_changes == nullptr) return to_caf(no_port);
  auto answer = (s.with.model_changes->*how)(query);
  if (!answer) return to_caf(answer.error());
  return std::move(*answer);
}

} // namespace

caf::result<model_list> list_models(const node_state& s, const model_list_query& q) {
  return ask(s, q, &model_port::list);
}
caf::result<model_text> text_of_model(const node_state& s, const model_text_query& q) {
  return ask(s, q, &model_port::text);
}
caf::result<shadow_answer> order_shadow(const node_state& s, const shadow_order& o) {
  return ask(s, o, &model_port::shadow);
}

caf::result<model_applied> apply_model(node_pointer self, const model_apply& a) {
  if (self->state.with.model_changes == nullptr) return to_caf(no_port);
  auto change = self->state.with.model_changes->apply(a);
  if (!change) return to_caf(change.error());
  return await_hosts(self, *change);
}

caf::result<model_applied> roll_back_model(node_pointer self, const model_rollback& r) {
  if (self->state.with.model_changes == nullptr) return to_caf(no_port);
  auto change = self->state.with.model_changes->roll_back(r);
  if (!change) return to_caf(change.error());
  return await_hosts(self, *change);
}

} // namespace pollux::actors
