// SPDX-License-Identifier: Apache-2.0
// Globs over twin ids, which the domain needs as well (a model for some twins).
#pragma once
#include "domain/base/glob.hpp"

namespace pollux::actors {

using pollux::matches_glob;

} // namespace pollux::actors
