// SPDX-License-Identifier: Apache-2.0
// What one operator remembers about one twin. Each operator derives its own; stateless ones have
// none.
#pragma once

namespace pollux::domain {

struct operator_state {
  operator_state() = default;
  operator_state(const operator_state&) = delete;
  operator_state& operator=(const operator_state&) = delete;
  virtual ~operator_state() = default;
};

} // namespace pollux::domain
