// SPDX-License-Identifier: Apache-2.0
// Fault injection for tests and drills: a reading of a chosen value breaks an invariant, so that
// the whole way of a crashing twin (restart from the journal, three attempts, quarantine) can be
// tried on a running system. {"type":"crash_probe","of":"temperature","value":666}
#pragma once
#include "domain/model/operator.hpp"

namespace pollux::domain {

class object_reader;
class model_scope;

class crash_probe final : public twin_operator {
public:
  crash_probe(int slot, double value) : slot_(slot), value_(value) {}
  [[nodiscard]] operator_hooks hooks() const noexcept override { return {.judge = true}; }
  void judge(row& reading) const override;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

private:
  int slot_;
  double value_;
};

[[nodiscard]] std::unique_ptr<twin_operator> read_crash_probe(object_reader& in,
                                                              model_scope& scope);

} // namespace pollux::domain
