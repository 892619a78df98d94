// SPDX-License-Identifier: Apache-2.0
// Small questions to the machine that `doctor` and `config check` ask: folders, ports, sockets.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace pollux::cli {

/// The folder itself, or the nearest one above it that exists.
[[nodiscard]] std::string existing_folder(const std::string& folder);
/// May this process make files in `folder`, or make the folder itself? Errors: io, with the reason.
[[nodiscard]] status can_write(const std::string& folder);
[[nodiscard]] status can_read(const std::string& file);
/// True when users other than the owner and the group can read the file.
[[nodiscard]] bool readable_by_others(const std::string& file);

/// Is the port free to listen on? Port 0 always is. Errors: locked (in use), invalid_argument, io.
[[nodiscard]] status can_listen(const std::string& address, std::uint16_t port);

/// Host and port of "tcp://host:port" or "ssl://host:port".
[[nodiscard]] std::optional<std::pair<std::string, std::uint16_t>>
host_of_url(const std::string& url);
/// Opens a TCP connection and closes it. Errors: unavailable, timed_out, with the reason.
[[nodiscard]] status can_connect(const std::string& host, std::uint16_t port, int timeout_ms);

/// The process that has the data folder's log locked; 0 = none, or not to be found out.
[[nodiscard]] long folder_owner(const std::string& data);

} // namespace pollux::cli
