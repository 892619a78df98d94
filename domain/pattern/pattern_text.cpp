// SPDX-License-Identifier: Apache-2.0
// A recursive-descent parser. The first error sticks; every function returns at once after it.
#include "domain/pattern/pattern_text.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <charconv>

namespace pollux::domain {
namespace {

constexpr std::size_t max_text = 64 * 1024;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool in_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

class parser {
public:
  parser(std::string_view text, model_scope& scope, pattern_conditions& conditions)
      : text_(text), conditions_(scope, conditions, tree_.stages) {}

  std::variant<pattern_tree, pattern_error> run() {
    if (text_.size() > max_text) fail(0, "longer than 64 KiB");
    tree_.sequence = sequence(1);
    if (take_word("within")) tree_.within_ns = duration();
    if (take_word("skip")) skip();
    space();
    if (ok() && at_ != text_.size())
      fail(at_, "expected next, then, thenAny, a quantifier, within, skip or the end");
    if (error_) return *error_;
    return std::move(tree_);
  }

private:
  [[nodiscard]] bool ok() const { return !error_; }
  void fail(std::size_t at, std::string what) {
    if (error_) return;
    source_place place{1, 1};
    for (std::size_t i = 0; i < at && i < text_.size(); ++i) {
      if (text_[i] == '\n') {
        ++place.line;
        place.column = 1;
      } else {
        ++place.column;
      }
    }
    error_ = pattern_error{std::move(what), place};
  }
  source_place place_of(std::size_t at) {
    source_place place{1, 1};
    for (std::size_t i = 0; i < at; ++i) {
      place.column = text_[i] == '\n' ? 1 : place.column + 1;
      place.line += text_[i] == '\n' ? 1 : 0;
    }
    return place;
  }
  void space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  [[nodiscard]] char peek() {
    space();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (!ok() || peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (ok() && !take(c)) fail(at_, std::string("expected ") + c);
  }
  /// The word here, not taken.
  std::string_view word() {
    space();
    std::size_t end = at_;
    while (end < text_.size() && in_word(text_[end])) ++end;
    return text_.substr(at_, end - at_);
  }
  bool take_word(std::string_view wanted) {
    if (!ok() || word() != wanted) return false;
    at_ += wanted.size();
    return true;
  }

  std::vector<pattern_element> sequence(std::size_t depth);
  void connector(pattern_element& next);
  void item(pattern_element& e, std::size_t depth);
  void name_of(pattern_element& e);
  void quantifiers(pattern_element& e);
  void repetition(pattern_element& e);
  condition_id condition();
  void bracketed(std::string& text, std::size_t& from);
  void call(std::string& text, std::string_view function);
  void comparison(std::string& text);
  std::string_view subject();
  std::string_view plain_number();
  std::uint32_t whole_number();
  std::int64_t duration();
  void skip();

  std::string_view text_;
  std::size_t at_ = 0;
  pattern_tree tree_;
  condition_reader conditions_;
  std::optional<pattern_error> error_;
};

std::vector<pattern_element> parser::sequence(std::size_t depth) {
  std::vector<pattern_element> out;
  if (depth > max_pattern_depth) {
    fail(at_, "groups nested deeper than 8");
    return out;
  }
  do {
    auto& e = out.emplace_back();
    if (out.size() > 1) connector(e);
    item(e, depth);
    if (!ok()) return out;
    if (const char* fault = fault_of(e)) {
      if (!error_) error_ = pattern_error{fault, e.at};
      return out;
    }
  } while (word() == "next" || word() == "then" || word() == "thenAny");
  return out;
}

void parser::connector(pattern_element& next) {
  if (take_word("next"))
    next.before = contiguity::strict;
  else if (take_word("thenAny"))
    next.before = contiguity::any;
  else
    take_word("then");
  if (take_word("within")) next.step_ns = duration();
  if (take_word("not")) next.what = pattern_element::kind::negative;
}

void parser::item(pattern_element& e, std::size_t depth) {
  space();
  const std::size_t start = at_;
  e.at = place_of(start);
  name_of(e);
  if (!ok()) return;
  if (take('(')) {
    if (e.what == pattern_element::kind::negative)
      return fail(start, "what must not come is one condition, not a group");
    if (at_ > start + 1) return fail(start, "a group has no name: name its stages");
    e.what = pattern_element::kind::group;
    e.members = sequence(depth + 1);
    if (ok() && !take(')')) fail(at_, "expected ), next, then, thenAny or a quantifier");
  } else {
    if (tree_.stages.size() >= max_pattern_stages) return fail(start, "more than 32 stages");
    if (e.stage == no_condition) {
      tree_.stages.push_back("s" + std::to_string(tree_.stages.size() + 1));
      e.stage = static_cast<std::uint16_t>(tree_.stages.size() - 1);
    }
    if (e.what == pattern_element::kind::negative) conditions_.note_negative(e.stage);
    e.where = condition();
  }
  quantifiers(e);
}

// `name:` before an item.
void parser::name_of(pattern_element& e) {
  e.stage = no_condition;
  const auto name = word();
  std::size_t after = at_ + name.size();
  while (after < text_.size() && is_space(text_[after])) ++after;
  if (name.empty() || after >= text_.size() || text_[after] != ':') return;
  if (!is_stage_name(name)) return fail(at_, "a stage's name begins with a letter, up to 64 bytes");
  if (std::find(tree_.stages.begin(), tree_.stages.end(), name) != tree_.stages.end())
    return fail(at_, "a stage \"" + std::string(name) + "\" stands above already");
  if (tree_.stages.size() >= max_pattern_stages) return fail(at_, "more than 32 stages");
  tree_.stages.emplace_back(name);
  e.stage = static_cast<std::uint16_t>(tree_.stages.size() - 1);
  at_ = after + 1;
}

void parser::quantifiers(pattern_element& e) {
  while (ok()) {
    if (take('{')) {
      repetition(e);
    } else if (take('+')) {
      e.most = without_end;
    } else if (take('*')) {
      e.most = without_end;
      e.optional = true;
    } else if (take('?')) {
      e.optional = true;
    } else if (take_word("greedy")) {
      e.greedy = true;
    } else if (take_word("consecutive")) {
      e.inside = contiguity::strict;
    } else if (take_word("combinations")) {
      e.inside = contiguity::any;
    } else if (take_word("until")) {
      e.until = condition();
    } else {
      return;
    }
  }
}

void parser::repetition(pattern_element& e) {
  e.least = whole_number();
  e.most = e.least;
  if (take(',')) e.most = peek() == '}' ? without_end : whole_number();
  expect('}');
  if (e.least == 0) {
    e.least = 1;
    e.optional = true;
  }
}

condition_id parser::condition() {
  space();
  const std::size_t start = at_;
  std::size_t verbatim = std::string_view::npos; // where the expression stands in the text
  std::string text;
  if (peek() == '[') {
    bracketed(text, verbatim);
  } else {
    const auto first = word();
    std::size_t after = at_ + first.size();
    while (after < text_.size() && is_space(text_[after])) ++after;
    if (!first.empty() && after < text_.size() && text_[after] == '(') {
      at_ = after + 1;
      call(text, first);
    } else {
      comparison(text);
    }
  }
  if (!ok()) return no_condition;
  const auto read = conditions_.read(text);
  if (read) return *read;
  // "at character N: what" of the expression becomes a place in this text.
  std::string_view what = read.error().what;
  std::size_t n = 1;
  constexpr std::string_view prefix = "at character ";
  if (what.starts_with(prefix)) {
    const auto [end, bad] =
        std::from_chars(what.data() + prefix.size(), what.data() + what.size(), n);
    what.remove_prefix(static_cast<std::size_t>(end - what.data()));
    if (what.starts_with(": ")) what.remove_prefix(2);
  }
  fail(verbatim == std::string_view::npos ? start : verbatim + n - 1, std::string(what));
  return no_condition;
}

void parser::bracketed(std::string& text, std::size_t& from) {
  const std::size_t open = at_++;
  from = at_;
  bool quoted = false;
  for (; at_ < text_.size(); ++at_) {
    if (text_[at_] == '\'') quoted = !quoted;
    if (text_[at_] != ']' || quoted) continue;
    text = text_.substr(from, at_ - from);
    ++at_;
    return;
  }
  fail(open, "this [ is not closed by ]");
}

// Behind "function(": what is not rising, falling, spike or dip goes on to the expression as it is.
void parser::call(std::string& text, std::string_view function) {
  const std::size_t from = at_;
  bool quoted = false;
  for (; at_ < text_.size() && (quoted || text_[at_] != ')'); ++at_)
    if (text_[at_] == '\'') quoted = !quoted;
  if (at_ >= text_.size()) return fail(from - 1, "this ( is not closed by )");
  std::string arguments(text_.substr(from, at_++ - from));
  const bool counts = arguments.find(',') != std::string::npos;
  if (function == "rising" && take_word("above")) {
    arguments += (counts ? ", " : ", 2, ") + std::string(plain_number());
  } else if (function == "falling" && take_word("below")) {
    arguments += (counts ? ", " : ", 2, ") + std::string(plain_number());
  } else if ((function == "spike" || function == "dip") && take_word("over")) {
    arguments += (counts ? ", " : ", 3, ") + format_duration(std::max<std::int64_t>(duration(), 1));
  }
  text = std::string(function) + "(" + arguments + ")";
}

void parser::comparison(std::string& text) {
  const std::string x(subject());
  if (!ok()) return;
  if (take_word("above")) {
    text = x + " > " + std::string(plain_number());
  } else if (take_word("below")) {
    text = x + " < " + std::string(plain_number());
  } else if (take_word("between")) {
    const std::string low(plain_number());
    if (ok() && !take_word("and")) return fail(at_, "expected and");
    text = x + " >= " + low + " && " + x + " <= " + std::string(plain_number());
  } else {
    fail(at_, "expected above, below or between");
  }
}

// A telemetry or an operator's output, as expressions write it.
std::string_view parser::subject() {
  space();
  const std::size_t start = at_;
  if (peek() == '\'') {
    const auto end = text_.find('\'', at_ + 1);
    if (end == std::string_view::npos) {
      fail(at_, "this quoted name does not end");
      return {};
    }
    at_ = end + 1;
    return text_.substr(start, at_ - start);
  }
  while (at_ < text_.size() && (in_word(text_[at_]) || text_[at_] == '.')) ++at_;
  if (at_ == start || is_digit(text_[start]))
    fail(start, "expected a condition: [expression], a telemetry, rising(...), spike(...) or (");
  return text_.substr(start, at_ - start);
}

std::string_view parser::plain_number() {
  space();
  double value = 0;
  const char* const begin = text_.data() + at_;
  const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
  if (!ok() || error != std::errc{} || value != value || value - value != 0) {
    fail(at_, "expected a number");
    return {};
  }
  const auto out = text_.substr(at_, static_cast<std::size_t>(end - begin));
  at_ += out.size();
  return out;
}

std::uint32_t parser::whole_number() {
  space();
  std::uint32_t value = 0;
  const char* const begin = text_.data() + at_;
  const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
  if (error != std::errc{} || value > max_pattern_times) {
    fail(at_, "expected a whole number up to 256");
    return 1;
  }
  at_ += static_cast<std::size_t>(end - begin);
  return value;
}

std::int64_t parser::duration() {
  space();
  const std::size_t start = at_;
  while (at_ < text_.size() && (in_word(text_[at_]) || text_[at_] == '.')) ++at_;
  const auto read = parse_duration(text_.substr(start, at_ - start));
  if (read && *read > 0) return *read;
  fail(start, "expected a duration above nothing, as 45s, 10m or 1.5h");
  return 0;
}

void parser::skip() {
  const std::size_t start = at_;
  if (take_word("none")) {
    tree_.skip = skip_strategy::none;
  } else if (take_word("next")) {
    tree_.skip = skip_strategy::to_next;
  } else if (take_word("past_last")) {
    tree_.skip = skip_strategy::past_last;
  } else {
    if (take_word("to_first"))
      tree_.skip = skip_strategy::to_first;
    else if (take_word("to_last"))
      tree_.skip = skip_strategy::to_last;
    else
      return fail(start, "expected none, next, past_last, to_first or to_last");
    const auto name = word();
    const auto at = std::find(tree_.stages.begin(), tree_.stages.end(), name);
    if (at == tree_.stages.end()) return fail(at_, "expected the name of a stage");
    tree_.skip_stage = static_cast<std::uint16_t>(at - tree_.stages.begin());
    at_ += name.size();
  }
}

} // namespace

std::variant<pattern_tree, pattern_error>
read_pattern_text(std::string_view text, model_scope& scope, pattern_conditions& conditions) {
  return parser(text, scope, conditions).run();
}

} // namespace pollux::domain
