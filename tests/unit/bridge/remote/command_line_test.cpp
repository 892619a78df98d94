// SPDX-License-Identifier: Apache-2.0
// The verbs that ask a node, as a script sees them: exit codes, what stands on stdout, and that no
// verb waits for ever. The node is a fake one; ctest names the binary in POLLUX_BINARY and runs
// these cases by themselves, as command_line.
#include "tests/support/node_process.hpp"
#include "tests/support/temporary_folder.hpp"
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <doctest/doctest.h>
#include <string>

using namespace pollux::tests;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

struct finished {
  int code;
  std::string output;
};

/// Through a shell, in the data folder, so that no configuration file of the tree is found.
finished shell(const std::string& data, const std::string& command) {
  FILE* pipe = ::popen(("cd " + data + " && " + command).c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  std::array<char, 4096> block{};
  while (std::fgets(block.data(), block.size(), pipe) != nullptr) output += block.data();
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output};
}

std::string binary() {
  const char* path = std::getenv("POLLUX_BINARY");
  REQUIRE_MESSAGE(path != nullptr, "run by ctest, which names the binary");
  return path;
}

struct running_node {
  temporary_folder data;
  node_process node{"node process: serve until killed", data.path()};
  running_node() { REQUIRE(node.wait_until_open()); }
  [[nodiscard]] finished pollux(const std::string& words) const {
    return shell(data.path(), binary() + " " + words + " --data " + data.path() + " 2>errors");
  }
};

} // namespace

TEST_CASE("command line: exit codes say what happened" * doctest::skip()) {
  const running_node on;
  const std::pair<const char*, int> cases[] = {
      {"twin get plant1:motor-1", 0},
      {"twin get plant1:nobody", 3},
      {"twin get", 2},
      {"twin create plant1:motor-1 motor", 5},
      {"twin create plant1:fresh motor", 0},
      {"twin delete plant1:fresh", 0},
      {"twin get plant1:silent --timeout 300ms", 6},
      {"twin get plant1:motor-1 --server nonsense", 2},
      {"command send plant1:motor-1 stop --wait", 0},
      {"command send plant1:motor-1 refuse speed=9 --wait", 4},
      {"command send plant1:motor-1 linger --wait 500ms", 6},
      {"command send plant1:motor-1 stop nonsense", 2},
      {"command get plant1:motor-1 unknown", 3},
      {"alert ls", 0},
      {"alert show plant1:motor-1 unknown", 3},
      {"alert ack plant1:motor-1 0000000000000007-0-0 --by anna", 0},
      {"quarantine ls", 0},
      {"quarantine show 99", 3},
      {"quarantine replay 1", 0},
      {"stats", 0},
      {"log level debug", 0},
      {"log level loud", 2},
      {"journal verify --online", 0},
  };
  for (const auto& [words, code] : cases) {
    CAPTURE(words);
    const auto done = on.pollux(words);
    CHECK(done.code == code);
    if (code == 2 || code == 3 || code == 5) CHECK(done.output.empty()); // stdout is for data
  }
}

TEST_CASE("command line: answers stand on stdout, in the form asked for" * doctest::skip()) {
  const running_node on;
  CHECK(on.pollux("twin get plant1:motor-1").output.find("drift  z_score  warming up  12 of 30") !=
        std::string::npos);
  CHECK(on.pollux("twin ls 'plant1:*' -o jsonl").output.find("{\"id\":\"plant1:motor-1\"") == 0);
  const auto csv = on.pollux("twin history plant1:motor-1 -o csv");
  CHECK(std::count(csv.output.begin(), csv.output.end(), '\n') == 2501); // three pages, no repeats
  const auto part = on.pollux("twin history plant1:motor-1 --from 1700000010 --to "
                              "2023-11-14T22:13:31Z -o csv");
  CHECK(part.output == "event_time,ingest_time,name,value\n"
                       "2023-11-14T22:13:30Z,2023-11-14T22:13:30Z,temperature,10.5\n"
                       "2023-11-14T22:13:31Z,2023-11-14T22:13:31Z,temperature,11.5\n");
  CHECK(on.pollux("twin watch --count 2 -o jsonl").output ==
        "{\"number\":1,\"kind\":\"state\",\"twin\":\"plant1:motor-1\",\"document\":{\"n\":1}}\n"
        "{\"number\":2,\"kind\":\"alert\",\"twin\":\"plant1:motor-1\",\"document\":{\"n\":2}}\n");
  // what a device sent must not steer the terminal
  CHECK(on.pollux("quarantine show 1").output.find("{\\x01\\xff") != std::string::npos);
}

TEST_CASE("command line: a reader that goes away ends a verb quietly" * doctest::skip()) {
  const running_node on;
  for (const char* verb : {"twin history plant1:motor-1 -o csv", "twin watch"}) {
    CAPTURE(verb);
    const auto done = shell(on.data.path(), "{ timeout 10 " + binary() + " " + verb +
                                                " -q --data " + on.data.path() +
                                                " 2>errors; echo $? >code; } | head -1 && "
                                                "cat code errors");
    CHECK(done.output.substr(done.output.find('\n') + 1) == "0\n");
  }
}

TEST_CASE("command line: a stopped or killed node is reported within 6 s" * doctest::skip()) {
  running_node on;
  on.node.stop();
  auto start = steady_clock::now();
  CHECK(on.pollux("twin get plant1:motor-1").code == 7);
  CHECK(steady_clock::now() - start < 6s);
  on.node.kill();
  start = steady_clock::now();
  CHECK(on.pollux("stats").code == 7);
  CHECK(steady_clock::now() - start < 2s);
  CHECK(shell(on.data.path(), binary() + " stats --data nowhere 2>errors").code == 7);
}
