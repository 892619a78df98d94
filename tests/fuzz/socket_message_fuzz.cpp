// SPDX-License-Identifier: Apache-2.0
// What a WebSocket's client says it wants.
#include "bridge/http/stream/routes.hpp"
#include "fuzz.hpp"

using namespace pollux;
using namespace pollux::bridge::http;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  identity who;
  who.name = "reader";
  who.grants = {{role::viewer, "plant1"}};
  const auto wanted = wanted_by(who, fuzz::bytes_of(data, size));
  if (!wanted) {
    fuzz::require(wanted.error().code == errc::invalid_argument && !wanted.error().what.empty(),
                  "a refusal says why");
    return 0;
  }
  const auto& what = wanted->what;
  fuzz::require(what.state || what.alert || what.command, "something is wanted");
  fuzz::require(what.twins.size() <= longest_glob, "a glob has its bound");
  fuzz::require(wanted->last_id.size() <= 64, "an id has its bound");
  fuzz::require(what.namespaces == std::vector<std::string>{"plant1"},
                "nobody asks for more than they may see");
  return 0;
}
