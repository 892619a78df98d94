// SPDX-License-Identifier: Apache-2.0
// Sends job J's message file in batches: JSON arrays of up to N readings of one device in a
// message, over one MQTT 3.1.1 connection with raw sockets. Prints messages, readings and seconds
// as JSON. The devices are numbered from FIRST.
//   batch_publish PORT QOS msgs.bin [N = 100] [FIRST = 0]
#include <arpa/inet.h>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::uint64_t window = 200; // unacknowledged messages at QoS 1

int connect_to(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error("cannot connect to the broker");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n <= 0) throw std::runtime_error("the broker closed the connection");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

/// Takes the PUBACKs that have come (each four bytes); waits for some when `wait`.
std::uint64_t take_acknowledgements(int fd, bool wait) {
  static std::size_t rest = 0; // bytes of a PUBACK cut in two
  pollfd p{fd, POLLIN, 0};
  if (::poll(&p, 1, wait ? 10'000 : 0) <= 0) {
    if (wait) throw std::runtime_error("no PUBACK for 10 s");
    return 0;
  }
  char buffer[4096];
  const auto n = ::read(fd, buffer, sizeof buffer);
  if (n <= 0) throw std::runtime_error("the broker closed the connection");
  const auto bytes = rest + static_cast<std::size_t>(n);
  rest = bytes % 4;
  return bytes / 4;
}

std::string packet(std::size_t device, const std::string& payload, int qos, std::uint64_t number) {
  char topic[32];
  std::snprintf(topic, sizeof topic, "telemetry/d%06zu", device);
  std::string body{'\0', static_cast<char>(std::strlen(topic))};
  body += topic;
  if (qos > 0) {
    const auto id = number % 65535 + 1;
    body += static_cast<char>(id >> 8);
    body += static_cast<char>(id);
  }
  body += payload;
  std::string out(1, qos > 0 ? '\x32' : '\x30');
  for (auto rest = body.size();;) {
    const auto digit = rest & 127;
    rest >>= 7;
    out += static_cast<char>(rest > 0 ? digit | 128 : digit);
    if (rest == 0) return out + body;
  }
}

/// The file's messages by device, in order. Source: the README of jobj.
std::vector<std::vector<std::string_view>> read_messages(const std::string& bytes) {
  std::uint64_t head[5];
  if (bytes.size() < sizeof head) throw std::runtime_error("not a message file of job J");
  std::memcpy(head, bytes.data(), sizeof head);
  const auto devices = head[1];
  if (head[0] != 0x314a424f4aULL || devices == 0 || devices > 10'000'000)
    throw std::runtime_error("not a message file of job J");
  std::vector<std::vector<std::string_view>> out(devices);
  std::uint64_t k = 0;
  for (std::size_t at = sizeof head; at < bytes.size(); ++k) {
    const auto size = static_cast<unsigned char>(bytes[at]);
    if (at + 1 + size > bytes.size()) throw std::runtime_error("the message file is cut short");
    out[k % devices].push_back(std::string_view(bytes).substr(at + 1, size));
    at += 1 + size;
  }
  return out;
}

int run(int port, int qos, const std::string& file, std::size_t batch, std::size_t first_device) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + file);
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto devices = read_messages(bytes);
  const int fd = connect_to(port);
  write_all(fd, std::string_view("\x10\x11\0\4MQTT\4\2\0\0\0\5batch", 19));
  char connack[4];
  if (::recv(fd, connack, sizeof connack, MSG_WAITALL) != 4 || connack[3] != 0)
    throw std::runtime_error("the broker refused the connection");
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t messages = 0, readings = 0, acknowledged = 0;
  std::string payload;
  for (std::size_t first = 0; first < devices[0].size(); first += batch) {
    for (std::size_t d = 0; d < devices.size(); ++d) {
      const auto& all = devices[d];
      if (first >= all.size()) continue;
      payload = "[";
      const auto last = std::min(all.size(), first + batch);
      for (std::size_t i = first; i < last; ++i) {
        if (i > first) payload += ',';
        payload += all[i];
      }
      payload += ']';
      readings += last - first;
      write_all(fd, packet(first_device + d, payload, qos, messages++));
      if (qos > 0) do
          acknowledged += take_acknowledgements(fd, messages - acknowledged >= window);
        while (messages - acknowledged >= window);
    }
  }
  while (qos > 0 && acknowledged < messages) acknowledged += take_acknowledgements(fd, true);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  write_all(fd, std::string_view("\xe0\0", 2));
  ::close(fd);
  std::printf("{\"messages\":%llu,\"readings\":%llu,\"seconds\":%.3f}\n",
              static_cast<unsigned long long>(messages), static_cast<unsigned long long>(readings),
              took.count());
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fputs("usage: batch_publish PORT QOS msgs.bin [N] [FIRST]\n", stderr);
    return 2;
  }
  try {
    return run(std::atoi(argv[1]), std::atoi(argv[2]), argv[3],
               argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 100,
               argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 0);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "batch_publish: %s\n", e.what());
    return 1;
  }
}
