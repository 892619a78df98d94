// SPDX-License-Identifier: Apache-2.0
#include "persistence/chain_heads.hpp"
#include "messages/hash.hpp"
#include "persistence/history.hpp"
#include "persistence/tail_view.hpp"
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace pollux::persistence {

namespace {

using json = nlohmann::json;

constexpr int offset_bits = 40;

std::string text_of(const domain::input_id& id) {
  return std::to_string(id.at.value >> offset_bits) + "-" +
         std::to_string(id.at.value & ((std::uint64_t{1} << offset_bits) - 1)) + "-" +
         std::to_string(id.index);
}

std::optional<domain::input_id> id_of(std::string_view text) {
  std::uint64_t part[3]{};
  for (int i = 0; i < 3; ++i) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part[i]);
    if (error != std::errc{}) return {};
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (i < 2 && (text.empty() || text.front() != '-')) return {};
    if (i < 2) text.remove_prefix(1);
  }
  if (!text.empty() || part[0] >= 1u << 24 || part[1] >> offset_bits != 0 || part[2] > UINT32_MAX)
    return {};
  return domain::input_id{{part[0] << offset_bits | part[1]}, static_cast<std::uint32_t>(part[2])};
}

std::optional<chain_value> chain_of(std::string_view hex) {
  chain_value out{};
  if (hex.size() != out.size() * 2) return {};
  for (std::size_t i = 0; i < out.size(); ++i) {
    unsigned value = 0;
    const auto* from = hex.data() + 2 * i;
    const auto [end, error] = std::from_chars(from, from + 2, value, 16);
    if (error != std::errc{} || end != from + 2) return {};
    out[i] = static_cast<std::uint8_t>(value);
  }
  return out;
}

/// One twin's history, or the shard-wide inputs, as a chain.
struct chained {
  std::uint32_t shard = 0, row = 0;
  std::string key;
};

std::string wide_name(std::uint32_t shard) { return "(shard " + std::to_string(shard) + ")"; }

void each_in_tail(const tail_view& tail, const chained& what,
                  const std::function<void(const domain::input&)>& visit) {
  if (what.row == shard_wide_row)
    tail.each_shard_wide(visit);
  else
    tail.each(what.key, visit);
}

result<std::vector<chained>> twins_of(const store& tables, std::uint32_t shard) {
  std::vector<chained> out;
  auto s = tables.each_registry(shard, [&](const registry_row& r) {
    out.push_back(
        {shard, r.row, r.incarnation == 1 ? r.id : r.id + "#" + std::to_string(r.incarnation)});
  });
  out.push_back({shard, shard_wide_row, wide_name(shard)});
  if (!s && s.error().code != errc::corrupt) return s.error();
  return out;
}

bool ends_in_first_format(const store& tables, const chained& what) {
  bool first_format = false;
  static_cast<void>(
      tables.each_block_info(what.shard, what.row, true, [&](const block_info& newest) {
        first_format = is_chain_start(newest.chain);
        return false;
      }));
  return first_format;
}

/// The chain's value behind the newest input, or behind `at` when it is given.
result<std::optional<chain_head>> value_at(const tail_view& tail, const store& tables,
                                           const chained& what,
                                           std::optional<domain::input_id> at) {
  chain_head out{what.key, {}, {}};
  std::optional<block_info> across;
  auto s = tables.each_block_info(what.shard, what.row, false, [&](const block_info& b) {
    if (at && b.last > *at) {
      if (b.first <= *at) across = b;
      return false;
    }
    out.last = b.last;
    out.chain = b.chain;
    return true;
  });
  if (!s) return s.error().within(what.key);
  chain_hasher hasher;
  const auto take = [&](const domain::input& in) {
    if (in.id <= out.last || (at && in.id > *at)) return;
    hasher.add(in);
    out.last = in.id;
  };
  if (across) {
    const auto bytes = tables.block(what.shard, what.row, across->first);
    if (!bytes) return bytes.error().within(what.key);
    const auto head = read_block_header(*bytes); // a cold frame has none, and its index row knows
    hasher.begin(across->kept != tier::cold && head ? head->chain_before : across->chain_before);
    if (s = decode_any_block(*bytes, take); !s) return s.error().within(what.key);
  } else {
    hasher.begin(out.chain);
    each_in_tail(tail, what, take);
  }
  out.chain = hasher.end();
  if (out.last == domain::input_id{} || (at && out.last != *at)) return std::optional<chain_head>{};
  return std::optional<chain_head>{std::move(out)};
}

} // namespace

