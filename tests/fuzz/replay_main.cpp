// SPDX-License-Identifier: Apache-2.0
// Without libFuzzer: replays a target's corpus and a fixed number of deterministic mutations of it,
// so that a target can neither rot nor depend on luck. usage: fuzz_NAME FOLDER [MUTATIONS]
#include "fuzz.hpp"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

namespace {

using corpus = std::vector<std::string>;

corpus read_folder(const char* folder) {
  std::vector<std::filesystem::path> files;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failed))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  corpus out;
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    out.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return out;
}

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::string mutated(const corpus& seeds, std::mt19937& random) {
  std::string out = seeds[random() % seeds.size()];
  for (auto left = 1 + random() % 4; left > 0; --left) {
    const auto at = out.empty() ? 0 : random() % out.size();
    switch (random() % 6) {
    case 0:
      if (!out.empty()) out[at] = static_cast<char>(random());
      break;
    case 1:
      if (!out.empty()) out[at] = static_cast<char>(out[at] ^ (1 << random() % 8));
      break;
    case 2: out.insert(at, 1, static_cast<char>(random())); break;
    case 3: out.erase(at, random() % 8); break;
    case 4: out.insert(at, out.substr(at, random() % 32)); break;
    default: {
      const auto& other = seeds[random() % seeds.size()];
      if (!other.empty()) out = out.substr(0, at) + other.substr(random() % other.size());
    }
    }
  }
  return out;
}

} // namespace

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "usage: %s FOLDER [MUTATIONS]\n", words[0]);
    return 2;
  }
  const auto seeds = read_folder(words[1]);
  if (seeds.empty()) {
    std::fprintf(stderr, "%s: no corpus in %s\n", words[0], words[1]);
    return 1;
  }
  for (const auto& seed : seeds) run(seed);
  const unsigned long mutations = count > 2 ? std::strtoul(words[2], nullptr, 10) : 20'000;
  for (unsigned long i = 0; i < mutations; ++i) {
    std::mt19937 random(static_cast<std::uint32_t>(i));
    run(mutated(seeds, random));
  }
  std::printf("%zu files and %lu mutations: nothing broke\n", seeds.size(), mutations);
  return 0;
}
