// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/doctor_mosquitto.hpp"
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

namespace pollux::cli {

namespace {
constexpr std::string_view area = "mosquitto";

std::string value_of(const mosquitto_settings& s, std::string_view key, std::string_view fallback) {
  const auto found = s.find(key);
  return std::string(found == s.end() || found->second.empty() ? fallback : found->second.back());
}

std::int64_t number_of(const mosquitto_settings& s, std::string_view key, std::int64_t fallback) {
  const auto text = value_of(s, key, "");
  std::int64_t out = fallback;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

class verdicts {
public:
  void ok(std::string sentence) { add(grade::ok, std::move(sentence), {}); }
  void warn(std::string sentence, std::string advice) {
    add(grade::warn, std::move(sentence), std::move(advice));
  }
  void fail(std::string sentence, std::string advice) {
    add(grade::fail, std::move(sentence), std::move(advice));
  }
  findings take() && { return std::move(out_); }

private:
  void add(grade g, std::string sentence, std::string advice) {
    out_.push_back({g, std::string(area), std::move(sentence), std::move(advice)});
  }
  findings out_;
};

void judge_queue(const mosquitto_settings& s, verdicts& v) {
  const auto queued = number_of(s, "max_queued_messages", 1000);
  const auto text = "max_queued_messages " + std::to_string(queued);
  const std::string advice =
      "set max_queued_messages 100000000, with max_queued_bytes as the bound";
  if (queued == 0)
    v.fail(text + ": mosquitto 2.0 drops QoS 0 messages with it", advice);
  else if (queued <= 1000)
    v.fail(text + (s.contains("max_queued_messages") ? "" : " (default)") +
               ": what a slow or stopped node has not fetched is dropped beyond that, although "
               "devices got their acknowledgement",
           advice);
  else if (queued < 100'000)
    v.warn(text + ": a pause of the node may outgrow it", advice);
  else
    v.ok(text);
  if (value_of(s, "queue_qos0_messages", "false") != "true")
    v.warn("queue_qos0_messages false: QoS 0 messages are dropped while the node is away or pauses",
           "set queue_qos0_messages true");
  const auto bytes = number_of(s, "max_queued_bytes", 0);
  if (bytes > 0 && bytes < (64 << 20))
    v.warn("max_queued_bytes " + std::to_string(bytes) + ": a short pause of the node outgrows it",
           "give it at least 67108864 (64 MiB)");
}

void judge_flow(const mosquitto_settings& s, verdicts& v) {
  const auto in_flight = number_of(s, "max_inflight_messages", 20);
  const auto text = "max_inflight_messages " + std::to_string(in_flight);
  if (in_flight == 0)
    v.warn(text + " (unlimited): a backlog fills socket buffers", "set max_inflight_messages 1000");
  else if (in_flight < 100)
    v.warn(text + (s.contains("max_inflight_messages") ? "" : " (default)") +
               ": binds the rate to so many messages per round trip",
           "set max_inflight_messages 1000");
  else
    v.ok(text);
  if (value_of(s, "set_tcp_nodelay", "false") == "true")
    v.ok("set_tcp_nodelay true");
  else
    v.warn("set_tcp_nodelay false: small packets wait for company, up to 40 ms",
           "set set_tcp_nodelay true");
}

void judge_persistence(const mosquitto_settings& s, verdicts& v) {
  if (value_of(s, "persistence", "false") != "true")
    return v.fail("persistence false: a restart of the broker forgets sessions and queues",
                  "set persistence true, persistence_location and autosave_interval 5");
  const auto interval = number_of(s, "autosave_interval", 1800);
  const auto text = "autosave_interval " + std::to_string(interval);
  if (value_of(s, "autosave_on_changes", "false") == "true") {
    if (interval < 1000)
      v.warn("autosave_on_changes true with " + text + ": the broker writes all its state every " +
                 std::to_string(interval) + " changes and slows down badly",
             "set autosave_on_changes false and autosave_interval 5 (seconds)");
    else
      v.ok("persistence true, saved every " + std::to_string(interval) + " changes");
    return;
  }
  if (interval == 0 || interval > 60)
    v.fail(text + (s.contains("autosave_interval") ? "" : " (default)") +
               ": a crash of the broker loses " +
               (interval == 0
                    ? std::string("everything queued since its start")
                    : "up to " + std::to_string(interval) + " s of acknowledged messages"),
           "set autosave_interval 5");
  else if (interval > 10)
    v.warn(text + ": a crash of the broker loses up to that many seconds of acknowledged messages",
           "set autosave_interval 5");
  else
    v.ok("persistence true, " + text);
}

/// Hours of "12h", "7d", "2w", "1m", "1y"; 0 = never, or not to be understood.
std::int64_t expiration_hours(const std::string& text) {
  std::int64_t number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number).ptr;
  switch (end == text.data() + text.size() ? ' ' : *end) {
  case 'h': return number;
  case 'd': return number * 24;
  case 'w': return number * 24 * 7;
  case 'm': return number * 24 * 30;
  case 'y': return number * 24 * 365;
  default: return 0;
  }
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "localhost" || address == "::1";
}

std::optional<std::string> text_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

bool listens_on(const mosquitto_settings& s, std::uint16_t port) {
  const auto number = std::to_string(port);
  const auto found = s.find("listener");
  if (found == s.end()) return value_of(s, "port", "1883") == number;
  for (const auto& line : found->second)
    if (line.substr(0, line.find_first_of(" \t")) == number) return true;
  return false;
}

/// What stands behind -c in the words of a process, absolute; empty = nothing of use.
std::filesystem::path file_of_process(const std::filesystem::path& process) {
  const auto words = text_of(process / "cmdline").value_or("");
  std::filesystem::path file;
  bool next = false;
  for (std::size_t at = 0; at < words.size();) {
    const std::string word(words.c_str() + at); // each ends in a zero byte
    if (next) file = word;
    next = word == "-c" || word == "--config-file";
    at += word.size() + 1;
  }
  if (file.empty() || file.is_absolute()) return file;
  std::error_code e;
  const auto folder = std::filesystem::read_symlink(process / "cwd", e);
  return e ? std::filesystem::path{} : folder / file;
}

/// A listener without an address, or with one that others reach.
std::optional<std::string> open_listener(const mosquitto_settings& s) {
  const auto found = s.find("listener");
  if (found == s.end()) return std::nullopt; // mosquitto 2 then listens on loopback only
  for (const auto& line : found->second) {
    const auto space = line.find(' ');
    if (space == std::string::npos || !is_loopback(std::string_view(line).substr(space + 1)))
      return line;
  }
  return std::nullopt;
}
} // namespace

void read_mosquitto_lines(std::string_view text, mosquitto_settings& into) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (!line.empty() && blank(line.front())) line.remove_prefix(1);
    while (!line.empty() && blank(line.back())) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const auto split = std::min(line.find_first_of(" \t"), line.size());
    auto value = line.substr(split);
    while (!value.empty() && blank(value.front())) value.remove_prefix(1);
    into[std::string(line.substr(0, split))].emplace_back(value);
  }
}

