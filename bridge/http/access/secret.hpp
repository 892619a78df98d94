// SPDX-License-Identifier: Apache-2.0
// Random secrets and what is kept of them. A secret of 256 random bits cannot be guessed from its
// hash, so one SHA-256 does; slow hashes are for what people think up.
#pragma once
#include <string>
#include <string_view>

namespace pollux::bridge::http {

/// `prefix` and 43 characters of A-Z a-z 0-9 - _ (256 random bits). Empty when the system has no
/// randomness to give.
[[nodiscard]] std::string random_secret(std::string_view prefix);
/// SHA-256 as 64 hex digits.
[[nodiscard]] std::string secret_hash(std::string_view secret);
/// Takes equally long whatever differs; texts of unlike length differ at once.
[[nodiscard]] bool same_secret(std::string_view a, std::string_view b);

} // namespace pollux::bridge::http
