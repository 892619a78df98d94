// SPDX-License-Identifier: Apache-2.0
#include "supervision/audit.hpp"
#include "actors/shard_host.hpp"

namespace pollux::supervision {

namespace {

using bridge::audit::deed;
using bridge::audit::ending;

bool is_refusal(errc code) {
  switch (code) {
  case errc::invalid_argument:
  case errc::not_found:
  case errc::already_exists:
  case errc::conflict:
  case errc::refused: return true;
  default: return false;
  }
}

} // namespace

std::unique_ptr<bridge::audit::log> open_audit(const config::settings& settings,
                                               messages::metrics& metrics) {
  return std::make_unique<bridge::audit::log>(
      bridge::audit::log_options{settings.node.data + "/audit", settings.http.audit_keep_ns,
                                 settings.http.audit_bytes, &metrics});
}

bridge::remote::order_witness witness_for(bridge::audit::log& to) {
  return [&to](const bridge::remote::order& what, const bridge::remote::asker& who,
               const failure* why) {
    deed done{who.who, who.from, what.method, what.target, what.body, "", "remote"};
    if (what.by != who.who) done.by = what.by;
    ending how;
    if (why != nullptr) {
      how.outcome = is_refusal(why->code) ? "refused" : "failed";
      how.why = why->what;
    }
    to.add(done, how, actors::system_now_ns());
  };
}

void tell_reload(bridge::audit::log& to, const std::string& models, std::size_t changed) {
  to.add({"unknown", "SIGHUP", "reload", models,
          R"({"models_changed":)" + std::to_string(changed) + "}", "", "signal"},
         {}, actors::system_now_ns());
}

} // namespace pollux::supervision
