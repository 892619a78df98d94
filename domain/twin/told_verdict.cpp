// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/told_verdict.hpp"
#include <bit>
#include <string_view>

namespace pollux::domain {
namespace {

class fnv {
public:
  void number(std::uint64_t v) noexcept {
    for (int i = 0; i < 8; ++i) byte(static_cast<unsigned char>(v >> (8 * i)));
  }
  void number(double v) noexcept { number(std::bit_cast<std::uint64_t>(v)); }
  void number(std::int64_t v) noexcept { number(static_cast<std::uint64_t>(v)); }
  void text(std::string_view v) noexcept {
    number(static_cast<std::uint64_t>(v.size()));
    for (const char c : v) byte(static_cast<unsigned char>(c));
  }
  void numbers(const std::vector<named_number>& all) noexcept {
    number(static_cast<std::uint64_t>(all.size()));
    for (const auto& n : all) {
      text(n.name);
      number(n.value);
    }
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return hash_; }

private:
  void byte(unsigned char b) noexcept { hash_ = (hash_ ^ b) * 0x100000001b3; }
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

} // namespace

std::uint64_t digest_of(std::int64_t event_time_ns, const evidence& proof) noexcept {
  fnv hash;
  hash.number(event_time_ns);
  hash.text(proof.field);
  hash.numbers(proof.numbers);
  for (const auto& t : proof.times) {
    hash.text(t.name);
    hash.number(t.time_ns);
  }
  for (const auto t : proof.event_times_ns) hash.number(t);
  hash.text(proof.explanation);
  for (const auto& w : proof.windows) {
    hash.text(w.name);
    hash.number(w.count);
    for (const auto v : {w.mean, w.m2, w.min, w.max}) hash.number(v);
    hash.number(w.from_ns);
    hash.number(w.to_ns);
  }
  for (const auto& stage : proof.path) {
    hash.text(stage.stage);
    hash.number(stage.event_time_ns);
    hash.numbers(stage.numbers);
  }
  return hash.value();
}

} // namespace pollux::domain
