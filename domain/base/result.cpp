// SPDX-License-Identifier: Apache-2.0
#include "domain/base/result.hpp"

namespace pollux {

const char* to_string(errc code) noexcept {
  switch (code) {
  case errc::invalid_argument: return "invalid argument";
  case errc::not_found: return "not found";
  case errc::already_exists: return "already exists";
  case errc::conflict: return "conflict";
  case errc::refused: return "refused";
  case errc::overloaded: return "overloaded";
  case errc::unavailable: return "unavailable";
  case errc::timed_out: return "timed out";
  case errc::corrupt: return "corrupt";
  case errc::version_mismatch: return "version mismatch";
  case errc::locked: return "locked";
  case errc::no_space: return "no space";
  case errc::io: return "i/o error";
  case errc::internal: return "internal error";
  }
  return "unknown error";
}

} // namespace pollux
