// SPDX-License-Identifier: Apache-2.0
#include "supervision/model_files.hpp"
#include "messages/model_codec.hpp"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace pollux::supervision {

namespace {

result<std::vector<std::filesystem::path>> files_of(const std::string& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::directory_iterator it{folder, error}, end; !error && it != end;
       it.increment(error)) {
    const auto name = it->path().filename().string();
    if (name.ends_with(".json") && !name.ends_with(".schema.json")) files.push_back(it->path());
  }
  if (error) return failure{errc::not_found, "models folder " + folder + ": " + error.message()};
  if (files.empty())
    return failure{errc::not_found, "models folder " + folder + " holds no *.json"};
  std::ranges::sort(files);
  return files;
}

} // namespace

result<std::vector<model_file>> read_model_files(const std::string& folder) {
  auto files = files_of(folder);
  if (!files) return files.error();
  std::vector<model_file> out;
  for (const auto& file : *files) {
    std::ifstream in{file, std::ios::binary};
    if (!in) return failure{errc::io, file.string() + ": cannot be read"};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    auto parsed = messages::parse_model(text, file.string());
    if (!parsed) return parsed.error();
    const auto same = std::ranges::find_if(
        out, [&](const model_file& f) { return f.version->name == (*parsed)->name; });
    if (same != out.end())
      return failure{errc::invalid_argument, file.string() + ": model " + (*parsed)->name +
                                                 " is in " + same->path + " too"};
    out.push_back({file.string(), std::move(text), std::move(*parsed)});
  }
  return out;
}

} // namespace pollux::supervision
