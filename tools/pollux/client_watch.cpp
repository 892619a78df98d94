// SPDX-License-Identifier: Apache-2.0
// twin watch pulls and acknowledges: what was printed is acknowledged with the next pull, so a slow
// terminal makes the node's bounded buffer drop, never grow, and we say how much was missed.
#include "tools/pollux/client_session.hpp"
#include "tools/pollux/client_verbs.hpp"
#include <iostream>

namespace pollux::cli {

namespace {

constexpr std::chrono::milliseconds idle_pause{200};

/// One line for people; the document belongs to -o jsonl.
std::string in_short(const messages::watch_event& event, const nlohmann::ordered_json& document) {
  std::string line;
  const auto text = [](const nlohmann::ordered_json& in, const char* key) {
    return in.is_object() && in.contains(key) && in[key].is_string() ? in[key].get<std::string>()
                                                                     : std::string();
  };
  if (event.kind == "state") {
    line = text(document, "last_event_time");
    if (document.contains("telemetry") && document["telemetry"].is_object())
      for (const auto& [name, told] : document["telemetry"].items())
        if (told.is_object() && told.contains("value"))
          line += "  " + name + "=" + plain(told["value"]);
    return line;
  }
  if (event.kind == "alert" && document.contains("transitions") &&
      document["transitions"].is_array() && !document["transitions"].empty()) {
    const auto& last = document["transitions"].back();
    return text(last, "time") + "  " + text(document, "rule") + " " + text(last, "transition") +
           "  " + text(last, "message");
  }
  if (event.kind == "command")
    return text(document, "time") + "  " + text(document, "subject") + "  " +
           text(document, "type");
  return plain(document);
}

void print_event(const messages::watch_event& event, const context& ctx) {
  const auto document = parse_document(event.document);
  if (ctx.format == output::table) {
    std::cout << printable(event.kind) << "  " << printable(event.twin) << "  "
              << printable(in_short(event, document)) << '\n';
    return;
  }
  print_document({{"number", event.number},
                  {"kind", event.kind},
                  {"twin", event.twin},
                  {"document", document}},
                 output::jsonl);
}

int watch(client& node, const context& ctx, const std::string& glob, std::uint64_t count) {
  const auto opened = node.ask(messages::watch_open{glob});
  if (!opened) return fail(opened.error());
  catch_interrupts();
  std::uint64_t acknowledged = 0;
  std::uint64_t printed = 0;
  int code = exit_interrupted;
  while (!interrupted()) {
    const auto page = node.ask(messages::watch_pull{opened->watch, acknowledged, 100});
    if (!page) {
      code = fail(page.error());
      break;
    }
    if (page->missed > 0 && !ctx.quiet)
      std::cerr << "pollux: " << page->missed << " events missed: this end was too slow\n";
    for (const auto& event : page->events) {
      if (count != 0 && printed == count) break;
      print_event(event, ctx);
      acknowledged = event.number;
      ++printed;
    }
    std::cout.flush();
    if (!std::cout || (count != 0 && printed == count)) {
      code = exit_ok;
      break;
    }
    if (page->events.empty() && (reader_gone() || !pause(idle_pause))) {
      code = interrupted() ? exit_interrupted : exit_ok;
      break;
    }
  }
  if (node.connected()) (void)node.ask(messages::watch_close{opened->watch}).ok();
  return code;
}

} // namespace

void add_watch_verb(CLI::App& twin, context& ctx) {
  auto* verb = twin.add_subcommand("watch", "follow states, alerts and commands as they happen");
  auto glob = std::make_shared<std::string>("*");
  auto count = std::make_shared<std::uint64_t>(0);
  verb->add_option("GLOB", *glob, "as in 'plant1:press-*'")->capture_default_str();
  verb->add_option("--count", *count, "end after so many events; 0 = never")->capture_default_str();
  auto options = add_node_options(verb);
  on_run(verb, ctx, [&ctx, options, glob, count] {
    return with_node(ctx, *options, [&](client& node) { return watch(node, ctx, *glob, *count); });
  });
}

} // namespace pollux::cli
