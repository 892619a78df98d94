// SPDX-License-Identifier: Apache-2.0
// A recursive-descent parser that emits postfix code, and the small stack machine that runs it.
#include "domain/model/expression.hpp"
#include "domain/model/config_node.hpp"
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace pollux::domain {

namespace {

constexpr std::size_t max_instructions = 256;
constexpr std::size_t max_depth = 32; ///< of nesting in the text, and of the stack

bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

} // namespace

/// Reads one expression. The first error sticks; every parse function returns at once after it.
class expression::parser {
public:
  parser(std::string_view text, const name_resolver& names,
         const std::vector<std::string_view>& known_names, const call_resolver& calls,
         std::vector<instruction>& program)
      : text_(text), names_(names), known_names_(known_names), calls_(calls), program_(program) {}

  status run() {
    disjunction();
    skip_space();
    if (ok_ && at_ != text_.size()) fail("an operator or the end");
    if (!ok_) return error_;
    return {};
  }

private:
  using code = expression::code;

  void disjunction() {
    conjunction();
    while (ok_ && take("||")) {
      conjunction();
      emit(code::lor, -1);
    }
  }

  void conjunction() {
    comparison();
    while (ok_ && take("&&")) {
      comparison();
      emit(code::land, -1);
    }
  }

  void comparison() {
    sum();
    if (const auto op = comparison_operator(); ok_ && op) {
      sum();
      emit(*op, -1);
      const std::size_t here = at_;
      if (ok_ && comparison_operator()) {
        at_ = here;
        skip_space();
        fail("&& between two comparisons, which do not chain");
      }
    }
  }

  std::optional<code> comparison_operator() {
    // two-byte operators first, so that <= is not read as <
    if (take("<=")) return code::le;
    if (take(">=")) return code::ge;
    if (take("==")) return code::eq;
    if (take("!=")) return code::ne;
    if (take("<")) return code::lt;
    if (take(">")) return code::gt;
    return std::nullopt;
  }

  void sum() {
    product();
    while (ok_) {
      const bool plus = take("+");
      if (!plus && !take("-")) return;
      product();
      emit(plus ? code::add : code::sub, -1);
    }
  }

  void product() {
    factor();
    while (ok_) {
      const bool times = take("*");
      if (!times && !take("/")) return;
      factor();
      emit(times ? code::mul : code::div, -1);
    }
  }

  void factor() {
    if (++nesting_ > max_depth) return fail_with("nested deeper than 32");
    skip_space();
    if (take("-")) {
      factor();
      emit(code::neg, 0);
    } else if (peek() == '!' && peek(1) != '=') {
      ++at_;
      factor();
      emit(code::lnot, 0);
    } else if (take("(")) {
      disjunction();
      close();
    } else if (is_digit(peek()) || (peek() == '.' && is_digit(peek(1)))) {
      literal();
    } else if (starts_name(peek()) || peek() == '\'') {
      name_or_call();
    } else {
      fail("a number, a name or (");
    }
    --nesting_;
  }

  void literal() {
    double value = 0;
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc{} || !std::isfinite(value)) return fail("a number that a double holds");
    at_ += static_cast<std::size_t>(end - begin);
    if (starts_name(peek()) || is_digit(peek()) || peek() == '.') return fail("an operator");
    emit(code::number, 1, 0, value);
  }

  void name_or_call() {
    const std::size_t start = at_;
    const auto name = read_name();
    if (!ok_) return;
    if (text_[start] != '\'') {
      if (take("(")) return call(name, start);
      if (name == "true" || name == "false")
        return emit(code::number, 1, 0, name == "true" ? 1 : 0);
    }
    const auto id = names_ ? names_(name) : std::nullopt;
    if (!id) {
      at_ = start;
      const auto near = nearest(name, known_names_);
      return fail_with("unknown name \"" + std::string(name.substr(0, 60)) + "\"" +
                       (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
    }
    emit(code::operand, 1, *id);
  }

  /// temperature, zone.temperature, or any bytes between single quotes: 'flow rate'.
  std::string_view read_name() {
    if (peek() == '\'') {
      const std::size_t end = text_.find('\'', at_ + 1);
      if (end == std::string_view::npos) {
        fail_with("this quoted name does not end");
        return {};
      }
      const auto name = text_.substr(at_ + 1, end - at_ - 1);
      at_ = end + 1;
      return name;
    }
    const std::size_t start = at_;
    while (starts_name(peek()) || is_digit(peek()) || peek() == '.') ++at_;
    return text_.substr(start, at_ - start);
  }

  /// A call of the resolver's, whose arguments are plain: no expressions, no parentheses.
  bool resolved_call(std::string_view name, std::size_t start) {
    if (!calls_) return false;
    std::vector<std::string_view> arguments;
    bool quoted = false;
    std::size_t from = at_;
    for (std::size_t i = at_; i < text_.size(); ++i) {
      const char c = text_[i];
      if (c == '\'') quoted = !quoted;
      if (quoted) continue;
      if (c == '(') return false;
      if (c != ',' && c != ')') continue;
      arguments.push_back(trimmed(text_.substr(from, i - from)));
      from = i + 1;
      if (c == ',') continue;
      const auto found = calls_(name, arguments);
      if (!found) return false;
      at_ = found->ok() ? from : start;
      if (found->ok())
        emit(code::operand, 1, **found);
      else
        fail_with(found->error().what);
      return true;
    }
    return false;
  }

  static std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
  }

  void call(std::string_view name, std::size_t start) {
    if (resolved_call(name, start)) return;
    const bool one = name == "abs" || name == "sqrt";
    if (!one && name != "min" && name != "max") {
      at_ = start;
      return fail_with("unknown function \"" + std::string(name.substr(0, 60)) +
                       "\"; there are abs, min, max and sqrt");
    }
    disjunction();
    if (one) {
      emit(name == "abs" ? code::abs : code::sqrt, 0);
      return close();
    }
    const code fold = name == "min" ? code::min : code::max;
    if (ok_ && !take(",")) return fail("a comma and a second number");
    do {
      disjunction();
      emit(fold, -1);
    } while (ok_ && take(","));
    close();
  }

  void close() {
    if (ok_ && !take(")")) fail(")");
  }

  void emit(code op, int grows, std::uint32_t operand = 0, double number = 0) {
    if (!ok_) return;
    if (program_.size() >= max_instructions) return fail_with("longer than 256 instructions");
    stack_ += grows;
    if (stack_ > static_cast<int>(max_depth)) return fail_with("needs more than 32 values at once");
    program_.push_back({op, operand, number});
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool take(std::string_view symbol) {
    skip_space();
    if (text_.substr(at_, symbol.size()) != symbol) return false;
    at_ += symbol.size();
    return true;
  }
  void fail(const char* expected) { fail_with(std::string("expected ") + expected); }
  void fail_with(const std::string& what) {
    if (!ok_) return;
    ok_ = false;
    error_ = {errc::invalid_argument, "at character " + std::to_string(at_ + 1) + ": " + what};
  }

  std::string_view text_;
  const name_resolver& names_;
  const std::vector<std::string_view>& known_names_;
  const call_resolver& calls_;
  std::vector<instruction>& program_;
  std::size_t at_ = 0;
  std::size_t nesting_ = 0;
  int stack_ = 0;
  bool ok_ = true;
  failure error_;
};

result<expression> expression::parse(std::string_view text, const name_resolver& names,
                                     const std::vector<std::string_view>& known_names,
                                     const call_resolver& calls) {
  expression out;
  out.text_ = text;
  if (auto parsed = parser(text, names, known_names, calls, out.program_).run(); !parsed)
    return parsed.error();
  out.program_.shrink_to_fit();
  return out;
}

std::optional<double> expression::evaluate(const operand_source& source) const {
  std::array<double, max_depth> stack;
  std::size_t size = 0;
  for (const auto& step : program_) {
    if (step.op == code::number || step.op == code::operand) {
      double value = step.number;
      if (step.op == code::operand) {
        const auto known = source.operand(step.operand);
        if (!known || !std::isfinite(*known)) return std::nullopt;
        value = *known;
      }
      stack[size++] = value;
      continue;
    }
    if (step.op == code::neg || step.op == code::lnot || step.op == code::abs ||
        step.op == code::sqrt) {
      double& top = stack[size - 1];
      switch (step.op) {
      case code::neg: top = -top; break;
      case code::lnot: top = top == 0 ? 1 : 0; break;
      case code::abs: top = std::fabs(top); break;
      default: top = std::sqrt(top); break;
      }
    } else {
      const double right = stack[--size];
      double& left = stack[size - 1];
      left = combine(step.op, left, right);
    }
    if (!std::isfinite(stack[size - 1])) return std::nullopt;
  }
  if (size != 1) return std::nullopt; // only an expression that never was parsed
  return stack[0];
}

double expression::combine(code op, double left, double right) noexcept {
  switch (op) {
  case code::add: return left + right;
  case code::sub: return left - right;
  case code::mul: return left * right;
  case code::div: return left / right;
  case code::lt: return left < right ? 1 : 0;
  case code::le: return left <= right ? 1 : 0;
  case code::gt: return left > right ? 1 : 0;
  case code::ge: return left >= right ? 1 : 0;
  case code::eq: return left == right ? 1 : 0;
  case code::ne: return left != right ? 1 : 0;
  case code::land: return left != 0 && right != 0 ? 1 : 0;
  case code::lor: return left != 0 || right != 0 ? 1 : 0;
  case code::min: return right < left ? right : left;
  case code::max: return right > left ? right : left;
  default: return 0; // unary codes and operands never come here
  }
}

} // namespace pollux::domain
