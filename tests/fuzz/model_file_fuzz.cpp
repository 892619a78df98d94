// SPDX-License-Identifier: Apache-2.0
// A model file, as a person or a program writes it.
#include "fuzz.hpp"
#include "messages/model_codec.hpp"

using namespace pollux;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::bytes_of(data, size);
  const auto model = messages::parse_model(text, "model.json");
  if (!model) fuzz::require(!model.error().what.empty(), "an error has words");
  const auto tree = messages::parse_config_tree(text, "model.json");
  fuzz::require(tree.ok() || !model.ok(), "what is no tree is no model");
  if (!tree) return 0;
  const auto canonical = messages::canonical_json(*tree);
  const auto again = messages::parse_config_tree(canonical, "canonical.json");
  fuzz::require(again.ok(), "the canonical text is JSON");
  fuzz::require(messages::canonical_json(*again) == canonical, "the canonical text is canonical");
  if (model)
    fuzz::require((*messages::parse_model(canonical, "canonical.json"))->hash == (*model)->hash,
                  "the canonical text is the same version");
  return 0;
}
