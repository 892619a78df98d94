// SPDX-License-Identifier: Apache-2.0
#include "domain/machine/machine_expression.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

constexpr std::size_t max_text = 4096;
constexpr int max_depth = 32;

std::string_view trimmed(std::string_view s) {
  const auto space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!s.empty() && space(s.front())) s.remove_prefix(1);
  while (!s.empty() && space(s.back())) s.remove_suffix(1);
  return s;
}

std::string quoted(std::string_view s) {
  return "\"" + std::string(s.substr(0, 60)) + (s.size() > 60 ? "...\"" : "\"");
}

failure wrong(std::string what) { return {errc::invalid_argument, std::move(what)}; }

// 'a name' and "a text" lose their quotes; false when a quote does not end.
bool unquote(std::string_view& s) {
  if (s.empty() || (s.front() != '\'' && s.front() != '"')) return true;
  if (s.size() < 2 || s.back() != s.front()) return false;
  s = s.substr(1, s.size() - 2);
  return true;
}

// Calls `at(i)` for every byte outside quotes and parentheses, until it gives true: its place, else
// npos. Parentheses themselves are outside.
template <class F> std::size_t scan(std::string_view s, F&& at) {
  int depth = 0;
  char quote = '\0';
  for (std::size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
      continue;
    }
    if (c == '\'' || c == '"') quote = c;
    if (c == ')') --depth;
    if (depth == 0 && at(i)) return i;
    if (c == '(') ++depth;
  }
  return std::string_view::npos;
}

std::size_t find_top(std::string_view s, std::string_view symbol, std::size_t from) {
  return scan(s, [&](std::size_t i) { return i >= from && s.substr(i, 2) == symbol; });
}

// The inside of (...) when that is the whole.
std::optional<std::string_view> inside(std::string_view s) {
  if (s.size() < 2 || s.front() != '(' || s.back() != ')') return std::nullopt;
  const auto close = scan(s, [&](std::size_t i) { return s[i] == ')'; });
  if (close != s.size() - 1) return std::nullopt;
  return s.substr(1, s.size() - 2);
}

// What a plain name stands for; noted in names.operands.
class name_table {
public:
  name_table(machine_names& names, model_scope& scope) : names_(names), scope_(scope) {}

  std::optional<std::uint32_t> number(std::string_view name) {
    if (name.starts_with("var.")) {
      const int v = names_.variable(name.substr(4));
      if (v < 0) return std::nullopt;
      if (names_.variables[static_cast<std::size_t>(v)].type == variable_type::text) {
        text_name_ = name;
        return std::nullopt;
      }
      return note({machine_operand::kind::variable,
                   static_cast<std::uint32_t>(v),
                   -1,
                   std::string(name),
                   {},
                   {}});
    }
    if (is_text(name)) text_name_ = name;
    const auto found = resolve_operand(scope_, name);
    if (!found) return std::nullopt;
    names_.look_at(found->slot);
    return note({machine_operand::kind::model, found->id, found->slot, found->name, {}, {}});
  }

  std::optional<result<std::uint32_t>> call(std::string_view function,
                                            std::vector<std::string_view> arguments) {
    if (function == "starts_with") return match(machine_operand::kind::starts_with, arguments);
    if (function == "ends_with") return match(machine_operand::kind::ends_with, arguments);
    if (function == "contains") return match(machine_operand::kind::contains, arguments);
    const bool one = function == "timeout" || function == "arrived" || function == "unknown";
    if (!one && function != "by_timer") return std::nullopt;
    if (arguments.size() != 1 || arguments[0].empty() == one)
      return wrong(std::string(function) + (one ? " takes one name" : " takes nothing"));
    if (!one) return note({machine_operand::kind::by_timer, 0, -1, "by_timer", {}, {}});
    auto name = arguments[0];
    if (!unquote(name)) return wrong("a quoted name does not end");
    if (function == "timeout") return timeout(name);
    return function == "arrived" ? arrived(name) : unknown(name);
  }

