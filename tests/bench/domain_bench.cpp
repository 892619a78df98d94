// SPDX-License-Identifier: Apache-2.0
// What the pure core costs, in CPU time of one thread: no broker, no node, no disk.
//   domain_bench [NAME ...]     all of them without a name
// Each benchmark is a function in a file of its own and a line in the table below.
#include "tests/bench/domain_bench.hpp"
#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  struct benchmark {
    const char* name;
    void (*run)();
  };
  const benchmark all[] = {
      {"pattern", pollux::bench::pattern},       //
      {"event_time", pollux::bench::event_time}, //
      {"rules", pollux::bench::rules},           //
      {"windows", pollux::bench::windows},       //
  };
  bool ran = false;
  for (const auto& b : all) {
    bool wanted = argc == 1;
    for (int i = 1; i < argc; ++i) wanted = wanted || std::strcmp(argv[i], b.name) == 0;
    if (!wanted) continue;
    b.run();
    ran = true;
  }
  if (!ran) std::fprintf(stderr, "domain_bench: no benchmark of that name\n");
  return ran ? 0 : 2;
}
