// SPDX-License-Identifier: Apache-2.0
// pollux bench ingest: what a node costs, takes and how soon it answers, on the user's own machine,
// beside clients that merely count (docs/performance.md).
#include "tools/pollux/bench_broker.hpp"
#include "tools/pollux/bench_parts.hpp"
#include "tools/pollux/bench_plan.hpp"
#include "tools/pollux/groups.hpp"
#include "tools/pollux/output.hpp"
#include "tools/pollux/version.hpp"
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <thread>

namespace pollux::cli {

namespace {

struct ingest_wish {
  bench::plan plan;
  std::string data;
  bool latency = false, as_json = false;
};

bool in_memory(const std::filesystem::path& folder) {
  struct statfs found {};
  return ::statfs(folder.c_str(), &found) == 0 && found.f_type == TMPFS_MAGIC;
}

json document_of(const ingest_wish& want, const std::vector<bench::table_of_rows>& tables,
                 double load) {
  json out{{"bench", want.latency ? "latency" : "ingest"},
           {"version", version_text()},
           {"cores", std::thread::hardware_concurrency()},
           {"load_at_start", load},
           {"rounds", want.plan.rounds},
           {"tables", json::array()}};
  for (const auto& t : tables) out["tables"].push_back(bench::to_json(t));
  return out;
}

bool all_ok(const std::vector<bench::table_of_rows>& tables) {
  for (const auto& t : tables)
    for (const auto& r : t.rows)
      if (bench::gate_of(r) != "ok") return false;
  return true;
}

int run(ingest_wish& want, const context& ctx) {
  if (want.latency && !want.plan.has("paho") && !want.plan.has("receiver"))
    return fail(exit_usage, "--latency measures nodes: --only leaves neither paho nor receiver");
  if (const auto found = bench::find_mosquitto(); !found)
    return fail(found.error(), "install it, for example: apt-get install mosquitto");
  want.plan.data =
      want.data.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path(want.data);
  double load = 0;
  if (::getloadavg(&load, 1) < 1) load = 0;
  const bool tables = !want.as_json && ctx.format == output::table;
  if (!ctx.quiet && in_memory(want.plan.data))
    std::cerr << want.plan.data.string()
              << " is kept in memory, where fsync costs nothing: --data names another folder\n";
  if (tables)
    std::cout << std::thread::hardware_concurrency() << " cores, load " << load
              << " at the start; median (range) of the rounds: " << want.plan.rounds << "\n";
  catch_interrupts();
  std::signal(SIGPIPE, SIG_IGN); // of a process that ended: said by the write's result
  const bench::listener listener{[&](const std::string& what) {
                                   if (!ctx.quiet) std::cerr << "bench: " << what << '\n';
                                 },
                                 [&](const bench::table_of_rows& t) {
                                   if (!tables) return;
                                   if (want.latency)
                                     bench::print_latency(t, ctx.color);
                                   else
                                     bench::print_ingest(t, ctx.color);
                                 }};
  const auto done = want.latency ? bench::run_latency(want.plan, listener)
                                 : bench::run_ingest(want.plan, listener);
  if (interrupted()) return fail(exit_interrupted, "interrupted");
  if (!done) return fail(done.error());
  if (!tables)
    print_document(document_of(want, *done, load),
                   ctx.format == output::table ? output::json : ctx.format);
  return all_ok(*done) ? exit_ok : exit_failure;
}

void add_ingest_verb(CLI::App& bench, context& ctx) {
  auto* verb = bench.add_subcommand(
      "ingest", "CPU and rate through each source, beside clients that merely count");
  auto want = std::make_shared<ingest_wish>();
  auto& plan = want->plan;
  const auto list = [verb](const char* name, auto& value, const char* help) {
    return verb->add_option(name, value, help)->delimiter(',');
  };
  verb->add_option("--rounds", plan.rounds, "each thing is measured so often, in turn")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  list("--devices", plan.devices, "sizes of the fleet; default 1000,100000 (--latency: 1000)")
      ->check(CLI::Range(1, 10'000'000));
  list("--batch", plan.batch, "readings in a message")->check(CLI::Range(1, 10'000));
  list("--qos", plan.qos, "of MQTT, 0 and 1")->check(CLI::Range(0, 1));
  static const std::map<std::string, messages::durability> classes{
      {"D0", messages::durability::d0},
      {"D1", messages::durability::d1},
      {"D2", messages::durability::d2}};
  list("--durability", plan.durability, "classes: D0, D1, D2")
      ->transform(CLI::CheckedTransformer(classes, CLI::ignore_case).description(""))
      ->type_name("CLASS");
  list("--only", plan.only, "of sink,count-paho,count-receiver,paho,receiver")
      ->check(CLI::IsMember({"sink", "count-paho", "count-receiver", "paho", "receiver"})
                  .description(""));
  verb->add_option("--messages", plan.messages,
                   "of one run; default: enough for some seconds and for alerts of each device");
  verb->add_option("--rate", plan.rate, "messages a second; default: all at once")
      ->check(CLI::NonNegativeNumber);
  verb->add_flag("--latency", want->latency,
                 "instead: publish to alert at D1 and D2, at a quarter of capacity or --rate");
  verb->add_option("--seconds", plan.seconds, "length of a run with --latency")
      ->check(CLI::Range(0.1, 86'400.0))
      ->capture_default_str();
  verb->add_option("--data", want->data, "folder for the nodes' data; default: temporary files'")
      ->type_name("FOLDER");
  verb->add_flag("--json", want->as_json, "one document with every run, as -o json");
  verb->footer("Starts its own mosquitto, nodes and load on free ports of 127.0.0.1, and removes "
               "what it wrote.\nExit code 1 when a run lost a reading or an alert.\n"
               "Example: pollux bench ingest --devices 1000 --qos 1 --durability D2");
  on_run(verb, ctx, [&ctx, want] { return run(*want, ctx); });
}

/// The processes of a run; not for people.
void add_parts(CLI::App& bench, context& ctx) {
  auto load = std::make_shared<bench::load_options>();
  auto* verb = bench.add_subcommand("load", "the load of a run")->group("");
  verb->add_option("--port", load->port)->required();
  verb->add_option("--qos", load->qos);
  verb->add_option("--devices", load->devices);
  verb->add_option("--messages", load->messages);
  verb->add_option("--batch", load->batch);
  verb->add_option("--rate", load->rate);
  static const std::map<std::string, bench::answers> kinds{{"none", bench::answers::none},
                                                           {"alerts", bench::answers::alerts},
                                                           {"echoes", bench::answers::echoes}};
  verb->add_option("--expect", load->expect)->transform(CLI::CheckedTransformer(kinds));
  on_run(verb, ctx, [load] { return bench::run_load(*load); });

  auto count = std::make_shared<bench::count_options>();
  verb = bench.add_subcommand("count", "a subscriber that only counts")->group("");
  verb->add_option("--source", count->source)->required();
  verb->add_option("--port", count->port)->required();
  verb->add_option("--qos", count->qos);
  verb->add_option("--expected", count->expected)->required();
  on_run(verb, ctx, [count] { return bench::run_count(*count); });

  auto echo = std::make_shared<bench::count_options>();
  verb = bench.add_subcommand("echo", "a client that publishes again")->group("");
  verb->add_option("--port", echo->port)->required();
  verb->add_option("--qos", echo->qos);
  on_run(verb, ctx, [echo] { return bench::run_echo(echo->port, echo->qos); });
}

} // namespace

void add_bench_verbs(CLI::App& app, context& ctx) {
  auto* bench = app.add_subcommand("bench", "Measure this machine: bench ingest");
  bench->require_subcommand(1);
  add_ingest_verb(*bench, ctx);
  add_parts(*bench, ctx);
}

} // namespace pollux::cli
