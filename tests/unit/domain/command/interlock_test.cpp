// SPDX-License-Identifier: Apache-2.0
#include "domain/base/time.hpp"
#include "domain/command/command_book.hpp"
#include "domain/command/interlock.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::domain;

namespace {

const command_spec setpoint{"set_setpoint", "setpoint", 16, 28, 3, 10 * ns_per_s, 30 * ns_per_s};
const interlock_facts nothing_known{{}, no_time, 0};

} // namespace

TEST_CASE("bounds are inclusive") {
  CHECK_FALSE(reason_to_refuse(setpoint, 16.0, nothing_known));
  CHECK_FALSE(reason_to_refuse(setpoint, 28.0, nothing_known));
  CHECK(reason_to_refuse(setpoint, 15.999, nothing_known));
  CHECK(reason_to_refuse(setpoint, 28.001, nothing_known));
  CHECK(reason_to_refuse(setpoint, std::nullopt, nothing_known));
}

TEST_CASE("the step is measured from every value the device may hold") {
  CHECK_FALSE(reason_to_refuse(setpoint, 23.0, {{20.0}, no_time, 0}));
  CHECK(reason_to_refuse(setpoint, 23.5, {{20.0}, no_time, 0}));
  CHECK(reason_to_refuse(setpoint, 18.0, {{20.0, 23.0}, no_time, 0}));
}

TEST_CASE("the interval is measured between dispatches, on our clock") {
  CHECK(reason_to_refuse(setpoint, 20.0, {{}, 0, 10 * ns_per_s - 1}));
  CHECK_FALSE(reason_to_refuse(setpoint, 20.0, {{}, 0, 10 * ns_per_s}));
}

TEST_CASE("a command without a guarded argument only has its interval") {
  const command_spec reboot{"reboot", "", -1, 1, 1, ns_per_s, 0};
  CHECK_FALSE(reason_to_refuse(reboot, std::nullopt, nothing_known));
  CHECK(reason_to_refuse(reboot, std::nullopt, {{}, 0, 1}));
}

TEST_CASE("the book holds 1,024 commands: done ones make room, those under way do not") {
  command_book book;
  command_record r;
  r.expires_ns = 100;
  for (std::size_t i = 0; i < max_commands_remembered; ++i) {
    r.id = std::to_string(i);
    REQUIRE(book.add(r) != nullptr);
  }
  r.id = "one more";
  CHECK(book.add(r) == nullptr);
  book.find("7")->phase = command_phase::confirmed;
  REQUIRE(book.add(r) != nullptr);
  CHECK(book.find("7") == nullptr);
  CHECK(book.all().size() == max_commands_remembered);
  CHECK(book.next_expiry_ns() == 100);
}

TEST_CASE("a done command is remembered for an hour after its expiry") {
  command_book book;
  command_record r;
  r.id = "a";
  r.expires_ns = 100;
  r.phase = command_phase::refused;
  book.add(r);
  book.forget(100 + command_memory_ns - 1);
  CHECK(book.find("a") != nullptr);
  book.forget(100 + command_memory_ns);
  CHECK(book.find("a") == nullptr);
}
