// SPDX-License-Identifier: Apache-2.0
#include "bridge/remote/remoting.hpp"
#include "bridge/remote/session_guard.hpp"
#include "messages/node_api.hpp"
#include <caf/io/all.hpp>
#include <caf/openssl/all.hpp>
#include <csignal>

namespace pollux::bridge::remote {

void configure_remoting(caf::actor_system_config& config, const pki_files& files) {
  guard_sessions();
  std::signal(SIGPIPE, SIG_IGN);
  config.openssl_certificate = files.certificate;
  config.openssl_key = files.key;
  config.openssl_cafile = files.authority;
  config.set("middleman.heartbeat-interval", caf::timespan{heartbeat_interval});
  config.set("middleman.connection-timeout", caf::timespan{link_timeout});
  // the order matters: the TLS module builds on the middleman
  config.load<caf::io::middleman>();
  config.load<caf::openssl::manager>();
}

status check_remoting(caf::actor_system& system) {
  const auto missing = [](const char* what) {
    return failure{errc::internal, std::string("remoting: ") + what + " is not configured"};
  };
  if (!system.has_middleman()) return missing("CAF's middleman");
  if (!system.has_openssl_manager()) return missing("CAF's TLS module");
  const auto& config = system.config();
  if (config.openssl_certificate.empty()) return missing("the TLS certificate");
  if (config.openssl_key.empty()) return missing("the TLS key");
  if (config.openssl_cafile.empty()) return missing("the TLS authority");
  for (const char* name : {"middleman.heartbeat-interval", "middleman.connection-timeout"})
    if (caf::get_or(config, name, caf::timespan{0}) <= caf::timespan{0}) return missing(name);
  return messages::check_message_types(system);
}

} // namespace pollux::bridge::remote
