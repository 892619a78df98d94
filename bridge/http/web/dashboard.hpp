// SPDX-License-Identifier: Apache-2.0
// The dashboard (web/dist), which the build puts into the program: its files, and one page for
// every address that is not somebody else's, so that a link to any view can be opened.
#pragma once
#include "bridge/http/message.hpp"
#include <span>
#include <string_view>

namespace pollux::bridge::http {

struct web_file {
  std::string_view path;  ///< from the root: "/assets/chart-BJ2x0aQm.js"
  std::string_view bytes; ///< as they are
  std::string_view gzip;  ///< the same, compressed; empty: not worth it
  std::string_view tag;   ///< changes with the content
};

/// Those of web/dist; they live as long as the program.
[[nodiscard]] std::span<const web_file> web_files() noexcept;

/// May the dashboard have this path (as sent)? Not what begins like an address of the API, of a
/// health check or of things, nor what tries to climb: segments "." and "..", encoded slashes,
/// backslashes, control characters; nor what looks like a file of the root: "/.env", "/robots.txt".
[[nodiscard]] bool is_page(std::string_view path);

/// Answers GET of `files`, and with "/index.html" of them any other path, to clients that take
/// HTML; 404 to others, and for a file of /assets/ that there is not. Nobody needs to be known for
/// it: there is no data in these. Files under /assets/ bear their content's hash in their name and
/// may be kept for a year; all else is asked for again with its tag.
[[nodiscard]] handler dashboard(std::span<const web_file> files);

} // namespace pollux::bridge::http
