// SPDX-License-Identifier: Apache-2.0
// The gateway between two actor systems of one process, over real mutual TLS on loopback.
#include "bridge/remote/client.hpp"
#include "bridge/remote/gateway.hpp"
#include "bridge/remote/private_file.hpp"
#include "tests/support/fake_node.hpp"
#include "tests/support/temporary_folder.hpp"
#include <arpa/inet.h>
#include <caf/openssl/all.hpp>
#include <chrono>
#include <doctest/doctest.h>
#include <filesystem>
#include <netinet/in.h>
#include <random>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

// CAF's broker now and then outlives its actor system when a link was open, and with it the link's
// TLS context (once a process, 2 to 16 KB).
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libcaf_io\nleak:basp_broker\nleak:libssl\nleak:libcrypto\n";
}

using namespace pollux;
using namespace pollux::bridge::remote;
using namespace pollux::messages;
using namespace std::chrono_literals;
using pollux::tests::temporary_folder;
using std::chrono::steady_clock;

namespace {

std::int64_t clock_s() {
  return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
}

struct remoting_config : caf::actor_system_config {
  explicit remoting_config(const pki_files& files) {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
    pollux::messages::add_message_types(*this);
    configure_remoting(*this, files);
  }
};

/// A node with its gateway open on a free port.
struct open_node {
  temporary_folder data;
  pki_files files = *prepare_pki(data.path(), clock_s());
  remoting_config config{files};
  caf::actor_system system{config};
  node_actor node = system.spawn(tests::fake_node);
  std::unique_ptr<gateway> door;

  open_node() {
    auto opened = gateway::open(system, [this] { return node; }, {data.path(), "127.0.0.1", 0});
    REQUIRE_MESSAGE(opened.ok(), opened.error().what);
    door = std::move(*opened);
  }
  ~open_node() {
    door.reset();
    caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
    node = nullptr;
  }
  [[nodiscard]] std::unique_ptr<client> connect(std::chrono::milliseconds timeout = 5s) const {
    auto made = client::connect({data.path(), "", timeout});
    REQUIRE_MESSAGE(made.ok(), made.error().what);
    return std::move(*made);
  }
};

/// Sends bytes to a port and waits until the other side closes; what came back.
std::string converse(std::uint16_t port, const std::string& bytes) {
  const int s = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(s, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  const timeval limit{5, 0};
  ::setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void)!::send(s, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  ::shutdown(s, SHUT_WR);
  std::string back;
  char block[512];
  for (;;) {
    const auto size = ::recv(s, block, sizeof block, 0);
    if (size <= 0) break;
    back.append(block, static_cast<std::size_t>(size));
  }
  ::close(s);
  return back;
}

std::ptrdiff_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return std::distance(begin(files), end(files));
}

} // namespace

TEST_CASE("every kind of query reaches the node over mutual TLS and comes back answered") {
  const open_node node;
  const auto c = node.connect();
  const auto twin = c->ask(twin_query{"plant1:motor-1"});
  REQUIRE_MESSAGE(twin.ok(), twin.error().what);
  CHECK(twin->readings == 12);
  CHECK(twin->document.find("12 of 30 samples") != std::string::npos);
  CHECK(c->ask(twin_list_query{"plant1:*", "", 100})->rows.size() == 2);
  CHECK(c->ask(history_query{"plant1:motor-1", "", 0, INT64_MAX, 10})->rows.size() == 10);
  const auto watch = c->ask(watch_open{"*"});
  REQUIRE(watch.ok());
  CHECK(c->ask(watch_pull{watch->watch, 0, 10})->events.size() == 2);
  CHECK(c->ask(watch_close{watch->watch}).ok());
  CHECK(c->ask(command_request{"plant1:motor-1", "c-1", "stop", "{}", 0, "me"})->phase ==
        "accepted");
  CHECK(c->ask(command_query{"plant1:motor-1", "c-1"})->phase == "dispatched");
  CHECK(c->ask(alert_list_query{"*", true, 10, "", "", "", ""})->rows.size() == 1);
  CHECK(c->ask(alert_query{"plant1:motor-1", "0000000000000007-0-0"})->rule == "overheating");
  CHECK(c->ask(alert_acknowledge{"plant1:motor-1", "0000000000000007-0-0", "me", ""})->state ==
        "acknowledged");
  CHECK(c->ask(quarantine_query{0, 10})->total == 3);
  CHECK(c->ask(quarantine_replay{1}).ok());
  CHECK(c->ask(stats_query{})->twins == 3);
  CHECK(c->ask(verify_start{"*"})->twins_total == 3);
  CHECK(c->ask(verify_query{})->twins_done == 1);
  CHECK(c->ask(twin_create{"plant1:new", "motor"}).ok());
  CHECK(c->ask(twin_delete{"plant1:new"}).ok());
  CHECK(c->ask(log_level_set{"debug"}).ok());
}

