// SPDX-License-Identifier: Apache-2.0
#include "actors/historian.hpp"

namespace pollux::actors {

result<messages::history_document> order_retention(const historian_surroundings&,
                                                   const messages::retention_order&) {
  return failure{errc::unavailable, "retention: not in this build"};
}

} // namespace pollux::actors
