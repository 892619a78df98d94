// SPDX-License-Identifier: Apache-2.0
#include "domain/model/config_node.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>
#include <utility>

namespace pollux::domain {

namespace {

using type = config_node::type;

const char* with_article(type kind) {
  switch (kind) {
  case type::null: return "null";
  case type::boolean: return "true or false";
  case type::number: return "a number";
  case type::text: return "a text";
  case type::array: return "an array";
  case type::object: return "an object";
  }
  return "a value";
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  out.append(text.substr(0, 60));
  if (text.size() > 60) out += "...";
  out += '"';
  return out;
}

std::string did_you_mean(std::string_view key, const std::vector<std::string_view>& known) {
  const auto near = nearest(key, known);
  return near.empty() ? std::string{} : "; did you mean " + quoted(near) + "?";
}

/// Insertions, deletions, changes and swaps of neighbours; stops counting above `limit`.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (a.size() > b.size()) std::swap(a, b);
  if (b.size() - a.size() > limit) return limit + 1;
  std::vector<std::size_t> before_last(a.size() + 1), last(a.size() + 1), row(a.size() + 1);
  for (std::size_t i = 0; i <= a.size(); ++i) last[i] = i;
  for (std::size_t j = 1; j <= b.size(); ++j) {
    row[0] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      row[i] = std::min({last[i] + 1, row[i - 1] + 1, last[i - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[i] = std::min(row[i], before_last[i - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[a.size()];
}

} // namespace

const config_node* config_node::find(std::string_view key) const noexcept {
  if (kind != type::object) return nullptr;
  for (const auto& [name, value] : members)
    if (name == key) return &value;
  return nullptr;
}

failure error_at(const config_node& node, std::string what) {
  if (node.line == 0) return {errc::invalid_argument, std::move(what)};
  return {errc::invalid_argument,
          std::to_string(node.line) + ":" + std::to_string(node.column) + ": " + std::move(what)};
}

std::string_view nearest(std::string_view key, const std::vector<std::string_view>& known) {
  std::string_view best;
  std::size_t best_distance = 4;
  if (key.size() > 256) return best; // the distance costs size x size, and nobody meant this
  for (const auto candidate : known) {
    if (candidate.empty() || candidate.size() > 256) continue;
    // Three edits turn any short word into any other: allow fewer there.
    const std::size_t limit =
        std::min<std::size_t>(3, (std::max(key.size(), candidate.size()) + 2) / 3);
    const std::size_t distance = edit_distance(key, candidate, limit);
    if (distance <= limit && distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

object_reader::object_reader(const config_node& node, std::string_view what)
    : node_(node), what_(what) {
  if (node.kind != type::object)
    fail(node, what_ + " must be an object, not " + with_article(node.kind));
}

const config_node* object_reader::require(std::string_view key, type kind) {
  const bool was_ok = outcome_.ok();
  const config_node* found = optional(key, kind);
  if (found == nullptr && was_ok && outcome_.ok()) {
    missing_ = key;
    fail(node_, what_ + " needs " + quoted(key) + " (" + with_article(kind) + ")");
  }
  return found;
}

const config_node* object_reader::optional(std::string_view key, type kind) {
  asked_.push_back(key);
  const config_node* found = node_.find(key);
  if (found == nullptr) return nullptr;
  if (found->kind != kind) {
    fail(*found,
         quoted(key) + " must be " + with_article(kind) + ", not " + with_article(found->kind));
    return nullptr;
  }
  if (kind == type::number && !std::isfinite(found->number)) {
    fail(*found, quoted(key) + " must be a finite number");
    return nullptr;
  }
  return found;
}

std::string object_reader::text(std::string_view key) {
  const config_node* found = require(key, type::text);
  return found != nullptr ? found->text : std::string{};
}

std::string object_reader::text_or(std::string_view key, std::string_view fallback) {
  const config_node* found = optional(key, type::text);
  return found != nullptr ? found->text : std::string(fallback);
}

double object_reader::number(std::string_view key) {
  const config_node* found = require(key, type::number);
  return found != nullptr ? found->number : 0;
}

double object_reader::number_or(std::string_view key, double fallback) {
  const config_node* found = optional(key, type::number);
  return found != nullptr ? found->number : fallback;
}

bool object_reader::boolean_or(std::string_view key, bool fallback) {
  const config_node* found = optional(key, type::boolean);
  return found != nullptr ? found->boolean : fallback;
}

std::int64_t object_reader::duration_ns(std::string_view key) {
  const config_node* found = require(key, type::text);
  return found != nullptr ? read_duration(key, *found) : 0;
}

std::int64_t object_reader::duration_ns_or(std::string_view key, std::int64_t fallback) {
  const config_node* found = optional(key, type::text);
  return found != nullptr ? read_duration(key, *found) : fallback;
}

std::int64_t object_reader::read_duration(std::string_view key, const config_node& found) {
  const auto parsed = parse_duration(found.text);
  if (!parsed) {
    fail(found, quoted(key) + ": " + parsed.error().what);
    return 0;
  }
  if (*parsed <= 0) fail(found, quoted(key) + " must be longer than nothing");
  return *parsed;
}

std::size_t object_reader::choice_or(std::string_view key,
                                     const std::vector<std::string_view>& choices,
                                     std::size_t fallback) {
  const config_node* found = optional(key, type::text);
  if (found == nullptr) return fallback;
  for (std::size_t i = 0; i < choices.size(); ++i)
    if (choices[i] == found->text) return i;
  std::string all;
  for (const auto choice : choices) all += (all.empty() ? "" : ", ") + quoted(choice);
  fail(*found, quoted(key) + " is " + quoted(found->text) + ", expected one of " + all +
                   did_you_mean(found->text, choices));
  return fallback;
}

void object_reader::fail(const config_node& at, std::string what) {
  if (outcome_.ok()) outcome_ = error_at(at, std::move(what));
}

status object_reader::finish() {
  // A key that is missing because it was misspelt: name the misspelling rather than the gap.
  if (node_.kind != type::object) return outcome_;
  if (!outcome_.ok() && missing_.empty()) {
    // A rule between keys may be broken only because one of them was misspelt: then name that.
    for (const auto& [name, value] : node_.members)
      if (std::find(asked_.begin(), asked_.end(), name) == asked_.end() &&
          !nearest(name, asked_).empty())
        return error_at(value, what_ + " has no key " + quoted(name) + did_you_mean(name, asked_));
    return outcome_;
  }
  for (const auto& [name, value] : node_.members) {
    if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
    if (!missing_.empty() && nearest(name, {missing_}).empty()) continue;
    std::vector<std::string_view> known = asked_;
    if (!missing_.empty()) known = {missing_};
    return error_at(value, what_ + " has no key " + quoted(name) + did_you_mean(name, known));
  }
  return outcome_;
}

} // namespace pollux::domain
