// SPDX-License-Identifier: Apache-2.0
// A CAF program that is not Pollux asks a running node about a twin:
//   example_ask_a_twin DATA_FOLDER TWIN TELEMETRY
#include "bridge/remote/endpoint.hpp"
#include "bridge/remote/remoting.hpp"
#include "messages/node_api.hpp"
#include <caf/openssl/all.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

using namespace pollux;

int main(int argc, char** argv) {
  if (argc != 4) return std::cerr << "usage: ask_a_twin DATA_FOLDER TWIN TELEMETRY\n", 2;
  const auto files = bridge::remote::find_pki(argv[1], bridge::remote::pki_role::client);
  const auto where = bridge::remote::read_endpoint(argv[1]);
  if (!files || !where) return std::cerr << "no node on " << argv[1] << '\n', 7;

  caf::actor_system_config config;
  messages::add_message_types(config);                // the words of the conversation
  bridge::remote::configure_remoting(config, *files); // mutual TLS and heartbeats
  caf::actor_system system{config};
  auto node = caf::openssl::remote_actor<messages::node_actor>(system, where->host, where->port);
  if (!node) return std::cerr << system.render(node.error()) << '\n', 7;

  int code = 0;
  caf::scoped_actor self{system};
  self->request(*node, std::chrono::seconds(5), messages::twin_query{argv[2]})
      .receive(
          [&](const messages::twin_answer& twin) {
            const auto telemetry = nlohmann::json::parse(twin.document)["telemetry"];
            if (!telemetry.contains(argv[3]))
              code = 3;
            else
              std::cout << argv[3] << " = " << telemetry[argv[3]]["value"] << '\n';
          },
          [&](const caf::error& e) { code = (std::cerr << system.render(e) << '\n', 1); });
  return code;
}
