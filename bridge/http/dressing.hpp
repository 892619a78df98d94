// SPDX-License-Identifier: Apache-2.0
// What an answer gets on its way out, as the request wanted it: compression, and leave for a page
// of another origin to read it.
#pragma once
#include "bridge/http/message.hpp"
#include <string>

namespace pollux::bridge::http {

struct dressing {
  bool gzip = false;  ///< the client takes it
  std::string origin; ///< an origin that was allowed; empty: none was
};

inline constexpr std::size_t least_compressed = 1024; ///< smaller bodies go as they are

/// Accept-Encoding (RFC 9110, 12.5.3): does it take gzip, with a weight above 0?
[[nodiscard]] bool takes_gzip(std::string_view accept_encoding);

/// Cost: of compression about 10 ms for a megabyte; call it where that does not hold others up.
void dress(response& r, const dressing& how);

/// The bytes as a gzip file; empty when zlib fails (out of memory).
[[nodiscard]] std::string gzipped(std::string_view bytes);

} // namespace pollux::bridge::http
