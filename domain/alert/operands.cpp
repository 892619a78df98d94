// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/operands.hpp"
#include "domain/model/registry.hpp"
#include <array>

namespace pollux::domain {
namespace {

enum class statistic : std::uint32_t { count, mean, sd, psd, min, max };
constexpr std::array<std::string_view, 6> statistic_names = {"count", "mean", "sd",
                                                             "psd",   "min",  "max"};
// A window's statistic: this bit, the operator's index above 3 bits of statistic.
constexpr std::uint32_t window_bit = 0x10000;

std::optional<double> pick(const window_statistics& s, statistic which) {
  if (which == statistic::count) return static_cast<double>(s.count);
  if (s.count < (which == statistic::sd ? 2U : 1U)) return std::nullopt;
  switch (which) {
  case statistic::mean: return s.mean;
  case statistic::sd: return s.sample_stddev();
  case statistic::psd: return s.population_stddev();
  case statistic::min: return s.min;
  case statistic::max: return s.max;
  case statistic::count: break;
  }
  return std::nullopt;
}

std::optional<named_operand> find_operand(const model& m, std::string_view name) {
  if (const int slot = m.telemetry_slot(name); slot >= 0) {
    const auto type = m.telemetry[static_cast<std::size_t>(slot)].type;
    if (type == telemetry_type::text || type == telemetry_type::samples) return std::nullopt;
    return named_operand{std::string(name), static_cast<std::uint32_t>(slot), slot};
  }
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const auto* window = dynamic_cast<const window_operator*>(m.find_operator(name.substr(0, dot)));
  if (window == nullptr) return std::nullopt;
  for (std::uint32_t i = 0; i < statistic_names.size(); ++i)
    if (statistic_names[i] == name.substr(dot + 1))
      return named_operand{std::string(name), window_bit | window->index() << 3 | i,
                           window->slot()};
  return std::nullopt;
}

std::vector<std::string> all_names(const model& m) {
  std::vector<std::string> names;
  for (const auto& t : m.telemetry)
    if (t.type != telemetry_type::text && t.type != telemetry_type::samples)
      names.push_back(t.name);
  for (const auto& op : m.operators)
    if (dynamic_cast<const window_operator*>(op.get()) != nullptr)
      for (const auto s : statistic_names) names.push_back(op->name() + "." + std::string(s));
  return names;
}

} // namespace

std::optional<expression> read_expression(object_reader& in, model_scope& scope,
                                          std::string_view key, std::vector<named_operand>& used) {
  const auto* node = in.require(key, config_node::type::text);
  if (node == nullptr) return std::nullopt;
  const auto resolve = [&](std::string_view name) -> std::optional<std::uint32_t> {
    auto found = find_operand(scope.so_far(), name);
    if (!found) return std::nullopt;
    for (const auto& u : used)
      if (u.id == found->id) return u.id;
    if ((found->id & window_bit) != 0)
      scope.depends_on(*scope.so_far().operators[(found->id & 0xffff) >> 3]);
    used.push_back(*found);
    return found->id;
  };
  const auto names = all_names(scope.so_far());
  auto parsed = expression::parse(node->text, resolve, {names.begin(), names.end()});
  if (!parsed) {
    in.fail(*node, parsed.error().what);
    return std::nullopt;
  }
  return std::move(*parsed);
}

std::optional<double> twin_operands::operand(std::uint32_t id) const {
  if ((id & window_bit) == 0) return twin_.latest[id].number();
  const std::uint32_t index = (id & 0xffff) >> 3;
  if (!looked_ || index != window_) {
    const auto& op = *twin_.ruling().operators[index];
    statistics_ = static_cast<const window_operator&>(op).now(twin_);
    window_ = index;
    looked_ = true;
  }
  return pick(statistics_, static_cast<statistic>(id & 7));
}

} // namespace pollux::domain
