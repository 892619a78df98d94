// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/operands.hpp"
#include "domain/model/registry.hpp"

namespace pollux::domain {
namespace {

// An output of an operator: this bit, the operator's index above 16 bits of which output. Basic
// statistics of a sliding window are marked, too: they come together.
constexpr std::uint32_t output_bit = 0x80000000;
constexpr std::uint32_t window_bit = 0x40000000;

constexpr std::uint32_t index_of(std::uint32_t id) {
  return (id & ~(output_bit | window_bit)) >> 16;
}
constexpr std::uint32_t which_of(std::uint32_t id) { return id & 0xffff; }

std::optional<named_operand> find_operand(const model& m, std::string_view name) {
  if (const int slot = m.telemetry_slot(name); slot >= 0) {
    const auto type = m.telemetry[static_cast<std::size_t>(slot)].type;
    if (type == telemetry_type::text || type == telemetry_type::samples) return std::nullopt;
    return named_operand{std::string(name), static_cast<std::uint32_t>(slot), slot};
  }
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto* op = m.find_operator(name.substr(0, dot));
  if (op == nullptr) return std::nullopt;
  const auto outputs = op->outputs();
  const bool window = dynamic_cast<const window_operator*>(op) != nullptr;
  for (std::uint32_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].name != name.substr(dot + 1)) continue;
    const auto kind = output_bit | (window && i < basic_aggregates ? window_bit : 0);
    return named_operand{std::string(name), kind | op->index() << 16 | i, outputs[i].slot};
  }
  return std::nullopt;
}

} // namespace

std::vector<std::string> operand_names(const model& m) {
  std::vector<std::string> names;
  for (const auto& t : m.telemetry)
    if (t.type != telemetry_type::text && t.type != telemetry_type::samples)
      names.push_back(t.name);
  for (const auto& op : m.operators)
    for (const auto& out : op->outputs()) names.push_back(op->name() + "." + std::string(out.name));
  return names;
}

std::optional<named_operand> resolve_operand(model_scope& scope, std::string_view name) {
  auto found = find_operand(scope.so_far(), name);
  if (found && (found->id & output_bit) != 0)
    scope.depends_on(*scope.so_far().operators[index_of(found->id)]);
  return found;
}

std::optional<expression> read_expression(object_reader& in, model_scope& scope,
                                          std::string_view key, std::vector<named_operand>& used) {
  const auto* node = in.require(key, config_node::type::text);
  if (node == nullptr) return std::nullopt;
  const auto resolve = [&](std::string_view name) -> std::optional<std::uint32_t> {
    auto found = find_operand(scope.so_far(), name);
    if (!found) return std::nullopt;
    for (const auto& u : used)
      if (u.id == found->id) return u.id;
    if ((found->id & output_bit) != 0)
      scope.depends_on(*scope.so_far().operators[index_of(found->id)]);
    used.push_back(*found);
    return found->id;
  };
  const auto names = operand_names(scope.so_far());
  auto parsed = expression::parse(node->text, resolve, {names.begin(), names.end()});
  if (!parsed) {
    in.fail(*node, parsed.error().what);
    return std::nullopt;
  }
  return std::move(*parsed);
}

std::optional<double> twin_operands::operand(std::uint32_t id) const {
  if ((id & output_bit) == 0) return twin_.latest[id].number();
  const std::uint32_t index = index_of(id);
  const auto& op = *twin_.ruling().operators[index];
  if ((id & window_bit) == 0) return op.output(twin_, which_of(id));
  if (!looked_ || index != window_) {
    statistics_ = static_cast<const window_operator&>(op).now(twin_);
    window_ = index;
    looked_ = true;
  }
  return window_operator::pick(statistics_, which_of(id));
}

} // namespace pollux::domain
