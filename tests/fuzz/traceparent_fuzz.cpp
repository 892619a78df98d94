// SPDX-License-Identifier: Apache-2.0
// Any bytes where a traceparent is expected: read without harm, and what is taken is sound.
#include "fuzz.hpp"
#include "messages/observability/trace_context.hpp"

using namespace pollux;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::bytes_of(data, size);
  const auto read = messages::parse_traceparent(text);
  if (!read) {
    fuzz::require(messages::trace_id_of(text).empty(), "what is none has no trace");
    return 0;
  }
  constexpr auto hex = "0123456789abcdef";
  fuzz::require(read->trace_id.size() == 32 && read->parent_id.size() == 16, "sizes as defined");
  fuzz::require(read->trace_id.find_first_not_of(hex) == std::string_view::npos &&
                    read->parent_id.find_first_not_of(hex) == std::string_view::npos,
                "ids are lower-case hex, safe in a log line or a header");
  return 0;
}
