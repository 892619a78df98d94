// SPDX-License-Identifier: Apache-2.0
// Order of writing, for a crash at any moment: a key goes in before its certificate. A certificate
// without its key or beside another one does not belong together and is made again.
#include "bridge/remote/pki.hpp"
#include "bridge/remote/certificate.hpp"
#include "bridge/remote/private_file.hpp"

namespace pollux::bridge::remote {

namespace {

constexpr std::int64_t seconds_per_day = 86'400;

std::string folder_of(const std::string& data) { return data + "/pki"; }

struct place {
  std::string key, certificate;
};

place at(const std::string& folder, const std::string& name) {
  return {folder + "/" + name + ".key", folder + "/" + name + ".crt"};
}

/// Empty text for a file that is not there. A key that others may read is an error.
result<key_pair> read_pair(const place& where) {
  key_pair pair;
  auto key = read_file(where.key);
  if (key) {
    if (auto closed = check_private(where.key); !closed) return closed.error();
    pair.key = std::move(*key);
  } else if (key.error().code != errc::not_found) {
    return key.error();
  }
  auto certificate = read_file(where.certificate);
  if (certificate)
    pair.certificate = std::move(*certificate);
  else if (certificate.error().code != errc::not_found)
    return certificate.error();
  return pair;
}

status write_pair(const place& where, const key_pair& pair) {
  if (auto done = replace_file(where.key, pair.key, 0600); !done) return done;
  return replace_file(where.certificate, pair.certificate, 0644);
}

result<key_pair> prepare_authority(const std::string& folder, std::int64_t now_s) {
  const auto where = at(folder, "ca");
  auto pair = read_pair(where);
  if (!pair) return pair;
  if (pair->certificate.empty()) {
    const certificate_plan plan{"Pollux private CA", usage::authority, now_s, authority_days};
    auto made = make_certificate(plan, nullptr);
    if (!made) return made;
    if (auto done = write_pair(where, *made); !done) return done.error();
    return made;
  }
  const auto expires = expiry_s(pair->certificate);
  if (!expires) return expires.error().within(where.certificate);
  if (*expires <= now_s)
    return failure{errc::corrupt, where.certificate +
                                      ": the authority has expired; move the folder " + folder +
                                      " away and start again, and give clients the new one"};
  if (!pair->key.empty() && !belongs_together(*pair, nullptr))
    return failure{errc::corrupt, where.key + ": is not the key of " + where.certificate};
  return pair;
}

status prepare_leaf(const std::string& folder, const std::string& name, usage use,
                    const key_pair& authority, std::int64_t now_s) {
  const auto where = at(folder, name);
  const auto pair = read_pair(where);
  if (!pair) return pair.error();
  const bool usable = belongs_together(*pair, &authority.certificate);
  const auto expires = usable ? expiry_s(pair->certificate) : result<std::int64_t>(std::int64_t{0});
  const auto left_s = expires ? *expires - now_s : 0;
  if (left_s > renew_before_days * seconds_per_day) return {};
  if (authority.key.empty()) {
    if (left_s > 0) return {}; // the authority's key is kept elsewhere: use what is left
    return failure{errc::not_found, where.certificate +
                                        ": missing, damaged or expired, and there "
                                        "is no " +
                                        folder + "/ca.key to make a new one"};
  }
  const auto made = make_certificate({"pollux " + name, use, now_s, leaf_days}, &authority);
  if (!made) return made.error();
  return write_pair(where, *made);
}

pki_files files_of(const std::string& folder, const std::string& name) {
  const auto own = at(folder, name);
  return {folder + "/ca.crt", own.certificate, own.key};
}

} // namespace

result<pki_files> prepare_pki(const std::string& data, std::int64_t now_s) {
  const auto folder = folder_of(data);
  if (auto made = make_private_folder(folder); !made) return made.error();
  const auto turn = folder_turn::take(folder);
  if (!turn) return turn.error();
  const auto authority = prepare_authority(folder, now_s);
  if (!authority) return authority.error();
  for (const auto& [name, use] : {std::pair{"node", usage::node}, {"client", usage::client}})
    if (auto done = prepare_leaf(folder, name, use, *authority, now_s); !done) return done.error();
  return files_of(folder, "node");
}

result<pki_files> find_pki(const std::string& data, pki_role role) {
  const auto files = files_of(folder_of(data), role == pki_role::node ? "node" : "client");
  for (const auto& path : {files.authority, files.certificate, files.key}) {
    const auto content = read_file(path);
    if (content) continue;
    if (content.error().code != errc::not_found) return content.error();
    return failure{errc::not_found,
                   path + ": no such file; has a node been started with the data folder " + data +
                       "? (the option --data names another)"};
  }
  if (auto closed = check_private(files.key); !closed) return closed.error();
  return files;
}

} // namespace pollux::bridge::remote
