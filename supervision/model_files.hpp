// SPDX-License-Identifier: Apache-2.0
// The models folder: every *.json except *.schema.json, each with a name of its own.
#pragma once
#include "domain/base/result.hpp"
#include "domain/model/model.hpp"
#include <memory>
#include <string>
#include <vector>

namespace pollux::supervision {

struct model_file {
  std::string path, text;
  std::shared_ptr<const domain::model> version;
};

/// Reads and compiles all of them, in the order of their names. Errors: invalid_argument
/// "file:line:column: ...", or two files of one name; not_found (no folder, no model in it), io.
[[nodiscard]] result<std::vector<model_file>> read_model_files(const std::string& folder);

} // namespace pollux::supervision
