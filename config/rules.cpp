// SPDX-License-Identifier: Apache-2.0
#include "config/rules.hpp"
#include "domain/base/twin_id.hpp"
#include "domain/model/config_node.hpp"
#include "messages/text_template.hpp"
#include <algorithm>
#include <array>
#include <string>

namespace pollux::config {

namespace {
constexpr std::array<std::string_view, 13> effect_words{
    "namespace",  "name",     "twin",    "id",         "rule",  "field",     "incident",
    "transition", "severity", "command", "command_id", "phase", "model_hash"};

bool has_wildcard(std::string_view topic) {
  return topic.find_first_of("+#") != std::string_view::npos;
}

/// MQTT's rules for a filter; Source: MQTT 5.0, 4.7.1. Empty = fine.
std::string filter_error(std::string_view topic) {
  if (topic.size() > 65'535) return "is longer than MQTT allows (65,535 bytes)";
  if (topic.find('\0') != std::string_view::npos) return "must not contain a zero byte";
  std::size_t start = 0;
  while (start <= topic.size()) {
    const auto end = std::min(topic.find('/', start), topic.size());
    const auto level = topic.substr(start, end - start);
    if (level.find('+') != std::string_view::npos && level != "+")
      return "'+' must fill a whole level";
    if (level.find('#') != std::string_view::npos && (level != "#" || end != topic.size()))
      return "'#' must be the whole last level";
    if (level.find_first_of("{}") != std::string_view::npos &&
        messages::placeholder_length(level) != level.size())
      return "level \"" + std::string(level) +
             "\": a {word} takes a whole level and is made of a-z, 0-9, _ and .";
    start = end + 1;
  }
  return {};
}

/// Empty when `url` is tcp:// or ssl:// with host and port.
std::string url_error(std::string_view url) {
  const auto scheme = url.substr(0, 6);
  if (scheme != "tcp://" && scheme != "ssl://")
    return "must start with tcp:// or ssl://, as \"tcp://127.0.0.1:1883\"";
  const auto rest = url.substr(6);
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos || colon == 0)
    return "needs host and port, as \"tcp://127.0.0.1:1883\"";
  const auto port = rest.substr(colon + 1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc{} || end != port.data() + port.size() || number == 0 || number > 65'535)
    return "'" + std::string(port) + "' is not a port (1 to 65535)";
  return {};
}

/// Refuses words that are not in `known`.
void check_words(std::string_view key, std::string_view text,
                 const std::vector<std::string_view>& known, std::string_view known_from,
                 reader& at) {
  for (const auto word : placeholders(text)) {
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    const auto meant = domain::nearest(word, known);
    std::string what =
        "{" + std::string(word) + "} is not bound; " + std::string(known_from) + " gives:";
    for (const auto k : known) what.append(" {").append(k).append("}");
    if (!meant.empty()) what += "; did you mean {" + std::string(meant) + "}?";
    at.fail(key, what);
  }
}

/// A stand-in for every placeholder, to see whether what remains can be an id.
std::string filled(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto length = messages::placeholder_length(text.substr(i));
    out += length ? 'x' : text[i];
    if (length) i += length - 1;
  }
  return out;
}
} // namespace

std::vector<std::string_view> placeholders(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto length = messages::placeholder_length(text.substr(i));
    if (length == 0) continue;
    out.push_back(text.substr(i + 1, length - 2));
    i += length - 1;
  }
  return out;
}

void check_rules(const broker_settings& s, reader& at) {
  if (const auto wrong = url_error(s.url); !wrong.empty()) at.fail("url", wrong);
  if (s.version == 4) at.fail("version", "there is no MQTT 4; write 5, or 3 for MQTT 3.1.1");
  if (s.client_id.empty() || s.client_id.size() > 256)
    at.fail("client_id", "must have 1 to 256 characters: the broker keeps the session under it");
  const bool tls = s.url.starts_with("ssl://");
  if (s.certificate_file.empty() != s.key_file.empty())
    at.fail(s.key_file.empty() ? "certificate_file" : "key_file",
            "certificate_file and key_file go together");
  if (!tls && !(s.ca_file + s.certificate_file + s.key_file).empty())
    at.fail("url", "must start with ssl:// when ca_file, certificate_file or key_file are given");
  if (s.username.empty() && !s.password_file.empty())
    at.fail("password_file", "needs a username beside it");
  if (has_wildcard(s.will_topic)) at.fail("will_topic", "must not contain '+' or '#'");
}

