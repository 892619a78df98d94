// SPDX-License-Identifier: Apache-2.0
// Which queries change something, and what the audit log is told of them.
#pragma once
#include "messages/node_api.hpp"
#include <optional>
#include <string>

namespace pollux::bridge::remote {

/// What was asked for, and by whom.
struct order {
  std::string method; ///< command_request, alert_action, ...
  std::string target; ///< a twin, a model, a job
  std::string by;     ///< as the query says; empty when it does not
  std::string body;   ///< JSON: the rest that matters
};

/// Who sent a query: a process of this machine, or of another one. What CAF tells of it is what the
/// process says of itself; it has shown the node's own client certificate.
struct asker {
  std::string who;  ///< the process's user, when it runs on this machine
  std::string from; ///< "pid 4711", "pid 4711 on 0a1b2c3d"
};
[[nodiscard]] asker asker_of(const caf::node_id& sender, const caf::node_id& here);

/// Nothing for a query that only asks.
template <class Query> std::optional<order> order_of(const Query&) { return {}; }
template <> std::optional<order> order_of(const messages::command_request& q);
template <> std::optional<order> order_of(const messages::alert_acknowledge& q);
template <> std::optional<order> order_of(const messages::alert_action& q);
template <> std::optional<order> order_of(const messages::parent_set& q);
template <> std::optional<order> order_of(const messages::twin_patch& q);
template <> std::optional<order> order_of(const messages::twin_create& q);
template <> std::optional<order> order_of(const messages::twin_delete& q);
template <> std::optional<order> order_of(const messages::quarantine_replay& q);
template <> std::optional<order> order_of(const messages::log_level_set& q);
template <> std::optional<order> order_of(const messages::model_apply& q);
template <> std::optional<order> order_of(const messages::model_rollback& q);
template <> std::optional<order> order_of(const messages::shadow_order& q);
template <> std::optional<order> order_of(const messages::retention_order& q);
template <> std::optional<order> order_of(const messages::readings_submit& q);
template <> std::optional<order> order_of(const messages::job_start& q);
template <> std::optional<order> order_of(const messages::job_cancel& q);

} // namespace pollux::bridge::remote
