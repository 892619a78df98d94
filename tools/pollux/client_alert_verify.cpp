// SPDX-License-Identifier: Apache-2.0
// alert verify: a second opinion on an alert, worked out from the journal by code of its own.
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/client_verbs.hpp"
#include <iostream>

namespace pollux::cli {

namespace {

void print_opinion(const json& document, const context& ctx) {
  if (ctx.format != output::table) return print_document(document, ctx.format);
  const auto says = document.value("says", "");
  std::cout << "incident " << printable(document.value("incident", "")) << " of "
            << printable(document.value("twin", "")) << ", rule "
            << printable(document.value("rule", "")) << ": "
            << painted(printable(says), says == "confirmed" ? 32 : 31, ctx.color) << " ("
            << document.value("inputs_read", 0) << " inputs read again)\n";
  for (const auto& t : document.value("transitions", json::array())) {
    std::cout << "  " << printable(t.value("event_time", "")) << "  "
              << printable(t.value("transition", "")) << ": " << printable(t.value("says", ""))
              << '\n';
    for (const auto& f : t.value("findings", json::array()))
      std::cout << (f.value("agrees", false) ? "    agrees: " : "    DIFFERS: ")
                << printable(f.value("what", "")) << '\n';
  }
}

} // namespace

void add_alert_verify(CLI::App& alert, context& ctx) {
  auto want = std::make_shared<messages::alert_verify>();
  auto* verify = alert.add_subcommand(
      "verify", "work its verdicts out again from the journal, by other code than raised it");
  verify->add_option("TWIN", want->twin, "namespace:name")->required();
  verify->add_option("INCIDENT", want->incident, "as alert ls shows it")->required();
  auto options = add_node_options(verify);
  options->timeout = "60s";
  on_run(verify, ctx, [&ctx, options, want] {
    return with_node(ctx, *options, [&](client& node) -> int {
      const auto wait = parse_wait(options->timeout, "--timeout");
      if (!wait) return fail(wait.error());
      const auto answer = node.ask(*want, *wait);
      if (!answer) return fail(answer.error());
      print_opinion(parse_document(answer->document), ctx);
      return answer->says == "contradicted" ? exit_failure : exit_ok;
    });
  });
}

} // namespace pollux::cli
