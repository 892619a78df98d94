// SPDX-License-Identifier: Apache-2.0
// A detector model of AWS IoT Events, from wherever people have kept it.
#include "domain/machine/state_machine.hpp"
#include "fuzz.hpp"
#include "messages/model_codec.hpp"
#include "tools/pollux/import_aws.hpp"
#include "tools/pollux/import_aws_types.hpp"

using namespace pollux;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::bytes_of(data, size);
  if (const auto tree = cli::parse_aws_expression(text)) {
    cli::aws_types types;
    for (int i = 0; i < 3; ++i) (void)types.infer(*tree, cli::aws_type::open);
    if (const auto ours = cli::translate(*tree, types))
      fuzz::require(!ours->text.empty(), "what is translated says something");
  }
  const auto imported = cli::import_aws_detector(text, "detector.json", "");
  if (!imported) {
    fuzz::require(!imported.error().what.empty(), "an error has words");
    return 0;
  }
  const bool whole = imported->count(cli::import_finding::kind::refused) == 0;
  fuzz::require(!whole || !imported->model.empty(), "what is mapped whole compiles");
  if (imported->model.empty()) return 0;
  const auto model = messages::parse_model(imported->model, "model.json");
  fuzz::require(model.ok(), "what is written compiles");
  (void)domain::machine_doubts(**model);
  return 0;
}
