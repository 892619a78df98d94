// SPDX-License-Identifier: Apache-2.0
#include "bridge/remote/certificate.hpp"
#include "bridge/remote/endpoint.hpp"
#include "bridge/remote/pki.hpp"
#include "bridge/remote/private_file.hpp"
#include "tests/support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <filesystem>
#include <sys/stat.h>
#include <thread>
#include <vector>

using namespace pollux;
using namespace pollux::bridge::remote;
using pollux::tests::temporary_folder;

namespace {

constexpr std::int64_t now_s = 1'700'000'000;
constexpr std::int64_t day_s = 86'400;

unsigned mode_of(const std::string& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_mode & 07777U;
}

std::string read(const std::string& path) {
  auto content = read_file(path);
  REQUIRE_MESSAGE(content.ok(), path);
  return *content;
}

} // namespace

TEST_CASE("the first start makes an authority and two leaves that only the owner may use") {
  const temporary_folder data;
  const auto files = prepare_pki(data.path(), now_s);
  REQUIRE_MESSAGE(files.ok(), files.error().what);
  const auto folder = data.path() + "/pki";
  CHECK(mode_of(folder) == 0700);
  for (const char* name : {"ca", "node", "client"}) {
    CHECK(mode_of(folder + "/" + name + ".key") == 0600);
    CHECK(mode_of(folder + "/" + name + ".crt") == 0644);
  }
  const auto authority = read(folder + "/ca.crt");
  CHECK(belongs_together({read(files->key), read(files->certificate)}, &authority));
  CHECK(belongs_together({read(folder + "/client.key"), read(folder + "/client.crt")}, &authority));
  CHECK(*expiry_s(authority) == now_s + authority_days * day_s);
  CHECK(*expiry_s(read(files->certificate)) == now_s + leaf_days * day_s);
  const auto client = find_pki(data.path(), pki_role::client);
  REQUIRE(client.ok());
  CHECK(client->certificate == folder + "/client.crt");
}

TEST_CASE("a second start changes nothing; shortly before the end of a leaf it makes a new one") {
  const temporary_folder data;
  const auto files = prepare_pki(data.path(), now_s);
  REQUIRE(files.ok());
  const auto authority = read(files->authority);
  const auto first = read(files->certificate);
  const auto just_before = now_s + (leaf_days - renew_before_days) * day_s - 1;
  REQUIRE(prepare_pki(data.path(), just_before).ok());
  CHECK(read(files->certificate) == first);
  REQUIRE(prepare_pki(data.path(), just_before + 1).ok());
  CHECK(read(files->certificate) != first);
  CHECK(read(files->authority) == authority);
  CHECK(belongs_together({read(files->key), read(files->certificate)}, &authority));
}

TEST_CASE("no leaf outlives its authority, and an expired authority is refused by name") {
  const temporary_folder data;
  const auto files = prepare_pki(data.path(), now_s);
  REQUIRE(files.ok());
  const auto end = now_s + authority_days * day_s;
  REQUIRE(prepare_pki(data.path(), end - 100 * day_s).ok());
  CHECK(*expiry_s(read(files->certificate)) == end);
  const auto late = prepare_pki(data.path(), end);
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().what.find("ca.crt") != std::string::npos);
}

TEST_CASE("keys that other users may read are refused, with the way to mend it") {
  const temporary_folder data;
  REQUIRE(prepare_pki(data.path(), now_s).ok());
  for (const char* name : {"ca.key", "node.key", "client.key"}) {
    const auto path = data.path() + "/pki/" + name;
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    const auto refused = prepare_pki(data.path(), now_s);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == errc::refused);
    CHECK(refused.error().what.find("chmod 600 " + path) != std::string::npos);
    if (std::string(name) == "client.key") {
      const auto client = find_pki(data.path(), pki_role::client);
      REQUIRE_FALSE(client.ok());
      CHECK(client.error().code == errc::refused);
    }
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
  }
  CHECK(prepare_pki(data.path(), now_s).ok());
}

