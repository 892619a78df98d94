// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/access/token_book.hpp"
#include "bridge/http/access/secret.hpp"
#include "bridge/remote/private_file.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <nlohmann/json.hpp>

namespace pollux::bridge::http {

namespace {

using json = nlohmann::ordered_json;
constexpr std::size_t longest_name = 64, longest_namespace = 128;
constexpr const char* name_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-";

json time_json(std::int64_t ns) { return ns == 0 ? json() : json(format_rfc3339(ns)); }

result<std::int64_t> time_of(const json& in, const char* key) {
  const auto found = in.find(key);
  if (found == in.end() || found->is_null()) return std::int64_t{0};
  if (!found->is_string()) return failure{errc::invalid_argument, std::string(key) + ": no time"};
  return parse_rfc3339(found->get<std::string>());
}

result<token> token_of(const json& in) {
  const auto bad = [](const char* what) { return failure{errc::invalid_argument, what}; };
  if (!in.is_object()) return bad("a token that is no object");
  token out;
  for (const char* key : {"name", "role", "hash"})
    if (!in.contains(key) || !in[key].is_string()) return bad("a token without name, role or hash");
  out.name = in["name"].get<std::string>();
  out.what = parse_role(in["role"].get<std::string>());
  out.hash = in["hash"].get<std::string>();
  if (out.name.empty() || out.what == role::nobody || out.hash.size() != 64)
    return bad("a token with an unknown role or hash");
  if (!in.contains("namespaces") || !in["namespaces"].is_array()) return bad("no namespaces");
  out.namespaces.clear();
  for (const auto& space : in["namespaces"]) {
    if (!space.is_string()) return bad("a namespace that is no text");
    out.namespaces.push_back(space.get<std::string>());
  }
  for (const auto& [key, where] : {std::pair{"created", &out.created_ns},
                                   {"expires", &out.expires_ns},
                                   {"rotated", &out.rotated_ns}}) {
    const auto read = time_of(in, key);
    if (!read) return read.error();
    *where = *read;
  }
  return out;
}

/// Namespace globs as identity::may() compares them, or what is wrong.
result<std::vector<std::string>> namespaces_of(const std::vector<std::string>& given) {
  std::vector<std::string> out;
  for (auto space : given) {
    if (space.ends_with(":*")) space.resize(space.size() - 2);
    if (space.empty() || space.size() > longest_namespace ||
        space.find_first_of(": \n\t") != std::string::npos)
      return failure{errc::invalid_argument,
                     "'" + space + "' is no namespace: write plant1, or a glob as 'site-*'"};
    out.push_back(std::move(space));
  }
  if (out.empty()) out.emplace_back("*");
  return out;
}

} // namespace

identity token::as_identity() const {
  identity out{name, {}, hash};
  for (const auto& space : namespaces) out.grants.push_back({what, space});
  return out;
}

result<token_book> token_book::parse(std::string_view text) {
  const auto document = json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("tokens") || !document["tokens"].is_array())
    return failure{errc::invalid_argument, "not a file of tokens"};
  token_book out;
  for (const auto& one : document["tokens"]) {
    auto read = token_of(one);
    if (!read) return read.error();
    out.tokens_.push_back(std::move(*read));
  }
  if (out.tokens_.size() > max_tokens) return failure{errc::invalid_argument, "too many tokens"};
  return out;
}

std::string token_book::to_json() const {
  json list = json::array();
  for (const auto& t : tokens_)
    list.push_back({{"name", t.name},
                    {"role", to_string(t.what)},
                    {"namespaces", t.namespaces},
                    {"hash", t.hash},
                    {"created", time_json(t.created_ns)},
                    {"expires", time_json(t.expires_ns)},
                    {"rotated", time_json(t.rotated_ns)}});
  return json{{"tokens", std::move(list)}}.dump(2) + "\n";
}

result<std::string> token_book::create(const std::string& name, std::string_view role_word,
                                       const std::vector<std::string>& namespaces,
                                       std::int64_t expires_ns, std::int64_t now_ns) {
  if (name.empty() || name.size() > longest_name ||
      name.find_first_not_of(name_characters) != std::string::npos)
    return failure{
        errc::invalid_argument,
        "a token's name is 1 to 64 letters, digits and . _ @ -, such as alice or grafana"};
  if (name == identity::loopback().name)
    return failure{errc::invalid_argument, "'" + name + "' stands for requests without a token"};
  token made;
  made.name = name;
  made.what = parse_role(role_word);
  if (made.what == role::nobody)
    return failure{errc::invalid_argument, "'" + std::string(role_word) +
                                               "' is no role: viewer, operator, engineer, admin"};
  auto spaces = namespaces_of(namespaces);
  if (!spaces) return spaces.error();
  made.namespaces = std::move(*spaces);
  if (std::any_of(tokens_.begin(), tokens_.end(), [&](const auto& t) { return t.name == name; }))
    return failure{errc::already_exists, "there is a token " + name + "; rotate or revoke it"};
  if (tokens_.size() >= max_tokens) return failure{errc::overloaded, "1000 tokens are the most"};
  auto secret = random_secret("pollux_");
  if (secret.empty()) return failure{errc::internal, "the system gives no random bytes"};
  made.hash = secret_hash(secret);
  made.created_ns = now_ns;
  made.expires_ns = expires_ns;
  tokens_.push_back(std::move(made));
  return secret;
}

result<std::string> token_book::rotate(std::string_view name, std::int64_t expires_ns,
                                       std::int64_t now_ns) {
  for (auto& t : tokens_) {
    if (t.name != name) continue;
    auto secret = random_secret("pollux_");
    if (secret.empty()) return failure{errc::internal, "the system gives no random bytes"};
    t.hash = secret_hash(secret);
    t.rotated_ns = now_ns;
    if (expires_ns > 0) t.expires_ns = expires_ns;
    return secret;
  }
  return failure{errc::not_found, "no token " + std::string(name)};
}

status token_book::revoke(std::string_view name) {
  if (std::erase_if(tokens_, [&](const auto& t) { return t.name == name; }) != 0) return {};
  return failure{errc::not_found, "no token " + std::string(name)};
}

const token* token_book::with_secret(std::string_view secret) const {
  return with_hash(secret_hash(secret));
}

const token* token_book::with_hash(std::string_view hash) const {
  const token* out = nullptr;
  for (const auto& t : tokens_) // all of them, found or not
    if (same_secret(t.hash, hash)) out = &t;
  return out;
}

std::string tokens_file(const std::string& data) { return data + "/access/tokens.json"; }

result<token_book> load_tokens(const std::string& data) {
  const auto file = tokens_file(data);
  if (auto ours = remote::check_private(file); !ours) return ours.error();
  const auto text = remote::read_file(file);
  if (!text) return text.error();
  auto out = token_book::parse(*text);
  if (!out) return out.error().within(file);
  return out;
}

status change_tokens(const std::string& data, const std::function<status(token_book&)>& change) {
  const auto folder = data + "/access";
  if (auto made = remote::make_private_folder(folder); !made) return made;
  const auto turn = remote::folder_turn::take(folder);
  if (!turn) return turn.error();
  auto book = load_tokens(data);
  if (!book && book.error().code != errc::not_found) return book.error();
  auto changed = book ? std::move(*book) : token_book{};
  if (auto done = change(changed); !done) return done;
  return remote::replace_file(tokens_file(data), changed.to_json(), 0600);
}

} // namespace pollux::bridge::http