TEST_CASE("the node's own refusals arrive with their code and sentence") {
  const open_node node;
  const auto c = node.connect();
  const auto missing = c->ask(twin_query{"plant1:nobody"});
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == errc::not_found);
  CHECK(missing.error().what == "no such twin: plant1:nobody");
  CHECK(c->ask(twin_create{"plant1:motor-1", "motor"}).error().code == errc::already_exists);
}

TEST_CASE("the gateway cuts pages and refuses texts that are too long, by name") {
  const open_node node;
  const auto c = node.connect();
  const auto page = c->ask(history_query{"plant1:motor-1", "", 0, INT64_MAX, 1'000'000});
  REQUIRE(page.ok());
  CHECK(page->rows.size() == max_page);
  CHECK_FALSE(page->complete);
  CHECK(c->ask(twin_list_query{"*", "", 0})->rows.size() == 1);
  const auto refused = c->ask(twin_query{std::string(300, 'x')});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == errc::invalid_argument);
  CHECK(refused.error().what.find("id: 300 bytes") != std::string::npos);
  CHECK(c->ask(command_request{"a:b", "i", "n", std::string(70'000, ' '), 0, ""}).error().code ==
        errc::invalid_argument);
}

TEST_CASE("a node that is not there, or that dies, is answered for by the gateway") {
  open_node node;
  const auto c = node.connect();
  caf::anon_send_exit(node.node, caf::exit_reason::kill);
  const auto gone = c->ask(stats_query{});
  REQUIRE_FALSE(gone.ok());
  CHECK(gone.error().code == errc::unavailable);
  node.node = node.system.spawn(tests::fake_node);
  CHECK(c->ask(stats_query{}).ok()); // the next actor is found without a new link
}

TEST_CASE("a query that nobody answers fails at the asker's own time-out") {
  const open_node node;
  const auto c = node.connect();
  const auto start = steady_clock::now();
  const auto silent = c->ask(twin_query{"plant1:silent"}, 300ms);
  REQUIRE_FALSE(silent.ok());
  CHECK(silent.error().code == errc::timed_out);
  CHECK(steady_clock::now() - start < 3s);
  CHECK(c->ask(twin_query{"plant1:motor-1"}).ok());
}

TEST_CASE(
    "more unanswered queries than the bound are refused, and others still get through later") {
  const open_node node;
  const auto door =
      spawn_gateway(const_cast<caf::actor_system&>(node.system), [&] { return node.node; });
  caf::scoped_actor self{const_cast<caf::actor_system&>(node.system)};
  for (std::size_t i = 0; i < max_queries_in_flight; ++i)
    self->send(door, twin_query{"plant1:silent"});
  errc code{};
  self->request(door, 5s, stats_query{})
      .receive([](const stats_answer&) {}, [&](caf::error& e) { code = from_caf(e).code; });
  CHECK(code == errc::overloaded);
  caf::anon_send_exit(door, caf::exit_reason::user_shutdown);
}

TEST_CASE("a closed gateway is noticed at once and takes no new links") {
  open_node node;
  const auto c = node.connect();
  REQUIRE(c->ask(stats_query{}).ok());
  const auto where = node.door->where();
  node.door->close();
  const auto start = steady_clock::now();
  const auto refused = c->ask(stats_query{}, 20s);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == errc::unavailable);
  CHECK(steady_clock::now() - start < 2s);
  // the refusal may overtake the news that the gateway is gone
  while (c->connected() && steady_clock::now() - start < 5s) std::this_thread::yield();
  CHECK_FALSE(c->connected());
  const auto again = client::connect({node.data.path(), "", 5s});
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == errc::unavailable);
  const auto direct = client::connect({node.data.path(), to_string(where), 5s});
  REQUIRE_FALSE(direct.ok());
  CHECK(direct.error().code == errc::unavailable);
}

