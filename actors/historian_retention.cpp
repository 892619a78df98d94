// SPDX-License-Identifier: Apache-2.0
// Orders about keeping history: how much lies in which tier, and legal holds.
#include "actors/historian.hpp"
#include "actors/retention_rules.hpp"
#include "domain/base/twin_id.hpp"
#include "messages/observability/log.hpp"
#include "persistence/retention_book.hpp"

namespace pollux::actors {

result<messages::history_document> order_retention(const historian_surroundings& with,
                                                   const messages::retention_order& order) {
  if (order.verb == "status") {
    auto document = tiers_document(*with.tables, with.inlet->shards());
    if (!document) return document.error();
    return messages::history_document{std::move(*document)};
  }
  if (order.verb != "hold" && order.verb != "release")
    return failure{errc::invalid_argument, "retention: status, hold or release"};
  if (auto id = parse_twin_id(order.twin); !id) return id.error();
  if (order.detail.empty())
    return failure{errc::invalid_argument, "a reason is needed: it is kept"};
  const auto now = with.now();
  auto done =
      order.verb == "hold"
          ? persistence::put_hold(
                *with.tables,
                {.twin = order.twin, .by = order.by, .reason = order.detail, .since_ns = now})
          : persistence::release_hold(*with.tables, order.twin, order.by, order.detail, now);
  if (!done) return done.error();
  messages::log::info("retention",
                      order.verb == "hold" ? "a legal hold was put on a twin"
                                           : "a legal hold was released",
                      {{"twin", order.twin}, {"by", order.by}, {"reason", order.detail}});
  auto document = tiers_document(*with.tables, 0); // the holds; counting blocks is not asked for
  if (!document) return document.error();
  return messages::history_document{std::move(*document)};
}

} // namespace pollux::actors
