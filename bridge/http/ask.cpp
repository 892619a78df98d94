// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/ask.hpp"
#include <chrono>

namespace pollux::bridge::http {

using namespace messages;

template <class Query>
void ask(const node_link& link, Query query, told<Query> then, std::int64_t timeout_ns) {
  const std::chrono::nanoseconds timeout(timeout_ns == 0 ? link.timeout_ns : timeout_ns);
  link.system->spawn<caf::hidden>([timeout, node = link.node, query = std::move(query),
                                   then = std::move(then)](caf::event_based_actor* self) {
    self->request(node, timeout, query)
        .then([then](answer_to<Query>& a) { then(std::move(a)); },
              [then](const caf::error& e) { then(from_caf(e)); });
  });
}

void look(const node_link& link, std::string id, told<twin_query> then) {
  if (link.desk == nullptr) return ask<twin_query>(link, {std::move(id)}, std::move(then));
  const auto asked = id;
  link.desk->look(std::move(id), [link, asked, then = std::move(then)](result<twin_answer> found) {
    // whoever had it ended with it: the node knows who comes after them
    if (!found && found.error().code == errc::unavailable)
      return ask<twin_query>(link, {asked}, then);
    then(std::move(found));
  });
}

void later(const node_link& link, std::int64_t after_ns, std::function<void()> what) {
  link.system->spawn<caf::hidden>(
      [after_ns, what = std::move(what)](caf::event_based_actor* self) -> caf::behavior {
        self->delayed_send(self, std::chrono::nanoseconds(after_ns), caf::ok_atom::value);
        return {[self, what](caf::ok_atom) {
          self->quit();
          what();
        }};
      });
}

#define POLLUX_ASKED(query)                                                                        \
  template void ask<query>(const node_link&, query, told<query>, std::int64_t);
POLLUX_ASKED(twin_query)
POLLUX_ASKED(twin_list_query)
POLLUX_ASKED(history_query)
POLLUX_ASKED(watch_open)
POLLUX_ASKED(watch_pull)
POLLUX_ASKED(watch_close)
POLLUX_ASKED(command_request)
POLLUX_ASKED(command_query)
POLLUX_ASKED(alert_list_query)
POLLUX_ASKED(alert_query)
POLLUX_ASKED(alert_acknowledge)
POLLUX_ASKED(alert_verify)
POLLUX_ASKED(alert_action)
POLLUX_ASKED(parent_set)
POLLUX_ASKED(quarantine_query)
POLLUX_ASKED(quarantine_replay)
POLLUX_ASKED(stats_query)
POLLUX_ASKED(twin_create)
POLLUX_ASKED(twin_delete)
POLLUX_ASKED(twin_patch)
POLLUX_ASKED(twin_search)
POLLUX_ASKED(search_watch)
POLLUX_ASKED(model_list_query)
POLLUX_ASKED(model_text_query)
POLLUX_ASKED(model_apply)
POLLUX_ASKED(model_rollback)
POLLUX_ASKED(shadow_order)
POLLUX_ASKED(series_query)
POLLUX_ASKED(completeness_query)
POLLUX_ASKED(replay_query)
POLLUX_ASKED(job_start)
POLLUX_ASKED(job_query)
POLLUX_ASKED(job_cancel)
#undef POLLUX_ASKED

} // namespace pollux::bridge::http
