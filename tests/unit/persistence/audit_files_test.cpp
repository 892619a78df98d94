// SPDX-License-Identifier: Apache-2.0
#include "persistence/audit_files.hpp"
#include "tests/support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>

using namespace pollux;
using namespace pollux::persistence;

namespace {

std::string content(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

} // namespace

TEST_CASE("an erased twin's id goes from the audit log, the lines and other twins stay") {
  const tests::temporary_folder folder;
  const auto log = folder.path() + "/2026-11.jsonl", older = folder.path() + "/2026-10.jsonl",
             other = folder.path() + "/notes.txt";
  std::ofstream(log) << "{\"target\":\"a:pump\"}\n{\"target\":\"a:pump-2\"}\n"
                     << "{\"target\":\"/api/v1/twins/a:pump/x\",\"body\":\"a:pump a:pump\"}\n"
                     << "a torn line of a:pump";
  std::ofstream(older) << "{\"target\":\"a:other\"}\n";
  std::ofstream(other) << "a:pump\n";
  struct stat before {
  }, after{};
  REQUIRE(::stat(older.c_str(), &before) == 0);
  const id_pattern wanted("a:pump", {"a:pump-2"});
  const auto lines = forget_in_audit(folder.path(), wanted, "erased:00ff");
  REQUIRE_MESSAGE(lines.ok(), lines.error().what);
  CHECK(*lines == 3);
  CHECK(content(log) == "{\"target\":\"erased:00ff\"}\n{\"target\":\"a:pump-2\"}\n"
                        "{\"target\":\"/api/v1/twins/erased:00ff/x\",\"body\":\"erased:00ff "
                        "erased:00ff\"}\na torn line of erased:00ff");
  REQUIRE(::stat(older.c_str(), &after) == 0);
  CHECK(before.st_ino == after.st_ino); // nothing to do there
  CHECK(content(other) == "a:pump\n");  // not ours
  struct stat made {};
  REQUIRE(::stat(log.c_str(), &made) == 0);
  CHECK((made.st_mode & 0777) == 0600);
  CHECK(*forget_in_audit(folder.path(), wanted, "erased:00ff") == 0);
}

TEST_CASE("without an audit log there is nothing to forget, and a crash's remains go") {
  const tests::temporary_folder folder;
  CHECK(*forget_in_audit(folder.path() + "/none", id_pattern("a:b", {}), "x") == 0);
  std::ofstream(folder.path() + "/2026-11.jsonl.new") << "a:b\n";
  CHECK(*forget_in_audit(folder.path(), id_pattern("a:b", {}), "x") == 0);
  CHECK_FALSE(std::filesystem::exists(folder.path() + "/2026-11.jsonl.new"));
}
