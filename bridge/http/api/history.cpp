// SPDX-License-Identifier: Apache-2.0
// /twins/{id}/history: readings as they came, oldest first, page by page. A place in the list is a
// time and how many rows of that time were given: the node pages by time alone. Several telemetries
// are asked one after the other and merged.
#include "bridge/http/api/history.hpp"
#include "bridge/http/api/cursor.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <charconv>

namespace pollux::bridge::http {

namespace {

constexpr std::uint32_t most_repeated = 90'000; ///< rows of one instant that can be stepped over

struct history_wish {
  std::string id, list;
  std::vector<std::string> telemetry; ///< empty: all
  std::int64_t from_ns = 0, to_ns = 0;
  std::uint32_t skip = 0, limit = 0;
};

json row_json(const messages::history_row& row) {
  return {{"event_time", format_rfc3339(row.event_time_ns)},
          {"ingest_time", time_or_null(row.ingest_time_ns)},
          {"name", row.name},
          {"value", parse_document(row.value)}};
}

bool read_place(const std::string& place, history_wish& into) {
  const char* at = place.data();
  const char* end = at + place.size();
  const auto time = std::from_chars(at, end, into.from_ns);
  if (time.ec != std::errc{} || time.ptr == end || *time.ptr != ' ') return false;
  const auto skip = std::from_chars(time.ptr + 1, end, into.skip);
  return skip.ec == std::errc{} && skip.ptr == end && into.skip <= most_repeated;
}

/// What was gathered over several questions.
struct gathered {
  std::vector<messages::history_row> rows;
  std::vector<std::string> tiers;
  bool complete = true;

  void add(messages::history_page page) {
    for (auto& row : page.rows) rows.push_back(std::move(row));
    for (auto& tier : page.tiers)
      if (std::find(tiers.begin(), tiers.end(), tier) == tiers.end())
        tiers.push_back(std::move(tier));
    complete = complete && page.complete;
  }
};

response page_of(gathered all, const history_wish& want, const request& r) {
  std::stable_sort(all.rows.begin(), all.rows.end(),
                   [](const auto& a, const auto& b) { return a.event_time_ns < b.event_time_ns; });
  std::size_t first = 0;
  while (first < all.rows.size() && first < want.skip &&
         all.rows[first].event_time_ns == want.from_ns)
    ++first;
  const auto end = std::min(all.rows.size(), first + want.limit);
  json items = json::array();
  for (auto i = first; i < end; ++i) items.push_back(row_json(all.rows[i]));
  std::string next;
  if (end > first && (end < all.rows.size() || !all.complete)) {
    const auto last = all.rows[end - 1].event_time_ns;
    std::size_t given = 0; // rows of the last instant, those of earlier pages with them
    while (given < end && all.rows[end - 1 - given].event_time_ns == last) ++given;
    next = given > most_repeated ? std::to_string(saturating_add(last, 1)) + " 0"
                                 : std::to_string(last) + " " + std::to_string(given);
    next = seal_cursor(want.list, next);
  }
  return page_reply(r, {{"items", std::move(items)}, {"tiers", std::move(all.tiers)}}, next);
}

/// Asks for the telemetry at `index`, then for the next one.
void gather(const door_pointer& to, const std::shared_ptr<const history_wish>& want,
            std::size_t index, const std::shared_ptr<gathered>& into, const request& r,
            const responder& respond) {
  const messages::history_query query{
      want->id, want->telemetry.empty() ? std::string{} : want->telemetry[index], want->from_ns,
      want->to_ns, want->limit + want->skip};
  ask<messages::history_query>(
      to->node, query,
      [=](result<messages::history_page> page) {
        if (!page) return respond(problem(page.error()));
        into->add(std::move(*page));
        if (index + 1 < want->telemetry.size())
          return gather(to, want, index + 1, into, r, respond);
        respond(page_of(std::move(*into), *want, r));
      },
      past_timeout_ns);
}

} // namespace

void history(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  auto want = std::make_shared<history_wish>();
  want->id = id_of(r);
  want->telemetry = q.list("telemetry", 32);
  want->from_ns = q.time("from", no_time + 1); // the ends themselves mean "never" elsewhere
  want->to_ns = q.time("to", never - 1);
  want->limit = q.number("limit", 1000, 1, 10'000);
  want->list = "history " + want->id + " " + std::to_string(want->from_ns) + " " +
               std::to_string(want->to_ns);
  for (const auto& name : want->telemetry) want->list += " " + name;
  if (want->from_ns > want->to_ns) q.complain("from", "lies behind to");
  const auto place = q.cursor(want->list);
  if (!place.empty() && !read_place(place, *want)) q.complain("cursor", "cannot be read");
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  gather(to, want, 0, std::make_shared<gathered>(), r, respond);
}

} // namespace pollux::bridge::http
