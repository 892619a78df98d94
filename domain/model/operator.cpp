// SPDX-License-Identifier: Apache-2.0
// What an operator does where it has nothing to do.
#include "domain/model/operator.hpp"

namespace pollux::domain {

std::unique_ptr<operator_state> twin_operator::fresh_state(std::int64_t) const { return nullptr; }
void twin_operator::judge(row&) const {}
void twin_operator::observe(row&) const {}
std::int64_t twin_operator::due_ns(const twin_state::body&) const { return never; }
void twin_operator::fall_due(step_context&) const {}
void twin_operator::pass_watermark(step_context&, std::int64_t, bool) const {}
std::vector<operator_output> twin_operator::outputs() const { return {}; }
std::optional<double> twin_operator::output(const twin_state::body&, std::uint32_t) const {
  return std::nullopt;
}
void twin_operator::save(const operator_state&, byte_writer&) const {}
std::unique_ptr<operator_state> twin_operator::load(byte_reader& in) const {
  in.fail();
  return nullptr;
}
std::size_t twin_operator::state_bytes(const operator_state&) const { return 0; }

bool twin_operator::marked_in(std::uint8_t) const noexcept { return false; }

} // namespace pollux::domain
