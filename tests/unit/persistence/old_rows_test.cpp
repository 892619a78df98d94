// SPDX-License-Identifier: Apache-2.0
// Rows that earlier releases wrote stay readable for ever.
#include "persistence/store_rows.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::persistence;

namespace {

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return out;
}

// An AlertRow of the first release: raised and acknowledged.
constexpr std::string_view first_alert =
    "0a036e3a741214303030303030303030303030303030352d302d301a720a090905000000000000001001194d00"
    "0000000000002204303132332a54080112090905000000000000001a03686f7420032946000000000000003203"
    "686f7442300a017412100a0576616c7565110000000000e05640220846000000000000002a0f742039312e3520"
    "61626f76652039301a470a09090600000000000000100119570000000000000022043031"
    "32332a29080312090905000000000000001a03686f7420032957000000000000003203686f743a036164614200";

} // namespace

TEST_CASE("an alert that the first release stored is read, without what came later") {
  const auto row = decode_alert(seal_row(from_hex(first_alert)), 1, 2);
  REQUIRE(row.ok());
  CHECK(row->twin == "n:t");
  REQUIRE(row->transitions.size() == 2);
  const auto& raised = row->transitions[0].alert;
  CHECK(raised.transition == domain::alert_transition::raised);
  CHECK(raised.rule == "hot");
  CHECK(raised.proof.numbers.at(0).value == 91.5);
  CHECK(raised.proof.explanation == "t 91.5 above 90");
  CHECK(raised.quiet == domain::silence::none);
  CHECK_FALSE(raised.late);
  CHECK(raised.type.empty());
  CHECK(raised.proof.windows.empty());
  CHECK(raised.proof.path.empty());
  CHECK(row->transitions[1].alert.by == "ada");
}

TEST_CASE("a transition or a silence of a later release is refused, not misread") {
  alert_row row{1, 2, "n:t", "0000000000000005-0-0", {}};
  auto& e = row.transitions.emplace_back();
  e.kind = domain::effect_kind::alert;
  CHECK(decode_alert(encode_alert(row), 1, 2).ok());
  e.alert.transition = static_cast<domain::alert_transition>(99);
  CHECK_FALSE(decode_alert(encode_alert(row), 1, 2).ok());
  e.alert.transition = domain::alert_transition::raised;
  e.alert.quiet = static_cast<domain::silence>(9);
  CHECK_FALSE(decode_alert(encode_alert(row), 1, 2).ok());
}
