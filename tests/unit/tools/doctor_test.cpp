// SPDX-License-Identifier: Apache-2.0
#include "tests/support/temporary_folder.hpp"
#include "tools/pollux/doctor_machine.hpp"
#include "tools/pollux/doctor_mosquitto.hpp"
#include "tools/pollux/doctor_probes.hpp"
#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace pollux;
using namespace pollux::cli;
using tests::temporary_folder;

namespace {
constexpr std::string_view sound = "max_queued_messages 100000000\nmax_inflight_messages 1000\n"
                                   "persistence true\nautosave_interval 5\nset_tcp_nodelay true\n"
                                   "queue_qos0_messages true\n";

findings judged(const std::string& text) {
  mosquitto_settings s;
  read_mosquitto_lines(text, s);
  return judge_mosquitto(s, 1 << 20);
}

grade worst(const findings& all) {
  auto out = grade::ok;
  for (const auto& f : all) out = std::max(out, f.is);
  return out;
}

/// The grade of the first finding that speaks of `what`; must exist.
grade about(const findings& all, std::string_view what) {
  for (const auto& f : all)
    if (f.sentence.find(what) != std::string::npos) return f.is;
  FAIL("no finding about " << std::string(what));
  return grade::ok;
}

/// A listening socket on a port of its own.
struct listener {
  int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  std::uint16_t port = 0;
  listener() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(fd, 8) == 0);
    socklen_t size = sizeof at;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    port = ntohs(at.sin_port);
  }
  ~listener() { close(); }
  void close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
};
} // namespace

TEST_CASE("mosquitto's defaults lose data, and the doctor says so") {
  const auto all = judged("");
  CHECK(about(all, "max_queued_messages 1000 (default)") == grade::fail);
  CHECK(about(all, "persistence false") == grade::fail);
  CHECK(about(all, "max_inflight_messages 20 (default)") == grade::warn);
  CHECK(about(all, "set_tcp_nodelay false") == grade::warn);
  for (const auto& f : all) CHECK(f.advice.empty() == (f.is == grade::ok));
}

TEST_CASE("the shipped mosquitto.conf is free of findings") {
  const auto read = read_mosquitto_conf(std::string(POLLUX_SOURCE_DIR) + "/config/mosquitto.conf");
  REQUIRE(read.ok());
  CHECK(worst(judge_mosquitto(*read, 1 << 20)) == grade::ok);
}

TEST_CASE("each mosquitto setting that loses data is found, among others that are sound") {
  const std::string base(sound);
  CHECK(worst(judged(base)) == grade::ok);
  CHECK(about(judged(base + "max_queued_messages 0\n"), "max_queued_messages 0") == grade::fail);
  CHECK(about(judged(base + "queue_qos0_messages false\n"), "QoS 0 messages") == grade::warn);
  CHECK(about(judged(base + "max_queued_messages 5000\n"), "5000") == grade::warn);
  CHECK(about(judged(base + "max_queued_bytes 1000\n"), "max_queued_bytes") == grade::warn);
  CHECK(about(judged(base + "max_inflight_messages 0\n"), "unlimited") == grade::warn);
  CHECK(about(judged(base + "persistence false\n"), "persistence false") == grade::fail);
  CHECK(about(judged(base + "autosave_interval 0\n"), "autosave_interval 0") == grade::fail);
  CHECK(about(judged(base + "autosave_interval 1800\n"), "autosave_interval 1800") == grade::fail);
  CHECK(about(judged(base + "autosave_interval 30\n"), "autosave_interval 30") == grade::warn);
  CHECK(about(judged(base + "autosave_on_changes true\n"), "autosave_on_changes") == grade::warn);
  CHECK(about(judged(base + "max_packet_size 1000\n"), "max_packet_size") == grade::warn);
  CHECK(about(judged(base + "persistent_client_expiration 1h\n"), "expiration") == grade::warn);
  CHECK(worst(judged(base + "persistent_client_expiration 7d\n")) == grade::ok);
  CHECK(about(judged(base + "listener 1883\nallow_anonymous true\n"), "anonymous") == grade::warn);
  CHECK(about(judged(base + "listener 1883 0.0.0.0\nallow_anonymous true\n"), "anonymous") ==
        grade::warn);
  CHECK(worst(judged(base + "listener 1883 127.0.0.1\nallow_anonymous true\n")) == grade::ok);
  CHECK(worst(judged(base + "  # max_queued_messages 0\n\tlistener\t1883 localhost \r\n")) ==
        grade::ok);
}

TEST_CASE("an included folder is read after the file, in the order of names") {
  const temporary_folder folder;
  std::filesystem::create_directory(folder.path() + "/conf.d");
  std::ofstream(folder.path() + "/m.conf")
      << sound << "max_queued_messages 0\ninclude_dir " << folder.path() << "/conf.d\n";
  std::ofstream(folder.path() + "/conf.d/b.conf") << "max_queued_messages 200000\n";
  std::ofstream(folder.path() + "/conf.d/a.conf") << "max_queued_messages 7\n";
  std::ofstream(folder.path() + "/conf.d/c.txt") << "max_queued_messages 0\n";
  const auto read = read_mosquitto_conf(folder.path() + "/m.conf");
  REQUIRE(read.ok());
  CHECK(about(judge_mosquitto(*read, 0), "max_queued_messages 200000") == grade::ok);
  CHECK(read_mosquitto_conf(folder.path() + "/nowhere").error().code == errc::not_found);
}