TEST_CASE("a port that is taken is an error that names it") {
  const open_node node;
  auto second =
      gateway::open(const_cast<caf::actor_system&>(node.system), [&] { return node.node; },
                    {node.data.path(), "127.0.0.1", node.door->where().port});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == errc::io);
  CHECK(second.error().what.find(to_string(node.door->where())) != std::string::npos);
  CHECK(node.connect()->ask(stats_query{}).ok());
}

TEST_CASE("without certificates or heartbeats no port is opened") {
  temporary_folder data;
  const auto files = *prepare_pki(data.path(), clock_s());
  for (const int lacking : {0, 1, 2}) {
    CAPTURE(lacking);
    // with no certificate at all CAF would talk to anyone, unauthenticated
    remoting_config config(lacking == 0 ? pki_files{} : files);
    if (lacking == 1) config.set("middleman.connection-timeout", caf::timespan{0});
    if (lacking == 2) config.set("middleman.heartbeat-interval", caf::timespan{0});
    caf::actor_system system{config};
    const auto opened =
        gateway::open(system, [] { return node_actor{}; }, {data.path(), "127.0.0.1", 0});
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().what.find("not configured") != std::string::npos);
  }
}

TEST_CASE("a client of another authority is turned away and the node lives on") {
  const open_node node;
  const temporary_folder rogue;
  REQUIRE(prepare_pki(rogue.path(), clock_s()).ok());
  const auto start = steady_clock::now();
  const auto refused = client::connect({rogue.path(), to_string(node.door->where()), 5s});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == errc::unavailable);
  CHECK(steady_clock::now() - start < 6s);
  CHECK(node.connect()->ask(stats_query{}).ok());
}

TEST_CASE("a client does not talk to a node whose authority is another") {
  const open_node node;
  const temporary_folder mixed;
  REQUIRE(prepare_pki(mixed.path(), clock_s()).ok());
  // its own certificate is the right one, but it trusts another authority
  for (const char* name : {"client.key", "client.crt"}) {
    const auto content = read_file(node.data.path() + "/pki/" + name);
    REQUIRE(content.ok());
    REQUIRE(replace_file(mixed.path() + "/pki/" + name, *content, 0600).ok());
  }
  const auto refused = client::connect({mixed.path(), to_string(node.door->where()), 5s});
  CHECK_FALSE(refused.ok());
}

TEST_CASE("a client's certificate does not make a node") {
  temporary_folder data;
  REQUIRE(prepare_pki(data.path(), clock_s()).ok());
  remoting_config config(*find_pki(data.path(), pki_role::client));
  caf::actor_system system{config};
  auto opened = gateway::open(system, [] { return node_actor{}; }, {data.path(), "127.0.0.1", 0});
  REQUIRE(opened.ok());
  CHECK_FALSE(client::connect({data.path(), "", 5s}).ok());
}

TEST_CASE("the packet that crashes an open CAF port is refused, and so are random bytes") {
  const open_node node;
  const auto port = node.door->where().port;
  for (const char operation : {'\0', '\1'}) {
    std::string packet(32, '\0'); // a handshake header whose payload length is zero
    packet[3] = operation;
    converse(port, packet);
    packet[0] = operation;
    converse(port, packet);
  }
  const auto before = open_files();
  std::mt19937 random{7};
  for (int i = 0; i < 60; ++i) {
    std::string noise(4096, '\0');
    for (auto& c : noise) c = static_cast<char>(random());
    converse(port, noise);
  }
  CHECK(open_files() <= before + 3); // the last ones may still be closing
  for (int i = 0; i < 3; ++i) CHECK(node.connect()->ask(stats_query{}).ok());
}

TEST_CASE("certificate files damaged under a running node cost a connection, not the process") {
  const open_node node;
  for (const char* name : {"client.crt", "client.key", "node.crt", "node.key", "ca.crt"}) {
    CAPTURE(name);
    const auto path = node.data.path() + "/pki/" + name;
    const auto good = *read_file(path);
    REQUIRE(replace_file(path, "-----BEGIN nothing-----\n", 0600).ok());
    const auto refused = client::connect({node.data.path(), "", 5s});
    CHECK_FALSE(refused.ok());
    REQUIRE(replace_file(path, good, 0600).ok());
  }
  CHECK(node.connect()->ask(stats_query{}).ok());
}
