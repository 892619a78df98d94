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

/// A strong tag names the bytes (RFC 9110, 8.8.3), so a compressed answer has one of its own:
/// "rev:42" becomes "rev:42-gzip". A weak one is for all forms of the same.
[[nodiscard]] std::string gzip_tag(std::string_view tag);
[[nodiscard]] bool is_gzip_tag_of(std::string_view tag, std::string_view plain);

/// Cost: of compression about 10 ms for a megabyte; call it where that does not hold others up.
void dress(response& r, const dressing& how);

/// The bytes as a gzip file; empty when zlib fails (out of memory).
[[nodiscard]] std::string gzipped(std::string_view bytes);

} // namespace pollux::bridge::http