  [[nodiscard]] std::vector<std::string> known() const {
    auto all = operand_names(scope_.so_far());
    for (const auto& v : names_.variables)
      if (v.type != variable_type::text) all.push_back("var." + v.name);
    return all;
  }
  /// A text that was named where a number is due.
  [[nodiscard]] const std::string& text_name() const noexcept { return text_name_; }
  std::vector<std::uint32_t> used;

  [[nodiscard]] bool is_text(std::string_view name) const {
    if (name.starts_with("var.")) {
      const int v = names_.variable(name.substr(4));
      return v >= 0 && names_.variables[static_cast<std::size_t>(v)].type == variable_type::text;
    }
    const int slot = scope_.so_far().telemetry_slot(name);
    return slot >= 0 &&
           scope_.so_far().telemetry[static_cast<std::size_t>(slot)].type == telemetry_type::text;
  }

private:
  std::uint32_t note(machine_operand o) {
    auto& all = names_.operands;
    const bool match = o.what >= machine_operand::kind::starts_with;
    auto known = std::find_if(all.begin(), all.end(), [&](const machine_operand& k) {
      return !match && k.what == o.what && k.id == o.id && k.name == o.name;
    });
    if (known == all.end()) known = all.insert(all.end(), std::move(o));
    const auto id = static_cast<std::uint32_t>(known - all.begin());
    if (std::find(used.begin(), used.end(), id) == used.end()) used.push_back(id);
    return id;
  }

  result<std::uint32_t> timeout(std::string_view name) {
    const int t = names_.timer(name);
    if (t >= 0)
      return note({machine_operand::kind::timeout,
                   static_cast<std::uint32_t>(t),
                   -1,
                   "timeout(" + std::string(name) + ")",
                   {},
                   {}});
    std::vector<std::string_view> known;
    for (const auto& timer : names_.timers) known.push_back(timer.name);
    return unknown_name("timer", name, known);
  }

  result<std::uint32_t> arrived(std::string_view name) {
    const auto title = "arrived(" + std::string(name) + ")";
    if (const int in = names_.input(name); in >= 0) {
      for (const auto slot : names_.inputs[static_cast<std::size_t>(in)].slots)
        names_.look_at(static_cast<int>(slot));
      return note({machine_operand::kind::input_arrived,
                   static_cast<std::uint32_t>(in),
                   -1,
                   title,
                   {},
                   {}});
    }
    const int slot = scope_.so_far().telemetry_slot(name);
    if (slot < 0) return unknown_name("telemetry or input", name, telemetry());
    names_.look_at(slot);
    return note(
        {machine_operand::kind::arrived, static_cast<std::uint32_t>(slot), slot, title, {}, {}});
  }

  result<std::uint32_t> unknown(std::string_view name) {
    const auto title = "unknown(" + std::string(name) + ")";
    if (name.starts_with("var.")) {
      if (const int v = names_.variable(name.substr(4)); v >= 0)
        return note({machine_operand::kind::unknown_variable,
                     static_cast<std::uint32_t>(v),
                     -1,
                     title,
                     {},
                     {}});
    } else if (is_text(name)) {
      const int slot = scope_.so_far().telemetry_slot(name);
      names_.look_at(slot);
      machine_operand o{machine_operand::kind::unknown_text,
                        static_cast<std::uint32_t>(slot),
                        slot,
                        title,
                        {},
                        {}};
      o.left = {text_operand::from::telemetry, static_cast<std::uint32_t>(slot), {}};
      return note(std::move(o));
    } else if (const auto found = resolve_operand(scope_, name)) {
      names_.look_at(found->slot);
      return note({machine_operand::kind::unknown_model, found->id, found->slot, title, {}, {}});
    }
    return unknown_name("name", name, telemetry());
  }

