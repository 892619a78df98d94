// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/client_job.hpp"
#include <algorithm>
#include <unistd.h>

namespace pollux::cli {

bool node_runs(const std::string& data) {
  const auto where = bridge::remote::read_endpoint(data);
  return where.ok() && bridge::remote::listening(*where);
}

result<messages::job_answer> run_job(client& node, const context& ctx, const std::string& kind,
                                     const json& arguments, bool partial) {
  auto state = node.ask(messages::job_start{kind, arguments.dump(), asker()});
  if (!state) return state;
  catch_interrupts();
  progress_bar bar(!ctx.quiet && ::isatty(STDERR_FILENO) != 0);
  bool cancelling = false;
  auto wait = std::chrono::milliseconds(20);
  while (state->state == "queued" || state->state == "running") {
    if (!pause(wait) && !cancelling) {
      cancelling = true;
      if (auto said = node.ask(messages::job_cancel{state->id}); !said) return said;
    }
    wait = std::min(wait * 2, std::chrono::milliseconds(500));
    state = node.ask(messages::job_query{state->id});
    if (!state) return state;
    if (state->total > 0)
      bar.show(static_cast<double>(state->done) / static_cast<double>(state->total));
  }
  if (state->state == "failed") return failure{errc::io, state->what};
  if (state->state == "cancelled" && !(partial && !state->document.empty()))
    return failure{errc::unavailable, kind + " was cancelled"};
  return state;
}

} // namespace pollux::cli
