// SPDX-License-Identifier: Apache-2.0
#include "actors/historian.hpp"

namespace pollux::actors {

result<messages::series_answer> series_of(const historian_surroundings&, const series_ask&) {
  return failure{errc::unavailable, "series: not in this build"};
}

result<messages::history_document> completeness_of(const historian_surroundings&,
                                                   const messages::completeness_query&) {
  return failure{errc::unavailable, "completeness: not in this build"};
}

} // namespace pollux::actors