TEST_CASE("the file of the mosquitto that listens on the broker's port is found") {
  namespace fs = std::filesystem;
  const temporary_folder folder;
  const auto& proc = folder.path();
  const auto process = [&](const std::string& id, const std::string& name, std::string_view words) {
    fs::create_directory(proc + "/" + id);
    std::ofstream(proc + "/" + id + "/comm") << name << '\n';
    std::ofstream(proc + "/" + id + "/cmdline") << words;
  };
  using namespace std::string_literals;
  std::ofstream(proc + "/a.conf") << "listener 1884 127.0.0.1\nlistener 8883\n";
  std::ofstream(proc + "/b.conf") << sound;
  process("10", "bash", "bash\0-c\0"s + proc + "/b.conf\0"s);
  process("11", "mosquitto", "mosquitto\0-d\0"s);
  process("12", "mosquitto", "mosquitto\0-c\0"s + proc + "/a.conf\0"s);
  CHECK(running_mosquitto_conf(1884, proc) == proc + "/a.conf");
  CHECK(running_mosquitto_conf(8883, proc) == proc + "/a.conf");
  CHECK(running_mosquitto_conf(1883, proc).empty());
  process("13", "mosquitto", "mosquitto\0-v\0-c\0b.conf\0"s);
  CHECK(running_mosquitto_conf(1883, proc).empty()); // its folder is not shown to us
  fs::create_directory_symlink(proc, proc + "/13/cwd");
  CHECK(running_mosquitto_conf(1883, proc) == proc + "/b.conf");
  process("12", "mosquitto", "mosquitto\0-c"s);
  process("13", "mosquitto", ""s);
  CHECK(running_mosquitto_conf(1883, proc).empty());
  CHECK(running_mosquitto_conf(1884, proc + "/nowhere").empty());
}

TEST_CASE("the disk is measured without leaving anything behind") {
  const temporary_folder folder;
  config::settings s;
  s.node.data = folder.path() + "/not/made/yet";
  s.journal.sync_interval_ns = 1'000'000'000;
  findings out;
  examine_disk(s, out);
  CHECK(about(out, "fsync takes") != grade::fail);
  CHECK(std::filesystem::is_empty(folder.path()));
  s.journal.min_free_bytes = 1ull << 62;
  out.clear();
  examine_disk(s, out);
  CHECK(about(out, "below min_free_bytes") == grade::fail);
}

TEST_CASE("files from the future are told") {
  const temporary_folder folder;
  std::ofstream(folder.path() + "/old") << "x";
  config::settings s;
  s.node.data = folder.path();
  findings before, after;
  examine_clock(s, before);
  std::ofstream(folder.path() + "/new") << "x";
  std::filesystem::last_write_time(folder.path() + "/new",
                                   std::filesystem::file_time_type::clock::now() +
                                       std::chrono::hours(1));
  examine_clock(s, after);
  CHECK(after.size() == before.size() + 1);
  CHECK(about(after, "1 files in " + folder.path() + " are from the future") == grade::warn);
}

TEST_CASE("a reachable broker is ok, an unreachable one fails") {
  listener l;
  config::settings s;
  s.broker.url = "tcp://127.0.0.1:" + std::to_string(l.port);
  findings out;
  examine_broker(s, out);
  CHECK(worst(out) == grade::ok);
  l.close();
  out.clear();
  examine_broker(s, out);
  CHECK(worst(out) == grade::fail);
}

TEST_CASE("a port in use fails, unless it is a running node's own") {
  const listener l;
  const temporary_folder folder;
  config::settings s;
  s.node.data = folder.path();
  s.http.port = l.port;
  s.remote.enabled = false;
  findings out;
  examine_node(s, out);
  CHECK(about(out, "[http] cannot listen on 127.0.0.1") == grade::fail);
  std::filesystem::create_directory(folder.path() + "/log");
  const auto name = folder.path() + "/log/owner.pid";
  std::ofstream(name) << "4711\n";
  CHECK(folder_owner(folder.path()) == 0); // a pid that nobody holds means nothing
  const int fd = ::open(name.c_str(), O_RDWR);
  REQUIRE(::flock(fd, LOCK_EX) == 0);
  CHECK(folder_owner(folder.path()) == 4711);
  out.clear();
  examine_node(s, out);
  CHECK(about(out, "process 4711 runs") == grade::ok);
  CHECK(worst(out) == grade::ok);
  ::close(fd);
}

TEST_CASE("a broker's address is taken from its url") {
  CHECK(host_of_url("tcp://127.0.0.1:1883") ==
        std::pair{std::string("127.0.0.1"), std::uint16_t{1883}});
  CHECK(host_of_url("ssl://[::1]:8883") == std::pair{std::string("::1"), std::uint16_t{8883}});
  CHECK_FALSE(host_of_url("tcp://host").has_value());
  CHECK_FALSE(host_of_url("tcp://host:0").has_value());
}
