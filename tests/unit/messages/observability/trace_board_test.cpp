// SPDX-License-Identifier: Apache-2.0
#include "messages/observability/trace_board.hpp"
#include <doctest/doctest.h>

using namespace pollux::messages;

TEST_CASE("a trace is found by its twin and time, and by nothing else") {
  trace_board board;
  CHECK(board.find("a:b", 1).empty());
  board.note("a:b", 1, "first");
  board.note("a:b", 1, "second"); // of the same message's other reading
  CHECK(board.find("a:b", 1) == "first");
  CHECK(board.find("a:b", 2).empty());
  CHECK(board.find("a:c", 1).empty());
}

TEST_CASE("only so many traces are kept, and the oldest goes") {
  trace_board board;
  for (std::size_t i = 0; i <= max_noted_traces; ++i)
    board.note("a:b", static_cast<std::int64_t>(i), "t");
  CHECK(board.find("a:b", 0).empty());
  CHECK(board.find("a:b", 1) == "t");
  CHECK(board.find("a:b", static_cast<std::int64_t>(max_noted_traces)) == "t");
}
