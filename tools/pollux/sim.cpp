// SPDX-License-Identifier: Apache-2.0
// `pollux sim fleet` and `pollux sim play`: something to look at without owning a device, and
// recorded data sent as devices would have sent it.
#include "domain/base/time.hpp"
#include "tools/pollux/groups.hpp"
#include "tools/pollux/progress_bar.hpp"
#include "tools/pollux/sim_live.hpp"
#include "tools/pollux/sim_play.hpp"
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace pollux::cli {
namespace {

using tools::publisher_options;

const std::map<std::string, tools::sim_format> formats{{"json", tools::sim_format::json},
                                                       {"protobuf", tools::sim_format::protobuf}};

void add_broker_options(CLI::App* verb, publisher_options& broker) {
  verb->add_option("--url", broker.url, "the broker: tcp://host:port or ssl://host:port")
      ->envname("POLLUX_SIM_URL")
      ->capture_default_str();
  verb->add_option("--client-id", broker.client_id, "MQTT client id (default: made up)");
  verb->add_option("--username", broker.username, "MQTT user name");
  verb->add_option("--password", broker.password, "MQTT password")->envname("POLLUX_SIM_PASSWORD");
  verb->add_option("--ca-file", broker.ca_file, "certificates to trust, for ssl://");
  verb->add_option("--qos", broker.qos, "0 or 1")->check(CLI::Range(0, 1))->capture_default_str();
  verb->add_option("--window", broker.window, "unacknowledged messages at most")
      ->check(CLI::Range(1, 20'000))
      ->capture_default_str();
}

/// A duration as "90s" or "5m"; wrong ones are usage errors that name the option.
CLI::Option* add_duration(CLI::App* verb, const std::string& name, std::int64_t& to,
                          const std::string& what) {
  return verb
      ->add_option_function<std::string>(
          name,
          [&to, name](const std::string& text) {
            const auto parsed = parse_duration(text);
            if (!parsed.ok()) throw CLI::ValidationError(name, parsed.error().what);
            to = *parsed;
          },
          what)
      ->type_name("DURATION")
      ->default_str(to == 0 ? "0s" : format_duration(to));
}

std::int64_t wall_clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Final counts: a line of words, or one JSON document.
void print_counts(const context& ctx, const nlohmann::ordered_json& counts) {
  if (ctx.format != output::table) {
    std::cout << counts.dump() << '\n';
    return;
  }
  std::string line;
  for (const auto& [name, value] : counts.items())
    line += (line.empty() ? "" : ", ") + value.dump() + " " + name;
  std::cout << line << '\n';
}

// ---- fleet

struct fleet_verb {
  publisher_options broker;
  tools::live_options live;
  std::string truth_file;
};

int run_fleet(const fleet_verb& verb, const context& ctx) {
  const auto& live = verb.live;
  if (live.plan.count == std::array<std::uint32_t, 4>{})
    return fail(exit_usage, "the fleet is empty",
                "give --motors, --buildings, --vehicles or --devices a number");
  if (live.speed != 1 && live.duration_ns == 0)
    return fail(
        exit_usage, "--speed other than 1 needs --duration",
        "event times would run away from the clock; with a duration they end at the present");
  std::unique_ptr<std::ofstream> truth;
  if (!verb.truth_file.empty()) {
    truth = std::make_unique<std::ofstream>(verb.truth_file, std::ios::trunc);
    if (!*truth) return fail(exit_failure, "cannot write to " + verb.truth_file);
  }
  catch_interrupts();
  auto connected = tools::sim_publisher::connect(verb.broker);
  if (!connected.ok()) return fail(connected.error(), "is the broker running? see --url");
  const auto began = std::chrono::steady_clock::now();
  if (!ctx.quiet)
    std::cerr << "fleet of " << live.plan.count[0] << " motors, " << live.plan.count[1]
              << " buildings, " << live.plan.count[2] << " vehicles, " << live.plan.count[3]
              << " devices on " << verb.broker.url << ", seed " << live.plan.seed
              << (live.duration_ns == 0 ? "; Ctrl-C ends it" : "") << '\n';
  tools::live_counts counts;
  const auto ran = tools::run_fleet(live, wall_clock_ns(), **connected, truth.get(), counts,
                                    [] { return interrupted(); });
  const auto sent = (*connected)->counts();
  print_counts(ctx, {{"readings", counts.readings},
                     {"messages", sent.published},
                     {"acknowledged", sent.acknowledged},
                     {"commands", counts.commands},
                     {"refused", counts.refused},
                     {"faults", counts.faults},
                     {"seconds", std::round(seconds_since(began) * 100) / 100}});
  return ran.ok() ? exit_ok : fail(ran.error());
}

void add_fleet(CLI::App& sim, context& ctx) {
  auto verb = std::make_shared<fleet_verb>();
  auto* app = sim.add_subcommand(
      "fleet",
      "a simulated fleet: motors that wear, buildings that obey, vehicles on routes, sensors");
  add_broker_options(app, verb->broker);
  auto& live = verb->live;
  const auto size = [&](const char* name, std::size_t kind, const char* what) {
    app->add_option(name, live.plan.count[kind], what)
        ->check(CLI::Range(0, 1'000'000))
        ->capture_default_str();
  };
  size("--motors", 0, "vibration, temperature, current; topics telemetry/motor/motor-N");
  size("--buildings", 1, "a zone with HVAC, which takes the command set_setpoint");
  size("--vehicles", 2, "lat, lon, speed, fuel_level, engine_temperature");
  size("--devices", 3, "temperature, humidity");
  app->add_option("--rate", live.plan.rate_hz, "readings of one thing in a second of event time")
      ->check(CLI::Range(0.000001, 100'000.0))
      ->capture_default_str();
  app->add_option("--speed", live.speed, "event seconds per second; 0: as fast as possible")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--seed", live.plan.seed, "the same seed gives the same readings")
      ->capture_default_str();
  add_duration(app, "--duration", live.duration_ns, "event time to play; 0s: until Ctrl-C");
  add_duration(app, "--history", live.history_ns,
               "readings of the past, sent at once at the start");
  add_duration(app, "--fault-every", live.plan.fault_every_ns,
               "mean healthy time of a thing; 0s: no faults");
  app->add_option("--truth", verb->truth_file,
                  "file for the injected faults, a JSON document a line");
  app->add_option("--format", live.format, "json or protobuf")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->default_str("json");
  app->add_option("--batch", live.batch, "readings of one thing in one message")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app->add_option_function<std::string>(
      "--namespace", [&live](const std::string& name) { live.name_spaces.fill(name); },
      "of all twins (default: plant1, site1, fleet1, lab1 by kind, as in config/pollux.toml)");
  app->add_flag("--sequence", live.sequence, "number the readings of each thing from 1 (seq)");
  app->add_option("--refuse", live.plan.refuse_share,
                  "share of the commands that are refused, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app->add_flag("--mute", live.mute, "take commands and never answer them");
  on_run(app, ctx, [verb, &ctx] { return run_fleet(*verb, ctx); });
}

// ---- play

struct play_verb {
  publisher_options broker;
  tools::play_options play;
  std::vector<std::string> rename;
  std::string separator;
  bool dry_run = false;
};

int run_play(play_verb& verb, const context& ctx) {
  for (const auto& pair : verb.rename) {
    const auto equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == pair.size())
      return fail(exit_usage, "--rename " + pair + ": expected column=telemetry");
    verb.play.rename.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  if (verb.separator == "tab") verb.separator = "\t";
  if (verb.separator.size() > 1)
    return fail(exit_usage, "--separator takes one character, or the word tab");
  if (!verb.separator.empty()) verb.play.separator = verb.separator[0];
  if (verb.play.speed > 0 && verb.play.rate > 0)
    return fail(exit_usage, "--speed and --rate exclude each other");
  catch_interrupts();
  std::unique_ptr<tools::sim_publisher> to;
  if (!verb.dry_run) {
    auto connected = tools::sim_publisher::connect(verb.broker);
    if (!connected.ok()) return fail(connected.error(), "is the broker running? see --url");
    to = std::move(*connected);
  }
  const auto began = std::chrono::steady_clock::now();
  tools::play_counts counts;
  status played;
  {
    progress_bar bar(!ctx.quiet && ::isatty(STDERR_FILENO) != 0);
    played = tools::play(
        verb.play, to.get(), counts, std::cerr, [&](double share) { bar.show(share); },
        [] { return interrupted(); });
  }
  const auto sent = to ? to->counts() : tools::publisher_counts{};
  if (played.ok() || counts.rows > 0)
    print_counts(ctx, {{"rows", counts.rows},
                       {"readings", counts.readings},
                       {"published", sent.published},
                       {"acknowledged", sent.acknowledged},
                       {"resent", sent.resent},
                       {"bad", counts.bad},
                       {"seconds", std::round(seconds_since(began) * 100) / 100}});
  if (played.ok()) return exit_ok;
  if (to && played.error().code == errc::unavailable) {
    std::cerr << "resume with --from-row " << std::max(sent.oldest_token, verb.play.from_row)
              << '\n';
    if (interrupted()) return exit_interrupted;
  }
  return fail(played.error());
}

void add_play(CLI::App& sim, context& ctx) {
  auto verb = std::make_shared<play_verb>();
  auto& play = verb->play;
  auto* app = sim.add_subcommand("play", "recorded CSV files through MQTT, event times kept");
  app->add_option("files", play.files, "CSV files with a header line, plain or gzip")
      ->required()
      ->type_name("FILE.csv[.gz]");
  add_broker_options(app, verb->broker);
  app->add_option("--topic", play.topic, "{file}: the file's name without .csv")
      ->capture_default_str();
  app->add_option("--time-column", play.time_column,
                  "default: timestamp, datetime, ... or the first");
  const std::map<std::string, tools::csv_time> times{
      {"auto", tools::csv_time::automatic},  {"rfc3339", tools::csv_time::rfc3339},
      {"s", tools::csv_time::seconds},       {"ms", tools::csv_time::milliseconds},
      {"us", tools::csv_time::microseconds}, {"ns", tools::csv_time::nanoseconds}};
  app->add_option("--time-format", play.time_format, "auto, rfc3339, s, ms, us or ns since 1970")
      ->transform(CLI::CheckedTransformer(times).description(""))
      ->default_str("auto");
  app->add_option_function<std::string>(
         "--time-base",
         [&play](const std::string& text) {
           const auto parsed = parse_rfc3339(text);
           if (!parsed.ok()) throw CLI::ValidationError("--time-base", parsed.error().what);
           play.time_base_ns = *parsed;
         },
         "added to every time, for files whose clock counts from a start")
      ->type_name("RFC3339");
  app->add_option("--separator", verb->separator, "default: guessed from the header line");
  app->add_option("--columns", play.columns, "columns to send (default: all but the time)")
      ->delimiter(',');
  app->add_option("--skip", play.skip, "columns not to send, such as labels")->delimiter(',');
  app->add_option("--rename", verb->rename, "column=telemetry,...")->delimiter(',');
  app->add_option("--speed", play.speed, "event seconds per second; 0: not paced by event time")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--rate", play.rate, "messages a second; 0: as fast as they are acknowledged")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app->add_option("--from-row", play.from_row, "rows to pass over, counted over all files")
      ->capture_default_str();
  app->add_option("--batch", play.batch, "rows in one message")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app->add_flag("--sequence", play.sequence, "number the rows of each file from 1 (seq)");
  app->add_option("--format", play.format, "json or protobuf")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->default_str("json");
  app->add_flag("--dry-run", verb->dry_run, "read and check the files, send nothing");
  on_run(app, ctx, [verb, &ctx] { return run_play(*verb, ctx); });
}

} // namespace

void add_sim_verbs(CLI::App& app, context& ctx) {
  auto* sim = app.add_subcommand("sim", "simulated and recorded devices: fleet, play");
  sim->require_subcommand(1);
  add_fleet(*sim, ctx);
  add_play(*sim, ctx);
}

} // namespace pollux::cli
