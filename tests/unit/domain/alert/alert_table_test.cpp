// SPDX-License-Identifier: Apache-2.0
// The bytes of a twin's alerts: the form of the first release, and the bounds of the present one.
#include "domain/alert/alert_table.hpp"
#include <doctest/doctest.h>
#include <random>

using namespace pollux;
using namespace pollux::domain;

namespace {

effect_id id(std::uint64_t position) { return {{{position}, 1}, 2}; }

// As the first release wrote it.
std::string first_form() {
  std::string bytes;
  byte_writer out(bytes);
  out.u32(1);
  out.u64(7);
  out.u32(1);
  out.u32(2);
  out.u32(3); // rule
  out.u8(3);  // critical
  out.i64(1234);
  out.text("too hot");
  out.boolean(true);
  out.text("ada");
  return bytes;
}

std::string saved(const alert_table& table) {
  std::string bytes;
  byte_writer out(bytes);
  table.save(out);
  return bytes;
}

bool loads(std::string_view bytes, std::size_t rules = 5) {
  byte_reader in(bytes);
  alert_table table;
  return table.load(in, rules) && in.at_end();
}

alert_table full() {
  alert_table table;
  active_alert a;
  a.incident = id(7);
  a.rule = 3;
  a.message = "too hot";
  a.latched = true;
  a.condition = false;
  a.quiet = silence::shelved;
  a.changes = {1, 2, 3};
  a.assignee = "bob";
  table.add(a);
  a.rule = group_rule;
  a.incident = id(8);
  table.add(a);
  table.shelves.push_back({"hot", 99, id(7), "ada", "why"});
  table.maintenance.push_back({id(3), 99, "ada", "oil"});
  table.groups.push_back({"cooling", {{"a:b", "i", severity::critical}}, 4, 2});
  table.children.push_back({"a:b", id(4)});
  table.parent = "a:site";
  return table;
}

} // namespace

TEST_CASE("alerts that the first release saved are read, and live as plain ones") {
  const auto bytes = first_form();
  byte_reader in(bytes);
  alert_table table;
  REQUIRE(table.load(in, 5));
  REQUIRE(in.at_end());
  REQUIRE(table.all().size() == 1);
  const auto& a = table.all().front();
  CHECK(a.incident == id(7));
  CHECK(a.rule == 3);
  CHECK(a.level == severity::critical);
  CHECK(a.raised_event_ns == 1234);
  CHECK(a.message == "too hot");
  CHECK(a.acknowledged);
  CHECK(a.by == "ada");
  CHECK(a.open());
  CHECK(a.condition);
  CHECK(a.told);
  CHECK(a.quiet == silence::none);
  CHECK(loads(saved(table)));
}

TEST_CASE("a table without anything is the same bytes as ever") {
  CHECK(saved(alert_table{}) == std::string(4, '\0'));
  CHECK(loads(std::string(4, '\0')));
}

TEST_CASE("a table comes back as it was saved, and no damage is taken or allocated by") {
  const auto bytes = saved(full());
  byte_reader in(bytes);
  alert_table again;
  REQUIRE(again.load(in, 5));
  CHECK(saved(again) == bytes);
  CHECK_FALSE(loads(bytes, 3)); // rule 3 is no operator of such a model
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(loads(bytes.substr(0, size)));
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    auto damaged = bytes;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    byte_reader from(damaged);
    alert_table table;
    if (!table.load(from, 5) || !from.at_end()) {
      ++refused;
      continue;
    }
    // What is taken has one form, but for booleans that are written as 1.
    CHECK(saved(table).size() == damaged.size());
  }
  CHECK(refused > 500);
}

TEST_CASE("a group's incident without its group is refused") {
  auto table = full();
  table.groups.clear();
  CHECK_FALSE(loads(saved(table)));
}

TEST_CASE("a new model keeps the alerts of rules that stay, and those of twins below") {
  auto table = full();
  table.renumber({-1, 0, -1, 1});
  CHECK(table.of_rule(1) != nullptr);
  CHECK(table.of_rule(group_rule) != nullptr);
  table.renumber({0, -1});
  CHECK(table.of_rule(0) == nullptr);
  CHECK(table.all().size() == 1);
}
