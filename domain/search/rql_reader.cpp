// SPDX-License-Identifier: Apache-2.0
#include "domain/search/rql_reader.hpp"
#include <charconv>
#include <cmath>

namespace pollux::domain {

namespace {

constexpr std::string_view ends_words = "(),'\" \t\r\n";

/// Nothing when it is no number; integers stay integers as long as 64 bits hold them.
std::optional<found_value> number_of(std::string_view word) {
  if (!word.empty() && word.front() == '+') word.remove_prefix(1);
  const auto* end = word.data() + word.size();
  std::int64_t whole = 0;
  if (const auto r = std::from_chars(word.data(), end, whole); r.ec == std::errc{} && r.ptr == end)
    return found_value::of(whole);
  double number = 0;
  const auto r = std::from_chars(word.data(), end, number);
  if (word.empty() || r.ec != std::errc{} || r.ptr != end || !std::isfinite(number))
    return std::nullopt;
  return found_value::of(number);
}

std::string shortest(double number) {
  std::string out;
  append_json(out, number);
  return out;
}

} // namespace

void rql_reader::skip_blanks() noexcept {
  while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != text_.npos) ++at_;
}

std::size_t rql_reader::mark() noexcept {
  skip_blanks();
  return at_;
}

bool rql_reader::at_end() noexcept { return mark() == text_.size(); }

failure rql_reader::wrong(std::size_t at, const std::string& why) const {
  std::size_t column = 1;
  for (const auto c : text_.substr(0, at)) column += (c & 0xc0) != 0x80 ? 1 : 0;
  return {errc::invalid_argument, "column " + std::to_string(column) + ": " + why};
}

bool rql_reader::take(char c) noexcept {
  if (at_end() || text_[at_] != c) return false;
  ++at_;
  return true;
}

status rql_reader::expect(char c, std::string_view what_for) {
  if (take(c)) return {};
  const auto found = at_end() ? "the end" : "'" + std::string(1, text_[at_]) + "'";
  return wrong(std::string("'") + c + "' is needed " + std::string(what_for) + ", not " + found);
}

std::string_view rql_reader::word() noexcept {
  const auto begin = mark();
  const auto end = text_.find_first_of(ends_words, begin);
  at_ = end == text_.npos ? text_.size() : end;
  return text_.substr(begin, at_ - begin);
}

result<std::size_t> rql_reader::path(std::vector<search_path>& paths) {
  const auto begin = mark();
  const auto text = word();
  if (text.empty()) return wrong(begin, "a path is needed, as in telemetry/temperature");
  const auto path = parse_search_path(text);
  if (!path) return wrong(begin, path.error().what);
  return index_of(*path, paths);
}

result<search_literal> rql_reader::quoted() {
  const auto begin = at_;
  const auto quote = text_[at_++];
  search_literal out;
  for (; at_ < text_.size(); ++at_) {
    if (text_[at_] == quote) {
      ++at_;
      out.value.kind = found_kind::text;
      return out;
    }
    if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
    out.text += text_[at_];
  }
  return wrong(begin, "this text has no end");
}

result<search_literal> rql_reader::literal() {
  const auto begin = mark();
  if (begin < text_.size() && (text_[begin] == '"' || text_[begin] == '\'')) return quoted();
  const auto text = word();
  search_literal out;
  if (text == "true" || text == "false") {
    out.value = found_value::of(text == "true");
  } else if (text == "null") {
    out.value.kind = found_kind::null;
  } else if (const auto number = number_of(text)) {
    out.value = *number;
  } else if (text.empty()) {
    return wrong(begin, "a value is needed: a number, a text in quotes, true, false or null");
  } else {
    return wrong(begin, "'" + std::string(text) + "' is no value; texts stand in quotes: \"" +
                            std::string(text) + "\"");
  }
  return out;
}

bool rql_reader::number_follows() noexcept {
  const auto begin = mark();
  const bool found = number_of(word()).has_value();
  at_ = begin;
  return found;
}

result<double> rql_reader::number(double least, double most, std::string_view what) {
  const auto begin = mark();
  const auto found = number_of(word());
  if (!found) return wrong(begin, "a number is needed: " + std::string(what));
  const auto number = *found->as_number();
  if (number < least || number > most)
    return wrong(begin,
                 std::string(what) + " is between " + shortest(least) + " and " + shortest(most));
  return number;
}

result<std::vector<place_source>> rql_reader::places(std::vector<search_path>& paths) {
  if (number_follows()) return usual_places(paths);
  const auto first_at = mark();
  const auto first = path(paths);
  if (!first) return first.error();
  if (auto comma = expect(',', "after where the twin is"); !comma) return comma.error();
  place_source out;
  if (number_follows()) {
    if (paths[*first].kind != path_kind::property)
      return wrong(first_at, "one path alone must be a property with latitude and longitude; else "
                             "name both, as in telemetry/lat,telemetry/lon");
    out.whole = static_cast<int>(*first);
    return std::vector{out};
  }
  const auto second = path(paths);
  if (!second) return second.error();
  if (auto comma = expect(',', "after where the twin is"); !comma) return comma.error();
  out.latitude = static_cast<int>(*first);
  out.longitude = static_cast<int>(*second);
  return std::vector{out};
}

result<geo_place> rql_reader::point() {
  const auto latitude = number(-90, 90, "a latitude");
  if (!latitude) return latitude.error();
  if (auto comma = expect(',', "between latitude and longitude"); !comma) return comma.error();
  const auto longitude = number(-180, 180, "a longitude");
  if (!longitude) return longitude.error();
  return geo_place{*latitude, *longitude};
}

} // namespace pollux::domain
