// SPDX-License-Identifier: Apache-2.0
// The private certificate authority of one data folder, <data>/pki: made at the first start, it is
// what the gateway and its clients know each other by (mutual TLS, decision 27). Whoever may read
// client.key is an administrator of the node; file permissions are the access control.
//
//   ca.key ca.crt          10 years; ca.key may be moved away, then leaves are not renewed
//   node.key node.crt      the gateway's; renewed when less than 30 days are left
//   client.key client.crt  what the CLI and programs of yours show
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <string>

namespace pollux::bridge::remote {

/// Paths of PEM files: what CAF's openssl options want.
struct pki_files {
  std::string authority, certificate, key;
};

enum class pki_role : std::uint8_t { node, client };

inline constexpr std::int64_t authority_days = 3653;
inline constexpr std::int64_t leaf_days = 398;
inline constexpr std::int64_t renew_before_days = 30;

/// Makes what is missing, renews what is about to expire, checks the rest and gives the node's
/// files. Safe to call from several processes at once, and again while the node runs: new links
/// use the new files. A crash in the middle leaves either the old or the new.
/// `now_s`: seconds since 1970. Errors: refused (a key is open to other users, or no permission),
/// corrupt (damaged files, naming which; expired authority), no_space, io, internal.
[[nodiscard]] result<pki_files> prepare_pki(const std::string& data, std::int64_t now_s);

/// The files of a program that only connects; makes nothing. Errors: not_found (no node has been
/// started on this folder), refused (no permission, or a key open to other users).
[[nodiscard]] result<pki_files> find_pki(const std::string& data, pki_role role);

} // namespace pollux::bridge::remote
