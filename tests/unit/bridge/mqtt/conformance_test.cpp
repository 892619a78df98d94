// SPDX-License-Identifier: Apache-2.0
// docs/mqtt_conformance.md names a test for each statement: they have to be there.
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// All tests' sources, with literals that go on in the next line joined.
std::string all_tests() {
  std::string out;
  for (const auto* folder : {"/tests/unit/bridge/mqtt", "/tests/integration"})
    for (const auto& entry :
         std::filesystem::directory_iterator(std::string(POLLUX_SOURCE_DIR) + folder)) {
      const auto extension = entry.path().extension();
      if (extension == ".cpp" || extension == ".py") out += read_file(entry.path());
    }
  for (auto at = out.find("\"\n"); at != std::string::npos; at = out.find("\"\n", at + 1)) {
    const auto next = out.find_first_not_of(" \n", at + 1);
    if (next != std::string::npos && out[next] == '"') out.erase(at, next + 1 - at);
  }
  return out;
}

/// The names in `backticks` of the last column of each row.
std::vector<std::string> tests_of(const std::string& row) {
  std::vector<std::string> out;
  const auto last = row.rfind(" | ", row.rfind(" |") - 1);
  for (auto at = row.find('`', last); at != std::string::npos;) {
    const auto end = row.find('`', at + 1);
    if (end == std::string::npos) break;
    out.push_back(row.substr(at + 1, end - at - 1));
    at = row.find('`', end + 1);
  }
  return out;
}

} // namespace

TEST_CASE("every statement of docs/mqtt_conformance.md names a test that exists") {
  const auto tests = all_tests();
  std::ifstream page(std::string(POLLUX_SOURCE_DIR) + "/docs/mqtt_conformance.md");
  std::size_t statements = 0;
  for (std::string row; std::getline(page, row);) {
    if (!row.starts_with("| MQTT-")) continue;
    ++statements;
    const auto named = tests_of(row);
    CAPTURE(row);
    CHECK(!named.empty());
    for (const auto& name : named) {
      CAPTURE(name);
      const bool python = name.starts_with("test_");
      const auto wanted = python ? "def " + name + "(" : "\"" + name + "\")";
      CHECK(tests.find(wanted) != std::string::npos);
    }
  }
  CHECK(statements > 150);
}
