// SPDX-License-Identifier: Apache-2.0
#include "config/config.hpp"
#include "config/foreign_bytes.hpp"
#include "config/reader.hpp"
#include "config/rules.hpp"
#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <unistd.h>

namespace pollux::config {

namespace {
const toml::table no_table;

/// Reads [name] into `s`, which keeps its defaults where the file is silent.
template <class Settings>
void read_table(reading& r, reader& top, const toml::table& root, std::string_view name,
                Settings& s) {
  top.expect_table(name);
  const auto* node = root.get(name);
  if (node && !node->is_table())
    return r.fail(node->source(), "'" + std::string(name) + "' must be a table: write [" +
                                      std::string(name) + "] on a line of its own");
  reader at(r, node ? *node->as_table() : no_table, std::string(name), true);
  visit(at, s);
  if constexpr (std::is_same_v<Settings, broker_settings>) {
    at.expect_table("ingress");
    at.expect_table("egress");
  }
  at.finish();
  check_rules(s, at);
}

/// Reads each [[mqtt.<name>]]; `finish` completes one entry.
template <class Settings, class Finish>
void read_entries(reading& r, const toml::table& root, std::string_view name,
                  std::vector<Settings>& out, Finish finish) {
  const auto* broker = root["mqtt"].as_table();
  const auto* node = broker ? broker->get(name) : nullptr;
  if (!node) return;
  const std::string full = "mqtt." + std::string(name);
  const auto* entries = node->as_array();
  if (!entries || !entries->is_homogeneous(toml::node_type::table))
    return r.fail(node->source(), full + " must be entries: write [[" + full + "]] before each");
  for (const auto& entry : *entries) {
    Settings s;
    reader at(r, *entry.as_table(), full, false);
    visit(at, s);
    at.finish();
    check_rules(s, at);
    finish(s, at);
    out.push_back(std::move(s));
  }
}

void read_root(reading& r, const toml::table& root, settings& s) {
  reader top(r, root, "", false);
  read_table(r, top, root, "node", s.node);
  read_table(r, top, root, "journal", s.journal);
  read_table(r, top, root, "twins", s.twins);
  read_table(r, top, root, "mqtt", s.broker);
  read_table(r, top, root, "http", s.http);
  read_table(r, top, root, "remote", s.remote);
  read_table(r, top, root, "log", s.log);
  read_table(r, top, root, "testing", s.testing);
  top.finish();
  read_entries(r, root, "ingress", s.ingress, [&](ingress_settings& in, const reader& at) {
    in.durability_set = at.given("durability");
    if (!in.durability_set) in.durability = s.journal.durability;
  });
  read_entries(r, root, "egress", s.egress, [](egress_settings&, const reader&) {});
}

/// What becomes of effects that no entry of the file takes.
void append_default_egress(std::vector<egress_settings>& out) {
  const auto missing = [&out](std::string_view effect) {
    return std::none_of(out.begin(), out.end(), [&](const egress_settings& e) {
      return e.effect == effect && e.rule == "*"; // takes all of them already
    });
  };
  egress_settings fallback;
  if (missing("alert")) {
    fallback.effect = "alert";
    fallback.topic = "twins/{namespace}/{name}/alerts";
    out.push_back(fallback);
  }
  if (missing("command")) {
    fallback.effect = "command";
    fallback.topic = "twins/{namespace}/{name}/commands/{command}/request";
    out.push_back(fallback);
  }
}

/// A misspelt override would be ignored in silence: refuse what looks like one and is none.
void check_environment(reading& r) {
  for (char** entry = ::environ; entry && *entry; ++entry) {
    const std::string_view line = *entry;
    const std::string name(line.substr(0, line.find('=')));
    for (const std::string_view table :
         {"NODE", "JOURNAL", "TWINS", "MQTT", "HTTP", "REMOTE", "LOG"})
      if (name.starts_with("POLLUX_" + std::string(table) + "_") && !r.environment.contains(name))
        r.errors.push_back({0, 0, "environment variable " + name + " overrides no known key"});
  }
}

std::string folder_of(const std::string& file) {
  const auto slash = file.rfind('/');
  return slash == std::string::npos ? std::string{} : file.substr(0, slash + 1);
}

std::string place(const std::string& file, std::uint32_t line, std::uint32_t column) {
  return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": ";
}
} // namespace

const char* to_text(messages::durability d) noexcept {
  switch (d) {
  case messages::durability::d0: return "D0";
  case messages::durability::d1: return "D1";
  case messages::durability::d2: return "D2";
  }
  return "D1";
}

verdict check(std::string_view toml, const std::string& file_name) {
  verdict out;
  out.value.file = file_name;
  if (const auto at = find_foreign_byte(toml); at != std::string_view::npos) {
    const auto before = toml.substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto column = at - (before.rfind('\n') + 1) + 1; // npos + 1 is 0: the first line
    out.errors.push_back(
        place(file_name, static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(column)) +
        "only texts in quotes and comments may hold other than ASCII characters");
    return out;
  }
  reading r;
  r.folder = folder_of(file_name);
  try {
    const auto root = toml::parse(toml, std::string_view(file_name));
    read_root(r, root, out.value);
  } catch (const toml::parse_error& e) {
    const auto& at = e.source().begin;
    out.errors.push_back(place(file_name, at.line, at.column) + std::string(e.description()));
    return out;
  }
  check_environment(r);
  std::stable_sort(r.errors.begin(), r.errors.end(), [](const misfit& a, const misfit& b) {
    return std::pair(a.line - 1, a.column) < std::pair(b.line - 1, b.column); // line 0 goes last
  });
  for (const auto& e : r.errors)
    out.errors.push_back(e.line ? place(file_name, e.line, e.column) + e.what : e.what);
  check_all(out.value, out.errors, out.warnings);
  append_default_egress(out.value.egress);
  return out;
}

result<settings> parse(std::string_view toml, const std::string& file_name) {
  auto v = check(toml, file_name);
  if (!v.errors.empty()) return failure{errc::invalid_argument, v.errors.front()};
  return std::move(v.value);
}

result<std::string> read_text(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return failure{errc::not_found, "cannot open configuration file " + file + " (see --config)"};
  std::string text((std::istreambuf_iterator<char>(in)), {});
  if (in.bad()) return failure{errc::io, "cannot read configuration file " + file};
  return text;
}

result<settings> load(const std::string& file) {
  const auto text = read_text(file);
  if (!text) return text.error();
  return parse(*text, file);
}

} // namespace pollux::config
