// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/access/access_control.hpp"
#include "bridge/http/access/secret.hpp"
#include "domain/base/time.hpp"
#include "tests/support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <set>
#include <sys/stat.h>

using namespace pollux;
using namespace pollux::bridge::http;

namespace {

constexpr std::int64_t s = ns_per_s;

std::string made(const std::string& data, const std::string& name, const char* role,
                 const std::vector<std::string>& where = {}, std::int64_t expires_ns = 0) {
  std::string secret;
  const auto done = change_tokens(data, [&](token_book& book) -> status {
    auto given = book.create(name, role, where, expires_ns, 1'700'000'000 * s);
    if (!given) return given.error();
    secret = *given;
    return {};
  });
  REQUIRE_MESSAGE(done.ok(), done.error().what);
  return secret;
}

request asking(const std::string& secret, const std::string& from = "127.0.0.1") {
  request r;
  r.method = "GET";
  r.path = "/api/v1/twins";
  r.peer = from;
  if (!secret.empty()) r.headers.emplace_back("authorization", "Bearer " + secret);
  return r;
}

access_options in(const tests::temporary_folder& folder) {
  access_options o;
  o.data = folder.path();
  return o;
}

std::string content(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

} // namespace

TEST_CASE("secrets are long, unlike each other, and only their hash is kept") {
  std::set<std::string> all;
  for (int i = 0; i < 1000; ++i) all.insert(random_secret("pollux_"));
  CHECK(all.size() == 1000);
  CHECK(all.begin()->size() == 7 + 43);
  CHECK(secret_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(same_secret("abc", "abc"));
  CHECK_FALSE(same_secret("abc", "abd"));
  CHECK_FALSE(same_secret("abc", "abcd"));

  const tests::temporary_folder folder;
  const auto secret = made(folder.path(), "alice", "operator", {"plant1:*", "site-*"});
  const auto file = tokens_file(folder.path());
  CHECK(content(file).find(secret) == std::string::npos);
  CHECK(content(file).find(secret_hash(secret)) != std::string::npos);
  struct stat found {};
  REQUIRE(::stat(file.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
}

TEST_CASE("a book of tokens reads back as it was written") {
  token_book book;
  const auto secret = book.create("alice", "engineer", {"plant1"}, 99 * s, 5 * s);
  REQUIRE(secret.ok());
  REQUIRE(book.rotate("alice", 0, 7 * s).ok());
  const auto back = token_book::parse(book.to_json());
  REQUIRE(back.ok());
  REQUIRE(back->all().size() == 1);
  const auto& t = back->all()[0];
  CHECK(t.name == "alice");
  CHECK(t.what == role::engineer);
  CHECK(t.namespaces == std::vector<std::string>{"plant1"});
  CHECK(t.hash == book.all()[0].hash);
  CHECK(t.created_ns == 5 * s);
  CHECK(t.expires_ns == 99 * s);
  CHECK(t.rotated_ns == 7 * s);
  CHECK(back->with_secret(*secret) == nullptr); // the rotation made it void
  CHECK_FALSE(t.expired(98 * s));
  CHECK(t.expired(99 * s));
}

TEST_CASE("names, roles and namespaces that make no sense are refused") {
  token_book book;
  CHECK(book.create("", "admin", {}, 0, 1).error().code == errc::invalid_argument);
  CHECK(book.create("a b", "admin", {}, 0, 1).error().code == errc::invalid_argument);
  CHECK(book.create("loopback", "admin", {}, 0, 1).error().code == errc::invalid_argument);
  CHECK(book.create("a", "root", {}, 0, 1).error().code == errc::invalid_argument);
  CHECK(book.create("a", "admin", {"plant1:press"}, 0, 1).error().code == errc::invalid_argument);
  CHECK(book.create("a", "admin", {""}, 0, 1).error().code == errc::invalid_argument);
  CHECK(book.create("a", "admin", {}, 0, 1).ok());
  CHECK(book.create("a", "viewer", {}, 0, 1).error().code == errc::already_exists);
  CHECK(book.revoke("b").error().code == errc::not_found);
  CHECK(book.rotate("b", 0, 1).error().code == errc::not_found);
}

TEST_CASE("damaged token files are refused as a whole") {
  const auto good = [] {
    token_book book;
    REQUIRE(book.create("a", "admin", {}, 0, s).ok());
    return book.to_json();
  }();
  REQUIRE(token_book::parse(good).ok());
  for (std::size_t cut = 0; cut + 2 < good.size(); ++cut)
    CHECK_FALSE(token_book::parse(good.substr(0, cut)).ok());
  for (const char* text : {"[]", "{}", R"({"tokens":[1]})", R"({"tokens":[{"name":"a"}]})"})
    CHECK_FALSE(token_book::parse(text).ok());
}

TEST_CASE("without tokens loopback is open; with the first one it is not") {
  const tests::temporary_folder folder;
  access_control control(in(folder));
  auto r = asking("");
  CHECK_FALSE(control.admit(r));
  CHECK(r.who.name == "loopback");
  CHECK(r.who.may_everywhere(role::admin));
  CHECK(control.still(r.who));

  const auto secret = made(folder.path(), "alice", "operator", {"plant1"});
  auto nobody = asking("");
  CHECK_FALSE(control.admit(nobody));
  CHECK(nobody.who.name.empty());
  CHECK(nobody.who.grants.empty());
  CHECK_FALSE(control.still(r.who));

  auto alice = asking(secret);
  CHECK_FALSE(control.admit(alice));
  CHECK(alice.who.name == "alice");
  CHECK(alice.who.may(role::operator_, "plant1:press-7"));
  CHECK_FALSE(alice.who.may(role::engineer, "plant1:press-7"));
  CHECK_FALSE(alice.who.may(role::viewer, "plant2:press-7"));

  REQUIRE(change_tokens(folder.path(), [](token_book& b) { return b.revoke("alice"); }).ok());
  CHECK_FALSE(control.still(alice.who)); // at once
  auto again = asking(secret);
  const auto refused = control.admit(again);
  REQUIRE(refused);
  CHECK(refused->status == 401);
  CHECK(again.who.name.empty());
  auto still_closed = asking(""); // taking the last token away must not open the node
  CHECK_FALSE(control.admit(still_closed));
  CHECK(still_closed.who.name.empty());
}

TEST_CASE("open_on_loopback is for this machine alone, and not behind a proxy") {
  const tests::temporary_folder folder;
  (void)made(folder.path(), "a", "admin");
  auto options = in(folder);
  options.open_on_loopback = true;
  {
    access_control control(options);
    auto here = asking("");
    CHECK_FALSE(control.admit(here));
    CHECK(here.who.name == "loopback");
    auto there = asking("", "10.0.0.9");
    CHECK_FALSE(control.admit(there));
    CHECK(there.who.name.empty());
  }
  options.behind_proxy = true;
  access_control control(options);
  auto through = asking("");
  through.headers.emplace_back("x-forwarded-for", "127.0.0.1, 10.1.2.3");
  control.place(through);
  CHECK_FALSE(control.admit(through));
  CHECK(through.who.name.empty());
  CHECK(through.peer == "10.1.2.3");
}

TEST_CASE("what a proxy says of its client is believed behind one, and gone elsewhere") {
  const tests::temporary_folder folder;
  const auto placed = [&](bool behind_proxy, const pairs& said) {
    auto options = in(folder);
    options.behind_proxy = behind_proxy;
    access_control control(options);
    auto r = asking("", "10.0.0.1");
    r.headers.emplace_back("host", "node:8080");
    r.headers.insert(r.headers.end(), said.begin(), said.end());
    control.place(r);
    for (const auto& [name, value] : said) CHECK_MESSAGE(r.header(name).empty(), name);
    return r;
  };
  const pairs said{{"x-forwarded-for", "10.9.9.9"}, {"x-forwarded-host", "desk.example"},
                   {"x-forwarded-proto", "https"},  {"x-forwarded-port", "443"},
                   {"forwarded", "for=10.9.9.9"},   {"x-real-ip", "10.9.9.9"}};
  const auto direct = placed(false, said);
  CHECK(direct.peer == "10.0.0.1");
  CHECK(direct.header("host") == "node:8080");
  CHECK_FALSE(direct.secure);
  const auto through = placed(true, said);
  CHECK(through.peer == "10.9.9.9");
  CHECK(through.header("host") == "desk.example");
  CHECK(through.secure);
  // of a chain of proxies only the nearest is ours; nonsense is not taken for a host
  const auto chain = placed(
      true, {{"x-forwarded-proto", "https, http"}, {"x-forwarded-host", "good.example, a\"b<c>"}});
  CHECK_FALSE(chain.secure);
  CHECK(chain.header("host") == "node:8080");
}

TEST_CASE("a token file that others may read, or that is damaged, lets nobody in") {
  const tests::temporary_folder folder;
  const auto secret = made(folder.path(), "alice", "admin");
  access_control control(in(folder));
  const auto admitted = [&](const std::string& with) {
    auto r = asking(with);
    return !control.admit(r) && !r.who.name.empty();
  };
  CHECK(admitted(secret));
  ::chmod(tokens_file(folder.path()).c_str(), 0644);
  CHECK_FALSE(admitted(secret));
  CHECK_FALSE(admitted(""));
  ::chmod(tokens_file(folder.path()).c_str(), 0600);
  CHECK(admitted(secret));
  std::ofstream(tokens_file(folder.path())) << "{";
  CHECK_FALSE(admitted(secret));
  CHECK_FALSE(admitted(""));
}

TEST_CASE("expired, forged and malformed credentials get 401 with a challenge") {
  const tests::temporary_folder folder;
  const auto old = made(folder.path(), "old", "admin", {}, 1'700'000'001 * s);
  const auto good = made(folder.path(), "good", "admin");
  access_control control(in(folder));
  auto forged = good;
  forged.back() = forged.back() == 'A' ? 'B' : 'A';
  for (const auto& secret : {old, forged, std::string("x")}) {
    auto r = asking(secret, "10.0.0." + std::to_string(secret.size())); // each from elsewhere
    const auto refused = control.admit(r);
    REQUIRE(refused);
    CHECK(refused->status == 401);
    CHECK(refused->headers[0].first == "WWW-Authenticate");
    CHECK(refused->body.find(secret) == std::string::npos);
  }
  auto basic = asking("", "10.0.0.200");
  basic.headers.emplace_back("authorization", "Basic YTpi");
  CHECK(control.admit(basic)->status == 401);
  auto lower = asking("");
  lower.headers.emplace_back("authorization", "bearer  " + good);
  CHECK_FALSE(control.admit(lower));
  CHECK(lower.who.name == "good");
}

TEST_CASE("wrong tokens cost an address time, twice as much with each") {
  attempts a;
  for (int i = 0; i < 4; ++i) a.failed("10.0.0.1", i * s);
  CHECK(a.wait_ns("10.0.0.1", 4 * s) == 0);
  a.failed("10.0.0.1", 4 * s);
  CHECK(a.wait_ns("10.0.0.1", 4 * s) == 1 * s);
  CHECK(a.wait_ns("10.0.0.2", 4 * s) == 0);
  a.failed("10.0.0.1", 5 * s);
  CHECK(a.wait_ns("10.0.0.1", 5 * s) == 2 * s);
  for (int i = 0; i < 40; ++i) a.failed("10.0.0.1", 6 * s);
  CHECK(a.wait_ns("10.0.0.1", 6 * s) == 300 * s);
  a.worked("10.0.0.1", "h", 7 * s);
  CHECK(a.wait_ns("10.0.0.1", 7 * s) == 0);
  CHECK(a.is_known("10.0.0.1", "h"));
  CHECK_FALSE(a.is_known("10.0.0.2", "h"));
  for (int i = 0; i < 6; ++i) a.failed("2001:db8:1:2::" + std::to_string(i), 8 * s);
  CHECK(a.wait_ns("2001:db8:1:2:ffff::9", 8 * s) > 0); // one network
  CHECK(a.wait_ns("2001:db8:1:3::9", 8 * s) == 0);
}

TEST_CASE("the table of addresses is bounded and forgets who was silent for longest") {
  attempts a(16);
  for (int i = 0; i < 100; ++i)
    for (int k = 0; k < 5; ++k) a.failed("10.0.1." + std::to_string(i), (i + 1) * s);
  CHECK(a.clients() == 16);
  CHECK(a.wait_ns("10.0.1.99", 100 * s) > 0);
}

TEST_CASE("while an address waits, tokens that worked from there go on working") {
  const tests::temporary_folder folder;
  const auto known = made(folder.path(), "known", "admin"),
             late = made(folder.path(), "late", "admin");
  access_control control(in(folder));
  auto first = asking(known);
  CHECK_FALSE(control.admit(first));
  for (int i = 0; i < 6; ++i) {
    auto r = asking("guess-" + std::to_string(i));
    (void)control.admit(r);
  }
  auto guess = asking("guess");
  const auto refused = control.admit(guess);
  REQUIRE(refused);
  CHECK(refused->status == 429);
  CHECK(refused->headers.back().first == "Retry-After");
  auto right_guess = asking(late); // or the delay would delay nobody
  CHECK(control.admit(right_guess)->status == 429);
  auto again = asking(known);
  CHECK_FALSE(control.admit(again));
}

TEST_CASE("a ticket is good once, for a minute, on a stream") {
  tickets all(3);
  const identity who{"alice", {{role::viewer, "*"}}, "hash"};
  const auto one = all.issue(who, 0);
  CHECK(all.take("ticket_wrong", 1) == std::nullopt);
  const auto taken = all.take(one, tickets::lifetime_ns - 1);
  REQUIRE(taken);
  CHECK(taken->name == "alice");
  CHECK_FALSE(all.take(one, 1));
  const auto late = all.issue(who, 0);
  CHECK_FALSE(all.take(late, tickets::lifetime_ns));
  const auto first = all.issue(who, 0);
  for (int i = 0; i < 3; ++i) (void)all.issue(who, 0);
  CHECK(all.size() == 3);
  CHECK_FALSE(all.take(first, 1));

  const tests::temporary_folder folder;
  const auto secret = made(folder.path(), "alice", "viewer");
  access_control control(in(folder));
  auto r = asking(secret);
  REQUIRE_FALSE(control.admit(r));
  const auto ticket = control.issue_ticket(r.who);
  auto page = asking("");
  page.query = {{"ticket", ticket}}; // not a stream: the ticket stays where it is, unused
  CHECK_FALSE(control.admit(page));
  CHECK(page.who.name.empty());
  auto events = asking("");
  events.headers.emplace_back("accept", "text/event-stream");
  events.query = {{"twins", "*"}, {"ticket", ticket}};
  CHECK_FALSE(control.admit(events));
  CHECK(events.who.name == "alice");
  CHECK(events.query.size() == 1); // nobody sees it further on
  events.query.emplace_back("ticket", ticket);
  CHECK(control.admit(events)->status == 401);

  const auto void_ticket = control.issue_ticket(r.who);
  REQUIRE(change_tokens(folder.path(), [](token_book& b) { return b.revoke("alice"); }).ok());
  events.query = {{"ticket", void_ticket}};
  CHECK(control.admit(events)->status == 401); // it went with its token
}

TEST_CASE("a node that others reach needs TLS or a proxy, and a token") {
  const tests::temporary_folder folder;
  access_control control(in(folder));
  CHECK(control.may_listen(true, false).ok());
  CHECK(control.may_listen(false, false).error().code == errc::refused);
  CHECK(control.may_listen(false, true).error().what.find("token create") != std::string::npos);
  (void)made(folder.path(), "a", "admin");
  CHECK(control.may_listen(false, true).ok());
  CHECK(control.may_listen(false, false).error().code == errc::refused);
  auto options = in(folder);
  options.behind_proxy = true;
  CHECK(access_control(options).may_listen(false, false).ok());
}
