// SPDX-License-Identifier: Apache-2.0
// One twin that lives in simulated time: rows in, marks and scores out.
#pragma once
#include "domain/twin/sandbox.hpp"
#include "tools/pollux/detect_run.hpp"
#include <cstdint>
#include <memory>
#include <vector>

namespace pollux::domain {
class twin_operator;
} // namespace pollux::domain

namespace pollux::tools {

/// An operator's output called `score`.
struct score_output {
  const domain::twin_operator* op;
  std::uint32_t which;
};

/// Those of one operator by name, or of all when `name` is empty.
[[nodiscard]] std::vector<score_output> scores_of(const domain::model& m, const std::string& name);

class detect_twin {
public:
  explicit detect_twin(const detect_options& options);

  struct outcome {
    bool alert = false;
    double score = 0;
    std::uint64_t raised = 0;
  };
  /// Applies the one reading in `in`. Its event time is also the twin's clock, which never steps
  /// back: what is due before is done before.
  outcome apply(domain::input& in);

private:
  void feed(domain::input& in, std::int64_t now_ns);
  [[nodiscard]] double score() const;

  domain::only_model models_;
  std::string hash_;
  detect_mark mark_;
  std::vector<score_output> scores_;
  domain::sandbox twin_{models_, "detect:file"};
  domain::effects effects_;
  std::uint64_t raised_ = 0;
  std::int64_t now_ns_, newest_ns_;
  bool created_ = false;
};

} // namespace pollux::tools
