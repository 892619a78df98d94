// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/detect_files.hpp"
#include <algorithm>
#include <filesystem>
#include <set>

namespace pollux::tools {

namespace {
namespace fs = std::filesystem;

failure wrong(std::string what) { return {errc::invalid_argument, std::move(what)}; }

bool is_recording(const std::string& name) {
  return name.ends_with(".csv") || name.ends_with(".csv.gz");
}

// A folder's files in the order of their names: the same on every machine.
status list(const fs::path& folder, std::vector<fs::path>& files) {
  std::error_code bad;
  std::vector<fs::path> found;
  for (auto at = fs::recursive_directory_iterator(folder, bad);
       !bad && at != fs::recursive_directory_iterator(); at.increment(bad)) {
    std::error_code ignored; // a dangling link is no file
    if (at->is_regular_file(ignored) && is_recording(at->path().filename().string()))
      found.push_back(at->path());
  }
  if (bad) return failure{errc::io, folder.string() + ": " + bad.message()};
  if (found.empty()) return wrong(folder.string() + ": no *.csv and no *.csv.gz below this folder");
  std::sort(found.begin(), found.end());
  files.insert(files.end(), found.begin(), found.end());
  return {};
}

bool climbs(const fs::path& path) {
  return std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

fs::path whole(const fs::path& path) {
  std::error_code ignored;
  auto place = fs::weakly_canonical(fs::absolute(path, ignored), ignored);
  if (!place.has_filename()) place = place.parent_path();
  return place;
}

fs::path common_folder(const std::vector<fs::path>& files) {
  fs::path common = whole(files.front()).parent_path();
  for (const auto& file : files) {
    const auto folder = whole(file).parent_path();
    fs::path same;
    for (auto a = common.begin(), b = folder.begin();
         a != common.end() && b != folder.end() && *a == *b; ++a, ++b)
      same /= *a;
    common = same;
  }
  return common;
}

} // namespace

result<std::vector<detect_file>> plan_files(const std::vector<std::string>& paths,
                                            const std::string& root, const std::string& out) {
  std::vector<fs::path> files;
  bool plain = root.empty(); // every path can stay as it was given
  for (const auto& path : paths) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      plain = false;
      if (auto listed = list(path, files); !listed) return listed.error();
    } else {
      plain = plain && fs::path(path).is_relative() && !climbs(fs::path(path).lexically_normal());
      files.emplace_back(path);
    }
  }
  if (files.empty()) return wrong("no file to read");
  const bool one_folder = paths.size() == 1 && fs::path(paths[0]) != files[0];
  const auto base = !root.empty() ? whole(root)
                    : one_folder  ? whole(paths[0])
                    : plain       ? fs::path()
                                  : common_folder(files);
  std::vector<detect_file> plan;
  std::set<fs::path> taken, inputs;
  for (const auto& file : files) inputs.insert(whole(file));
  for (const auto& file : files) {
    auto rest = plain ? file.lexically_normal() : whole(file).lexically_relative(base);
    if (rest.empty() || climbs(rest)) return wrong(file.string() + " is not below " + root);
    if (rest.extension() == ".gz") rest.replace_extension();
    const auto place = fs::path(out) / rest;
    if (!taken.insert(whole(place)).second)
      return wrong("two files would be written to " + place.string());
    if (inputs.count(whole(place)) != 0)
      return wrong(place.string() + " is an input: give another folder to --out");
    std::error_code missing;
    const auto size = fs::file_size(file, missing);
    plan.push_back({file.string(), place.string(), missing ? std::uint64_t{0} : size});
  }
  return plan;
}

} // namespace pollux::tools
