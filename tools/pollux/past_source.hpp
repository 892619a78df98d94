// SPDX-License-Identifier: Apache-2.0
// What an export reads from: a running node, or the data folder of one that does not run.
#pragma once
#include "persistence/features.hpp"
#include "tools/pollux/client_job.hpp"
#include <functional>
#include <string>
#include <vector>

namespace pollux::cli {

/// One row of features: a label's moment and what the twin would have told then.
struct feature_row {
  std::string model; ///< empty: the twin did not exist yet
  std::vector<persistence::feature> features;
};

class past_source {
public:
  virtual ~past_source() = default;
  /// Ids of living twins that match, in byte order.
  [[nodiscard]] virtual result<std::vector<std::string>> twins(const std::string& glob) = 0;
  [[nodiscard]] virtual result<messages::history_page>
  history(const messages::history_query& query) = 0;
  /// A row for each of `times_ns` (rising). `clock`: ingest or event.
  [[nodiscard]] virtual status features(const std::string& twin, const std::string& clock,
                                        const std::vector<std::int64_t>& times_ns,
                                        const std::function<void(feature_row)>& visit) = 0;
};

/// Runs `body` with the node, or with the folder where none runs (or `offline` is set). Gives its
/// exit code.
int with_past(const context& ctx, const node_options& options, bool offline,
              const std::function<int(past_source&)>& body);

} // namespace pollux::cli
