// SPDX-License-Identifier: Apache-2.0
#include "domain/base/bytes.hpp"
#include <doctest/doctest.h>
#include <random>

using namespace pollux;

TEST_CASE("what is written is read back, in fixed little-endian widths") {
  std::string bytes;
  byte_writer out(bytes);
  out.u8(200);
  out.u16(0x1234);
  out.u32(0xdeadbeef);
  out.u64(1);
  out.i64(-2);
  out.f64(-0.5);
  out.boolean(true);
  out.text("ab");
  CHECK(bytes.size() == 1 + 2 + 4 + 8 + 8 + 8 + 1 + 4 + 2);
  CHECK(bytes.substr(1, 2) == "\x34\x12");
  byte_reader in(bytes);
  CHECK(in.u8() == 200);
  CHECK(in.u16() == 0x1234);
  CHECK(in.u32() == 0xdeadbeef);
  CHECK(in.u64() == 1);
  CHECK(in.i64() == -2);
  CHECK(in.f64() == -0.5);
  CHECK(in.boolean());
  CHECK(in.text() == "ab");
  CHECK(in.ok());
  CHECK(in.at_end());
}

TEST_CASE("reading past the end gives zeros and stays failed") {
  byte_reader in("\x01\x02\x03");
  CHECK(in.u16() == 0x0201);
  CHECK(in.u32() == 0);
  CHECK_FALSE(in.ok());
  CHECK(in.u8() == 0); // the byte that was left is not given after a failure
  CHECK_FALSE(in.ok());
}

TEST_CASE("a text longer than what is left is refused") {
  std::string bytes;
  byte_writer(bytes).u32(0xffffffff);
  bytes += "abc";
  byte_reader in(bytes);
  CHECK(in.text().empty());
  CHECK_FALSE(in.ok());
}
