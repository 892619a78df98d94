// SPDX-License-Identifier: Apache-2.0
#include "persistence/cold_frame.hpp"
#include "messages/hash.hpp"
#include "persistence/cold_column.hpp"
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace pollux::persistence {

namespace {

using json = nlohmann::ordered_json;
using domain::value_kind;

constexpr int frame_version = 1;
constexpr std::size_t crc_bytes = 4;
constexpr std::size_t enough_values = 256u << 10, enough_bytes = 8u << 20;
// Above anything the writer makes; they bound what a lying head costs.
constexpr std::uint64_t most_numbers = 1u << 22, most_bytes = 512u << 20;

constexpr const char* kinds[] = {"none", "f64",         "i64",        "boolean",
                                 "text", "samples_f32", "samples_i16"};

failure damaged(const std::string& what) {
  return {errc::corrupt, "cold frame is damaged: " + what};
}

/// Text as JSON; bytes that are no UTF-8 as a list of numbers.
json text_json(std::string_view text) {
  json out = std::string(text);
  try {
    static_cast<void>(out.dump());
  } catch (const json::type_error&) {
    out = json::array();
    for (const auto c : text) out.push_back(static_cast<unsigned char>(c));
  }
  return out;
}

bool text_of(const json& j, std::string& out) {
  if (j.is_string()) {
    out = j.get<std::string>();
    return true;
  }
  out.clear();
  if (!j.is_array()) return false;
  for (const auto& c : j) {
    if (!c.is_number_unsigned() || c.get<std::uint64_t>() > 255) return false;
    out.push_back(static_cast<char>(c.get<std::uint64_t>()));
  }
  return true;
}

json id_json(const domain::input_id& id) { return json::array({id.at.value, id.index}); }

class frame_writer {
public:
  /// A line of the head for a column of numbers: what, count, width, factor, firsts.
  void numbers(const char* what, const std::vector<std::int64_t>& values, json more = nullptr) {
    const auto made = put_cold_column(values, raw_);
    json line = json::array({what, made.count, made.width, made.factor, made.firsts});
    if (!more.is_null()) line.push_back(std::move(more));
    lines_.push_back(std::move(line));
  }
  void bytes(const char* what, std::string_view content) {
    lines_.push_back(json::array({what, content.size()}));
    raw_.append(content);
  }
  void values(const value_column& column) {
    switch (column.kind) {
    case value_kind::none: return;
    case value_kind::f64: {
      std::vector<std::int64_t> scaled;
      const auto digits = as_decimals(column.numbers, scaled);
      if (digits)
        numbers("decimals", scaled, *digits);
      else
        numbers("doubles", column.numbers);
      return;
    }
    case value_kind::i64:
    case value_kind::boolean: numbers("numbers", column.numbers); return;
    case value_kind::text:
    case value_kind::samples_f32:
    case value_kind::samples_i16:
      numbers("sizes", column.numbers);
      bytes("bytes", column.heap);
      return;
    }
  }
  [[nodiscard]] json& lines() { return lines_; }
  [[nodiscard]] const std::string& raw() const { return raw_; }

private:
  json lines_ = json::array();
  std::string raw_;
};

class frame_reader {
public:
  frame_reader(const json& lines, std::string_view raw) : lines_(lines), raw_(raw) {}

  bool numbers(const char* what, std::vector<std::int64_t>& out, unsigned* more = nullptr) {
    const auto* line = next(what);
    cold_column c;
    if (line == nullptr || line->size() != (more == nullptr ? 5u : 6u) || !read(*line, c))
      return false;
    if (more != nullptr) {
      if (!line->at(5).is_number_unsigned() || line->at(5).get<std::uint64_t>() > 12) return false;
      *more = line->at(5).get<unsigned>();
    }
    return take_cold_column(c, raw_, out);
  }
  bool bytes(const char* what, std::string_view& out) {
    const auto* line = next(what);
    if (line == nullptr || line->size() != 2 || !line->at(1).is_number_unsigned()) return false;
    const auto size = line->at(1).get<std::uint64_t>();
    if (size > raw_.size()) return false;
    out = raw_.substr(0, static_cast<std::size_t>(size));
    raw_.remove_prefix(out.size());
    return true;
  }
  bool values(value_column& column, std::size_t count) {
    bool read = true;
    switch (column.kind) {
    case value_kind::none: return true;
    case value_kind::f64:
      if (unsigned digits = 0; next_is("decimals")) {
        read = numbers("decimals", column.numbers, &digits);
        if (read) from_decimals(digits, column.numbers);
      } else {
        read = numbers("doubles", column.numbers);
      }
      break;
    case value_kind::i64:
    case value_kind::boolean: read = numbers("numbers", column.numbers); break;
    case value_kind::text:
    case value_kind::samples_f32:
    case value_kind::samples_i16: read = texts(column); break;
    }
    return read && column.numbers.size() == count;
  }
  [[nodiscard]] bool at_end() const { return raw_.empty() && at_ == lines_.size(); }

private:
  [[nodiscard]] bool next_is(const char* what) const {
    return at_ < lines_.size() && lines_[at_].is_array() && !lines_[at_].empty() &&
           lines_[at_][0] == what;
  }
  const json* next(const char* what) { return next_is(what) ? &lines_[at_++] : nullptr; }
  static bool read(const json& line, cold_column& c) {
    if (!line.at(1).is_number_unsigned() || !line.at(2).is_number_unsigned() ||
        !line.at(3).is_number_integer() || !line.at(4).is_array() || line.at(4).size() > 2)
      return false;
    c.count = line.at(1).get<std::uint64_t>();
    c.width = static_cast<unsigned>(std::min<std::uint64_t>(line.at(2).get<std::uint64_t>(), 9));
    c.factor = line.at(3).get<std::int64_t>();
    for (const auto& first : line.at(4)) {
      if (!first.is_number_integer()) return false;
      c.firsts.push_back(first.get<std::int64_t>());
    }
    return c.count <= most_numbers && c.firsts.size() <= c.count;
  }
  bool texts(value_column& column) {
    std::string_view heap;
    if (!numbers("sizes", column.numbers) || !bytes("bytes", heap)) return false;
    for (const auto size : column.numbers) {
      if (size < 0 || static_cast<std::uint64_t>(size) > heap.size()) return false;
      column.texts.push_back(heap.substr(0, static_cast<std::size_t>(size)));
      heap.remove_prefix(static_cast<std::size_t>(size));
    }
    return heap.empty();
  }

  const json& lines_;
  std::string_view raw_;
  std::size_t at_ = 0;
};

json shapes_json(const input_columns& c) {
  json out = json::array();
  for (const auto& shape : c.shapes) {
    json one = json::array();
    for (const auto& s : shape)
      one.push_back(json::array({s.name, kinds[static_cast<std::size_t>(s.kind)]}));
    out.push_back(std::move(one));
  }
  return out;
}

bool read_shapes(const json& from, input_columns& c) {
  for (const auto& one : from) {
    if (!one.is_array()) return false;
    auto& shape = c.shapes.emplace_back();
    for (const auto& s : one) {
      if (!s.is_array() || s.size() != 2 || !s[0].is_number_unsigned() || !s[1].is_string() ||
          s[0].get<std::uint64_t>() >= c.names.size())
        return false;
      const auto* kind = std::find(std::begin(kinds), std::end(kinds), s[1].get<std::string>());
      if (kind == std::end(kinds)) return false;
      shape.push_back(
          {s[0].get<std::uint32_t>(), static_cast<value_kind>(kind - std::begin(kinds)), 0});
    }
  }
  c.name_columns();
  return true;
}

bool read_dictionaries(const json& head, input_columns& c) {
  const auto names = head.find("names"), shapes = head.find("shapes");
  if (names == head.end() || !names->is_array() || shapes == head.end() || !shapes->is_array())
    return false;
  for (const auto& n : *names)
    if (!text_of(n, c.names.emplace_back())) return false;
  return read_shapes(*shapes, c);
}

bool read_columns(frame_reader in, input_columns& c) {
  std::string_view other_bytes;
  if (!in.numbers("position", c.positions) || !in.numbers("index", c.indexes) ||
      !in.numbers("ingest_time", c.ingest_times) || !in.numbers("readings", c.counts) ||
      !in.numbers("event_time", c.event_times) || !in.numbers("sequence", c.sequences) ||
      !in.numbers("shape", c.shape_of) || !in.numbers("other", c.other_at) ||
      !in.numbers("other_sizes", c.other_sizes) || !in.bytes("other_bytes", other_bytes))
    return false;
  c.other_bytes = other_bytes;
  if (!c.fits()) return false;
  const auto sizes = c.column_sizes();
  for (std::size_t i = 0; i < c.columns.size(); ++i)
    if (!in.values(c.columns[i].content, sizes[i])) return false;
  return in.at_end();
}

json parsed_head(std::string_view line) { return json::parse(line, nullptr, false); }

template <class T> bool number_of(const json& head, const char* name, T& out) {
  const auto found = head.find(name);
  if (found == head.end() || !found->is_number_integer()) return false;
  out = found->get<T>();
  return true;
}

template <class A, class B> bool pair_of(const json& head, const char* name, A& a, B& b) {
  const auto found = head.find(name);
  if (found == head.end() || !found->is_array() || found->size() != 2 ||
      !found->at(0).is_number_integer() || !found->at(1).is_number_integer())
    return false;
  a = found->at(0).template get<A>();
  b = found->at(1).template get<B>();
  return true;
}

bool chain_of(const json& head, const char* name, chain_value& out) {
  const auto found = head.find(name);
  if (found == head.end() || !found->is_string()) return false;
  const auto text = found->get<std::string>();
  if (text.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = std::string_view("0123456789abcdef").find(text[i]);
    if (digit == std::string_view::npos) return false;
    out[i / 2] = static_cast<std::uint8_t>(out[i / 2] << 4 | digit);
  }
  return true;
}

/// The frame's first line, when its checksum holds.
result<std::string_view> checked_line(std::string_view frame) {
  const auto end = frame.find('\n');
  if (!is_cold_frame(frame) || end == std::string_view::npos || frame.size() < end + 1 + crc_bytes)
    return damaged("it is cut off");
  std::uint32_t crc = 0;
  for (std::size_t i = 0; i < crc_bytes; ++i)
    crc |= std::uint32_t{static_cast<unsigned char>(frame[frame.size() - crc_bytes + i])}
           << (8 * i);
  if (crc32_ieee(frame.substr(0, frame.size() - crc_bytes)) != crc)
    return damaged("checksum differs");
  return frame.substr(0, end);
}

result<json> checked_head(std::string_view frame) {
  const auto line = checked_line(frame);
  if (!line) return line.error();
  auto head = parsed_head(*line);
  int version = 0;
  if (!head.is_object() || !number_of(head, "version", version)) return damaged("its head");
  if (version > frame_version)
    return failure{errc::version_mismatch, "cold frame of format " + std::to_string(version) +
                                               ", written by a newer Pollux"};
  return head;
}

} // namespace

bool cold_frame_builder::full() const noexcept {
  return columns_.positions.size() >= max_inputs_per_frame || columns_.values >= enough_values ||
         columns_.heavy_bytes >= enough_bytes;
}

result<std::string> cold_frame_builder::finish(std::string_view key, const chain_value& before,
                                               const chain_value& after) {
  const auto& c = columns_;
  frame_writer body;
  body.numbers("position", c.positions);
  body.numbers("index", c.indexes);
  body.numbers("ingest_time", c.ingest_times);
  body.numbers("readings", c.counts);
  body.numbers("event_time", c.event_times);
  body.numbers("sequence", c.sequences);
  body.numbers("shape", c.shape_of);
  body.numbers("other", c.other_at);
  body.numbers("other_sizes", c.other_sizes);
  body.bytes("other_bytes", c.other_bytes);
  for (const auto& column : c.columns) body.values(column.content);
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  std::int64_t greatest = std::numeric_limits<std::int64_t>::min();
  for (const auto t : c.event_times) {
    least = std::min(least, t);
    greatest = std::max(greatest, t);
  }
  json names = json::array();
  for (const auto& n : c.names) names.push_back(text_json(n));
  const json head = {{"version", frame_version},
                     {"twin", text_json(key)},
                     {"inputs", c.positions.size()},
                     {"readings", c.event_times.size()},
                     {"values", c.values},
                     {"first", id_json(c.first())},
                     {"last", id_json(c.last())},
                     {"event_time", json::array({least, greatest})},
                     {"ingest_time", json::array({c.least_ingest_ns, c.greatest_ingest_ns})},
                     {"chain_before", to_hex(before)},
                     {"chain", to_hex(after)},
                     {"names", std::move(names)},
                     {"shapes", shapes_json(c)},
                     {"bytes", body.raw().size()},
                     {"columns", std::move(body.lines())}};
  const auto packed = pack_columns(body.raw(), c.heavy_bytes > 0);
  columns_.clear();
  if (!packed) return packed.error();
  std::string out = head.dump() + '\n' + *packed;
  const auto crc = crc32_ieee(out);
  for (std::size_t i = 0; i < crc_bytes; ++i) out.push_back(static_cast<char>(crc >> (8 * i)));
  return out;
}

result<cold_frame_head> read_cold_frame_head(std::string_view frame) {
  const auto head = checked_head(frame);
  if (!head) return head.error();
  cold_frame_head out;
  auto& i = out.info;
  const auto key = head->find("twin");
  if (key == head->end() || !text_of(*key, out.key) || !number_of(*head, "inputs", i.inputs) ||
      !number_of(*head, "readings", i.readings) || !number_of(*head, "values", i.values) ||
      !pair_of(*head, "first", i.first.at.value, i.first.index) ||
      !pair_of(*head, "last", i.last.at.value, i.last.index) ||
      !pair_of(*head, "event_time", i.least_event_time_ns, i.greatest_event_time_ns) ||
      !pair_of(*head, "ingest_time", i.least_ingest_time_ns, i.greatest_ingest_time_ns) ||
      !chain_of(*head, "chain_before", i.chain_before) || !chain_of(*head, "chain", i.chain))
    return damaged("its head");
  i.bytes = i.size = frame.size();
  i.hash = messages::hash64(frame);
  i.kept = tier::cold;
  return out;
}

status decode_cold_columns(std::string_view frame, std::string& buffer, input_columns& out) {
  out.clear();
  const auto head = checked_head(frame);
  if (!head) return head.error();
  std::uint64_t size = 0;
  const auto lines = head->find("columns");
  if (!number_of(*head, "bytes", size) || size > most_bytes || lines == head->end() ||
      !lines->is_array())
    return damaged("its head");
  const auto begin = frame.find('\n') + 1;
  auto raw = unpack_columns(frame.substr(begin, frame.size() - begin - crc_bytes), size);
  if (!raw) return raw.error().within("cold frame");
  buffer = std::move(*raw);
  if (!read_dictionaries(*head, out)) return damaged("names");
  if (!read_columns(frame_reader(*lines, buffer), out)) return damaged("columns");
  return {};
}

status decode_cold_frame(std::string_view frame,
                         const std::function<void(const domain::input&)>& visit) {
  std::string buffer;
  input_columns columns;
  if (auto s = decode_cold_columns(frame, buffer, columns); !s) return s;
  return columns.visit(visit);
}

} // namespace pollux::persistence