void check_rules(const ingress_settings& s, reader& at) {
  if (s.topic.empty())
    return at.fail("topic", "is needed: the MQTT filter, as \"telemetry/{name}\"");
  if (s.twin.empty()) return at.fail("twin", "is needed: the twin's id, as \"plant1:{name}\"");
  if (const auto wrong = filter_error(s.topic); !wrong.empty()) return at.fail("topic", wrong);
  const auto bound = placeholders(s.topic);
  for (const auto word : bound)
    if (std::count(bound.begin(), bound.end(), word) > 1)
      return at.fail("topic", "binds {" + std::string(word) + "} twice");
  check_words("twin", s.twin, bound, "the topic", at);
  if (s.model.find_first_of("{}") != std::string::npos)
    at.fail("model", "is a name; it takes no placeholders");
  if (s.share.find_first_of("/+#") != std::string::npos)
    at.fail("share", "is the name of a group: without '/', '+' and '#'");
  if (s.connection.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != std::string::npos)
    at.fail("connection", "is a name of letters, digits, '_' and '-': part of the MQTT client id");
  if (const auto id = parse_twin_id(filled(s.twin)); !id)
    at.fail("twin", "cannot become a twin's id (namespace:name): " + id.error().what);
}

void check_rules(const egress_settings& s, reader& at) {
  const std::vector<std::string_view> known(effect_words.begin(), effect_words.end());
  if (s.topic.empty())
    return at.fail("topic", "is needed: a template, as \"twins/{namespace}/{name}/alerts\"");
  if (has_wildcard(s.topic)) at.fail("topic", "a topic to publish on has no '+' or '#'");
  if (s.topic.size() > 65'535) at.fail("topic", "is longer than MQTT allows (65,535 bytes)");
  check_words("topic", s.topic, known, "an effect", at);
}

namespace {
void check_address(const std::string& address, reader& at) {
  if (address.empty()) at.fail("address", "is empty; 127.0.0.1 listens on this machine only");
}
} // namespace

namespace {
/// As a browser writes it: scheme, host and, where it is unusual, port; in lower case, no path.
bool is_origin(std::string_view text) {
  const auto mark = text.find("://");
  if (mark == std::string_view::npos) return false;
  const auto scheme = text.substr(0, mark), host = text.substr(mark + 3);
  return (scheme == "http" || scheme == "https") && !host.empty() &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-:[]") ==
             std::string_view::npos;
}
} // namespace

void check_rules(const http_settings& s, reader& at) {
  check_address(s.address, at);
  for (const auto& origin : s.cors_origins)
    if (!is_origin(origin))
      at.fail("cors_origins", "\"" + origin +
                                  "\" is no origin; write \"https://host\" or "
                                  "\"http://host:port\", in lower case and without a path");
  const bool loopback = s.address.starts_with("127.") || s.address == "::1";
  if (s.certificate_file.empty() != s.key_file.empty())
    at.fail(s.key_file.empty() ? "certificate_file" : "key_file",
            "certificate_file and key_file go together");
  if (s.enabled && !loopback && !s.address.empty() && s.certificate_file.empty() && !s.behind_proxy)
    at.fail("address",
            "\"" + s.address +
                "\" is not a loopback address, and tokens must not cross a network in the "
                "clear: set certificate_file and key_file, or behind_proxy = true");
  if (s.behind_proxy && s.open_on_loopback)
    at.fail("open_on_loopback", "behind a proxy every request comes from its address: this would "
                                "let everyone in");
}

void check_rules(const remote_settings& s, reader& at) { check_address(s.address, at); }

void check_all(const settings& s, std::vector<std::string>& errors,
               std::vector<std::string>& warnings) {
  if (s.http.enabled && s.remote.enabled && s.http.port == s.remote.port && s.http.port != 0)
    errors.push_back("[http] and [remote] both want port " + std::to_string(s.http.port));
  if (s.ingress.empty())
    warnings.push_back("no [[mqtt.ingress]]: nothing will be received over MQTT");
  for (std::size_t i = 0; i < s.ingress.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (s.ingress[i].topic == s.ingress[k].topic)
        warnings.push_back("[[mqtt.ingress]] topic \"" + s.ingress[i].topic +
                           "\" stands twice; the first entry takes every message");
  for (const auto& in : s.ingress)
    if (in.qos == 0 && in.durability_set && in.durability == messages::durability::d2)
      warnings.push_back("[[mqtt.ingress]] topic \"" + in.topic +
                         "\": durability D2 with qos 0: the broker does not wait for it");
  for (const auto& in : s.ingress)
    if (s.broker.source == "paho" && (in.qos == 2 || !in.connection.empty()))
      warnings.push_back("[[mqtt.ingress]] topic \"" + in.topic +
                         "\": source = \"paho\" has one connection and takes qos 2 as 1");
  if (s.testing.allow_fault_injection)
    warnings.push_back("[testing] allow_fault_injection = true: for tests of the node only");
  if (s.broker.clean_start)
    warnings.push_back("[mqtt] clean_start = true: messages sent while the node is down are lost");
  if (s.broker.version == 5 && s.broker.session_expiry_s == 0)
    warnings.push_back(
        "[mqtt] session_expiry_s = 0: messages sent while the node is down are lost");
}

} // namespace pollux::config
