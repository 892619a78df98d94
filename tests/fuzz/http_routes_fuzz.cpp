// SPDX-License-Identifier: Apache-2.0
// A request against every route there is, with all that stands around the handlers, in front of a
// node that answers. Whatever comes: one answer, and no 500.
#include "bridge/http/api/served.hpp"
#include "bridge/http/gate.hpp"
#include "bridge/http/routes.hpp"
#include "bridge/http/trace.hpp"
#include "bridge/http/wire/head.hpp"
#include "fuzz.hpp"
#include "request_text.hpp"
#include "tests/support/fake_node.hpp"
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>

using namespace pollux;
using namespace pollux::bridge::http;

namespace {

struct config : caf::actor_system_config {
  config() {
    messages::add_message_types(*this);
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{1});
  }
};

/// Lives as long as the process.
struct door_with_node {
  config cfg;
  caf::actor_system system{cfg};
  messages::health health;
  messages::metrics metrics;
  messages::node_actor node = system.spawn(tests::fake_node);
  router routes;

  door_with_node() {
    const auto memory = std::make_shared<answer_memory>();
    const auto table = make_routes({health, metrics, system, node});
    for (const auto& entry : table)
      routes.add(entry.method, entry.pattern,
                 traced(served(entry, memory, [] { return std::int64_t{1'700'000'000}; })));
  }
};

door_with_node& door() {
  static auto* const one = new door_with_node;
  return *one;
}

struct awaited {
  std::mutex mutex;
  std::condition_variable told;
  response answer;
  int answers = 0;
};

void check(const response& r) {
  fuzz::require(r.status >= 100 && r.status < 600 && r.status != 500, "an answer has a status");
  const auto head = head_of(r, 11, true);
  std::size_t lines = 0;
  for (const char c : head) lines += c == '\n' ? 1 : 0;
  const std::size_t fixed = 4 + (r.content_type.empty() || r.status == 304 ? 0 : 1);
  fuzz::require(lines == fixed + r.headers.size(), "a value adds no field");
  if (r.content_type == "application/problem+json")
    fuzz::require(nlohmann::json::parse(r.body, nullptr, false).is_object(),
                  "a problem is a document");
  if (r.content_type == "application/json")
    fuzz::require(!nlohmann::json::parse(r.body, nullptr, false).is_discarded(), "JSON is JSON");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  request r;
  const auto target = fuzz::read_request(fuzz::bytes_of(data, size), r);
  std::erase_if(r.headers, [](const auto& h) { return h.first == "prefer"; }); // it may wait
  gate entrance({true, {}, 0});
  const auto decided = entrance.decide(r, target, true, door().routes, 0);
  if (decided.run == nullptr) {
    check(decided.instead);
    return 0;
  }
  const auto out = std::make_shared<awaited>();
  (*decided.run)(r, [out](response given) {
    const std::lock_guard lock(out->mutex);
    out->answer = std::move(given);
    ++out->answers;
    out->told.notify_one();
  });
  std::unique_lock lock(out->mutex);
  const bool answered =
      out->told.wait_for(lock, std::chrono::seconds(30), [&] { return out->answers > 0; });
  fuzz::require(answered, "a request is answered");
  check(out->answer);
  return 0;
}
