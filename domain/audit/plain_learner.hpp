// SPDX-License-Identifier: Apache-2.0
// What a rule with limits of its own making has learnt, in its plain forms.
#pragma once
#include "domain/audit/plain_windows.hpp"
#include <cstdint>
#include <memory>

namespace pollux::domain::audit {

struct band {
  double n = 0, mean = 0, sd = 0;
  double tested = 0; ///< what is held against the mean
};

/// `at` may count the reading in where the rule tests a mean, not a reading.
class learner {
public:
  virtual ~learner() = default;
  virtual band at(std::int64_t t, double x) = 0;
  virtual void learn(std::int64_t t, double x) = 0;
  /// The alert has lasted so long that x is normal now.
  virtual void learn_anew(std::int64_t t, double x) { learn(t, x); }
  /// Whether the band given last is as near to that of all readings as was promised.
  [[nodiscard]] virtual bool fair() const { return true; }
};

/// Median and MAD (docs/models.md, "robust").
[[nodiscard]] std::unique_ptr<learner> plain_middle_values(const config_node& rule);

} // namespace pollux::domain::audit
