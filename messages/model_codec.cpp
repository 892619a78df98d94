// SPDX-License-Identifier: Apache-2.0
#include "messages/model_codec.hpp"
#include "messages/hash.hpp"
#include "messages/time_zones.hpp"
#include <algorithm>
#include <charconv>
#include <set>
#include <simdjson.h>

namespace pollux::messages {

namespace {

using domain::config_node;
namespace ondemand = simdjson::ondemand;

/// Where a byte stands, for people: lines from 1, columns from 1 in bytes.
class text_places {
public:
  explicit text_places(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '\n') starts_.push_back(i + 1);
  }
  void mark(config_node& node, std::size_t offset) const {
    const auto next = std::upper_bound(starts_.begin(), starts_.end(), offset);
    node.line = static_cast<std::uint32_t>(next - starts_.begin());
    node.column = static_cast<std::uint32_t>(offset - *(next - 1) + 1);
  }

private:
  std::vector<std::size_t> starts_{0};
};

/// Bytes that may not stand in a text in quotes: where one does, the text was not closed.
bool ends_line(char c) { return static_cast<unsigned char>(c) < 0x20; }

/// The start of the first quoted text that is not closed on its line, or npos.
std::size_t unclosed_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '"') continue;
    const std::size_t start = i++;
    while (i < text.size() && text[i] != '"' && !ends_line(text[i])) i += text[i] == '\\' ? 2 : 1;
    if (i >= text.size() || text[i] != '"') return start;
  }
  return std::string_view::npos;
}

/// Where the first bytes stand that are no character of UTF-8.
std::size_t first_bad_byte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (at + size > text.size() || !simdjson::validate_utf8(text.data() + at, size)) return at;
    at += size;
  }
  return 0;
}

class tree_reader {
public:
  explicit tree_reader(std::string_view text) : text_(text), padded_(text), places_(text) {}

  result<config_node> run() {
    config_node root;
    ondemand::document document;
    if (const auto error = parser_.iterate(padded_).get(document)) {
      fail_before_reading(error);
      return failure_;
    }
    document_ = &document;
    ondemand::value value;
    if (const auto error = document.get_value().get(value)) {
      if (error == simdjson::SCALAR_DOCUMENT_AS_VALUE)
        fail_at(0, "expected { or [");
      else
        fail_here(error);
    } else if (const char* rest = nullptr;
               read(value, root, 1) && document.current_location().get(rest) == simdjson::SUCCESS) {
      fail_at(offset_here(), "expected the end of the text");
    }
    if (!ok_) return failure_;
    return root;
  }

private:
  bool read(ondemand::value value, config_node& node, unsigned depth) {
    places_.mark(node, offset_here());
    ondemand::json_type kind{};
    if (const auto error = value.type().get(kind)) return fail_here(error);
    switch (kind) {
    case ondemand::json_type::object: return read_object(value, node, depth);
    case ondemand::json_type::array: return read_array(value, node, depth);
    case ondemand::json_type::string: {
      node.kind = config_node::type::text;
      std::string_view text;
      if (const auto error = value.get_string().get(text)) return fail_node(node, error);
      node.text = text;
      return true;
    }
    case ondemand::json_type::number: {
      node.kind = config_node::type::number;
      if (const auto error = value.get_double().get(node.number)) return fail_node(node, error);
      return true;
    }
    case ondemand::json_type::boolean: {
      node.kind = config_node::type::boolean;
      if (const auto error = value.get_bool().get(node.boolean)) return fail_node(node, error);
      return true;
    }
    case ondemand::json_type::null: {
      bool null = false;
      if (const auto error = value.is_null().get(null)) return fail_node(node, error);
      if (!null) return fail_node(node, simdjson::N_ATOM_ERROR);
      return true;
    }
    }
    return fail_node(node, simdjson::TAPE_ERROR);
  }

  bool read_object(ondemand::value value, config_node& node, unsigned depth) {
    node.kind = config_node::type::object;
    if (depth > max_model_depth) return fail(node, "nested deeper than 64 levels");
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return fail_node(node, error);
    std::set<std::string, std::less<>> keys;
    for (auto member : object) {
      ondemand::field field;
      if (const auto error = std::move(member).get(field)) return fail_here(error);
      config_node key; // only for its place
      places_.mark(key, static_cast<std::size_t>(field.key().raw() - padded_.data()) - 1);
      std::string_view name;
      if (const auto error = field.unescaped_key().get(name)) return fail_node(key, error);
      if (!keys.emplace(name).second)
        return fail(key, "the key \"" + std::string(name.substr(0, 60)) + "\" stands here twice");
      auto& child = node.members.emplace_back();
      child.first = name;
      if (!read(field.value(), child.second, depth + 1)) return false;
    }
    return true;
  }

  bool read_array(ondemand::value value, config_node& node, unsigned depth) {
    node.kind = config_node::type::array;
    if (depth > max_model_depth) return fail(node, "nested deeper than 64 levels");
    ondemand::array array;
    if (const auto error = value.get_array().get(array)) return fail_node(node, error);
    for (auto element : array) {
      ondemand::value child;
      if (const auto error = std::move(element).get(child)) return fail_here(error);
      if (!read(child, node.members.emplace_back().second, depth + 1)) return false;
    }
    return true;
  }

  std::size_t offset_here() const {
    const char* at = nullptr;
    if (document_ == nullptr || document_->current_location().get(at) != simdjson::SUCCESS)
      return last_offset();
    return std::min(static_cast<std::size_t>(at - padded_.data()), last_offset());
  }
  /// The last byte that is not white space: the place to say that something is missing.
  std::size_t last_offset() const {
    const auto last = text_.find_last_not_of(" \t\r\n");
    return last == std::string_view::npos ? 0 : last;
  }

