// SPDX-License-Identifier: Apache-2.0
#include "persistence/retention_book.hpp"
#include "domain/base/time.hpp"
#include "persistence/chain.hpp"
#include <algorithm>
#include <nlohmann/json.hpp>
#include <openssl/sha.h>

namespace pollux::persistence {

namespace {

using json = nlohmann::ordered_json;

constexpr const char* hold_key = "retention/hold/";
constexpr const char* note_key = "retention/note/";
constexpr const char* erasure_key = "retention/erasure/";
constexpr const char* states[] = {"erasing", "compacting", "done"};

std::string dumped(const json& j) { return j.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string text(const json& j, const char* name) {
  const auto found = j.find(name);
  return found != j.end() && found->is_string() ? found->get<std::string>() : std::string();
}

template <class T> T number(const json& j, const char* name) {
  const auto found = j.find(name);
  return found != j.end() && found->is_number() ? found->template get<T>() : T{};
}

/// Sorts by time, and is not given twice within a nanosecond by one verb.
void note(store_batch& batch, const retention_note& n) {
  auto time = std::to_string(n.at_ns);
  time.insert(0, 20 - std::min<std::size_t>(20, time.size()), '0');
  batch.put_meta(note_key + time + "/" + n.verb, dumped({{"verb", n.verb},
                                                         {"sha256", n.sha256},
                                                         {"by", n.by},
                                                         {"reason", n.reason},
                                                         {"at_ns", n.at_ns},
                                                         {"at", format_rfc3339(n.at_ns)}}));
}

legal_hold hold_from(const std::string& twin, const std::string& value) {
  const auto j = json::parse(value, nullptr, false);
  legal_hold out{.twin = twin, .by = {}, .reason = {}};
  if (!j.is_object()) return out; // a hold that cannot be read is one all the same
  out.by = text(j, "by");
  out.reason = text(j, "reason");
  out.since_ns = number<std::int64_t>(j, "since_ns");
  return out;
}

erasure erasure_from(const json& j) {
  erasure e;
  e.sha256 = text(j, "sha256");
  e.id = text(j, "id");
  e.by = text(j, "by");
  e.reason = text(j, "reason");
  e.at_ns = number<std::int64_t>(j, "at_ns");
  e.shard = number<std::uint32_t>(j, "shard");
  const auto* stands = std::find(std::begin(states), std::end(states), text(j, "state"));
  e.stands = static_cast<erasure::state>(std::min<std::ptrdiff_t>(stands - std::begin(states), 2));
  if (j.contains("rows") && j["rows"].is_array())
    for (const auto& row : j["rows"])
      if (row.is_number_unsigned()) e.rows.push_back(row.get<std::uint32_t>());
  if (j.contains("chain_heads") && j["chain_heads"].is_array())
    for (const auto& head : j["chain_heads"])
      if (head.is_string()) e.chain_heads.push_back(head.get<std::string>());
  e.counts = {number<std::uint64_t>(j, "blocks"), number<std::uint64_t>(j, "inputs"),
              number<std::uint64_t>(j, "snapshots"), number<std::uint64_t>(j, "alerts"),
              number<std::uint64_t>(j, "outbox")};
  e.quarantined = number<std::uint64_t>(j, "quarantined");
  e.files_rewritten = number<std::uint64_t>(j, "files_rewritten");
  return e;
}

} // namespace

std::string sha256_hex(std::string_view content) {
  chain_value digest;
  SHA256(reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data());
  return to_hex(digest);
}

status put_hold(store& tables, const legal_hold& hold) {
  const auto there = tables.meta(hold_key + hold.twin);
  if (!there) return there.error();
  if (*there) return failure{errc::conflict, hold.twin + " is on hold already"};
  auto batch = tables.batch();
  batch->put_meta(hold_key + hold.twin, dumped({{"by", hold.by},
                                                {"reason", hold.reason},
                                                {"since_ns", hold.since_ns},
                                                {"since", format_rfc3339(hold.since_ns)}}));
  note(*batch, {"hold", sha256_hex(hold.twin), hold.by, hold.reason, hold.since_ns});
  return tables.write(*batch, true);
}

status release_hold(store& tables, const std::string& twin, const std::string& by,
                    const std::string& reason, std::int64_t now_ns) {
  const auto there = tables.meta(hold_key + twin);
  if (!there) return there.error();
  if (!*there) return failure{errc::not_found, twin + " is not on hold"};
  auto batch = tables.batch();
  batch->erase_meta(hold_key + twin);
  note(*batch, {"release", sha256_hex(twin), by, reason, now_ns});
  return tables.write(*batch, true);
}

result<std::optional<legal_hold>> hold_of(const store& tables, const std::string& twin) {
  const auto there = tables.meta(hold_key + twin);
  if (!there) return there.error();
  if (!*there) return std::optional<legal_hold>{};
  return std::optional<legal_hold>{hold_from(twin, **there)};
}

result<std::vector<legal_hold>> holds_in(const store& tables) {
  std::vector<legal_hold> out;
  const std::string prefix = hold_key;
  auto s = tables.each_meta(prefix, [&](const std::string& key, const std::string& value) {
    out.push_back(hold_from(key.substr(prefix.size()), value));
  });
  if (!s) return s.error();
  return out;
}

result<std::vector<retention_note>> retention_notes(const store& tables) {
  std::vector<retention_note> out;
  auto s = tables.each_meta(note_key, [&](const std::string&, const std::string& value) {
    const auto j = json::parse(value, nullptr, false);
    if (j.is_object())
      out.push_back({text(j, "verb"), text(j, "sha256"), text(j, "by"), text(j, "reason"),
                     number<std::int64_t>(j, "at_ns")});
  });
  if (!s) return s.error();
  return out;
}

std::string erasure_document(const erasure& e) {
  json j = {{"sha256", e.sha256},
            {"state", states[static_cast<std::size_t>(e.stands)]},
            {"by", e.by},
            {"reason", e.reason},
            {"at_ns", e.at_ns},
            {"at", format_rfc3339(e.at_ns)},
            {"shard", e.shard},
            {"rows", e.rows},
            {"inputs", e.counts.inputs},
            {"blocks", e.counts.blocks},
            {"snapshots", e.counts.snapshots},
            {"alerts", e.counts.alerts},
            {"outbox", e.counts.outbox},
            {"quarantined", e.quarantined},
            {"files_rewritten", e.files_rewritten},
            {"chain_heads", e.chain_heads}};
  if (e.stands == erasure::state::erasing) j["id"] = e.id;
  return dumped(j);
}

status put_erasure(store& tables, const erasure& e) {
  auto batch = tables.batch();
  batch->put_meta(erasure_key + e.sha256 + "/" + std::to_string(e.at_ns), erasure_document(e));
  if (e.stands == erasure::state::done) note(*batch, {"erase", e.sha256, e.by, e.reason, e.at_ns});
  return tables.write(*batch, true);
}

result<std::vector<erasure>> erasures_in(const store& tables) {
  std::vector<erasure> out;
  auto s = tables.each_meta(erasure_key, [&](const std::string&, const std::string& value) {
    const auto j = json::parse(value, nullptr, false);
    if (j.is_object()) out.push_back(erasure_from(j));
  });
  if (!s) return s.error();
  return out;
}

} // namespace pollux::persistence