result<mosquitto_settings> read_mosquitto_conf(const std::string& file) {
  const auto text = text_of(file);
  if (!text) return failure{errc::not_found, "cannot open " + file};
  mosquitto_settings out;
  read_mosquitto_lines(*text, out);
  const auto folders = out["include_dir"]; // a copy: reading the files adds to `out`
  for (const auto& folder : folders) {
    std::error_code e;
    std::vector<std::string> files;
    for (std::filesystem::directory_iterator it(folder, e), end; !e && it != end; it.increment(e))
      if (it->path().extension() == ".conf") files.push_back(it->path().string());
    std::sort(files.begin(), files.end());
    for (const auto& name : files)
      if (const auto more = text_of(name)) read_mosquitto_lines(*more, out);
  }
  return out;
}

std::string running_mosquitto_conf(std::uint16_t port, const std::string& processes) {
  std::error_code e;
  for (std::filesystem::directory_iterator it(processes, e), end; !e && it != end;
       it.increment(e)) {
    if (text_of(it->path() / "comm") != "mosquitto\n") continue;
    const auto file = file_of_process(it->path());
    if (file.empty()) continue;
    const auto read = read_mosquitto_conf(file.string());
    if (read && listens_on(*read, port)) return file.string();
  }
  return {};
}

findings judge_mosquitto(const mosquitto_settings& s, std::uint64_t largest_payload) {
  verdicts v;
  judge_queue(s, v);
  judge_flow(s, v);
  judge_persistence(s, v);
  const auto packet = number_of(s, "max_packet_size", 0);
  if (packet > 0 && static_cast<std::uint64_t>(packet) < largest_payload)
    v.warn("max_packet_size " + std::to_string(packet) + " is below the node's max_payload_bytes " +
               std::to_string(largest_payload) + ": the broker cuts such devices off",
           "raise max_packet_size or lower max_payload_bytes");
  if (const auto hours = expiration_hours(value_of(s, "persistent_client_expiration", ""));
      hours > 0 && hours < 24)
    v.warn("persistent_client_expiration " + value_of(s, "persistent_client_expiration", "") +
               ": a node that is down longer than that loses its queue",
           "remove it, or make it longer than any maintenance");
  const auto open = open_listener(s);
  if (open && value_of(s, "allow_anonymous", "false") == "true")
    v.warn("allow_anonymous true on listener " + *open + ": anybody can publish as any device",
           "bind the listener to 127.0.0.1, or demand certificates or passwords");
  return std::move(v).take();
}

} // namespace pollux::cli