TEST_CASE("what a crash left half done is made again, and damage is named") {
  const temporary_folder data;
  const auto files = prepare_pki(data.path(), now_s);
  REQUIRE(files.ok());
  const auto folder = data.path() + "/pki/";
  const auto authority = read(files->authority);

  SUBCASE("a certificate without its key") {
    std::filesystem::remove(files->key);
    REQUIRE(prepare_pki(data.path(), now_s).ok());
    CHECK(belongs_together({read(files->key), read(files->certificate)}, &authority));
  }
  SUBCASE("a new key beside the old certificate") {
    REQUIRE(replace_file(files->key, read(folder + "client.key"), 0600).ok());
    REQUIRE(prepare_pki(data.path(), now_s).ok());
    CHECK(belongs_together({read(files->key), read(files->certificate)}, &authority));
  }
  SUBCASE("an authority's key before its certificate") {
    std::filesystem::remove(files->authority);
    REQUIRE(prepare_pki(data.path(), now_s).ok());
    const auto anew = read(files->authority);
    CHECK(anew != authority);
    CHECK(belongs_together({read(files->key), read(files->certificate)}, &anew));
  }
  SUBCASE("an authority that is not a certificate") {
    REQUIRE(replace_file(files->authority, "junk", 0644).ok());
    const auto damaged = prepare_pki(data.path(), now_s);
    REQUIRE_FALSE(damaged.ok());
    CHECK(damaged.error().code == errc::corrupt);
    CHECK(damaged.error().what.find("ca.crt") != std::string::npos);
  }
  SUBCASE("an authority's key that is kept elsewhere does no harm until a leaf ends") {
    std::filesystem::remove(folder + "ca.key");
    CHECK(prepare_pki(data.path(), now_s + (leaf_days - 1) * day_s).ok());
    const auto ended = prepare_pki(data.path(), now_s + leaf_days * day_s);
    REQUIRE_FALSE(ended.ok());
    CHECK(ended.error().what.find("ca.key") != std::string::npos);
  }
}

TEST_CASE("many first starts at once agree on one authority") {
  const temporary_folder data;
  std::vector<std::thread> starts;
  std::vector<int> good(8, 0);
  for (std::size_t i = 0; i < good.size(); ++i)
    starts.emplace_back([&, i] { good[i] = prepare_pki(data.path(), now_s).ok() ? 1 : 0; });
  for (auto& t : starts) t.join();
  CHECK(good == std::vector<int>(8, 1));
  const auto folder = data.path() + "/pki/";
  const auto authority = read(folder + "ca.crt");
  for (const char* name : {"node", "client"})
    CHECK(
        belongs_together({read(folder + name + ".key"), read(folder + name + ".crt")}, &authority));
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    CAPTURE(entry.path());
    CHECK(entry.path().extension().string().size() <= 5); // no temporary file left
  }
}

TEST_CASE("a program on a folder without a node is told so") {
  const temporary_folder data;
  const auto missing = find_pki(data.path(), pki_role::client);
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == errc::not_found);
  CHECK(missing.error().what.find("--data") != std::string::npos);
}

TEST_CASE("addresses are read strictly and written so that they can be read again") {
  CHECK(parse_endpoint("localhost:4343")->host == "localhost");
  CHECK(parse_endpoint("[::1]:1")->host == "::1");
  CHECK(to_string(*parse_endpoint("[::1]:1")) == "[::1]:1");
  for (const char* bad : {"", "localhost", ":1", "h:", "h:0", "h:65536", "h:1x", "::1:5", "h:-1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_endpoint(bad).ok());
  }
}

TEST_CASE("the endpoint file leads a client to the node, and only its own node takes it away") {
  const temporary_folder data;
  REQUIRE(prepare_pki(data.path(), now_s).ok());
  CHECK(read_endpoint(data.path()).error().code == errc::not_found);
  REQUIRE(write_endpoint(data.path(), {"0.0.0.0", 4343}).ok());
  CHECK(to_string(*read_endpoint(data.path())) == "127.0.0.1:4343");
  remove_endpoint(data.path(), {"0.0.0.0", 4344});
  CHECK(read_endpoint(data.path()).ok());
  remove_endpoint(data.path(), {"0.0.0.0", 4343});
  CHECK_FALSE(read_endpoint(data.path()).ok());
}
