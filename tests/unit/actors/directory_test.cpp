// SPDX-License-Identifier: Apache-2.0
#include "actors/directory.hpp"
#include "actors/glob.hpp"
#include <doctest/doctest.h>
#include <map>
#include <random>
#include <string>

using namespace pollux::actors;

TEST_CASE("rows are dense, in order of creation, and found again by key") {
  shard_directory d;
  std::map<std::string, std::uint32_t> slow;
  std::mt19937 random{7};
  for (int i = 0; i < 20'000; ++i) {
    const auto id = "ns:" + std::to_string(random() % 15'000);
    const auto known = slow.find(id);
    CHECK(d.find_key(id) == (known == slow.end() ? unknown_row : known->second));
    if (known == slow.end()) slow[id] = d.add(id);
  }
  CHECK(d.size() == slow.size());
  CHECK(d.living() == slow.size());
  for (const auto& [id, row] : slow) {
    REQUIRE(d.find_living(id) == row);
    REQUIRE(d.key(row) == id);
  }
}

TEST_CASE("a twin created anew after deletion gets a row and a key of its own") {
  shard_directory d;
  const auto first = d.add(journal_key("a:b", d.next_incarnation("a:b")));
  CHECK(d.next_incarnation("a:b") == 2);
  d.mark_deleted(first);
  CHECK(d.find_living("a:b") == unknown_row);
  CHECK(d.find_key("a:b") == first);
  const auto second = d.add(journal_key("a:b", d.next_incarnation("a:b")));
  CHECK(second != first);
  CHECK(d.find_living("a:b") == second);
  CHECK(d.key(second) == "a:b#2");
  CHECK(split_key(d.key(second)).id == "a:b");
  CHECK(split_key(d.key(second)).incarnation == 2);
  CHECK(d.living() == 1);
}

TEST_CASE("globs take * for any run and ? for one character") {
  CHECK(matches_glob("*", ""));
  CHECK(matches_glob("plant1:press-*", "plant1:press-7"));
  CHECK_FALSE(matches_glob("plant1:press-*", "plant2:press-7"));
  CHECK(matches_glob("*:*-?", "a:b-7"));
  CHECK_FALSE(matches_glob("*:*-?", "a:b-77x-"));
  CHECK(matches_glob("a*b*c", "a--b--b--c"));
  CHECK_FALSE(matches_glob("a*b*c", "a--b--b--"));
}
