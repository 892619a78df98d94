// SPDX-License-Identifier: Apache-2.0
// What crosses a link: every message type survives the wire, and errors mean the same on both ends.
#include "messages/node_api.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::messages;

namespace {

struct registered : caf::actor_system_config {
  registered() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{1});
    pollux::messages::add_message_types(*this);
  }
};

template <class T> T over_the_wire(caf::actor_system& system, T value) {
  std::vector<char> bytes;
  caf::binary_serializer sink(system, bytes);
  auto sent = caf::make_message(std::move(value));
  REQUIRE_FALSE(sink(sent));
  caf::message received;
  caf::binary_deserializer source(system, bytes);
  REQUIRE_FALSE(source(received));
  REQUIRE(received.match_elements<T>());
  return received.get_as<T>(0);
}

} // namespace

TEST_CASE("every message type of the node's interface survives the wire once registered") {
  registered config;
  caf::actor_system system{config};
  const auto checked = check_message_types(system);
  CHECK_MESSAGE(checked.ok(), (checked.ok() ? "" : checked.error().what));
}

TEST_CASE("the self-test finds out that types were not registered") {
  caf::actor_system_config config;
  config.set("scheduler.max-threads", std::size_t{1});
  caf::actor_system system{config};
  const auto checked = check_message_types(system);
  REQUIRE_FALSE(checked.ok());
  CHECK(checked.error().what.find("twin_query") != std::string::npos);
}

TEST_CASE("lists keep every member of every row on the wire") {
  registered config;
  caf::actor_system system{config};
  twin_list list;
  list.rows = {{"a:b", "device", "press", true, 7, -5, 2}, {"a:c", "motor", "m", false, 0, 0, 0}};
  list.next = "a:c";
  CHECK(caf::deep_to_string(over_the_wire(system, list)) == caf::deep_to_string(list));

  quarantine_list held;
  held.rows = {{9, 8, "malformed", "t/x", "not JSON", std::string("\0\xff{", 3), "t/+"}};
  held.total = 40;
  const auto back = over_the_wire(system, held);
  REQUIRE(back.rows.size() == 1);
  CHECK(back.rows[0].payload == held.rows[0].payload);
  CHECK(back.rows[0].mapping == "t/+");
  CHECK(back.total == 40);

  alert_answer alert{"a:b", "i", "r", "critical", "active", 12345, "{}"};
  const auto answer = over_the_wire(system, alert);
  CHECK(answer.raised_at_ns == 12345);
  CHECK(answer.severity == "critical");
}

TEST_CASE("a failure of ours comes back with its code and its sentence") {
  for (int code = 1; code <= 14; ++code) {
    const failure sent{static_cast<errc>(code), "twin a:b: no such twin"};
    const auto back = from_caf(to_caf(sent));
    CHECK(back.code == sent.code);
    CHECK(back.what == sent.what);
  }
}

TEST_CASE("CAF's own errors become the nearest code of ours") {
  CHECK(from_caf(caf::sec::request_timeout).code == errc::timed_out);
  CHECK(from_caf(caf::sec::request_receiver_down).code == errc::unavailable);
  CHECK(from_caf(caf::sec::cannot_connect_to_node).code == errc::unavailable);
  CHECK(from_caf(caf::sec::disconnect_during_handshake).code == errc::unavailable);
  CHECK(from_caf(caf::sec::unexpected_message).code == errc::version_mismatch);
  CHECK(from_caf(caf::sec::runtime_error).code == errc::internal);
  CHECK(from_caf(caf::exit_reason::remote_link_unreachable).code == errc::unavailable);
  CHECK(from_caf(caf::exit_reason::kill).code == errc::unavailable);
  CHECK(from_caf({}).code == errc::internal);
}

TEST_CASE("an error code of a newer release is not taken for one of ours") {
  const caf::error unknown{200, caf::atom("pollux"), caf::make_message(std::string("new kind"))};
  CHECK(from_caf(unknown).code == errc::internal);
  CHECK(from_caf(unknown).what == "new kind");
}
