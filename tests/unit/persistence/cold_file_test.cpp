// SPDX-License-Identifier: Apache-2.0
// Cold files: there whole or not at all, and readable by a script.
#include "persistence/cold_file.hpp"
#include "persistence/cold_frame.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include "tests/unit/persistence/random_inputs.hpp"
#include <array>
#include <cmath>
#include <cstdio>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

std::shared_ptr<cold_folder> open(const std::string& path) {
  auto made = cold_folder::open(path);
  REQUIRE(made.ok());
  return *made;
}

std::string frame_of(const std::vector<owned_input>& life, const std::string& key) {
  cold_frame_builder b;
  for (const auto& made : life) b.add(made.in);
  auto frame = b.finish(key, {}, {});
  REQUIRE(frame.ok());
  return *frame;
}

std::vector<owned_input> life_of(unsigned seed, int inputs) {
  input_factory make(seed);
  std::vector<owned_input> out;
  for (int i = 0; i < inputs; ++i) out.push_back(make.next());
  return out;
}

void write(const cold_folder& folder, std::uint64_t file,
           const std::vector<std::pair<std::string, std::string>>& frames) {
  auto w = cold_file_writer::begin(folder, file, 3);
  REQUIRE(w.ok());
  std::uint32_t row = 0;
  for (const auto& [key, frame] : frames)
    REQUIRE((*w)->add(frame, {.key = key, .row = row++, .first = {{9}, 1}}).ok());
  REQUIRE((*w)->finish().ok());
}

/// What `command` prints; fails the test when it fails.
std::string output_of(const std::string& command) {
  auto* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  std::array<char, 4096> buffer;
  while (const auto n = std::fread(buffer.data(), 1, buffer.size(), pipe))
    out.append(buffer.data(), n);
  REQUIRE(::pclose(pipe) == 0);
  return out;
}

/// One value as the script prints it, for those whose text is no question of taste.
std::string plain_text(const domain::value_view& v) {
  switch (v.kind) {
  case domain::value_kind::i64:
  case domain::value_kind::boolean:
    return std::to_string(v.kind == domain::value_kind::i64 ? v.i64 : v.boolean ? 1 : 0);
  case domain::value_kind::none: return "";
  default: return "b'" + std::string(v.bytes) + "'";
  }
}

} // namespace

TEST_CASE("cold file: frames and directory come back") {
  const scratch_folder scratch;
  const auto folder = open(scratch / "history");
  const auto a = frame_of(life_of(1, 50), "n:1"), b = frame_of(life_of(2, 70), "n:2");
  write(*folder, 17, {{"n:1", a}, {"n:2", b}});
  const auto d = folder->directory(17);
  REQUIRE(d.ok());
  CHECK(d->shard == 3);
  REQUIRE(d->frames.size() == 2);
  CHECK(d->frames[1].key == "n:2");
  CHECK(d->frames[1].row == 1);
  CHECK(d->frames[1].first == domain::input_id{{9}, 1});
  const auto read = folder->read(17, d->frames[1].offset, d->frames[1].size);
  REQUIRE(read.ok());
  CHECK(*read == b);
  CHECK(*folder->files() == std::vector<std::uint64_t>{17});
}

TEST_CASE("cold file: one that was not finished is gone, with the writer or at the next start") {
  const scratch_folder scratch;
  const auto folder = open(scratch / "history");
  {
    auto w = cold_file_writer::begin(*folder, 1, 0);
    REQUIRE(w.ok());
    REQUIRE((*w)->add("{}", {}).ok());
    CHECK(folder->files()->empty());
  }
  CHECK(std::filesystem::is_empty(scratch / "history"));
  std::ofstream(folder->path(2) + ".unfinished") << "half";
  REQUIRE(open(scratch / "history")->remove_unfinished().ok());
  CHECK(std::filesystem::is_empty(scratch / "history"));
}

TEST_CASE("cold file: damage of its ends, a missing file and a wrong place are errors") {
  const scratch_folder scratch;
  const auto folder = open(scratch / "history");
  write(*folder, 1, {{"n:1", frame_of(life_of(1, 20), "n:1")}});
  CHECK(folder->read(2, 0, 1).error().code == errc::not_found);
  CHECK(folder->directory(2).error().code == errc::not_found);
  const auto size = *folder->size_of(1);
  CHECK(folder->read(1, size, 1).error().code == errc::corrupt);
  CHECK(folder->read(1, 1, ~0ull).error().code == errc::corrupt);
  for (const std::uint64_t cut : {size - 1, size / 2, std::uint64_t{10}, std::uint64_t{0}}) {
    std::filesystem::resize_file(folder->path(1), cut);
    CHECK(folder->directory(1).error().code == errc::corrupt);
  }
}

TEST_CASE("cold file: it stays while somebody reads") {
  const scratch_folder scratch;
  const auto folder = open(scratch / "history");
  write(*folder, 1, {{"n:1", frame_of(life_of(1, 20), "n:1")}});
  auto reader = folder->pin();
  CHECK(folder->remove(1).error().code == errc::unavailable);
  reader.reset();
  CHECK(folder->remove(1).ok());
  CHECK(folder->files()->empty());
}

TEST_CASE("cold file: a Python script reads what went in") {
  const scratch_folder scratch;
  const auto folder = open(scratch / "history");
  const auto life = life_of(11, 700);
  write(*folder, 5, {{"n:0", frame_of(life_of(3, 9), "n:0")}, {"n:1", frame_of(life, "n:1")}});
  std::istringstream lines(output_of("python3 -B " POLLUX_SOURCE_DIR
                                     "/docs/examples/read_cold.py " +
                                     folder->path(5) + " n:1 | tr -d '\\r'"));
  static constexpr const char* kinds[] = {"none", "f64",         "i64",        "boolean",
                                          "text", "samples_f32", "samples_i16"};
  std::string line;
  std::size_t values = 0;
  for (const auto& made : life) {
    if (made.in.kind != domain::input_kind::readings) continue;
    for (const auto& r : made.in.readings) {
      for (std::size_t i = r.first; i < r.first + r.count; ++i, ++values) {
        const auto& f = made.in.fields[i];
        const auto head = std::to_string(r.event_time_ns) + "," +
                          std::to_string(static_cast<std::int64_t>(r.sequence)) + "," +
                          std::string(f.name) + "," + kinds[static_cast<int>(f.value.kind)] + ",";
        REQUIRE(std::getline(lines, line));
        REQUIRE(line.substr(0, head.size()) == head);
        const auto value = line.substr(head.size());
        if (f.value.kind == domain::value_kind::f64) {
          const double got = std::strtod(value.c_str(), nullptr);
          REQUIRE(std::bit_cast<std::uint64_t>(got) == std::bit_cast<std::uint64_t>(f.value.f64));
        } else {
          REQUIRE(value == plain_text(f.value));
        }
      }
    }
  }
  CHECK(values > 500);
  CHECK_FALSE(std::getline(lines, line));
}
