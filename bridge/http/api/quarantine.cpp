// SPDX-License-Identifier: Apache-2.0
// Messages that could not be used: listed, looked at, tried again.
#include "bridge/http/api/cursor.hpp"
#include "bridge/http/api/door.hpp"
#include <algorithm>
#include <charconv>

namespace pollux::bridge::http {

namespace {

std::string hex_of(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    out += digits[u >> 4];
    out += digits[u & 15];
  }
  return out;
}

/// Text as it is; other bytes as hex digits, which say so.
json entry_json(const messages::quarantine_entry& e) {
  json out{{"id", e.id},         {"ingest_time", time_or_null(e.ingest_time_ns)},
           {"reason", e.reason}, {"topic", e.topic},
           {"detail", e.detail}, {"mapping", e.mapping}};
  bool text = std::none_of(e.payload.begin(), e.payload.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
  });
  try {
    if (text) static_cast<void>(json(e.payload).dump());
  } catch (const json::exception&) { // no UTF-8
    text = false;
  }
  out["payload"] = text ? e.payload : hex_of(e.payload);
  out["payload_encoding"] = text ? "text" : "hex";
  return out;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t out = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return {};
  return out;
}

void list(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  const auto limit = q.number("limit", 100, 1, messages::max_page);
  const auto place = q.cursor("quarantine");
  const auto after = place.empty() ? std::uint64_t{0} : parse_number(place).value_or(0);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(to, messages::quarantine_query{after, limit}, respond,
         [r, limit](const messages::quarantine_list& page) {
           json items = json::array();
           for (const auto& e : page.rows) items.push_back(entry_json(e));
           const bool more = page.rows.size() >= limit;
           return page_reply(r, {{"items", std::move(items)}, {"total", page.total}},
                             more ? seal_cursor("quarantine", std::to_string(page.rows.back().id))
                                  : "");
         });
}

std::optional<std::uint64_t> number_of(const request& r, const responder& respond) {
  const auto text = r.parameter("record");
  const auto out = parse_number(text);
  if (out && *out != 0) return out;
  respond(problem(404, "no quarantined message " + std::string(text)));
  return {};
}

void get(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  const auto id = number_of(r, respond);
  if (!id) return;
  answer(to, messages::quarantine_query{*id - 1, 1}, respond,
         [id = *id](const messages::quarantine_list& page) -> response {
           if (page.rows.empty() || page.rows.front().id != id)
             return problem(404, "no quarantined message " + std::to_string(id));
           return json_reply(entry_json(page.rows.front()));
         });
}

void replay(const door_pointer& to, const request& r, const responder& respond) {
  const auto id = number_of(r, respond);
  if (!id) return;
  answer(to, messages::quarantine_replay{*id}, respond, [id = *id](const messages::done& d) {
    return json_reply({{"id", id}, {"detail", d.detail}});
  });
}

} // namespace

void add_quarantine_routes(route_table& to, const door_pointer& from) {
  const auto add = [&](const char* method, const char* path, operation run,
                       repeat again = repeat::nothing) {
    to.push_back({method, std::string("/api/v1/quarantine") + path, role::engineer,
                  reach::everywhere, bound(from, run), again});
  };
  add("GET", "", list);
  add("GET", "/{record}", get);
  add("POST", "/{record}/replay", replay, repeat::first_answer);
}

} // namespace pollux::bridge::http
