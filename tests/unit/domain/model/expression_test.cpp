// SPDX-License-Identifier: Apache-2.0
#include "domain/model/expression.hpp"
#include <cmath>
#include <doctest/doctest.h>
#include <map>
#include <random>

using namespace pollux;
using namespace pollux::domain;

namespace {

const std::vector<std::string_view> names{"a", "b", "c", "temperature", "w.mean", "flow rate"};

std::optional<std::uint32_t> resolve(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<std::uint32_t>(i);
  return std::nullopt;
}

struct values : operand_source {
  std::map<std::uint32_t, double> known;
  std::optional<double> operand(std::uint32_t id) const override {
    const auto found = known.find(id);
    if (found == known.end()) return std::nullopt;
    return found->second;
  }
};

std::optional<double> run(std::string_view text, const values& source = {}) {
  const auto parsed = expression::parse(text, resolve, names);
  CAPTURE(text);
  REQUIRE_MESSAGE(parsed.ok(), (parsed.ok() ? "" : parsed.error().what));
  return parsed->evaluate(source);
}

std::string refusal(std::string_view text) {
  const auto parsed = expression::parse(text, resolve, names);
  CAPTURE(text);
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().code == errc::invalid_argument);
  return parsed.error().what;
}

values abc(double a, double b, double c) {
  values v;
  v.known = {{0, a}, {1, b}, {2, c}};
  return v;
}

} // namespace

TEST_CASE("operators bind as in C") {
  CHECK(run("1 + 2 * 3") == 7);
  CHECK(run("(1 + 2) * 3") == 9);
  CHECK(run("10 - 4 - 3") == 3);
  CHECK(run("16 / 4 / 2") == 2);
  CHECK(run("-2 * -3") == 6);
  CHECK(run("1 < 2 && 2 < 3") == 1);
  CHECK(run("1 > 2 || 3 >= 3 && 2 != 2") == 0);
  CHECK(run("!0 + 1") == 2);
  CHECK(run("!(1 == 1)") == 0);
  CHECK(run("1 + 1 == 2") == 1);
  CHECK(run("true && !false") == 1);
  CHECK(run("abs(-3) + sqrt(16) + min(4, 2, 3) + max(1, 5)") == 14);
  CHECK(run(".5 + 1e2") == 100.5);
  CHECK(run("\t1\n<= 1 ") == 1);
  CHECK(run("--3") == 3);
}

TEST_CASE("names stand for the values the source gives") {
  auto source = abc(2, 3, 4);
  CHECK(run("a * b + c", source) == 10);
  source.known[3] = 91;
  source.known[4] = 80;
  source.known[5] = 1;
  CHECK(run("temperature > 90 && w.mean >= 80 && 'flow rate' == 1", source) == 1);
}

TEST_CASE("a name without a value makes the whole result unknown, even where it would not matter") {
  values source;
  source.known[0] = 1;
  CHECK(run("a || b", source) == std::nullopt);
  CHECK(run("b", source) == std::nullopt);
  CHECK(run("a || a", source) == 1);
}

TEST_CASE("a result that is not finite is unknown") {
  CHECK(run("1 / 0") == std::nullopt);
  CHECK(run("sqrt(-1)") == std::nullopt);
  CHECK(run("1 / 0 > 3") == std::nullopt);
  CHECK(run("1e308 * 10") == std::nullopt);
  auto source = abc(std::nan(""), 1, 1);
  CHECK(run("a > 0 || 1", source) == std::nullopt);
}

TEST_CASE("an error names the place and what was expected") {
  CHECK(refusal("") == "at character 1: expected a number, a name or (");
  CHECK(refusal("1 +") == "at character 4: expected a number, a name or (");
  CHECK(refusal("(1 + 2") == "at character 7: expected )");
  CHECK(refusal("1 2") == "at character 3: expected an operator or the end");
  CHECK(refusal("a < b < c") ==
        "at character 7: expected && between two comparisons, which do not chain");
  CHECK(refusal("a & b") == "at character 3: expected an operator or the end");
  CHECK(refusal("a = b") == "at character 3: expected an operator or the end");
  CHECK(refusal("1e999").find("a number that a double holds") != std::string::npos);
  CHECK(refusal("12abc") == "at character 3: expected an operator");
  CHECK(refusal("'flow") == "at character 1: this quoted name does not end");
  CHECK(refusal("min(1)") == "at character 6: expected a comma and a second number");
  CHECK(refusal("abs(1, 2)") == "at character 6: expected )");
  CHECK(refusal("pow(1, 2)") ==
        "at character 1: unknown function \"pow\"; there are abs, min, max and sqrt");
}

