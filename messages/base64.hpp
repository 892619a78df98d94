// SPDX-License-Identifier: Apache-2.0
// Base64 (RFC 4648, with padding): bytes of samples in documents and text files.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace pollux::messages {

[[nodiscard]] std::string to_base64(std::string_view bytes);
/// Nothing when it is not what to_base64 writes.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

} // namespace pollux::messages
