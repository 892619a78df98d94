// SPDX-License-Identifier: Apache-2.0
// As-of join: telemetry that arrives at different rates, side by side as it was at one moment.
//   {"name":"here","type":"as_of","of":"temperature","with":["speed","door"],"tolerance":"5s"}
// At each newer reading of `of`, `here.speed` is the newest value of speed at or before that event
// time, if it is not older than the tolerance; unknown otherwise. A value that comes later but
// belongs before that time still takes its place, until the next reading of `of`.
#pragma once
#include "domain/model/operator.hpp"

namespace pollux::domain {

class object_reader;
class model_scope;

class as_of_operator final : public twin_operator {
public:
  static constexpr std::size_t max_joined = 16;

  as_of_operator(const model& rules, int of, std::vector<int> with, std::int64_t tolerance_ns);
  [[nodiscard]] operator_hooks hooks() const noexcept override {
    return {.observe = true, .state = true};
  }
  void observe(row& reading) const override;
  /// For each telemetry of `with`: its name, and `<name>_age_s`, seconds before the reading; the
  /// name of `of`; matched: how many are known.
  [[nodiscard]] std::vector<operator_output> outputs() const override;
  [[nodiscard]] std::optional<double> output(const twin_state::body& twin,
                                             std::uint32_t which) const override;
  void save(const operator_state& state, byte_writer& out) const override;
  [[nodiscard]] std::unique_ptr<operator_state> load(byte_reader& in) const override;
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

private:
  int of_;
  std::vector<int> with_;
  std::int64_t tolerance_ns_;
  std::string field_;
  std::vector<std::string> names_; ///< of the outputs, two for each of with_, then of_'s
};

/// Keys: of, with (1 to 16 numeric telemetries), tolerance.
[[nodiscard]] std::unique_ptr<twin_operator> read_as_of(object_reader& in, model_scope& scope);

} // namespace pollux::domain