  result<std::uint32_t> match(machine_operand::kind what,
                              const std::vector<std::string_view>& arguments) {
    if (arguments.size() != 2) return wrong("it takes two texts, which hold neither , nor )");
    machine_operand o;
    o.what = what;
    auto left = read_text_operand(arguments[0], names_, scope_);
    if (!left) return left.error();
    auto right = read_text_operand(arguments[1], names_, scope_);
    if (!right) return right.error();
    o.left = std::move(*left);
    o.right = std::move(*right);
    return note(std::move(o));
  }

  [[nodiscard]] std::vector<std::string_view> telemetry() const {
    std::vector<std::string_view> known;
    for (const auto& t : scope_.so_far().telemetry) known.push_back(t.name);
    for (const auto& in : names_.inputs) known.push_back(in.name);
    return known;
  }
  static failure unknown_name(std::string_view what, std::string_view name,
                              const std::vector<std::string_view>& known) {
    const auto near = nearest(name, known);
    return wrong("no " + std::string(what) + " " + quoted(name) +
                 (near.empty() ? "" : "; did you mean " + quoted(near) + "?"));
  }

  machine_names& names_;
  model_scope& scope_;
  std::string text_name_;
};

} // namespace

class machine_expression_reader {
public:
  machine_expression_reader(machine_expression& out, machine_names& names, model_scope& scope)
      : out_(out), names_(names), scope_(scope), table_(names, scope) {}

  status run(std::string_view text) {
    if (text.size() > max_text) return wrong("an expression has at most 4096 bytes");
    const auto root = either(text, 0);
    if (!root) return root.error();
    out_.operands_ = std::move(table_.used);
    return {};
  }

private:
  using node = machine_expression::node;

  result<std::uint32_t> either(std::string_view s, int depth) {
    return split(s, "||", node::kind::either, depth);
  }

  result<std::uint32_t> split(std::string_view s, std::string_view symbol, node::kind what,
                              int depth) {
    if (depth > max_depth) return wrong("nested deeper than 32");
    std::optional<std::uint32_t> left;
    while (true) {
      const auto end = find_top(s, symbol, 0);
      auto part = s.substr(0, end);
      auto right = what == node::kind::either ? split(part, "&&", node::kind::both, depth)
                                              : factor(part, depth);
      if (!right) return right;
      left = left ? add({what, *left, *right}) : *right;
      if (end == std::string_view::npos) return *left;
      s.remove_prefix(end + symbol.size());
    }
  }

  result<std::uint32_t> factor(std::string_view s, int depth) {
    s = trimmed(s);
    if (const auto within = inside(s)) return either(*within, depth + 1);
    if (!s.empty() && s.front() == '!')
      if (const auto within = inside(trimmed(s.substr(1)))) {
        auto negated = either(*within, depth + 1);
        if (!negated) return negated;
        return add({node::kind::negated, *negated, 0});
      }
    return leaf(s);
  }

  result<std::uint32_t> leaf(std::string_view s) {
    for (const std::string_view symbol : {"==", "!="}) {
      const auto at = find_top(s, symbol, 0);
      if (at == std::string_view::npos) continue;
      const auto left = trimmed(s.substr(0, at)), right = trimmed(s.substr(at + 2));
      if (!names_text(left) && !names_text(right)) continue;
      auto a = read_text_operand(left, names_, scope_);
      if (!a) return a.error();
      auto b = read_text_operand(right, names_, scope_);
      if (!b) return b.error();
      out_.texts_.push_back(std::move(*a));
      out_.texts_.push_back(std::move(*b));
      const auto first = static_cast<std::uint32_t>(out_.texts_.size() - 2);
      return add({symbol == "==" ? node::kind::equal : node::kind::differ, first, first + 1});
    }
    return number(s);
  }

