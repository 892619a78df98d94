// SPDX-License-Identifier: Apache-2.0
#include "domain/audit/plain_expression.hpp"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace pollux::domain::audit {
namespace {

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool digit(char c) { return c >= '0' && c <= '9'; }

// Recursive descent that calculates while it reads.
class reader {
public:
  reader(std::string_view text, const value_of& names, const value_of_call& calls)
      : text_(text), names_(names), calls_(calls) {}

  plain_result run() {
    const double value = either();
    space();
    if (!understood_ || at_ != text_.size()) return {};
    if (unknown_ || !std::isfinite(value)) return {true, std::nullopt};
    return {true, value};
  }

private:
  double either() {
    double left = both();
    while (understood_ && take("||")) {
      const double right = both();
      left = left != 0 || right != 0 ? 1 : 0;
    }
    return left;
  }
  double both() {
    double left = compared();
    while (understood_ && take("&&")) {
      const double right = compared();
      left = left != 0 && right != 0 ? 1 : 0;
    }
    return left;
  }
  double compared() {
    const double left = sum();
    for (const std::string_view sign : {"<=", ">=", "==", "!=", "<", ">"}) {
      if (!take(sign)) continue;
      const double right = sum();
      if (sign == "<=") return left <= right ? 1 : 0;
      if (sign == ">=") return left >= right ? 1 : 0;
      if (sign == "==") return left == right ? 1 : 0;
      if (sign == "!=") return left != right ? 1 : 0;
      return (sign == "<" ? left < right : left > right) ? 1 : 0;
    }
    return left;
  }
  double sum() {
    double left = product();
    while (understood_) {
      if (take("+"))
        left = finite(left + product());
      else if (take("-"))
        left = finite(left - product());
      else
        break;
    }
    return left;
  }
  double product() {
    double left = factor();
    while (understood_) {
      if (take("*"))
        left = finite(left * factor());
      else if (take("/"))
        left = finite(left / factor());
      else
        break;
    }
    return left;
  }
  double factor() {
    if (++depth_ > 64) understood_ = false;
    const double value = understood_ ? unguarded_factor() : 0;
    --depth_;
    return value;
  }
  double unguarded_factor() {
    space();
    if (take("-")) return -factor();
    if (text_.substr(at_, 2) != "!=" && take("!")) return factor() == 0 ? 1 : 0;
    if (take("(")) return closed(either());
    if (at_ < text_.size() && (digit(text_[at_]) || text_[at_] == '.')) return number();
    return named();
  }
  double number() {
    double value = 0;
    const auto* end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, value);
    if (error != std::errc{}) understood_ = false;
    at_ = static_cast<std::size_t>(stop - text_.data());
    return value;
  }
  double named() {
    std::string_view name;
    if (take("'")) {
      const auto end = text_.find('\'', at_);
      if (end == std::string_view::npos) return not_understood();
      name = text_.substr(at_, end - at_);
      at_ = end + 1;
      return value(name);
    }
    const auto start = at_;
    while (at_ < text_.size() && (letter(text_[at_]) || digit(text_[at_]) || text_[at_] == '.'))
      ++at_;
    name = text_.substr(start, at_ - start);
    if (name.empty()) return not_understood();
    if (take("(")) return call(name);
    if (name == "true") return 1;
    if (name == "false") return 0;
    return value(name);
  }
  // The texts between the parentheses, when what follows is a function of `calls_`.
  std::optional<double> further(std::string_view name) {
    std::vector<std::string> given(1);
    bool quoted = false;
    auto end = at_;
    for (int depth = 1; end < text_.size(); ++end) {
      const char c = text_[end];
      if (c == '\'') quoted = !quoted;
      if (!quoted && c == '(') ++depth;
      if (!quoted && c == ')' && --depth == 0) break;
      if (!quoted && c == ',' && depth == 1)
        given.emplace_back();
      else if (!given.back().empty() || c != ' ')
        given.back() += c;
    }
    for (auto& g : given)
      while (!g.empty() && g.back() == ' ') g.pop_back();
    const auto result = calls_(std::string(name), given);
    if (!result.understood || end == text_.size()) return std::nullopt;
    at_ = end + 1;
    if (!result.value) unknown_ = true;
    return result.value.value_or(0);
  }
  double call(std::string_view name) {
    if (calls_)
      if (const auto found = further(name)) return *found;
    const double first = either();
    if (name == "abs") return closed(std::fabs(first));
    if (name == "sqrt") return closed(finite(std::sqrt(first)));
    if (name != "min" && name != "max") return not_understood();
    double best = first;
    while (understood_ && take(",")) {
      const double next = either();
      best = name == "min" ? std::min(best, next) : std::max(best, next);
    }
    return closed(best);
  }
  double value(std::string_view name) {
    const auto known = names_(name);
    if (!known || !std::isfinite(*known)) {
      unknown_ = true;
      return 0;
    }
    return *known;
  }
  double closed(double value) {
    if (!take(")")) understood_ = false;
    return value;
  }
  double finite(double value) {
    if (!std::isfinite(value)) unknown_ = true;
    return value;
  }
  double not_understood() {
    understood_ = false;
    return 0;
  }
  void space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(std::string_view what) {
    space();
    if (text_.substr(at_, what.size()) != what) return false;
    at_ += what.size();
    return true;
  }

  std::string_view text_;
  const value_of& names_;
  const value_of_call& calls_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool understood_ = true, unknown_ = false;
};

} // namespace

plain_result evaluate(std::string_view text, const value_of& names, const value_of_call& calls) {
  return reader(text, names, calls).run();
}

} // namespace pollux::domain::audit
