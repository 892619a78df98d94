// SPDX-License-Identifier: Apache-2.0
// The two written forms of a pattern. What stands in a model has been accepted by its own reader,
// so this one only has to understand, not to explain.
#include "domain/audit/plain_pattern.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <charconv>

namespace pollux::domain::audit {
namespace {

bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool wordy(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

void add_stage(plain_pattern& into, pattern_step& step) {
  if (step.name.empty()) step.name = "s" + std::to_string(into.stages.size() + 1);
  into.stages.push_back(step.name);
}

class words {
public:
  words(std::string_view text, plain_pattern& into) : text_(text), into_(into) {}

  bool run() {
    into_.steps = sequence();
    if (take("within")) into_.within_ns = duration();
    if (take("skip")) {
      into_.skip = word();
      if (into_.skip == "to_first" || into_.skip == "to_last") into_.skip_to = word();
    }
    space();
    return good_ && at_ == text_.size();
  }

private:
  void space() {
    while (at_ < text_.size() && blank(text_[at_])) ++at_;
  }
  std::string_view peek() {
    space();
    auto end = at_;
    while (end < text_.size() && wordy(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }
  std::string word() {
    const auto found = peek();
    at_ += found.size();
    good_ = good_ && !found.empty();
    return std::string(found);
  }
  bool take(std::string_view wanted) {
    if (peek() != wanted) return false;
    at_ += wanted.size();
    return true;
  }
  bool sign(char c) {
    space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // Up to one of `ends`, outside quotes.
  std::string until_sign(std::string_view ends) {
    const auto from = at_;
    bool quoted = false;
    while (at_ < text_.size() && (quoted || ends.find(text_[at_]) == ends.npos))
      if (text_[at_++] == '\'') quoted = !quoted;
    good_ = good_ && at_ < text_.size();
    return std::string(text_.substr(from, at_ - from));
  }
  std::int64_t duration() {
    space();
    const auto from = at_;
    while (at_ < text_.size() && (wordy(text_[at_]) || text_[at_] == '.')) ++at_;
    const auto read = parse_duration(text_.substr(from, at_ - from));
    good_ = good_ && read;
    return read ? *read : 0;
  }
  std::string number() {
    space();
    double value = 0;
    const auto* from = text_.data() + at_;
    const auto [end, error] = std::from_chars(from, text_.data() + text_.size(), value);
    good_ = good_ && error == std::errc{};
    const std::string out(from, end);
    at_ += out.size();
    return out;
  }
  std::size_t whole() {
    const auto text = word();
    std::size_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  }

  std::vector<pattern_step> sequence() {
    std::vector<pattern_step> out;
    char before = 't';
    do {
      pattern_step step;
      step.before = before;
      if (!out.empty()) {
        if (take("within")) step.step_ns = duration();
        step.negative = take("not");
      }
      item(step);
      out.push_back(std::move(step));
      before = take("next") ? 'x' : take("thenAny") ? 'a' : take("then") ? 't' : '\0';
    } while (good_ && before != '\0');
    return out;
  }
  void item(pattern_step& step) {
    const auto start = at_;
    const auto name = peek();
    at_ += name.size();
    if (!name.empty() && sign(':'))
      step.name = name;
    else
      at_ = start;
    if (sign('(')) {
      step.members = sequence();
      good_ = good_ && sign(')');
    } else {
      add_stage(into_, step);
      step.where = condition();
    }
    while (good_ && quantifier(step)) continue;
  }
  bool quantifier(pattern_step& step) {
    if (sign('{')) {
      step.least = step.most = whole();
      if (sign(',')) {
        space();
        step.most = text_.substr(at_, 1) == "}" ? 0 : whole();
      }
      good_ = good_ && sign('}');
      step.optional = step.optional || step.least == 0;
      step.least = std::max<std::size_t>(step.least, 1);
    } else if (sign('+')) {
      step.most = 0;
    } else if (sign('*')) {
      step.most = 0;
      step.optional = true;
    } else if (sign('?')) {
      step.optional = true;
    } else if (take("greedy")) {
      step.greedy = true;
    } else if (take("consecutive")) {
      step.inside = 'x';
    } else if (take("combinations")) {
      step.inside = 'a';
    } else if (take("until")) {
      step.until = condition();
    } else {
      return false;
    }
    return true;
  }
  std::string condition() {
    auto text = unnoted_condition();
    into_.conditions.insert(text);
    return text;
  }
  std::string unnoted_condition() {
    if (sign('[')) {
      auto text = until_sign("]");
      ++at_;
      return text;
    }
    const auto start = at_;
    const std::string function(peek());
    at_ += function.size();
    if (!function.empty() && sign('(')) return call(function);
    at_ = start;
    std::string x;
    space();
    if (sign('\'')) {
      x = "'" + until_sign("'") + "'";
      ++at_;
    } else {
      while (at_ < text_.size() && (wordy(text_[at_]) || text_[at_] == '.')) x += text_[at_++];
    }
    if (take("above")) return x + " > " + number();
    if (take("below")) return x + " < " + number();
    good_ = good_ && take("between");
    const auto low = number();
    good_ = good_ && take("and");
    return x + " >= " + low + " && " + x + " <= " + number();
  }
  std::string call(const std::string& function) {
    auto given = until_sign(")");
    ++at_;
    const bool one = given.find(',') == given.npos;
    if ((function == "rising" && take("above")) || (function == "falling" && take("below")))
      given += (one ? ", 2, " : ", ") + number();
    else if ((function == "spike" || function == "dip") && take("over"))
      given += (one ? ", 3, " : ", ") + std::to_string(duration()) + "ns";
    return function + "(" + given + ")";
  }

  std::string_view text_;
  plain_pattern& into_;
  std::size_t at_ = 0;
  bool good_ = true;
};

bool flag(const config_node& of, std::string_view name) {
  const auto* found = key(of, name);
  return found != nullptr && found->boolean;
}

std::string noted(const config_node& of, std::string_view name, plain_pattern& into) {
  auto text = text_of(of, name, "");
  if (!text.empty()) into.conditions.insert(text);
  return text;
}

std::vector<pattern_step> from_json(const config_node& stages, plain_pattern& into) {
  std::vector<pattern_step> out;
  std::string then = "followed_by";
  for (const auto& [none, node] : stages.members) {
    pattern_step step;
    step.before = then == "next" ? 'x' : then == "followed_by_any" ? 'a' : 't';
    then = text_of(node, "then", "followed_by");
    step.negative = flag(node, "not");
    step.optional = flag(node, "optional");
    step.greedy = flag(node, "greedy");
    const auto inside = text_of(node, "contiguity", "relaxed");
    step.inside = inside == "consecutive" ? 'x' : inside == "combinations" ? 'a' : 't';
    step.step_ns = duration_of(node, "within", 0);
    const bool bounds = key(node, "at_least") != nullptr || key(node, "at_most") != nullptr;
    const auto least = static_cast<std::size_t>(
        number_of(node, key(node, "times") != nullptr ? "times" : "at_least", 1));
    step.least = std::max<std::size_t>(least, 1);
    step.optional = step.optional || least == 0;
    step.most = bounds ? static_cast<std::size_t>(number_of(node, "at_most", 0)) : step.least;
    if (const auto* members = key(node, "stages")) {
      step.members = from_json(*members, into);
    } else {
      step.name = text_of(node, "name", "");
      add_stage(into, step);
      step.where = noted(node, "where", into);
    }
    step.until = noted(node, "until", into);
    out.push_back(std::move(step));
  }
  return out;
}

std::size_t shortest(const std::vector<pattern_step>& steps) {
  std::size_t sum = 0;
  for (const auto& s : steps)
    if (!s.negative && !s.optional) sum += s.least * (s.members.empty() ? 1 : shortest(s.members));
  return sum;
}

} // namespace

bool read_pattern_words(std::string_view text, plain_pattern& into) {
  return words(text, into).run();
}

std::optional<plain_pattern> read_plain_pattern(const config_node& rule) {
  plain_pattern out;
  if (const auto* stages = key(rule, "stages"))
    out.steps = from_json(*stages, out);
  else if (!read_pattern_words(text_of(rule, "pattern", ""), out))
    return std::nullopt;
  out.within_ns = duration_of(rule, "within", out.within_ns);
  out.skip = text_of(rule, "skip", out.skip);
  out.skip_to = text_of(rule, "skip_to", out.skip_to);
  out.max_partial = static_cast<std::size_t>(number_of(rule, "max_partial", 64));
  const auto at_least = std::clamp<std::size_t>(shortest(out.steps), 64, 1024);
  out.max_events =
      static_cast<std::size_t>(number_of(rule, "max_events", static_cast<double>(at_least)));
  return out;
}

} // namespace pollux::domain::audit
