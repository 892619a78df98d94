// SPDX-License-Identifier: Apache-2.0
#include "bridge/audit/audit_log.hpp"
#include "bridge/http/access/admission.hpp"
#include "domain/base/time.hpp"
#include "tests/support/temporary_folder.hpp"
#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sys/stat.h>
#include <thread>

using namespace pollux;
using namespace pollux::bridge::http;
namespace audit = pollux::bridge::audit;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t s = ns_per_s;
constexpr std::int64_t november = 1'700'000'000 * s, december = 1'702'000'000 * s; // of 2023

struct logs {
  tests::temporary_folder folder;
  messages::metrics metrics;
  [[nodiscard]] std::string path() const { return folder.path() + "/audit"; }
  [[nodiscard]] audit::log_options options() {
    audit::log_options out;
    out.folder = path();
    out.metrics = &metrics;
    return out;
  }
  [[nodiscard]] std::string content(const std::string& name) const {
    std::ifstream stream(path() + "/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  /// The targets of all lines that can be read, file by file.
  [[nodiscard]] std::vector<std::string> targets() const {
    std::vector<fs::path> files;
    for (const auto& file : fs::directory_iterator(path())) files.push_back(file.path());
    std::sort(files.begin(), files.end());
    std::vector<std::string> out;
    for (const auto& file : files) {
      std::ifstream stream(file);
      for (std::string line; std::getline(stream, line);) {
        const auto document = nlohmann::json::parse(line, nullptr, false);
        if (document.is_object()) out.push_back(document["target"]);
      }
    }
    return out;
  }
  void make_folder() const {
    fs::create_directories(path());
    fs::permissions(path(), fs::perms::owner_all);
  }
};

audit::deed doing(const std::string& target) {
  return {"alice", "127.0.0.1", "POST", target, "", ""};
}

std::uint64_t size_of(const std::string& folder) {
  std::uint64_t out = 0;
  for (const auto& file : fs::directory_iterator(folder)) out += file.file_size();
  return out;
}

} // namespace

TEST_CASE("the audit log tells who did what, and no ticket") {
  request r;
  r.method = "POST";
  r.path = "/api/v1/twins";
  r.peer = "127.0.0.1";
  r.who.name = "alice";
  r.query = {{"ticket", "t"}, {"access_token", "u"}, {"a", "b"}};
  r.body = std::string(5000, 'x') + "\xff";
  r.headers.emplace_back("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  const auto line = audit::line_of(deed_of(r), audit::ending_of_status(202), november);
  CHECK(line.find(R"("time":"2023-11-14T22:13:20)") != std::string::npos);
  CHECK(line.find(R"("door":"http","who":"alice","from":"127.0.0.1","method":"POST")") !=
        std::string::npos);
  CHECK(line.find("/api/v1/twins?ticket=...&access_token=...&a=b") != std::string::npos);
  CHECK(line.find(R"("status":202,"outcome":"done","trace":"0af7651916cd43dd8448eb211c80319c")") !=
        std::string::npos);
  CHECK(line.size() < 1500);
  CHECK(line.find('\n') == std::string::npos);
}

TEST_CASE("a twin has one name in the audit log, and one that is to be erased has none") {
  request r;
  r.path = "/api/v1/twins/lab%3Aa";
  CHECK(deed_of(r).target == "/api/v1/twins/lab:a");
  r.path = "/api/v1/jobs";
  r.body = R"({"kind":"erase","arguments":{"id":"lab:a","reason":"asked"}})";
  CHECK(deed_of(r).body == R"({"kind":"erase","arguments":{"reason":"asked"}})");
  r.body = R"({"kind":"backtest","arguments":{"id":"lab:a"}})";
  CHECK(deed_of(r).body == r.body);
  r.body = "no JSON";
  CHECK(deed_of(r).body == r.body);
  // so deep that writing it down would take more stack than a thread has
  r.body = R"({"kind":"erase","x":)" + std::string(500'000, '[') + std::string(500'000, ']') + "}";
  CHECK(deed_of(r).body.empty());
}

TEST_CASE("a line says how it ended, and why") {
  CHECK(std::string(audit::ending_of_status(201).outcome) == "done");
  CHECK(std::string(audit::ending_of_status(403).outcome) == "refused");
  CHECK(std::string(audit::ending_of_status(500).outcome) == "failed");
  auto done = doing("plant1:press-7");
  done.door = "remote";
  done.by = "bob\n{";
  const auto line =
      nlohmann::json::parse(audit::line_of(done, {0, "refused", "no such twin"}, november));
  CHECK(line["by"] == "bob\n{");
  CHECK(line["why"] == "no such twin");
  CHECK_FALSE(line.contains("status"));
  CHECK_FALSE(line.contains("body"));
}

TEST_CASE("the audit log begins a file each month and removes those that are too old") {
  logs in;
  in.make_folder();
  std::ofstream(in.path() + "/2023-01.jsonl") << "old\n";
  std::ofstream(in.path() + "/2023-01.000001.jsonl") << "older\n";
  std::ofstream(in.path() + "/2023-09.jsonl") << "recent\n";
  std::ofstream(in.path() + "/notes.txt") << "mine\n";
  {
    auto options = in.options();
    options.keep_ns = 100LL * 86'400 * s;
    audit::log log(std::move(options));
    log.add(doing("one"), {}, november);
    log.add(doing("two"), {}, november + s);
    log.add(doing("three"), {}, december);
  }
  const auto november_file = in.content("2023-11.jsonl");
  CHECK(std::count(november_file.begin(), november_file.end(), '\n') == 2);
  CHECK(in.content("2023-12.jsonl").find("three") != std::string::npos);
  CHECK_FALSE(fs::exists(in.path() + "/2023-01.jsonl"));
  CHECK_FALSE(fs::exists(in.path() + "/2023-01.000001.jsonl"));
  CHECK(fs::exists(in.path() + "/2023-09.jsonl"));
  CHECK(fs::exists(in.path() + "/notes.txt"));
  struct stat found {};
  REQUIRE(::stat((in.path() + "/2023-11.jsonl").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  CHECK(in.metrics.total("pollux_audit_lines_total") == 3);
}

TEST_CASE("the audit log never grows beyond its bound, and it is the oldest that goes") {
  logs in;
  auto options = in.options();
  options.bytes = 64 << 10;
  audit::log log(std::move(options));
  std::vector<std::string> all;
  for (int i = 0; i < 2000; ++i) {
    all.push_back("target " + std::to_string(i));
    log.add(doing(all.back()), {}, i < 1500 ? november : december);
    if (i % 50 == 0) CHECK(size_of(in.path()) <= 64 << 10);
  }
  CHECK(size_of(in.path()) <= 64 << 10);
  const auto left = in.targets();
  REQUIRE(left.size() > 300);
  CHECK(left.size() < all.size());
  CHECK(std::equal(left.rbegin(), left.rend(), all.rbegin())); // the newest, without a gap
}

TEST_CASE("a torn line costs itself alone") {
  logs in;
  in.make_folder();
  std::ofstream(in.path() + "/2023-11.jsonl") << R"({"target":"before"})"
                                              << "\n"
                                              << R"({"targ)";
  {
    audit::log log(in.options());
    log.add(doing("after"), {}, november);
  }
  CHECK(in.targets() == std::vector<std::string>{"before", "after"});
}

TEST_CASE("what the log cannot take is counted, and a file that comes back is taken up again") {
  logs in;
  in.make_folder();
  audit::log log(in.options());
  fs::create_directory(in.path() + "/2023-11.jsonl"); // no file to write to
  log.add(doing("lost"), {}, november);
  CHECK(in.metrics.total("pollux_audit_lost_total") == 1);
  fs::remove(in.path() + "/2023-11.jsonl");
  log.add(doing("first"), {}, november);
  fs::remove(in.path() + "/2023-11.jsonl"); // someone removed it under us
  log.add(doing("second"), {}, november);
  CHECK(in.targets() == std::vector<std::string>{"second"});
  CHECK(in.metrics.total("pollux_audit_lost_total") == 1);
}

TEST_CASE("a symbolic link is not followed") {
  logs in;
  in.make_folder();
  const auto elsewhere = in.folder.path() + "/elsewhere";
  std::ofstream(elsewhere) << "";
  fs::create_symlink(elsewhere, in.path() + "/2023-11.jsonl");
  audit::log log(in.options());
  log.add(doing("x"), {}, november);
  CHECK(fs::file_size(elsewhere) == 0);
  CHECK(in.metrics.total("pollux_audit_lost_total") == 1);
}

TEST_CASE("several writers at once lose no line, also while files are put aside") {
  logs in;
  in.make_folder();
  constexpr int each = 200;
  const auto write = [&](const char* name) {
    auto options = in.options();
    options.metrics = nullptr;
    options.bytes = 512 << 10; // all lines fit, in several files
    audit::log log(std::move(options));
    for (int i = 0; i < each; ++i)
      log.add(doing(std::string(name) + std::to_string(i)), {}, november);
  };
  std::thread one(write, "a"), two(write, "b"), three(write, "c");
  one.join();
  two.join();
  three.join();
  const auto all = in.targets();
  CHECK(all.size() == 3 * each);
  CHECK(std::set<std::string>(all.begin(), all.end()).size() == 3 * each);
}
