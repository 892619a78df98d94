// SPDX-License-Identifier: Apache-2.0
// Runs the example program of docs/examples/ask_a_twin, which CMake names in POLLUX_EXAMPLE,
// against a gateway over a fake node. ctest runs this case by itself, as example_ask_a_twin.
#include "bridge/remote/gateway.hpp"
#include "tests/support/node_process.hpp"
#include "tests/support/temporary_folder.hpp"
#include <array>
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <string>

using namespace pollux::tests;

namespace {

struct finished {
  int code;
  std::string output;
};

finished run(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  std::array<char, 256> block{};
  while (std::fgets(block.data(), block.size(), pipe) != nullptr) output += block.data();
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

} // namespace

TEST_CASE("the example program prints what a twin measures" * doctest::skip()) {
  const char* program = std::getenv("POLLUX_EXAMPLE");
  REQUIRE_MESSAGE(program != nullptr, "run by ctest, which names the program");
  const temporary_folder data;
  node_process node("node process: serve until killed", data.path());
  REQUIRE(node.wait_until_open());
  const auto ask = [&](const std::string& words) {
    return run(std::string(program) + " " + data.path() + " " + words);
  };
  const auto answered = ask("plant1:motor-1 temperature");
  CHECK(answered.code == 0);
  CHECK(answered.output == "temperature = 71.5\n");
  CHECK(ask("plant1:motor-1 pressure").code == 3);
  const auto unknown = ask("plant1:nobody temperature");
  CHECK(unknown.code == 1);
  CHECK(unknown.output.find("no such twin: plant1:nobody") != std::string::npos);
  node.kill();
  CHECK(ask("plant1:motor-1 temperature").code == 7);
}
