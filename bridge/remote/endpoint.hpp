// SPDX-License-Identifier: Apache-2.0
// Where a node's gateway listens, as text, and as a file that lets the CLI find it with nothing but
// the data folder.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::bridge::remote {

struct endpoint {
  std::string host;
  std::uint16_t port = 0;
};

/// "host:port", "[::1]:4343". Errors: invalid_argument, saying what is expected.
[[nodiscard]] result<endpoint> parse_endpoint(std::string_view text);
[[nodiscard]] std::string to_string(const endpoint& where);

/// Writes <data>/pki/endpoint. An address that means "all of this machine" is written as loopback.
/// Errors: as replace_file.
status write_endpoint(const std::string& data, const endpoint& where);
/// Errors: not_found when no node has opened its gateway on this folder, or has closed it;
/// corrupt.
[[nodiscard]] result<endpoint> read_endpoint(const std::string& data);
/// True when something accepts connections there, which a node that was killed no longer does.
/// Waits at most a second.
[[nodiscard]] bool listening(const endpoint& where);
/// Says that the node is gone, unless a newer one has written its own since.
void remove_endpoint(const std::string& data, const endpoint& where);

} // namespace pollux::bridge::remote
