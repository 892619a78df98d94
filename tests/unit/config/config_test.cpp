// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"
#include <cstdlib>
#include <doctest/doctest.h>
#include <random>
#include <sstream>
#include <string>

using namespace pollux;
using namespace pollux::config;

namespace {
std::string first_error(std::string_view toml) {
  const auto r = parse(toml, "node.toml");
  return r.ok() ? std::string("(none)") : r.error().what;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Sets an environment variable for the length of a scope.
struct override_for_scope {
  std::string name;
  override_for_scope(const char* n, const char* value) : name(n) { ::setenv(n, value, 1); }
  ~override_for_scope() { ::unsetenv(name.c_str()); }
};

constexpr std::string_view one_ingress = "[[mqtt.ingress]]\n"
                                         "topic = \"telemetry/{name}\"\n"
                                         "twin = \"lab1:{name}\"\n";
} // namespace

TEST_CASE("the shipped configuration parses, and what it leaves out has the documented defaults") {
  const auto file = std::string(POLLUX_SOURCE_DIR) + "/config/pollux.toml";
  const auto loaded = load(file);
  REQUIRE_MESSAGE(loaded.ok(), first_error(*read_text(file)));
  const settings& s = *loaded;
  CHECK(s.file == file);
  CHECK(s.node.data == "data");
  CHECK(s.node.models == std::string(POLLUX_SOURCE_DIR) + "/config/models");
  CHECK(s.node.shards == 64);
  CHECK(s.journal.durability == messages::durability::d1);
  CHECK(s.journal.sync_interval_ns == 50'000'000);
  CHECK(s.journal.inbox_bytes == 128u << 20);
  CHECK(s.twins.passivate_after_ns == 600'000'000'000);
  CHECK(s.broker.url == "tcp://127.0.0.1:1883");
  CHECK(s.broker.version == 5);
  CHECK(s.http.port == 8080);
  CHECK(s.remote.port == 4343);
  REQUIRE(s.ingress.size() == 4);
  CHECK(s.ingress[0].topic == "telemetry/motor/{name}");
  CHECK(s.ingress[0].twin == "plant1:{name}");
  CHECK(s.ingress[0].model == "motor");
  CHECK(s.ingress[1].twin == "site1:{name}");
  CHECK(s.ingress[2].model == "vehicle");
  CHECK(s.ingress[3].twin == "lab1:{name}");
  CHECK_FALSE(s.ingress[3].durability_set);
  REQUIRE(s.egress.size() == 2);
  CHECK(s.egress[0].topic == "twins/{namespace}/{name}/alerts");
  CHECK(s.egress[1].topic == "twins/{namespace}/{name}/commands/{command}/request");
}

TEST_CASE("the shipped file's commented defaults are the defaults") {
  std::istringstream lines(*read_text(std::string(POLLUX_SOURCE_DIR) + "/config/pollux.toml"));
  std::string text, uncommented;
  bool top = true; // the introduction speaks of keys, too
  while (std::getline(lines, text)) {
    if (text.starts_with('[')) top = false;
    const auto equals = text.find(" = ");
    const bool a_key =
        text.starts_with("# ") && equals != std::string::npos && text.find(' ', 2) == equals;
    const bool entry = text.starts_with("# [[mqtt.egress]]");
    uncommented += !top && (a_key || entry) ? text.substr(2) : text;
    uncommented += '\n';
  }
  const auto plain = parse("", "/f.toml");
  const auto full = parse(uncommented, "/f.toml");
  REQUIRE_MESSAGE(full.ok(), first_error(uncommented));
  CHECK(full->ingress.at(0).durability_set);
  auto compared = *full;
  compared.ingress.clear();
  compared.node.models = plain->node.models; // the file's folder is its own
  CHECK(to_toml(compared) == to_toml(*plain));
}

TEST_CASE("property: every key misspelt by one letter is refused, with the right suggestion") {
  auto all = *parse(one_ingress, "/node.toml");
  std::istringstream lines(to_toml(all));
  std::vector<std::string> text;
  for (std::string line; std::getline(lines, line);) text.push_back(line);
  std::mt19937 random{7};
  int keys = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto end = text[i].find(" = ");
    if (text[i].starts_with('[') || end == std::string::npos) continue;
    const auto key = text[i].substr(0, end);
    auto wrong = key;
    const auto at = random() % wrong.size();
    switch (random() % 3) {
    case 0: wrong[at] = 'x'; break;
    case 1: wrong.insert(at, 1, 'x'); break;
    default: // a key of three letters less one is still near; a shorter one would be guessing
      if (wrong.size() > 3)
        wrong.erase(at, 1);
      else
        wrong[at] = 'x';
    }
    if (wrong == key) wrong += 'x';
    std::string toml;
    for (std::size_t k = 0; k < text.size(); ++k)
      toml += (k == i ? wrong + text[i].substr(end) : text[k]) + "\n";
    CAPTURE(wrong);
    const auto v = check(toml, "node.toml");
    bool refused = false;
    for (const auto& e : v.errors)
      refused = refused || (contains(e, "node.toml:" + std::to_string(i + 1) + ":1: ") &&
                            contains(e, "unknown key '" + wrong + "'") &&
                            contains(e, "did you mean '" + key + "'?"));
    CHECK(refused);
    ++keys;
  }
  CHECK(keys == 4 + 8 + 3 + 17 + 14 + 6 + 6 + 13 + 3 + 2 + 1);
}

TEST_CASE("what is written can be read back to the same settings") {
  auto s = *parse("[journal]\nsync_interval = \"1s\"\ntail_bytes = 100000\ndurability = \"D2\"\n"
                  "[mqtt]\nclient_id = \"a \\\"quoted\\\" \\u0007 id\"\n" +
                      std::string(one_ingress) + "max_age = \"36h\"\nqos = 0\n",
                  "n.toml");
  const auto text = to_toml(s);
  const auto again = parse(text, "n.toml");
  REQUIRE_MESSAGE(again.ok(), again.error().what);
  CHECK(to_toml(*again) == text);
  CHECK(again->broker.client_id == "a \"quoted\" \a id");
  CHECK(again->journal.tail_bytes == 100'000);
  CHECK(again->ingress.at(0).durability == messages::durability::d2);
}

TEST_CASE("errors name file, line, column and what is allowed") {
  CHECK(first_error("[journal]\n  sync_interval = \"5s\"\n") ==
        "node.toml:2:19: [journal] sync_interval: 5s is out of range; allowed: 1ms to 1s");
  CHECK(
      contains(first_error("[node]\nshards = 0\n"), "node.toml:2:10: [node] shards: 0 is out of"));
  CHECK(contains(first_error("[node]\nshards = \"64\"\n"), "must be a whole number"));
  CHECK(contains(first_error("[node]\nshards = 6.5\n"), "must be a whole number"));
  CHECK(contains(first_error("[journal]\ninbox_bytes = \"64Mib\"\n"), "is not a size"));
  CHECK(contains(first_error("[journal]\ninbox_bytes = \"1KiB\"\n"), "allowed: 1MiB to 64GiB"));
  CHECK(
      contains(first_error("[journal]\ndurability = \"D3\"\n"), "none of \"D0\", \"D1\", \"D2\""));
  CHECK(contains(first_error("[http]\nenabled = 1\n"), "must be true or false"));
  CHECK(contains(first_error("[jurnal]\n"), "did you mean 'journal'?"));
  CHECK(contains(first_error("http = 3\n"), "must be a table: write [http]"));
  CHECK(contains(first_error("[mqtt.ingress]\ntopic = \"a\"\n"), "[[mqtt.ingress]] before each"));
  CHECK(contains(first_error("[mqtt]\npassword = \"x\"\n"), "password_file"));
  CHECK(contains(first_error("[node\ndata = 1\n"), "node.toml:1:6: "));
  CHECK(load("/nowhere/at/all.toml").error().code == errc::not_found);
}

TEST_CASE("all errors are told at once, in the file's order") {
  const auto v = check("[node]\nshards = 0\ncolour = 1\n[http]\nport = 70000\n", "f");
  REQUIRE(v.errors.size() == 3);
  CHECK(v.errors[0].starts_with("f:2:"));
  CHECK(v.errors[1].starts_with("f:3:"));
  CHECK(v.errors[2].starts_with("f:5:"));
}

TEST_CASE("an ingress entry must bind what its twin needs") {
  CHECK(contains(first_error("[[mqtt.ingress]]\ntwin = \"a:b\"\n"), "topic: is needed"));
  CHECK(contains(first_error("[[mqtt.ingress]]\ntopic = \"t/{nmae}\"\ntwin = \"a:{name}\"\n"),
                 "{name} is not bound; the topic gives: {nmae}; did you mean {nmae}?"));
  CHECK(contains(first_error("[[mqtt.ingress]]\ntopic = \"t/{n\"\ntwin = \"a:b\"\n"),
                 "a {word} takes a whole level"));
  CHECK(contains(first_error("[[mqtt.ingress]]\ntopic = \"t/{n}/{n}\"\ntwin = \"a:{n}\"\n"),
                 "twice"));
  CHECK(contains(first_error("[[mqtt.ingress]]\ntopic = \"t/#/x\"\ntwin = \"a:b\"\n"),
                 "'#' must be"));
  CHECK(contains(first_error("[[mqtt.ingress]]\ntopic = \"t/a+\"\ntwin = \"a:b\"\n"),
                 "'+' must fill"));
  CHECK(contains(first_error("[[mqtt.ingress]]\ntopic = \"t/{n}\"\ntwin = \"{n}\"\n"),
                 "namespace:name"));
  CHECK(contains(first_error("[[mqtt.ingress]]\ntopic = \"t/a{n}\"\ntwin = \"a:{n}\"\n"),
                 "whole level"));
  CHECK(
      contains(first_error(std::string(one_ingress) + "model = \"{name}\"\n"), "no placeholders"));
  CHECK(first_error(one_ingress) == "(none)");
}

TEST_CASE("keys that depend on each other are checked together") {
  CHECK(contains(first_error("[mqtt]\nurl = \"mqtt://h:1\"\n"), "tcp:// or ssl://"));
  CHECK(contains(first_error("[mqtt]\nurl = \"tcp://h\"\n"), "host and port"));
  CHECK(contains(first_error("[mqtt]\nurl = \"tcp://h:0\"\n"), "not a port"));
  CHECK(contains(first_error("[mqtt]\nca_file = \"ca.pem\"\n"), "ssl://"));
  CHECK(contains(first_error("[mqtt]\nversion = 4\n"), "no MQTT 4"));
  CHECK(contains(first_error("[mqtt]\nurl = \"ssl://h:1\"\nkey_file = \"k\"\n"), "go together"));
  CHECK(contains(first_error("[http]\naddress = \"0.0.0.0\"\n"), "loopback"));
  CHECK(contains(first_error("[http]\nport = 4343\n"), "both want port 4343"));
  CHECK(contains(first_error("[[mqtt.egress]]\ntopic = \"a/{rulr}\"\n"), "did you mean {rule}?"));
}

TEST_CASE("paths of the file are relative to the file, data is not") {
  const auto s = parse("[node]\nmodels = \"m\"\ndata = \"d\"\n[mqtt]\nurl = \"ssl://h:1\"\n"
                       "ca_file = \"/abs/ca.pem\"\nusername = \"u\"\npassword_file = \"pw\"\n",
                       "/etc/pollux/node.toml");
  REQUIRE(s.ok());
  CHECK(s->node.models == "/etc/pollux/m");
  CHECK(s->node.data == "d");
  CHECK(s->broker.ca_file == "/abs/ca.pem");
  CHECK(s->broker.password_file == "/etc/pollux/pw");
}

TEST_CASE("the environment overrides scalars, and a misspelt override is an error") {
  {
    const override_for_scope data("POLLUX_NODE_DATA", "/var/lib/pollux");
    const override_for_scope port("POLLUX_HTTP_PORT", "0");
    const override_for_scope sync("POLLUX_JOURNAL_SYNC_INTERVAL", "20ms");
    const override_for_scope bytes("POLLUX_JOURNAL_INBOX_BYTES", "2MiB");
    const override_for_scope remote("POLLUX_REMOTE_ENABLED", "false");
    const auto s = parse("[node]\ndata = \"d\"\n", "/etc/p.toml");
    REQUIRE_MESSAGE(s.ok(), s.error().what);
    CHECK(s->node.data == "/var/lib/pollux");
    CHECK(s->http.port == 0);
    CHECK(s->journal.sync_interval_ns == 20'000'000);
    CHECK(s->journal.inbox_bytes == 2 << 20);
    CHECK_FALSE(s->remote.enabled);
  }
  {
    const override_for_scope port("POLLUX_HTTP_PORT", "eighty");
    CHECK(contains(first_error(""), "environment variable POLLUX_HTTP_PORT: [http] port: must be"));
  }
  const override_for_scope typo("POLLUX_NODE_DATE", "x");
  CHECK(contains(first_error(""), "POLLUX_NODE_DATE overrides no known key"));
}

TEST_CASE("a list of texts is read, overridden with commas, and held to origins") {
  const std::vector<std::string> two{"https://desk.example", "http://localhost:5173"};
  const auto s = parse("[http]\ncors_origins = [\"https://desk.example\", "
                       "\"http://localhost:5173\"]\nrate = 50\n",
                       "node.toml");
  REQUIRE(s.ok());
  CHECK(s->http.cors_origins == two);
  CHECK(s->http.rate == 50);
  CHECK(parse(to_toml(*s), "again.toml")->http.cors_origins == two);
  {
    const override_for_scope set("POLLUX_HTTP_CORS_ORIGINS", "https://a.example,http://b:1");
    CHECK(parse("", "node.toml")->http.cors_origins ==
          std::vector<std::string>{"https://a.example", "http://b:1"});
  }
  CHECK(contains(first_error("[http]\ncors_origins = \"https://a\"\n"), "2:"));
  CHECK(contains(first_error("[http]\ncors_origins = [7]\n"), "a list of texts"));
  for (const char* wrong : {"*", "desk.example", "https://", "https://a/", "https://A", "ftp://a"})
    CHECK(contains(first_error("[http]\ncors_origins = [\"" + std::string(wrong) + "\"]\n"),
                   "is no origin"));
}

TEST_CASE("what is legal but seldom meant is a warning") {
  const auto v = check(
      "[mqtt]\nclean_start = true\n" + std::string(one_ingress) + std::string(one_ingress), "f");
  CHECK(v.errors.empty());
  REQUIRE(v.warnings.size() == 2);
  CHECK(contains(v.warnings[0], "stands twice"));
  CHECK(contains(v.warnings[1], "clean_start"));
}

TEST_CASE("characters beyond ASCII are taken in texts and comments, and refused elsewhere") {
  CHECK(first_error("# grüße\n[node]\ndata = \"dätä\" # ä\n") == "(none)");
  CHECK(first_error("\xEF\xBB\xBF[node]\ndata = 'ä'\n") == "(none)");
  CHECK(first_error("[mqtt]\nusername = \"\"\"\nä \\\" ö\"\"\"\n") == "(none)");
  CHECK(first_error("[mqtt]\nusername = \"\\\"ä\"\n") == "(none)");
  for (const auto* text :
       {"[node]\nä = 1\n", "[nöde]\n", "[node]\nshards = 6ä\n", "[node]\ndata = \"a\" ä\n",
        "[node]\nshards =\xC2\xA1 6\n", "[mqtt]\nusername = \"\"\"a\\\n ä\"\"\"\n"}) {
    CAPTURE(text);
    CHECK(contains(first_error(text), "only texts in quotes and comments"));
  }
  CHECK(first_error("[node]\n ä = 1\n").starts_with("node.toml:2:2: "));
  CHECK(first_error("ä").starts_with("node.toml:1:1: "));
}

TEST_CASE("property: arbitrary bytes never crash the parser") {
  const auto good = *read_text(std::string(POLLUX_SOURCE_DIR) + "/config/pollux.toml");
  std::mt19937 random{11};
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    auto text = good.substr(random() % good.size(), random() % 400);
    for (auto flips = random() % 6; flips > 0 && !text.empty(); --flips)
      text[random() % text.size()] = static_cast<char>(random());
    refused += check(text, "f").errors.empty() ? 0 : 1;
  }
  CHECK(refused > 1000);
}
