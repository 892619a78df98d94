// SPDX-License-Identifier: Apache-2.0
#include "tests/support/mosquitto.hpp"
#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace pollux::test {

using namespace std::chrono_literals;

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

bool takes_connections(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto address = loopback(port);
  const bool ok = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return ok;
}

std::string program() {
  for (const char* path :
       {"/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/usr/bin/mosquitto"})
    if (::access(path, X_OK) == 0) return path;
  return {};
}

} // namespace

temporary_folder::temporary_folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "pollux-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port");
  ::close(fd);
  return ntohs(address.sin_port);
}

bool mosquitto::available() { return !program().empty(); }

mosquitto::mosquitto(std::string settings, bool start_now, bool own_listener)
    : settings_(std::move(settings)), own_listener_(own_listener), port_(free_port()) {
  if (start_now) start();
}

mosquitto::~mosquitto() { end(SIGKILL); }

void mosquitto::start() {
  const auto config = folder_.path() / "mosquitto.conf";
  std::ofstream out(config);
  // started as root it would drop to a user that cannot read the test's folder
  out << "user root\n";
  if (!own_listener_)
    out << "listener " << port_ << " 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n";
  out << settings_ << "\n";
  out.close();
  const auto log = (folder_.path() / "log").string();
  const auto binary = program();
  const auto file = config.string();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) {
    const int fd = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(fd, 1);
    ::dup2(fd, 2);
    ::execl(binary.c_str(), "mosquitto", "-c", file.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  const auto port = port_;
  const bool up = eventually(
      [&] { return takes_connections(port) || ::waitpid(pid_, nullptr, WNOHANG) == pid_; }, 10s);
  if (!up || !takes_connections(port))
    throw std::runtime_error("mosquitto did not start: " + this->log());
}

void mosquitto::stop() { end(SIGTERM); }
void mosquitto::kill() { end(SIGKILL); }

void mosquitto::end(int signal) {
  if (pid_ <= 0) return;
  ::kill(pid_, signal);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string mosquitto::log() const {
  std::ifstream in(folder_.path() / "log");
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= until) return condition();
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

} // namespace pollux::test
