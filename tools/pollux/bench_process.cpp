// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/bench_process.hpp"
#include "tools/pollux/cli.hpp"
#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sstream>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace pollux::bench {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

failure system_failure(const std::string& what) {
  return {errc::io, what + ": " + std::strerror(errno)};
}

double seconds(const timespec& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
double seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

/// Ours, without the words that would override a node's configuration.
std::vector<char*> environment_of_child() {
  std::vector<char*> out;
  for (char** e = environ; *e != nullptr; ++e)
    if (std::strncmp(*e, "POLLUX_", 7) != 0) out.push_back(*e);
  out.push_back(nullptr);
  return out;
}

/// What the child does between fork and exec; only calls that are allowed there.
[[noreturn]] void become(char* const* command, char* const* environment, int in, int out, int error,
                         pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127); // the parent went before we could ask for that
  ::signal(SIGPIPE, SIG_DFL);
  ::setpgid(0, 0); // Ctrl-C is for the parent, which ends us in order
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(error, STDERR_FILENO);
  ::execve(command[0], command, environment);
  ::_exit(127);
}

struct pipe_pair {
  int read = -1, write = -1;
  ~pipe_pair() {
    if (read >= 0) ::close(read);
    if (write >= 0) ::close(write);
  }
  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read = ends[0];
    write = ends[1];
    return true;
  }
};

} // namespace

result<std::unique_ptr<scratch_folder>> scratch_folder::make(const fs::path& parent) {
  std::error_code e;
  fs::create_directories(parent, e);
  auto pattern = (parent / "pollux-bench-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) return system_failure(pattern);
  return std::unique_ptr<scratch_folder>(new scratch_folder(pattern));
}

scratch_folder::~scratch_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

result<std::unique_ptr<child>> child::start(const std::vector<std::string>& command,
                                            const fs::path& error_file) {
  if (::access(command[0].c_str(), X_OK) != 0)
    return failure{errc::not_found, command[0] + ": " + std::strerror(errno)};
  pipe_pair to, from;
  if (!to.open() || !from.open()) return system_failure("pipe");
  const int error = ::open(error_file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (error < 0) return system_failure(error_file.string());
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  auto environment = environment_of_child();
  const auto parent = ::getpid();
  const auto pid = ::fork();
  if (pid == 0) become(arguments.data(), environment.data(), to.read, from.write, error, parent);
  ::close(error);
  if (pid < 0) return system_failure("fork");
  std::unique_ptr<child> out(new child);
  out->pid_ = pid;
  out->to_ = std::exchange(to.write, -1);
  out->from_ = std::exchange(from.read, -1);
  out->error_file_ = error_file;
  return out;
}

child::~child() {
  if (!ended_) {
    ::kill(pid_, SIGKILL);
    reap(true);
  }
  ::close(to_);
  ::close(from_);
}

bool child::reap(bool block) {
  if (ended_) return true;
  rusage use{};
  pid_t got = 0;
  do got = ::wait4(pid_, &status_, block ? 0 : WNOHANG, &use);
  while (got < 0 && errno == EINTR);
  if (got == 0) return false;
  cpu_at_end_ = seconds(use.ru_utime) + seconds(use.ru_stime);
  return ended_ = true;
}

double child::cpu_s() const {
  clockid_t clock{};
  timespec used{};
  if (ended_ || ::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) != 0)
    return cpu_at_end_;
  return seconds(used);
}

double child::resident_mb() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/statm");
  long pages = 0, resident = 0;
  in >> pages >> resident;
  return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / 1048576.0;
}

bool child::running() { return !reap(false); }

status child::say(const std::string& line) {
  const auto text = line + "\n";
  const auto n = ::write(to_, text.data(), text.size()); // short: a pipe takes it whole
  if (n != static_cast<ssize_t>(text.size()))
    return failure{errc::unavailable, "a process of the bench has ended: " + last_words()};
  return {};
}

result<std::string> child::listen(std::chrono::milliseconds patience) {
  const auto until = steady::now() + patience;
  for (;;) {
    if (const auto end = heard_.find('\n'); end != std::string::npos) {
      auto line = heard_.substr(0, end);
      heard_.erase(0, end + 1);
      return line;
    }
    if (cli::interrupted()) return interrupted_failure();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady::now());
    if (left.count() <= 0)
      return failure{errc::timed_out, "a process of the bench says nothing: " + last_words()};
    pollfd one{from_, POLLIN, 0};
    if (::poll(&one, 1, static_cast<int>(std::min(left, 200ms).count())) <= 0) continue;
    char buffer[65536];
    const auto n = ::read(from_, buffer, sizeof buffer);
    if (n == 0) {
      reap(true);
      return failure{errc::unavailable, "a process of the bench has ended: " + last_words()};
    }
    if (n > 0) heard_.append(buffer, static_cast<std::size_t>(n));
  }
}

int child::stop(std::chrono::milliseconds patience) {
  if (!reap(false)) ::kill(pid_, SIGTERM);
  return wait(patience);
}

int child::wait(std::chrono::milliseconds patience) {
  const auto until = steady::now() + patience;
  while (!reap(false)) {
    if (steady::now() > until) {
      ::kill(pid_, SIGKILL);
      reap(true);
      break;
    }
    std::this_thread::sleep_for(5ms);
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
}

std::string child::last_words() const {
  constexpr std::size_t most = 800;
  std::ifstream in(error_file_, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  auto text = all.str();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.empty()) return "it wrote nothing to stderr";
  std::replace(text.begin(), text.end(), '\n', ' '); // it becomes part of one line
  return text.size() <= most ? text : "..." + text.substr(text.size() - most);
}

std::string own_program() { return fs::read_symlink("/proc/self/exe").string(); }

result<std::uint16_t> free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool ok = fd >= 0 &&
                  ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) ::close(fd);
  if (!ok) return system_failure("no free port on loopback");
  return ntohs(address.sin_port);
}

bool pause_for(std::chrono::microseconds span) {
  if (!cli::interrupted()) std::this_thread::sleep_for(span);
  return !cli::interrupted();
}

failure interrupted_failure() { return {errc::unavailable, "interrupted"}; }

double machine_cpu_s() {
  std::ifstream in("/proc/stat");
  std::string name;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, stolen = 0;
  in >> name >> user >> nice >> system >> idle >> wait >> irq >> soft >> stolen;
  return (user + nice + system + irq + soft + stolen) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::int64_t monotonic_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

} // namespace pollux::bench
