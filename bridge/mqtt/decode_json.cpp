// SPDX-License-Identifier: Apache-2.0
// JSON through simdjson's DOM: the whole document is checked before the first value is used, so a
// message that is not JSON leaves nothing behind.
#include "bridge/mqtt/decode_rows.hpp"
#include "bridge/mqtt/event_time.hpp"
#include "bridge/mqtt/json_repair.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <simdjson.h>

namespace pollux::bridge {
namespace {

namespace dom = simdjson::dom;
using domain::value_kind;
using domain::value_view;
using messages::quarantine_reason;

/// Beyond its range a float is infinite, which the collector refuses.
float single_precision(double v) noexcept {
  constexpr double most = std::numeric_limits<float>::max();
  return std::fabs(v) <= most ? static_cast<float>(v) : std::numeric_limits<float>::infinity();
}

constexpr std::size_t keep_bytes = 256 * 1024; ///< a rare huge payload gives its memory back

/// Walks one parsed document. Nesting is bounded by the parser, so recursion is too.
class walker {
public:
  explicit walker(row_collector& rows) : rows_(rows), options_(rows.options()) {}

  void document(const dom::element& root) {
    switch (root.type()) {
    case dom::element_type::OBJECT: return object_row(root, 0, std::nullopt);
    case dom::element_type::ARRAY: return batch(root, std::nullopt);
    default:
      rows_.refuse_message(quarantine_reason::malformed,
                           "neither an object nor an array of objects");
    }
  }

private:
  void batch(const dom::element& rows, std::optional<std::int64_t> default_time_ns) {
    std::size_t number = 0;
    for (const dom::element row : dom::array(rows)) {
      ++number;
      if (row.is_object()) {
        object_row(row, number, default_time_ns);
        continue;
      }
      rows_.begin_row(number);
      rows_.refuse_row(quarantine_reason::malformed, "not an object");
    }
    if (number == 0) {
      rows_.begin_row(0);
      rows_.refuse_row(quarantine_reason::malformed, "an empty array of readings");
    }
  }

  void object_row(const dom::element& row, std::size_t number,
                  std::optional<std::int64_t> default_time_ns) {
    rows_.begin_row(number);
    if (default_time_ns) rows_.set_time(*default_time_ns);
    std::optional<dom::element> readings;
    for (const auto [key, value] : dom::object(row)) {
      // only the outermost object is an envelope
      if (number == 0 && key == "readings" && value.is_array() && holds_objects(value))
        readings = value;
      else if (key == "values" && value.is_object())
        members(value, {});
      else
        member(key, value);
    }
    const auto time = rows_.time();
    rows_.end_row(readings.has_value());
    if (readings) batch(*readings, time);
  }

  static bool holds_objects(const dom::element& list) {
    const dom::array items(list);
    return items.begin() != items.end() && (*items.begin()).is_object();
  }

  void members(const dom::element& object, std::string_view prefix) {
    for (const auto [key, value] : dom::object(object)) {
      if (prefix.empty())
        member(key, value);
      else
        member(joined(prefix, key), value);
    }
  }

  std::string_view joined(std::string_view prefix, std::string_view key) {
    // beyond the bound on names only that it is too long will ever matter
    key = key.substr(0, max_name_bytes + 1);
    prefix = prefix.substr(0, max_name_bytes + 1);
    char* name = rows_.arena.take(prefix.size() + 1 + key.size());
    std::copy(prefix.begin(), prefix.end(), name);
    name[prefix.size()] = '.';
    std::copy(key.begin(), key.end(), name + prefix.size() + 1);
    return {name, prefix.size() + 1 + key.size()};
  }

  void member(std::string_view name, const dom::element& value) {
    if (name == options_.time_field) return time(name, value);
    if (name == options_.sequence_field) return sequence(name, value);
    switch (value.type()) {
    case dom::element_type::DOUBLE: return rows_.add(name, value_view::of(double(value)));
    case dom::element_type::INT64: return rows_.add(name, value_view::of(std::int64_t(value)));
    case dom::element_type::UINT64:
      return rows_.add(name, value_view::of(static_cast<double>(std::uint64_t(value))));
    case dom::element_type::BOOL: return rows_.add(name, value_view::of(bool(value)));
    case dom::element_type::STRING:
      return rows_.add(name, value_view::text(std::string_view(value)));
    case dom::element_type::NULL_VALUE: return rows_.add_missing();
    case dom::element_type::OBJECT: return members(value, name);
    case dom::element_type::ARRAY: return samples(name, value);
    }
  }

