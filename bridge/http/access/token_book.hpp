// SPDX-License-Identifier: Apache-2.0
// The tokens of a node: <data>/access/tokens.json, for the owner alone, with hashes in place of
// secrets. The command line writes it, the node looks at it with every request. docs/access.md
#pragma once
#include "bridge/http/access/identity.hpp"
#include "domain/base/result.hpp"
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge::http {

struct token {
  std::string name;
  role what = role::nobody;
  std::vector<std::string> namespaces = {"*"}; ///< globs
  std::string hash;
  std::int64_t created_ns = 0, expires_ns = 0, rotated_ns = 0; ///< 0: never

  [[nodiscard]] bool expired(std::int64_t now_ns) const {
    return expires_ns != 0 && expires_ns <= now_ns;
  }
  [[nodiscard]] identity as_identity() const;
};

inline constexpr std::size_t max_tokens = 1000;

class token_book {
public:
  /// Errors: invalid_argument (not such a file).
  static result<token_book> parse(std::string_view json);
  [[nodiscard]] std::string to_json() const;

  /// The secret of a new token. "plant1:*" as a namespace means "plant1". `expires_ns` 0: never.
  /// Errors: invalid_argument (name, role, namespaces), already_exists, overloaded, internal.
  result<std::string> create(const std::string& name, std::string_view role,
                             const std::vector<std::string>& namespaces, std::int64_t expires_ns,
                             std::int64_t now_ns);
  /// A new secret in place of the old one, which is good for nothing from then on. With
  /// `expires_ns` above 0 the end moves, too. Errors: not_found, internal.
  result<std::string> rotate(std::string_view name, std::int64_t expires_ns, std::int64_t now_ns);
  status revoke(std::string_view name); ///< Errors: not_found.

  /// The token with this secret, expired or not. Compares with every token, each in constant time.
  [[nodiscard]] const token* with_secret(std::string_view secret) const;
  [[nodiscard]] const token* with_hash(std::string_view hash) const;
  [[nodiscard]] const std::vector<token>& all() const { return tokens_; }

private:
  std::vector<token> tokens_;
};

[[nodiscard]] std::string tokens_file(const std::string& data);
/// Errors: not_found (no token was ever made), refused (others may read the file),
/// invalid_argument, io.
[[nodiscard]] result<token_book> load_tokens(const std::string& data);
/// Reads, changes and replaces the file as one step, whoever else does the same. The folder and
/// the file are made when missing. Nothing is written when `change` fails.
status change_tokens(const std::string& data, const std::function<status(token_book&)>& change);

} // namespace pollux::bridge::http
