// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/audit_note.hpp"
#include "bridge/audit/audit_log.hpp"
#include "tools/pollux/client_session.hpp"
#include <chrono>
#include <limits>
#include <unistd.h>

namespace pollux::cli {

void note_deed(const std::string& data, const std::string& method, const std::string& target,
               const std::string& body, const status& outcome) {
  bridge::audit::log_options options;
  options.folder = data + "/audit";
  options.bytes = std::numeric_limits<std::uint64_t>::max(); // the node sees to its size
  bridge::audit::log to(std::move(options));
  bridge::audit::ending how;
  if (!outcome) {
    how.outcome = "refused";
    how.why = outcome.error().what;
  }
  const auto now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  to.add({asker(), "pid " + std::to_string(::getpid()), method, target, body, "", "files"}, how,
         now_ns);
}

} // namespace pollux::cli
