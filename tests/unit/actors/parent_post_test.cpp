// SPDX-License-Identifier: Apache-2.0
// Alerts on their way to the twin above: in order, at least once, and never lost to a full inlet.
#include "actors/parent_post.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::actors;
using domain::alert_transition;

namespace {

class recording_inlet final : public messages::inlet {
public:
  result<messages::ticket> submit(std::string_view id, std::string_view,
                                  const domain::input& in) override {
    if (refuses > 0 && --refuses == 0) return failure{errc::overloaded, "no credit"};
    if (id == "a:gone") return failure{errc::not_found, "no twin"};
    waiting.push_back(std::string(id) + " " + std::string(in.by) + " " + std::string(in.rule) +
                      (in.accepted ? " stands " : " leaves ") + std::string(in.command_id) + " " +
                      std::to_string(in.generation));
    return messages::ticket{waiting.size()};
  }
  status flush(messages::durability, messages::ticket) override {
    if (broken) return failure{errc::no_space, "disk full"};
    for (auto& w : waiting) written.push_back(std::move(w));
    waiting.clear();
    return {};
  }
  messages::ticket durable_upto(messages::durability) const override { return {}; }
  bool accepting() const override { return true; }

  std::vector<std::string> waiting, written;
  int refuses = 0; ///< the n-th submit from now finds no credit
  bool broken = false;
};

persistence::outbox_row row(std::uint64_t position, alert_transition t,
                            const char* parent = "a:hall") {
  persistence::outbox_row r;
  r.twin = "a:one";
  r.destination = parent_destination;
  r.what.kind = domain::effect_kind::alert;
  r.what.id = {{{position}, 0}, 0};
  r.what.alert.transition = t;
  r.what.alert.parent = parent;
  r.what.alert.group = "cooling";
  return r;
}

} // namespace

TEST_CASE("a parent hears of what is published and changes what stands") {
  CHECK(is_for_parent(row(1, alert_transition::raised).what));
  CHECK(is_for_parent(row(1, alert_transition::cleared).what));
  CHECK(is_for_parent(row(1, alert_transition::snoozed).what));
  CHECK_FALSE(is_for_parent(row(1, alert_transition::emitted).what));
  CHECK_FALSE(is_for_parent(row(1, alert_transition::acknowledged).what));
  CHECK_FALSE(is_for_parent(row(1, alert_transition::raised, "").what));
  auto silent = row(1, alert_transition::raised).what;
  silent.alert.quiet = domain::silence::shelved;
  CHECK_FALSE(is_for_parent(silent));
}

TEST_CASE("alerts go up in order, and a full inlet or a full disk only delays them") {
  recording_inlet inlet;
  messages::metrics metrics;
  parent_post post(&inlet, metrics, [] { return std::int64_t{5}; });
  std::vector<std::uint64_t> delivered;
  const auto note = [&](const persistence::outbox_row& r) {
    delivered.push_back(r.what.id.cause.at.value);
  };
  for (std::uint64_t i = 1; i <= 4; ++i)
    post.add(row(i, i % 2 == 1 ? alert_transition::raised : alert_transition::cleared));
  post.add(row(5, alert_transition::raised, "a:gone"));
  post.add(row(6, alert_transition::raised));

  inlet.refuses = 3; // the third finds no credit
  post.pump(note);
  CHECK(delivered == std::vector<std::uint64_t>{1, 2});
  CHECK(post.size() == 4);

  inlet.broken = true; // what was submitted is not written: it comes again
  post.pump(note);
  CHECK(delivered.size() == 2);
  CHECK(post.size() == 4);

  inlet.broken = false;
  inlet.waiting.clear();
  post.pump(note);
  CHECK(delivered == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6}); // 5 has nobody to go to
  CHECK(post.size() == 0);
  REQUIRE(inlet.written.size() == 5);
  CHECK(inlet.written[0] == "a:hall a:one cooling stands 0000000000000001-0-0 1");
  CHECK(inlet.written[1] == "a:hall a:one cooling leaves 0000000000000002-0-0 1");
  CHECK(inlet.written[4].find("0000000000000006") != std::string::npos);
}

TEST_CASE("without an inlet alerts for twins above wait") {
  messages::metrics metrics;
  parent_post post(nullptr, metrics, [] { return std::int64_t{0}; });
  post.add(row(1, alert_transition::raised));
  post.pump([](const persistence::outbox_row&) { FAIL("nothing can be delivered"); });
  CHECK(post.size() == 1);
}
