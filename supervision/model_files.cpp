// SPDX-License-Identifier: Apache-2.0
#include "supervision/model_files.hpp"
#include "messages/model_codec.hpp"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace pollux::supervision {

namespace {

std::string ruling_key(const std::string& name) { return "ruling-model:" + name; }

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

status load_stored(persistence::store& tables, actors::model_catalog& catalog) {
  auto rows = tables.models();
  if (!rows) return rows.error();
  for (const auto& row : *rows) {
    auto parsed = messages::parse_model(row.json, "stored model " + row.name);
    if (!parsed) return parsed.error();
    catalog.add(*parsed);
  }
  return {};
}

} // namespace

result<std::vector<model_change>> load_models(const std::string& folder, persistence::store& tables,
                                              actors::model_catalog& catalog) {
  if (auto stored = load_stored(tables, catalog); !stored) return stored.error();
  auto files = files_of(folder);
  if (!files) return files.error();
  auto batch = tables.batch();
  std::vector<model_change> changes;
  std::vector<std::string> seen;
  for (const auto& file : *files) {
    std::ifstream in{file, std::ios::binary};
    if (!in) return failure{errc::io, file.string() + ": cannot be read"};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    auto parsed = messages::parse_model(text, file.string());
    if (!parsed) return parsed.error();
    const auto& model = **parsed;
    if (std::ranges::find(seen, model.name) != seen.end())
      return failure{errc::invalid_argument, file.string() + ": model " + model.name +
                                                 " is in another file of the folder too"};
    seen.push_back(model.name);
    if (!catalog.find(model.hash))
      batch->put_model(model.hash, model.name, messages::self_contained(text));
    auto ruling = tables.meta(ruling_key(model.name));
    if (!ruling) return ruling.error();
    if (!*ruling || **ruling != model.hash) changes.push_back({model.name, model.hash});
    catalog.set_current(std::move(*parsed));
  }
  if (auto written = tables.write(*batch, true); !written) return written.error();
  return changes;
}

status note_model_changes(persistence::store& tables, const std::vector<model_change>& changes) {
  if (changes.empty()) return {};
  auto batch = tables.batch();
  for (const auto& change : changes) batch->put_meta(ruling_key(change.name), change.hash);
  return tables.write(*batch, true);
}

} // namespace pollux::supervision