TEST_CASE("an unknown name is reported with the nearest known one") {
  CHECK(refusal("1 + temprature > 3") ==
        "at character 5: unknown name \"temprature\"; did you mean \"temperature\"?");
  CHECK(refusal("humidity") == "at character 1: unknown name \"humidity\"");
}

TEST_CASE("an expression is bounded in length, nesting and stack") {
  std::string deep(31, '(');
  deep += "1" + std::string(31, ')');
  CHECK(run(deep) == 1);
  CHECK(refusal("((" + deep + "))").find("nested deeper than 32") != std::string::npos);
  CHECK(refusal(std::string(100'000, '-') + "1").find("nested deeper") != std::string::npos);
  CHECK(refusal(std::string(100'000, '(')).find("nested deeper") != std::string::npos);
  std::string wide = "1";
  for (int i = 0; i < 127; ++i) wide += "+1";
  CHECK(run(wide) == 128);
  CHECK(refusal(wide + "+1").find("longer than 256") != std::string::npos);
  std::string tall; // each level leaves three values waiting
  for (int i = 0; i < 20; ++i) tall += "1 || 1 + 1 * (";
  tall += "1" + std::string(20, ')');
  CHECK(refusal(tall).find("more than 32 values") != std::string::npos);
}

namespace {

unsigned roll(std::mt19937& random, unsigned below) {
  return static_cast<unsigned>(random() % below);
}

/// Writes a random expression and computes it on the way, by plain recursion.
double grow(std::mt19937& random, std::string& text, int depth, const values& source) {
  const auto leaf = [&] {
    if (random() % 2 == 0) {
      const auto id = static_cast<std::uint32_t>(random() % 3);
      text += names[id];
      return source.known.at(id);
    }
    const double v = static_cast<double>(random() % 10);
    text += std::to_string(static_cast<int>(v));
    return v;
  };
  if (depth == 0) return leaf();
  const unsigned kind = roll(random, 12);
  if (kind < 2) return leaf();
  if (kind == 2) {
    text += "abs(";
    const double v = grow(random, text, depth - 1, source);
    text += ")";
    return std::fabs(v);
  }
  if (kind == 3) {
    text += "!(";
    const double v = grow(random, text, depth - 1, source);
    text += ")";
    return v == 0 ? 1 : 0;
  }
  static const char* const symbols[] = {"+", "-", "*", "<", "<=", "==", "&&", "||"};
  const unsigned op = roll(random, 8);
  text += "(";
  const double l = grow(random, text, depth - 1, source);
  text += std::string(" ") + symbols[op] + " ";
  const double r = grow(random, text, depth - 1, source);
  text += ")";
  switch (op) {
  case 0: return l + r;
  case 1: return l - r;
  case 2: return l * r;
  case 3: return l < r;
  case 4: return l <= r;
  case 5: return l == r;
  case 6: return l != 0 && r != 0;
  default: return l != 0 || r != 0;
  }
}

} // namespace

TEST_CASE("property: random expressions give what plain recursion gives") {
  std::mt19937 random{4};
  for (int i = 0; i < 3'000; ++i) {
    const double a = roll(random, 7), b = roll(random, 7);
    const auto source = abc(a, b, -2.5);
    std::string text;
    const double expected = grow(random, text, 4, source);
    CAPTURE(text);
    REQUIRE(run(text, source) == expected);
  }
}

TEST_CASE("property: damaged expressions are refused or evaluated, never more") {
  std::mt19937 random{5};
  const std::string alphabet = "ab1.5+-*/()<>=!&|' ,minabsqrt";
  int accepted = 0;
  for (int i = 0; i < 30'000; ++i) {
    std::string text;
    for (unsigned n = roll(random, 14); n > 0; --n) text += alphabet[random() % alphabet.size()];
    const auto parsed = expression::parse(text, resolve, names);
    if (!parsed.ok()) continue;
    ++accepted;
    const auto value = parsed->evaluate(abc(1, 2, 3));
    if (value) REQUIRE(std::isfinite(*value));
  }
  CHECK(accepted > 100);
}