  void fail_before_reading(simdjson::error_code error) {
    if (error == simdjson::UTF8_ERROR)
      fail_at(first_bad_byte(text_), "this is not UTF-8");
    else if (error == simdjson::EMPTY)
      fail_at(0, "the text is empty");
    else
      describe(error, last_offset());
  }
  bool fail_here(simdjson::error_code error) { return describe(error, offset_here()); }
  bool fail_node(const config_node& node, simdjson::error_code error) {
    return fail(node, std::string("not JSON: ") + reason(error));
  }
  bool describe(simdjson::error_code error, std::size_t offset) {
    // A missing quote turns the rest of the file inside out: name the quote, not the wreckage.
    const auto unclosed = unclosed_text(text_);
    if (unclosed != std::string_view::npos && (document_ == nullptr || unclosed <= offset))
      return fail_at(unclosed, "not JSON: this text is not closed on its line");
    return fail_at(offset, std::string("not JSON: ") + reason(error));
  }
  static const char* reason(simdjson::error_code error) {
    switch (error) {
    case simdjson::NUMBER_ERROR: return "malformed number, or one too large for a double";
    case simdjson::STRING_ERROR: return "malformed text in quotes";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR: return "only true, false and null are words";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT: return "a closing ] or } is missing";
    case simdjson::TAPE_ERROR: return "a comma, a colon or a bracket is missing or misplaced";
    case simdjson::INCORRECT_TYPE: return "expected a value: only true, false and null are words";
    default: return simdjson::error_message(error);
    }
  }
  bool fail_at(std::size_t offset, const std::string& what) {
    config_node node;
    places_.mark(node, offset);
    return fail(node, what);
  }
  bool fail(const config_node& node, const std::string& what) {
    if (ok_) failure_ = domain::error_at(node, what);
    ok_ = false;
    return false;
  }

  std::string_view text_;
  simdjson::padded_string padded_;
  text_places places_;
  ondemand::parser parser_;
  ondemand::document* document_ = nullptr; ///< once reading has begun
  bool ok_ = true;
  failure failure_;
};

failure in_file(const failure& error, std::string_view file_name) {
  const bool has_place = !error.what.empty() && error.what[0] >= '0' && error.what[0] <= '9';
  return {error.code, std::string(file_name) + (has_place ? ":" : ": ") + error.what};
}

// Only below "operators": a telemetry may be called zone as well.
bool resolve_operator_zones(config_node& root) {
  for (auto& [key, child] : root.members)
    if (key == "operators") return resolve_zones(child);
  return false;
}

void write_text(std::string& out, std::string_view text) {
  constexpr const char* hex = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (ends_line(c)) {
      out += "\\u00";
      out.push_back(hex[static_cast<unsigned char>(c) >> 4]);
      out.push_back(hex[c & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void write_number(std::string& out, double number) {
  char text[40];
  const double plain = number == 0 ? 0 : number; // -0 and 0 mean the same limit
  out.append(text, std::to_chars(text, text + sizeof text, plain).ptr);
}

void write_node(std::string& out, const config_node& node) {
  switch (node.kind) {
  case config_node::type::null: out += "null"; return;
  case config_node::type::boolean: out += node.boolean ? "true" : "false"; return;
  case config_node::type::number: return write_number(out, node.number);
  case config_node::type::text: return write_text(out, node.text);
  case config_node::type::array:
  case config_node::type::object: break;
  }
  const bool object = node.kind == config_node::type::object;
  std::vector<const domain::config_member*> members;
  members.reserve(node.members.size());
  for (const auto& member : node.members) members.push_back(&member);
  if (object)
    std::sort(members.begin(), members.end(),
              [](const auto* a, const auto* b) { return a->first < b->first; });
  char before = object ? '{' : '[';
  for (const auto* member : members) {
    out.push_back(before);
    before = ',';
    if (object) {
      write_text(out, member->first);
      out.push_back(':');
    }
    write_node(out, member->second);
  }
  if (members.empty()) out.push_back(before);
  out.push_back(object ? '}' : ']');
}

} // namespace

result<config_node> parse_config_tree(std::string_view json, std::string_view file_name) {
  if (json.size() > max_model_bytes)
    return failure{errc::invalid_argument, std::string(file_name) + ": larger than 1 MB (" +
                                               std::to_string(json.size()) + " bytes)"};
  auto tree = tree_reader(json).run();
  if (!tree) return in_file(tree.error(), file_name);
  return tree;
}

std::string canonical_json(const config_node& node) {
  std::string out;
  write_node(out, node);
  return out;
}

std::string self_contained(std::string_view json) {
  auto tree = parse_config_tree(json, "");
  if (!tree || !resolve_operator_zones(*tree)) return std::string(json);
  return canonical_json(*tree);
}

config_node resolved(config_node tree) {
  resolve_operator_zones(tree);
  return tree;
}

result<std::shared_ptr<const domain::model>> parse_model(std::string_view json,
                                                         std::string_view file_name) {
  auto tree = parse_config_tree(json, file_name);
  if (!tree) return tree.error();
  resolve_operator_zones(*tree);
  auto compiled = domain::compile(*tree);
  if (!compiled) return in_file(compiled.error(), file_name);
  auto model = std::make_shared<domain::model>(std::move(*compiled));
  model->hash = content_hash(canonical_json(*tree) + "\n" + domain::operator_revisions(*model));
  return std::shared_ptr<const domain::model>(std::move(model));
}

} // namespace pollux::messages
