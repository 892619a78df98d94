// SPDX-License-Identifier: Apache-2.0
#include "actors/sample_rows.hpp"
#include "messages/base64.hpp"
#include "persistence/samples.hpp"
#include <algorithm>

namespace pollux::actors {

namespace {

constexpr std::size_t page_bytes = 4u << 20;

std::string as_json(const persistence::sample_value& v) {
  return std::string(v.kind == domain::value_kind::samples_f32 ? R"({"samples_f32":")"
                                                               : R"({"samples_i16":")") +
         messages::to_base64(v.bytes) + "\"}";
}

} // namespace

status add_samples(const persistence::log& tail, const persistence::store& blocks,
                   const persistence::verify_target& twin, const messages::history_query& asked,
                   messages::history_page& page) {
  const auto empty = [](const messages::history_row& row) { return row.value == "null"; };
  if (asked.telemetry.empty() || std::ranges::none_of(page.rows, empty)) return {};
  const auto found = persistence::samples_between(tail, blocks, twin, asked.telemetry,
                                                  page.rows.front().event_time_ns,
                                                  page.rows.back().event_time_ns, page_bytes);
  if (!found) return found.error();
  std::vector<messages::history_row> rows;
  auto next = found->values.begin();
  for (auto& row : page.rows) {
    if (row.event_time_ns > found->upto_ns) {
      page.complete = false;
      break;
    }
    if (empty(row)) {
      while (next != found->values.end() && next->event_time_ns < row.event_time_ns) ++next;
      if (next == found->values.end() || next->event_time_ns != row.event_time_ns)
        continue; // the same samples once more
      row.value = as_json(*next++);
    }
    rows.push_back(std::move(row));
  }
  page.rows = std::move(rows);
  return {};
}

} // namespace pollux::actors
