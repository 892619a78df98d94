// SPDX-License-Identifier: Apache-2.0
#include "actors/desk.hpp"
#include "domain/base/twin_id.hpp"
#include "messages/hash.hpp"
#include "messages/observability/log.hpp"

namespace pollux::actors {

look_slip::~look_slip() { give(failure{errc::unavailable, "the twin is being restarted"}); }

void look_slip::give(result<messages::twin_answer> found) noexcept {
  const auto then = std::exchange(then_, nullptr);
  if (!then) return;
  try {
    then(std::move(found));
  } catch (const std::exception& e) {
    messages::log::error("desk", "an asker failed", {{"why", e.what()}});
  }
}

void desk::seat(std::vector<caf::actor> hosts) {
  const std::lock_guard lock(mutex_);
  hosts_ = std::move(hosts);
}

void desk::look(std::string id, told then) {
  if (auto parts = parse_twin_id(id); !parts) return then(parts.error());
  const auto shard = messages::shard_of(id, shards_);
  const auto slip = std::make_shared<look_slip>(std::move(then));
  caf::actor host;
  {
    const std::lock_guard lock(mutex_);
    if (!hosts_.empty()) host = hosts_[shard % hosts_.size()];
  }
  if (host) caf::anon_send(host, look_for{std::move(id), shard, slip});
}

} // namespace pollux::actors
