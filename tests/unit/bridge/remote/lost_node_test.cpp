// SPDX-License-Identifier: Apache-2.0
// A node that is killed or stopped: whoever asks must hear of it within 6 seconds, always.
#include "bridge/remote/client.hpp"
#include "bridge/remote/gateway.hpp"
#include "tests/support/fake_node.hpp"
#include "tests/support/node_process.hpp"
#include "tests/support/temporary_folder.hpp"
#include <arpa/inet.h>
#include <chrono>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>

using namespace pollux;
using namespace pollux::bridge::remote;
using namespace pollux::messages;
using namespace std::chrono_literals;
using pollux::tests::node_process;
using pollux::tests::temporary_folder;
using std::chrono::steady_clock;

namespace {

constexpr const char* role = "node process: serve until killed";
constexpr auto promised = 6s;

struct remoting_config : caf::actor_system_config {
  explicit remoting_config(const pki_files& files) {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
    pollux::messages::add_message_types(*this);
    configure_remoting(*this, files);
  }
};

/// A connection that says nothing.
int stranger(std::uint16_t port) {
  const int s = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval limit{10, 0};
  ::setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void)!::connect(s, reinterpret_cast<sockaddr*>(&to), sizeof to);
  return s;
}

std::unique_ptr<client> connect(const temporary_folder& data) {
  auto made = client::connect({data.path(), "", 5s});
  REQUIRE_MESSAGE(made.ok(), made.error().what);
  return std::move(*made);
}

} // namespace

TEST_CASE("node process: serve until killed" * doctest::skip()) {
  const char* data = std::getenv("POLLUX_TEST_NODE");
  if (data == nullptr) return;
  const char* files_limit = std::getenv("POLLUX_TEST_FILES");
  if (files_limit != nullptr) {
    const rlimit limit{std::stoul(files_limit), std::stoul(files_limit)};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const auto files = prepare_pki(data, now);
  REQUIRE(files.ok());
  remoting_config config(*files);
  caf::actor_system system{config};
  const auto node = system.spawn(tests::fake_node);
  const auto door = gateway::open(system, [node] { return node; }, {data, "127.0.0.1", 0});
  REQUIRE(door.ok());
  for (;;) std::this_thread::sleep_for(1h);
}

TEST_CASE("a node that is killed fails the pending query at once, and all later ones") {
  const temporary_folder data;
  node_process node(role, data.path());
  REQUIRE(node.wait_until_open());
  const auto c = connect(data);
  std::thread killer([&] {
    std::this_thread::sleep_for(100ms); // let the query below be on its way
    node.kill();
  });
  const auto start = steady_clock::now();
  const auto pending = c->ask(twin_query{"plant1:silent"}, 30s);
  killer.join();
  REQUIRE_FALSE(pending.ok());
  CHECK(pending.error().code == errc::unavailable);
  CHECK(c->ask(stats_query{}, 30s).error().code == errc::unavailable);
  CHECK(steady_clock::now() - start < 3s);
  const auto again = client::connect({data.path(), "", 5s});
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == errc::unavailable);
  CHECK(steady_clock::now() - start < promised);
}

TEST_CASE("a stopped node: connecting is given up in time and the process can still end") {
  const temporary_folder data;
  node_process node(role, data.path());
  REQUIRE(node.wait_until_open());
  node.stop();
  const auto start = steady_clock::now();
  const auto refused = client::connect({data.path(), "", 5s});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == errc::unavailable);
  CHECK(steady_clock::now() - start < promised);
  node.kill(); // frees the thread that hangs in the connect
  const auto until = steady_clock::now() + 10s;
  while (must_exit_hard() && steady_clock::now() < until) std::this_thread::sleep_for(10ms);
  CHECK_FALSE(must_exit_hard());
}

TEST_CASE(
    "a stopped node: a link that was there is given up in time; a woken node is found again") {
  const temporary_folder data;
  node_process node(role, data.path());
  REQUIRE(node.wait_until_open());
  const auto c = connect(data);
  REQUIRE(c->ask(stats_query{}).ok());
  node.stop();
  const auto start = steady_clock::now();
  const auto pending = c->ask(stats_query{}, 5s);
  REQUIRE_FALSE(pending.ok());
  CHECK((pending.error().code == errc::timed_out || pending.error().code == errc::unavailable));
  CHECK(steady_clock::now() - start < promised);
  // heartbeats tell even without a query
  while (c->connected() && steady_clock::now() - start < 10s) std::this_thread::sleep_for(10ms);
  CHECK_FALSE(c->connected());
  node.resume();
  CHECK(connect(data)->ask(stats_query{}).ok());
}

TEST_CASE("an idle link stays up longer than the time-out, thanks to heartbeats on both ends") {
  const temporary_folder data;
  node_process node(role, data.path());
  REQUIRE(node.wait_until_open());
  const auto c = connect(data);
  const auto until = steady_clock::now() + link_timeout + 2s;
  while (c->connected() && steady_clock::now() < until) std::this_thread::sleep_for(50ms);
  CHECK(c->connected());
  CHECK(c->ask(stats_query{}).ok());
}

TEST_CASE("strangers who connect and say nothing cost hardly any CPU and are put out in time") {
  const temporary_folder data;
  node_process node(role, data.path());
  REQUIRE(node.wait_until_open());
  const auto c = connect(data);
  const auto where = *read_endpoint(data.path());
  std::vector<int> strangers;
  for (int i = 0; i < 3; ++i) strangers.push_back(stranger(where.port));
  const auto start = steady_clock::now();
  const auto cpu = node.cpu_seconds();
  for (const int s : strangers) { // waits until the node closes
    char byte = 0;
    CHECK(::recv(s, &byte, 1, 0) <= 0);
    ::close(s);
  }
  const std::chrono::duration<double> waited = steady_clock::now() - start;
  CHECK(waited.count() < 8);
  CHECK(waited.count() > 1); // they were not refused for another reason
  CHECK(node.cpu_seconds() - cpu < 0.35 * waited.count());
  CHECK(c->ask(stats_query{}).ok());
}

// The sanitizers look at memory through a pipe and take its absence for damage.
#ifdef __SANITIZE_ADDRESS__
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

TEST_CASE("a node that strangers rob of its last file descriptor lives on and serves again" *
          doctest::skip(sanitized)) {
  const temporary_folder data;
  ::setenv("POLLUX_TEST_FILES", "40", 1);
  node_process node(role, data.path());
  ::unsetenv("POLLUX_TEST_FILES");
  REQUIRE(node.wait_until_open());
  const auto where = *read_endpoint(data.path());
  std::vector<int> strangers;
  for (int i = 0; i < 100; ++i) {
    strangers.push_back(stranger(where.port));
  }
  CHECK_FALSE(client::connect({data.path(), "", 1s}).ok());
  CHECK(node.alive());
  for (const int s : strangers) ::close(s);
  result<std::unique_ptr<client>> found = failure{};
  const auto until = steady_clock::now() + 10s;
  while (!found && steady_clock::now() < until) found = client::connect({data.path(), "", 2s});
  REQUIRE_MESSAGE(found.ok(), found.error().what);
  CHECK((*found)->ask(stats_query{}).ok());
}
