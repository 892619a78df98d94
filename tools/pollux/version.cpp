// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/version.hpp"
#include "messages/input_codec.hpp"
#include "persistence/history.hpp"
#include <CLI/Version.hpp>
#include <MQTTAsync.h>
#include <boost/version.hpp>
#include <caf/config.hpp>
#include <openssl/crypto.h>
#include <string_view>

namespace pollux::cli {

namespace {
std::string caf_version() { // the decimal 1706 is 0.17.6
  return std::to_string(CAF_VERSION / 10000) + "." + std::to_string(CAF_VERSION / 100 % 100) + "." +
         std::to_string(CAF_VERSION % 100);
}

std::string paho_version() {
  for (auto* info = MQTTAsync_getVersionInfo(); info && info->name; ++info)
    if (std::string_view(info->name) == "Version") return info->value;
  return "unknown";
}

std::string boost_version() {
  return std::to_string(BOOST_VERSION / 100000) + "." + std::to_string(BOOST_VERSION / 100 % 1000) +
         "." + std::to_string(BOOST_VERSION % 100);
}
} // namespace

std::string version_text() {
  std::string out = "pollux " POLLUX_VERSION "\n";
  out += "compiler   g++ " __VERSION__ ", C++20";
#ifndef __OPTIMIZE__
  out += ", not optimised";
#endif
#ifdef __SANITIZE_ADDRESS__
  out += ", address sanitizer";
#endif
  out += "\nlibraries  CAF " + caf_version() + ", Paho C " + paho_version() +
         ", LevelDB " POLLUX_LEVELDB_VERSION ", Protobuf " POLLUX_PROTOBUF_VERSION ", Boost " +
         boost_version() + ", " + OpenSSL_version(OPENSSL_VERSION) + "\n";
  out += "formats    segment " + std::to_string(messages::segment_format) + ", block " +
         std::to_string(persistence::block_header{}.version);
  return out;
}

} // namespace pollux::cli
