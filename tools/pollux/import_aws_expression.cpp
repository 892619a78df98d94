// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/import_aws_expression.hpp"
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

namespace pollux::cli {
namespace {

constexpr std::size_t max_text = 4096;
constexpr int max_depth = 32;

bool starts_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Loosest first; what stands on one level binds from left to right.
const std::array<std::vector<std::string_view>, 8> levels = {
    {{"||"}, {"&&"}, {"==", "!="}, {"<=", ">=", "<", ">"}, {"|"}, {"^"}, {"&"}, {"+", "-"}}};

class parser {
public:
  explicit parser(std::string_view text) : text_(text) {}

  result<aws_node> run() {
    if (text_.size() > max_text) return failure{errc::invalid_argument, "longer than 4096 bytes"};
    auto root = level(0);
    space();
    if (ok_ && at_ != text_.size()) fail("an operator or the end is due");
    if (!ok_) return error_;
    return root;
  }

private:
  aws_node level(std::size_t which) {
    if (which == levels.size()) return product();
    auto left = level(which + 1);
    while (ok_) {
      const auto symbol = take_operator(levels[which]);
      if (symbol.empty()) break;
      left = pair(symbol, std::move(left), level(which + 1));
    }
    return left;
  }

  aws_node product() {
    auto left = factor();
    while (ok_) {
      const auto symbol = take_operator({"*", "/"});
      if (symbol.empty()) break;
      left = pair(symbol, std::move(left), factor());
    }
    return left;
  }

  aws_node pair(std::string_view symbol, aws_node left, aws_node right) {
    aws_node n;
    n.what = aws_node::kind::binary;
    n.name = symbol;
    n.at = left.at;
    if (++pairs_ > max_text / 8) fail("too many operators");
    n.parts.push_back(std::move(left));
    n.parts.push_back(std::move(right));
    return n;
  }

  std::string_view take_operator(const std::vector<std::string_view>& symbols) {
    space();
    for (const auto symbol : symbols) {
      if (text_.substr(at_, symbol.size()) != symbol) continue;
      const char next = peek(symbol.size());
      // | is not the beginning of ||, & not of &&
      if ((symbol == "|" && next == '|') || (symbol == "&" && next == '&')) continue;
      at_ += symbol.size();
      return symbol;
    }
    return {};
  }

  aws_node factor() {
    aws_node n;
    if (++depth_ > max_depth) {
      fail("nested deeper than 32");
      return n;
    }
    space();
    n.at = at_;
    const char c = peek();
    if (c == '!' || c == '-' || c == '~') {
      ++at_;
      n.what = aws_node::kind::unary;
      n.name = c;
      n.parts.push_back(factor());
    } else if (c == '(') {
      ++at_;
      n = level(0);
      close(')');
    } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      number(n);
    } else if (c == '\'' || c == '"') {
      n.what = aws_node::kind::text;
      n.name = quoted(c);
    } else if (c == '$') {
      reference(n);
    } else if (starts_word(c)) {
      word(n);
    } else {
      fail("a value is due");
    }
    --depth_;
    return n;
  }

  void number(aws_node& n) {
    const char* const begin = text_.data() + at_;
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), n.number);
    if (error != std::errc{} || !std::isfinite(n.number)) return fail("a number is due");
    const std::string_view digits(begin, static_cast<std::size_t>(end - begin));
    n.whole = digits.find_first_of(".eE") == std::string_view::npos;
    at_ += digits.size();
    if (starts_word(peek())) fail("an operator is due");
  }

  std::string quoted(char quote) {
    const auto end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) {
      fail("this text does not end");
      return {};
    }
    std::string inside(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return inside;
  }

  std::string identifier() {
    if (peek() == '`') return quoted('`');
    const auto start = at_;
    while (starts_word(peek()) || is_digit(peek())) ++at_;
    if (at_ == start) fail("a name is due");
    return std::string(text_.substr(start, at_ - start));
  }

  void reference(aws_node& n) {
    ++at_;
    const auto root = identifier();
    if (ok_ && root != "input" && root != "variable") fail("after $ stands input or variable");
    if (!take('.')) return;
    n.what = root == "input" ? aws_node::kind::input : aws_node::kind::variable;
    if (root == "variable") {
      n.name = identifier();
      return;
    }
    n.input = identifier();
    while (ok_ && (peek() == '.' || peek() == '[')) {
      if (peek() == '[') {
        n.indexed = true;
        ++at_;
        while (is_digit(peek())) ++at_;
        close(']');
        continue;
      }
      ++at_;
      n.name += (n.name.empty() ? "" : ".") + identifier();
    }
  }

  void word(aws_node& n) {
    n.name = identifier();
    if (n.name == "true" || n.name == "false") {
      n.what = aws_node::kind::boolean;
      n.boolean = n.name == "true";
      return;
    }
    space();
    n.what = peek() == '(' ? aws_node::kind::call : aws_node::kind::word;
    if (peek() != '(') return;
    ++at_;
    space();
    if (peek() == ')') {
      ++at_;
      return;
    }
    do {
      n.parts.push_back(level(0));
      space();
    } while (ok_ && peek() == ',' && ++at_ != 0);
    close(')');
  }

  bool take(char c) {
    if (!ok_) return false;
    if (peek() != c) {
      fail(std::string(1, c) + " is due");
      return false;
    }
    ++at_;
    return true;
  }
  void close(char c) {
    space();
    (void)take(c);
  }
  void space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
  }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  void fail(const std::string& what) {
    if (!ok_) return;
    ok_ = false;
    error_ = {errc::invalid_argument, "at character " + std::to_string(at_ + 1) + ": " + what};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t pairs_ = 0;
  int depth_ = 0;
  bool ok_ = true;
  failure error_;
};

} // namespace

bool aws_node::operator==(const aws_node& other) const {
  return what == other.what && name == other.name && input == other.input &&
         number == other.number && boolean == other.boolean && indexed == other.indexed &&
         parts == other.parts;
}

result<aws_node> parse_aws_expression(std::string_view text) { return parser(text).run(); }

bool is_template(std::string_view text) noexcept {
  return text.find("${") != std::string_view::npos;
}

} // namespace pollux::cli
