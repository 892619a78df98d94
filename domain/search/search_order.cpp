// SPDX-License-Identifier: Apache-2.0
#include "domain/search/search_order.hpp"
#include "domain/base/math.hpp"
#include "domain/search/rql_reader.hpp"
#include <bit>
#include <charconv>
#include <cmath>

namespace pollux::domain {

namespace {

failure bad_cursor() {
  return {errc::invalid_argument, "this cursor does not belong to this search"};
}

result<sort_term> read_term(rql_reader& in, std::vector<search_path>& paths) {
  sort_term out;
  if (in.take('+')) {
  } else if (in.take('-')) {
    out.descending = true;
  }
  const auto begin = in.mark();
  auto peek = in;
  if (peek.word() != "nearest" || !peek.take('(')) {
    const auto path = in.path(paths);
    if (!path) return path.error();
    out.path = *path;
    return out;
  }
  if (out.descending) return in.wrong(begin, "nearest has one direction only");
  in = peek;
  out.nearest = true;
  auto places = in.places(paths);
  if (!places) return places.error();
  out.places = std::move(*places);
  const auto centre = in.point();
  if (!centre) return centre.error();
  out.centre = on_sphere(*centre);
  out.latitude = centre->latitude;
  if (auto close = in.expect(')', "to end nearest"); !close) return close.error();
  return out;
}

std::string_view take_until(std::string_view& text, char mark) {
  const auto end = text.find(mark);
  if (end == text.npos) return {};
  const auto out = text.substr(0, end);
  text.remove_prefix(end + 1);
  return out;
}

template <class Number> bool read_number(std::string_view text, Number& out, int base = 10) {
  const auto* end = text.data() + text.size();
  const auto r = std::from_chars(text.data(), end, out, base);
  return !text.empty() && r.ec == std::errc{} && r.ptr == end;
}

bool read_text(std::string_view& text, std::string& out) {
  std::size_t size = 0;
  if (!read_number(take_until(text, ':'), size) || size > text.size()) return false;
  out = text.substr(0, size);
  text.remove_prefix(size);
  return true;
}

bool read_key(std::string_view& text, sort_key& out) {
  if (text.empty()) return false;
  const auto kind = text.front();
  text.remove_prefix(1);
  std::uint64_t bits = 0;
  switch (kind) {
  case 'm': return true;
  case 'b': out.value = found_value::of(take_until(text, ';') == "1"); return true;
  case 'i':
  case 't':
  case 's':
    out.value = found_value::of(std::int64_t{0});
    if (!read_number(take_until(text, ';'), out.value.integer)) return false;
    if (kind == 't') out.value.kind = found_kind::time;
    if (kind == 's') out.value = found_severity(out.value.integer);
    return !out.value.missing();
  case 'd':
    if (!read_number(take_until(text, ';'), bits, 16)) return false;
    out.value = found_value::of(std::bit_cast<double>(bits));
    return std::isfinite(out.value.number);
  case 'x':
  case 'j':
    out.value.kind = kind == 'x' ? found_kind::text : found_kind::json;
    return read_text(text, out.text);
  default: return false;
  }
}

found_value with_text(const sort_key& key) noexcept {
  auto out = key.value;
  if (out.kind == found_kind::text || out.kind == found_kind::json) out.text = key.text;
  return out;
}

} // namespace

result<std::vector<sort_term>> parse_sort(std::string_view text, std::vector<search_path>& paths) {
  rql_reader in(text);
  std::vector<sort_term> out;
  auto wrapped = in;
  const bool brackets = wrapped.word() == "sort" && wrapped.take('(');
  if (brackets) in = wrapped;
  if (!brackets && in.at_end()) return out;
  do {
    if (out.size() == max_sort_terms) return in.wrong("at most 8 things to sort by");
    auto term = read_term(in, paths);
    if (!term) return term.error();
    out.push_back(std::move(*term));
  } while (in.take(','));
  if (brackets)
    if (auto close = in.expect(')', "to end sort"); !close) return close.error();
  if (!in.at_end()) return in.wrong("the order goes on after its end");
  return out;
}

void read_keys(const std::vector<sort_term>& terms, path_reader& from,
               std::vector<sort_key>& keys) {
  keys.resize(terms.size());
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const auto& term = terms[i];
    auto& key = keys[i];
    if (term.nearest) {
      const auto place = place_of(term.places, from);
      key.value =
          place ? found_value::of(chord2(from.sphere_of(*place), term.centre)) : found_value{};
      continue;
    }
    key.value = from.get(term.path);
    if (key.value.kind == found_kind::text || key.value.kind == found_kind::json)
      key.text = key.value.text;
    if (key.value.kind != found_kind::severity) key.value.text = {};
  }
}

// The way is no shorter than that between the two latitudes; of an angle d the chord's square is
// 2 - 2 cos d, which is at least d^2 - d^4 / 12.
bool is_farther(const std::vector<sort_term>& terms, path_reader& from,
                const std::vector<sort_key>& last) {
  if (terms.empty() || !terms.front().nearest || last.front().value.missing()) return false;
  const auto place = place_of(terms.front().places, from);
  if (!place) return true; // comes last, and `last` has a place
  const auto d = (place->latitude - terms.front().latitude) * (math::pi / 180);
  return d * d * (1 - d * d / 12) > last.front().value.number * (1 + 1e-9) + 1e-15;
}

int compare_keys(const std::vector<sort_term>& terms, const std::vector<sort_key>& a,
                 std::string_view a_id, const std::vector<sort_key>& b,
                 std::string_view b_id) noexcept {
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const auto first = with_text(a[i]), second = with_text(b[i]);
    if (first.missing() != second.missing()) return first.missing() ? 1 : -1;
    const auto found = order(first, second);
    if (found != 0) return terms[i].descending ? -found : found;
  }
  return a_id.compare(b_id);
}

void append_key(std::string& out, const found_value& value) {
  const auto counted = [&](char kind) {
    out += kind;
    out += std::to_string(value.text.size()) + ":";
    out += value.text;
  };
  const auto whole = [&](char kind) { out += kind + std::to_string(value.integer) + ";"; };
  switch (value.kind) {
  case found_kind::none:
  case found_kind::null: out += 'm'; break;
  case found_kind::boolean: out += value.boolean ? "b1;" : "b0;"; break;
  case found_kind::integer: whole('i'); break;
  case found_kind::time: whole('t'); break;
  case found_kind::severity: whole('s'); break;
  case found_kind::number: {
    char digits[17];
    const auto end =
        std::to_chars(digits, digits + 16, std::bit_cast<std::uint64_t>(value.number), 16).ptr;
    out += 'd';
    out.append(digits, end);
    out += ';';
    break;
  }
  case found_kind::text: counted('x'); break;
  case found_kind::json: counted('j'); break;
  }
}

std::string write_cursor(const search_cursor& at) {
  auto out = std::to_string(at.now_ns) + ";";
  for (const auto& key : at.keys) append_key(out, with_text(key));
  return out + "=" + at.id;
}

result<search_cursor> read_cursor(std::string_view text, std::size_t terms) {
  search_cursor out;
  if (!read_number(take_until(text, ';'), out.now_ns)) return bad_cursor();
  out.keys.resize(terms);
  for (auto& key : out.keys)
    if (!read_key(text, key)) return bad_cursor();
  if (text.empty() || text.front() != '=') return bad_cursor();
  out.id = text.substr(1);
  return out;
}

} // namespace pollux::domain