  void samples(std::string_view name, const dom::element& list) {
    const dom::array items(list);
    const auto all = [&](auto&& test) { return std::all_of(items.begin(), items.end(), test); };
    std::size_t count = 0;
    if (!all([&](const dom::element& item) { return ++count, item.is_number(); }) || count == 0)
      return rows_.refuse_field(quarantine_reason::unsupported, name,
                                "an array is read only as numbers (samples), or as a batch");
    if (count * sizeof(float) > domain::max_sample_bytes)
      return rows_.refuse_field(quarantine_reason::oversized, name, "more than 256 KiB of samples");
    char* bytes = rows_.arena.take(count * sizeof(float));
    char* at = bytes;
    for (const dom::element item : items) {
      const auto sample = single_precision(item.get_double().value());
      std::memcpy(at, &sample, sizeof sample);
      at += sizeof sample;
    }
    rows_.add(name, value_view::samples(value_kind::samples_f32, {bytes, count * sizeof(float)}));
  }

  void time(std::string_view name, const dom::element& value) {
    std::optional<std::int64_t> found;
    switch (value.type()) {
    case dom::element_type::NULL_VALUE: return;
    case dom::element_type::INT64: found = event_time(std::int64_t(value), options_.unit); break;
    case dom::element_type::UINT64:
    case dom::element_type::DOUBLE:
      found = event_time(value.get_double().value(), options_.unit);
      break;
    case dom::element_type::STRING: {
      const auto parsed = parse_rfc3339(std::string_view(value));
      if (!parsed)
        return rows_.refuse_time("field " + std::string(name) + ": " + parsed.error().what);
      found = *parsed;
      break;
    }
    default:
      return rows_.refuse_time("field " + std::string(name) + ": neither a number nor RFC 3339");
    }
    if (!found)
      return rows_.refuse_time("field " + std::string(name) + ": outside the years 1677 to 2262");
    rows_.set_time(*found);
  }

  void sequence(std::string_view name, const dom::element& value) {
    std::uint64_t number = 0;
    if (value.is_null()) return;
    if (value.type() == dom::element_type::DOUBLE || value.get(number) != simdjson::SUCCESS)
      return rows_.refuse_field(quarantine_reason::invalid_value, name,
                                "a sequence number is a whole number, 0 or above");
    rows_.set_sequence(number);
  }

  row_collector& rows_;
  const decode_options& options_;
};

} // namespace

struct json_reader::parser {
  dom::parser dom;
  std::string padded; ///< the payload with the bytes behind it that the parser may read
  std::string repaired;
  std::vector<bad_literal> bad;

  parser() { reset(); }
  void reset() {
    dom = dom::parser();
    // a failure to grow shows as an error of the parse itself
    [[maybe_unused]] const auto grown = dom.allocate(4096, max_nesting + 1);
    padded = {};
    repaired = {};
  }
  simdjson::simdjson_result<dom::element> parse(std::string_view payload) {
    if (padded.size() < payload.size() + simdjson::SIMDJSON_PADDING)
      padded.resize(payload.size() * 2 + simdjson::SIMDJSON_PADDING);
    std::memcpy(padded.data(), payload.data(), payload.size());
    return dom.parse(padded.data(), payload.size(), false);
  }
};

json_reader::json_reader() : parser_(std::make_unique<parser>()) {}
json_reader::~json_reader() = default;

void json_reader::read(std::string_view payload, row_collector& rows, rejections& rejected) {
  auto& p = *parser_;
  if (p.padded.size() > keep_bytes && payload.size() < keep_bytes / 4) p.reset();
  dom::element root;
  auto error = p.parse(payload).get(root);
  if (error == simdjson::SUCCESS) return walker(rows).document(root);
  // DEPTH_ERROR comes before anything that a repair could change
  if (error != simdjson::DEPTH_ERROR && repair_json(payload, p.repaired, p.bad) &&
      p.parse(p.repaired).get(root) == simdjson::SUCCESS) {
    for (const auto& found : p.bad)
      rejected.add(quarantine_reason::invalid_value, [&] {
        return "field " + std::string(found.field.substr(0, max_name_bytes)) + ": " +
               std::string(found.literal.substr(0, 32)) + " is not a number";
      });
    return walker(rows).document(root);
  }
  if (error == simdjson::DEPTH_ERROR)
    return rejected.add(quarantine_reason::unsupported, "nested deeper than 16 levels");
  rejected.add(quarantine_reason::malformed,
               std::string("not JSON: ") + simdjson::error_message(error));
}

} // namespace pollux::bridge
