// SPDX-License-Identifier: Apache-2.0
#include "actors/poison.hpp"
#include "domain/base/time.hpp"
#include "messages/input_document.hpp"
#include "persistence/history.hpp"
#include <limits>
#include <nlohmann/json.hpp>

namespace pollux::actors {

namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t frame_bytes = 1280; // everything of the document but its readings

std::string dump(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Takes values as long as there is room for them.
struct bounded_readings {
  json rows = json::array();
  std::size_t room = max_poison_document - frame_bytes, shown = 0, total = 0;
  bool full = false;

  void add(const domain::input& in, const domain::reading& r) {
    total += r.count;
    if (full) return;
    json row{{"event_time", format_rfc3339(r.event_time_ns)}};
    if (r.sequence != 0) row["sequence"] = r.sequence;
    row["values"] = json::object();
    auto used = dump(row).size() + 1;
    for (auto i = r.first; i < r.first + r.count && i < in.fields.size() && !full; ++i) {
      const json one{
          {std::string{in.fields[i].name}, messages::value_document(in.fields[i].value)}};
      const auto size = dump(one).size();
      if (used + size > room) {
        full = true;
        break;
      }
      used += size;
      row["values"].update(one);
      ++shown;
    }
    full = full || used > room;
    if (used > room) return;
    room -= used;
    rows.push_back(std::move(row));
  }
};

void describe(const domain::input& in, json& document) {
  document["kind"] = messages::input_kind_text(in.kind);
  document["ingest_time"] = format_rfc3339(in.ingest_time_ns);
  if (!in.command_id.empty())
    document["command"] = {{"id", std::string{in.command_id.substr(0, 64)}},
                           {"name", std::string{in.command_name.substr(0, 64)}}};
  bounded_readings readings;
  for (const auto& r : in.readings) readings.add(in, r);
  if (in.readings.empty()) return;
  document["readings"] = std::move(readings.rows);
  document["readings_total"] = in.readings.size();
  document["values_shown"] = readings.shown;
  document["values_total"] = readings.total;
}

} // namespace

status visit_input(const persistence::log& journal, const persistence::store& tables,
                   const input_place& where,
                   const std::function<void(const domain::input&)>& visit) {
  bool found = false;
  const auto at = where.id;
  auto in_tail =
      journal.scan(where.twin.shard, at.at, [&](const persistence::positioned_segment& s) {
        if (s.at == at.at && at.index < s.content->entries().size()) {
          domain::input in;
          s.content->decode(at.index, s.at, in);
          found = true;
          visit(in);
        }
        return false;
      });
  if (found) return {};
  const domain::input_id before = at.index > 0
                                      ? domain::input_id{at.at, at.index - 1}
                                      : domain::input_id{{at.at.value == 0 ? 0 : at.at.value - 1},
                                                         std::numeric_limits<std::uint32_t>::max()};
  auto sealed = persistence::each_input(journal, tables, where.twin.shard, where.twin.row,
                                        where.key, before, [&](const domain::input& in) {
                                          if (in.id < at) return true;
                                          if (in.id == at) {
                                            found = true;
                                            visit(in);
                                          }
                                          return false;
                                        });
  if (found) return {};
  if (!sealed) return sealed;
  if (!in_tail) return in_tail;
  return failure{errc::not_found, "the input is not in the journal any more"};
}

std::string poison_document(const persistence::log& journal, const persistence::store& tables,
                            const input_place& where) {
  json document{{"input",
                 {{"shard", where.twin.shard},
                  {"row", where.twin.row},
                  {"position", where.id.at.value},
                  {"index", where.id.index}}}};
  const auto seen =
      visit_input(journal, tables, where, [&](const domain::input& in) { describe(in, document); });
  if (!seen) document["unreadable"] = seen.error().what.substr(0, 256);
  return dump(document);
}

result<input_place> place_in(std::string_view document) {
  const auto read = json::parse(document, nullptr, false);
  const failure wrong{errc::invalid_argument, "the record does not say where its input lies"};
  if (!read.is_object() || !read.contains("input") || !read["input"].is_object()) return wrong;
  const auto& in = read["input"];
  for (const auto* name : {"shard", "row", "position", "index"})
    if (!in.contains(name) || !in[name].is_number_unsigned()) return wrong;
  return input_place{{in["shard"].get<std::uint32_t>(), in["row"].get<std::uint32_t>()},
                     {},
                     {{in["position"].get<std::uint64_t>()}, in["index"].get<std::uint32_t>()}};
}

} // namespace pollux::actors
