// SPDX-License-Identifier: Apache-2.0
#include "domain/model/model_warnings.hpp"
#include "domain/base/time.hpp"
#include "domain/machine/state_machine.hpp"
#include "domain/model/mentions.hpp"
#include "domain/model/operator.hpp"
#include <limits>
#include <optional>

namespace pollux::domain {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

struct range {
  double least = -infinity, greatest = infinity;
};

bool speaks_of(const config_node& node, std::string_view name) {
  if (node.kind == config_node::type::text && mentions(node.text, name)) return true;
  for (const auto& [key, child] : node.members)
    if (speaks_of(child, name)) return true;
  return false;
}

std::string text_at(const config_node& node, std::string_view key) {
  const auto* found = node.find(key);
  return found != nullptr && found->kind == config_node::type::text ? found->text : std::string{};
}

std::optional<double> number_at(const config_node& node, std::string_view key) {
  const auto* found = node.find(key);
  if (found == nullptr || found->kind != config_node::type::number) return std::nullopt;
  return found->number;
}

std::int64_t duration_at(const config_node& node, std::string_view key) {
  const auto parsed = parse_duration(text_at(node, key));
  return parsed ? *parsed : 0;
}

class examiner {
public:
  examiner(const model& m, const config_node& root) : model_(m), root_(root) {}

  std::vector<model_finding> run() {
    const auto* operators = root_.find("operators");
    if (operators == nullptr) return {};
    for (std::size_t i = 0; i < operators->members.size(); ++i) {
      const auto& node = operators->members[i].second;
      const auto type = text_at(node, "type");
      if (type == "window") unused(*operators, i);
      if (type == "window") too_short(node);
      if (type == "threshold") out_of_reach(node);
      if (type == "z_score") never_enough(*operators, node);
      if (type == "state_machine") hardly_meant(node);
    }
    return std::move(out_);
  }

private:
  void warn(const config_node& at, std::string what) {
    out_.push_back({false, at.line, at.column, std::move(what)});
  }

  static const config_node& place(const config_node& node, std::string_view key) {
    const auto* found = node.find(key);
    return found != nullptr ? *found : node;
  }

  /// A window without an operator, or an expression, that refers to it.
  void unused(const config_node& operators, std::size_t i) {
    const auto& node = operators.members[i].second;
    const auto name = text_at(node, "name");
    for (std::size_t k = i + 1; k < operators.members.size(); ++k)
      for (const auto& [key, child] : operators.members[k].second.members)
        if (key != "name" && key != "description" && key != "message" && speaks_of(child, name))
          return;
    warn(place(node, "name"), "nobody uses \"" + name + "\": it only shows in the twin's document");
  }

  /// Late readings are amended that old, and the window has forgotten by then.
  void too_short(const config_node& node) {
    const auto lateness = model_.event_time.lateness_ns;
    const auto span = duration_at(node, "span");
    if (lateness == 0 || span == 0 || lateness <= span) return;
    warn(place(node, "span"), "readings may come later (event_time.lateness) than \"" +
                                  text_at(node, "name") + "\" is long: the oldest change nothing");
  }

  /// Between which bounds the value of a plain name can lie; nullopt for anything else.
  [[nodiscard]] std::optional<range> range_of(const std::string& value) const {
    auto name = value;
    if (const auto dot = value.rfind('.'); dot != std::string::npos) {
      const auto statistic = value.substr(dot + 1);
      const auto* op = model_.find_operator(value.substr(0, dot));
      if (op != nullptr && (statistic == "mean" || statistic == "min" || statistic == "max"))
        name = window_of(value.substr(0, dot));
      else if (op != nullptr && statistic == "count")
        return range{0, infinity};
      else if (op != nullptr && (statistic == "sd" || statistic == "psd"))
        return range{0, infinity};
    }
    const int slot = model_.telemetry_slot(name);
    if (slot < 0) return std::nullopt;
    const auto& t = model_.telemetry[static_cast<std::size_t>(slot)];
    if (t.type == telemetry_type::boolean) return range{0, 1};
    return range{t.min, t.max};
  }

  [[nodiscard]] std::string window_of(const std::string& name) const {
    for (const auto& [key, node] : root_.find("operators")->members)
      if (text_at(node, "name") == name && text_at(node, "type") == "window")
        return text_at(node, "of");
    return {};
  }

  /// Limits beyond what the door lets in.
  void out_of_reach(const config_node& node) {
    const auto value = text_at(node, "value");
    const auto possible = range_of(value);
    if (!possible) return;
    const auto above = number_at(node, "above");
    const auto below = number_at(node, "below");
    const auto clear = number_at(node, "clear");
    const auto limits = " (" + value + " lies between its min and max)";
    if (above && !below && *above >= possible->greatest)
      warn(place(node, "above"), "it can never fire" + limits);
    if (below && !above && *below <= possible->least)
      warn(place(node, "below"), "it can never fire" + limits);
    if (above && clear && *clear < possible->least)
      warn(place(node, "clear"), "once raised it is never cleared" + limits);
    if (below && clear && *clear > possible->greatest)
      warn(place(node, "clear"), "once raised it is never cleared" + limits);
  }

  /// A baseline that its window can never hold.
  void never_enough(const config_node& operators, const config_node& node) {
    const auto wanted = number_at(node, "min_samples").value_or(30);
    for (const auto& [key, window] : operators.members) {
      if (text_at(window, "name") != text_at(node, "window")) continue;
      if (const auto most = number_at(window, "max_entries"); most && *most < wanted)
        warn(place(node, "min_samples"), "it can never fire: \"" + text_at(window, "name") +
                                             "\" never holds so many readings (max_entries)");
    }
  }

  /// States that cannot be reached, timers that nobody starts or asks for.
  void hardly_meant(const config_node& node) {
    const auto* machine =
        dynamic_cast<const state_machine*>(model_.find_operator(text_at(node, "name")));
    if (machine == nullptr) return;
    for (auto& doubt : doubts_about(machine->rules())) warn(place(node, "name"), std::move(doubt));
  }

  const model& model_;
  const config_node& root_;
  std::vector<model_finding> out_;
};

} // namespace

std::vector<model_finding> warnings_of(const model& m, const config_node& root) {
  return examiner(m, root).run();
}

} // namespace pollux::domain