result<head_list> chain_heads(const log& tail, const store& tables) {
  head_list out;
  for (std::uint32_t shard = 0; shard < tail.shards(); ++shard) {
    tail_view unsealed; // first: what leaves the log meanwhile is then found in the blocks
    if (auto s = unsealed.refresh(tail, shard); !s) return s.error();
    const auto twins = twins_of(tables, shard);
    if (!twins) return twins.error();
    for (const auto& t : *twins) {
      if (ends_in_first_format(tables, t)) {
        ++out.left_out;
        continue;
      }
      auto head = value_at(unsealed, tables, t, {});
      if (!head) return head.error();
      if (*head) out.heads.push_back(std::move(**head));
    }
  }
  return out;
}

result<head_comparison> compare_heads(const log& tail, const store& tables,
                                      const std::vector<chain_head>& kept) {
  std::map<std::string, const chain_head*> wanted;
  for (const auto& k : kept) wanted[k.twin] = &k;
  head_comparison out;
  for (std::uint32_t shard = 0; shard < tail.shards(); ++shard) {
    tail_view unsealed;
    if (auto s = unsealed.refresh(tail, shard); !s) return s.error();
    const auto twins = twins_of(tables, shard);
    if (!twins) return twins.error();
    for (const auto& t : *twins) {
      const auto found = wanted.find(t.key);
      if (found == wanted.end()) continue;
      const auto& k = *found->second;
      wanted.erase(found);
      const auto now = value_at(unsealed, tables, t, k.last);
      if (!now) return now.error();
      if (!*now)
        out.findings.push_back(t.key + ": input " + text_of(k.last) + " is no longer there");
      else if ((*now)->chain == k.chain)
        ++out.compared;
      else
        out.findings.push_back(t.key + ": its history up to input " + text_of(k.last) +
                               " is not what it was");
    }
  }
  for (const auto& [key, k] : wanted) out.findings.push_back(key + ": no such twin any more");
  return out;
}

std::string heads_document(const head_list& of) {
  json list = json::array();
  std::string all;
  for (const auto& h : of.heads) {
    const auto chain = to_hex(h.chain);
    all += h.twin + " " + text_of(h.last) + " " + chain + "\n";
    list.push_back({{"twin", h.twin}, {"last", text_of(h.last)}, {"chain", chain}});
  }
  return json{
      {"heads", std::move(list)}, {"all", messages::content_hash(all)}, {"left_out", of.left_out}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

result<std::vector<chain_head>> parse_heads(const std::string& document) {
  const auto read = json::parse(document, nullptr, false);
  const auto list = read.is_object() ? read.find("heads") : read.end();
  if (!read.is_object() || list == read.end() || !list->is_array())
    return failure{errc::invalid_argument, "not a document of heads: it has no list \"heads\""};
  std::vector<chain_head> out;
  for (const auto& one : *list) {
    const auto text = [&](const char* name) {
      return one.is_object() && one.contains(name) && one[name].is_string()
                 ? one[name].get<std::string>()
                 : std::string{};
    };
    const auto last = id_of(text("last"));
    const auto chain = chain_of(text("chain"));
    if (!last || !chain || text("twin").empty())
      return failure{errc::invalid_argument,
                     "head " + std::to_string(out.size() + 1) + " of the list cannot be read"};
    out.push_back({text("twin"), *last, *chain});
  }
  return out;
}

} // namespace pollux::persistence
