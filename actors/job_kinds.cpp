// SPDX-License-Identifier: Apache-2.0
#include "actors/jobs.hpp"

namespace pollux::actors {

const std::map<std::string, job_body>& job_kinds() {
  static const std::map<std::string, job_body> kinds{};
  return kinds;
}

} // namespace pollux::actors
