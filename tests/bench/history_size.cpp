// SPDX-License-Identifier: Apache-2.0
// Bytes a value in history blocks, beside gzip and zstd of the CSV, and what sealing and reading
// them back cost. Every block is decoded and compared with what went in, bit for bit.
//   history_size [--data FOLDER] [--job-j MSGS.BIN] [--speed]
#include "messages/segment.hpp"
#include "persistence/block_builder.hpp"
#include "tests/bench/history_data.hpp"
#include <cstdio>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <zlib.h>
#include <zstd.h>

namespace {

using namespace pollux;
using bench::data_set;
using persistence::block_builder;
using persistence::block_settings;

std::size_t gzip_size(const std::string& text) {
  z_stream z{};
  if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
  std::string out(deflateBound(&z, text.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  const auto size = z.total_out;
  deflateEnd(&z);
  return size;
}

std::size_t zstd_size(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  return ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 19);
}

std::vector<std::string> seal(const bench::stream& s, const block_settings& settings) {
  std::vector<std::string> out;
  block_builder b(settings);
  for (const auto& in : s.inputs) {
    b.add(in);
    if (b.full()) out.push_back(b.finish());
  }
  if (!b.empty()) out.push_back(b.finish());
  return out;
}

void check(const bench::stream& s, const std::vector<std::string>& blocks) {
  std::size_t at = 0;
  std::string wanted, got;
  for (const auto& block : blocks) {
    const auto read = persistence::decode_block(block, [&](const domain::input& in) {
      wanted.clear();
      got.clear();
      persistence::append_canonical(s.inputs.at(at++), wanted);
      persistence::append_canonical(in, got);
      if (wanted != got) throw std::runtime_error("an input came back changed");
    });
    if (!read) throw std::runtime_error(read.error().what);
  }
  if (at != s.inputs.size()) throw std::runtime_error("inputs are missing");
}

std::size_t sealed_size(const data_set& d, const block_settings& settings) {
  std::size_t size = 0;
  for (const auto& s : d.streams) {
    const auto blocks = seal(s, settings);
    check(s, blocks);
    for (const auto& b : blocks) size += b.size();
  }
  return size;
}

struct sizes {
  double values = 0, csv = 0, gzip = 0, zstd = 0, hot = 0, warm = 0;
  void add(const sizes& o) {
    values += o.values;
    csv += o.csv;
    gzip += o.gzip;
    zstd += o.zstd;
    hot += o.hot;
    warm += o.warm;
  }
  void print(const char* name) const {
    std::printf("| %s | %.0f | %.2f | %.2f | %.2f | %.2f | %.2f |\n", name, values, csv / values,
                gzip / values, zstd / values, hot / values, warm / values);
    std::fflush(stdout);
  }
};

void print_sizes(const std::deque<data_set>& sets) {
  std::puts("| data set | values | CSV | gzip | zstd -19 | hot | warm |");
  std::puts("| --- | --- | --- | --- | --- | --- | --- |");
  sizes all;
  for (const auto& d : sets) {
    const sizes s{static_cast<double>(d.values),
                  static_cast<double>(d.csv.size()),
                  static_cast<double>(gzip_size(d.csv)),
                  static_cast<double>(zstd_size(d.csv)),
                  static_cast<double>(sealed_size(d, persistence::hot_blocks)),
                  static_cast<double>(sealed_size(d, persistence::warm_blocks))};
    s.print(d.name.c_str());
    all.add(s);
  }
  all.print("all");
}

/// CPU time: other work on the machine does not count.
double cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

/// A stream as the log holds it: segments of 500 inputs.
std::vector<std::shared_ptr<messages::segment>> as_log(const bench::stream& s) {
  std::vector<std::shared_ptr<messages::segment>> out;
  messages::segment_builder b;
  for (const auto& in : s.inputs) {
    b.add(0, "d:1", in);
    if (b.inputs() == 500) out.push_back(b.finish());
  }
  if (!b.empty()) out.push_back(b.finish());
  return out;
}

void print_speed(const data_set& d) {
  double readings = 0, sealing = 0, moving = 0, hot = 0, warm = 0, chain = 0;
  for (const auto& s : d.streams) {
    const auto log = as_log(s);
    domain::input in;
    std::vector<std::string> blocks;
    block_builder b(persistence::hot_blocks), harder(persistence::warm_blocks);
    std::uint64_t position = 0;
    auto start = cpu_ns();
    for (const auto& segment : log) {
      ++position;
      for (std::size_t i = 0; i < segment->entries().size(); ++i) {
        segment->decode(i, {position}, in);
        b.add(in);
        if (b.full()) blocks.push_back(b.finish());
      }
    }
    if (!b.empty()) blocks.push_back(b.finish());
    sealing += cpu_ns() - start;
    std::vector<std::string> warm_blocks;
    start = cpu_ns();
    for (const auto& block : blocks)
      static_cast<void>(persistence::decode_block(block, [&](const domain::input& i) {
        harder.add(i);
        if (harder.full()) warm_blocks.push_back(harder.finish());
      }));
    if (!harder.empty()) warm_blocks.push_back(harder.finish());
    moving += cpu_ns() - start;
    const auto count = [&](const domain::input& i) {
      readings += static_cast<double>(i.readings.size());
    };
    start = cpu_ns();
    for (const auto& block : blocks) static_cast<void>(persistence::decode_block(block, count));
    hot += cpu_ns() - start;
    start = cpu_ns();
    for (const auto& block : warm_blocks)
      static_cast<void>(persistence::decode_block(block, count));
    warm += cpu_ns() - start;
    // the chain as sealing meets it, with inputs just decoded: what it adds to decoding
    persistence::chain_hasher h;
    start = cpu_ns();
    for (const auto& block : blocks)
      static_cast<void>(
          persistence::decode_block(block, [&](const domain::input& i) { h.add(i); }));
    const auto with_chain = cpu_ns() - start;
    start = cpu_ns();
    for (const auto& block : blocks)
      static_cast<void>(persistence::decode_block(block, [](const domain::input&) {}));
    chain += with_chain - (cpu_ns() - start);
  }
  readings /= 2; // counted in both tiers
  std::printf("| %s | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f |\n", d.name.c_str(), readings,
              sealing / readings, chain / readings, hot / readings, moving / readings,
              warm / readings);
  std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
  std::string data, job_j;
  bool speed = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--speed") == 0)
      speed = true;
    else if (i + 1 < argc && std::strcmp(argv[i], "--data") == 0)
      data = argv[++i];
    else if (i + 1 < argc && std::strcmp(argv[i], "--job-j") == 0)
      job_j = argv[++i];
    else
      return std::fputs("history_size [--data FOLDER] [--job-j MSGS.BIN] [--speed]\n", stderr), 2;
  }
  try {
    std::deque<data_set> sets;
    if (!data.empty()) sets = bench::load_recorded(data);
    if (!job_j.empty()) sets.push_back(bench::load_job_j(job_j));
    if (!speed) return print_sizes(sets), 0;
    std::puts(
        "| ns of CPU a reading | readings | seal | of it chain | read hot | hot to warm | read "
        "warm |");
    std::puts("| --- | --- | --- | --- | --- | --- | --- |");
    for (const auto& d : sets) print_speed(d);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "history_size: %s\n", e.what());
    return 1;
  }
  return 0;
}
