// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/answer_memory.hpp"
#include <doctest/doctest.h>

using namespace pollux::bridge::http;
using verdict = answer_memory::verdict;

namespace {
response said(std::string body) {
  response r;
  r.status = 201;
  r.body = std::move(body);
  return r;
}
} // namespace

TEST_CASE("the first answer is given again, to the same request only") {
  answer_memory memory;
  CHECK(memory.begin("k", 1, 10).says == verdict::fresh);
  CHECK(memory.begin("k", 1, 11).says == verdict::in_progress);
  CHECK(memory.begin("k", 2, 11).says == verdict::mismatch);
  memory.finish("k", said("made"));
  const auto again = memory.begin("k", 1, 12);
  CHECK(again.says == verdict::repeated);
  CHECK(again.answer.status == 201);
  CHECK(again.answer.body == "made");
  CHECK(memory.begin("k", 2, 12).says == verdict::mismatch);
  memory.finish("k", said("other"));
  CHECK(memory.begin("k", 1, 13).answer.body == "made");
}

TEST_CASE("a request that came to nothing may be tried again") {
  answer_memory memory;
  CHECK(memory.begin("k", 1, 10).says == verdict::fresh);
  memory.forget("k");
  CHECK(memory.size() == 0);
  CHECK(memory.begin("k", 2, 11).says == verdict::fresh);
  memory.finish("k", said("made"));
  memory.forget("k"); // an answer stays
  CHECK(memory.begin("k", 2, 12).says == verdict::repeated);
}

TEST_CASE("answers are kept for their time, their number and their bytes") {
  answer_memory memory({3, 10'000, 100});
  for (const char* key : {"a", "b", "c"}) {
    CHECK(memory.begin(key, 1, 10).says == verdict::fresh);
    memory.finish(key, said("x"));
  }
  CHECK(memory.begin("d", 1, 20).says == verdict::fresh); // the oldest goes
  CHECK(memory.size() == 3);
  CHECK(memory.begin("b", 1, 20).says == verdict::repeated);
  CHECK(memory.begin("c", 1, 109).says == verdict::repeated);
  CHECK(memory.begin("c", 1, 110).says == verdict::fresh); // too old
  memory.finish("c", said(std::string(20'000, 'x')));      // too large to be kept
  CHECK(memory.begin("c", 1, 111).says == verdict::fresh);
}