  result<std::uint32_t> number(std::string_view s) {
    const auto known = table_.known();
    auto parsed = expression::parse(
        s, [&](std::string_view name) { return table_.number(name); }, {known.begin(), known.end()},
        [&](std::string_view function, const std::vector<std::string_view>& arguments) {
          return table_.call(function, arguments);
        });
    if (!parsed) {
      if (!table_.text_name().empty())
        return wrong(quoted(table_.text_name()) + " is a text: compare it with == or != to one");
      return parsed.error().within("in " + quoted(s));
    }
    out_.leaves_.push_back(std::move(*parsed));
    return add({node::kind::leaf, static_cast<std::uint32_t>(out_.leaves_.size() - 1), 0});
  }

  [[nodiscard]] bool names_text(std::string_view s) const {
    if (s.empty()) return false;
    if (s.front() == '"') return true;
    return unquote(s) && table_.is_text(s);
  }

  std::uint32_t add(node n) {
    out_.nodes_.push_back(n);
    return static_cast<std::uint32_t>(out_.nodes_.size() - 1);
  }

  machine_expression& out_;
  machine_names& names_;
  model_scope& scope_;
  name_table table_;
};

result<machine_expression> machine_expression::parse(std::string_view text, machine_names& names,
                                                     model_scope& scope) {
  machine_expression out;
  out.text_ = text;
  if (auto s = machine_expression_reader(out, names, scope).run(text); !s) return s.error();
  return out;
}

std::optional<double> machine_expression::evaluate(const machine_view& view) const {
  return evaluate(static_cast<std::uint32_t>(nodes_.size() - 1), view);
}

std::optional<double> machine_expression::evaluate(std::uint32_t at,
                                                   const machine_view& view) const {
  const auto& n = nodes_[at];
  switch (n.what) {
  case node::kind::leaf: return leaves_[n.left].evaluate(view);
  case node::kind::equal:
  case node::kind::differ: {
    const auto a = view.text(texts_[n.left]), b = view.text(texts_[n.right]);
    if (!a || !b) return std::nullopt;
    return (*a == *b) == (n.what == node::kind::equal) ? 1.0 : 0.0;
  }
  case node::kind::either:
    return evaluate(n.left, view).value_or(0) != 0 || evaluate(n.right, view).value_or(0) != 0
               ? 1.0
               : 0.0;
  case node::kind::both: {
    const auto a = evaluate(n.left, view), b = evaluate(n.right, view);
    if ((a && *a == 0) || (b && *b == 0)) return 0.0;
    return a && b ? std::optional(1.0) : std::nullopt;
  }
  case node::kind::negated: {
    const auto a = evaluate(n.left, view);
    return a ? std::optional(*a == 0 ? 1.0 : 0.0) : std::nullopt;
  }
  }
  return std::nullopt;
}

result<text_operand> read_text_operand(std::string_view text, machine_names& names,
                                       model_scope& scope) {
  const bool literal = !text.empty() && text.front() == '"';
  if (!unquote(text)) return wrong("a quoted text does not end: " + quoted(text));
  if (literal) {
    if (text.size() > max_machine_text) return wrong("a text has at most 256 bytes");
    if (text.find('"') != std::string_view::npos) return wrong("one text is due: " + quoted(text));
    return text_operand{text_operand::from::literal, 0, std::string(text)};
  }
  if (text.starts_with("var.")) {
    const int v = names.variable(text.substr(4));
    if (v >= 0 && names.variables[static_cast<std::size_t>(v)].type == variable_type::text)
      return text_operand{text_operand::from::variable, static_cast<std::uint32_t>(v), {}};
  }
  const int slot = scope.so_far().telemetry_slot(text);
  if (slot >= 0 &&
      scope.so_far().telemetry[static_cast<std::size_t>(slot)].type == telemetry_type::text) {
    names.look_at(slot);
    return text_operand{text_operand::from::telemetry, static_cast<std::uint32_t>(slot), {}};
  }
  return wrong(quoted(text) + " is no text: one is \"in double quotes\", a telemetry of texts, or "
                              "var.<name> of a text");
}

} // namespace pollux::domain
