// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/bench_traffic.hpp"
#include <array>
#include <charconv>
#include <cmath>

namespace pollux::bench {

namespace {

constexpr std::int64_t first_time_ms = 1'700'000'000'000;
constexpr std::uint64_t window_readings = 30; ///< five minutes of step_ms
constexpr std::uint64_t least_readings = 10;  ///< z-scores of fewer say nothing
constexpr std::uint64_t armed_readings = 61;  ///< ten minutes of step_ms

enum class event : std::uint8_t { idle, spike, dip, surge, rise_1, rise_2, rise_3 };

struct planned {
  std::uint64_t place;
  event what;
};
/// One period of a device. Each event is far from the next, so that it finds a window of idle
/// readings: that makes its z-score far larger than 3, and that of idle ones far smaller.
constexpr std::array plan{
    planned{100, event::spike},   planned{350, event::dip},
    planned{600, event::surge},   planned{850, event::rise_1},
    planned{851, event::rise_2},  planned{852, event::rise_3},
    planned{853, event::spike}, // a sequence
    planned{1100, event::rise_1}, planned{1101, event::rise_2},
    planned{1102, event::spike}, // two rises are none
    planned{1400, event::rise_1}, planned{1401, event::rise_2},
    planned{1402, event::rise_3}, planned{1600, event::spike}, // too late for a sequence
    planned{1900, event::spike},  planned{2300, event::dip},
    planned{2500, event::surge},
};

constexpr auto events_by_place = [] {
  std::array<event, traffic::period> out{};
  for (const auto& p : plan) out[p.place] = p.what;
  return out;
}();

constexpr std::uint64_t phase_of(std::uint64_t device) { return device * 1'117 % traffic::period; }

/// What a device measures at that place of the period, by itself and without noise.
measured pattern(std::uint64_t place) {
  constexpr std::array<std::int64_t, 7> swing{0, 3, -2, 1, -3, 2, -1};
  measured out{45'000 + 150 * swing[place % 7], 2'000 + 60 * swing[place * 3 % 7],
               10'000 + 150 * swing[place * 5 % 7]};
  switch (events_by_place[place]) {
  case event::idle: break;
  case event::spike: out.temperature += 6'000; break;
  case event::dip: out.temperature -= 6'000; break;
  case event::surge: out.current += 6'000; break;
  case event::rise_1: out.vibration = 4'500; break;
  case event::rise_2: out.vibration = 6'000; break;
  case event::rise_3: out.vibration = 9'000; break;
  }
  return out;
}

/// Job J's rules on one device, plainly: the window is added up anew for each reading.
class slow_rules {
public:
  std::uint8_t take(const measured& now) {
    std::uint8_t out = 0;
    const bool hot = judge(now, &measured::temperature) == 1;
    if (judge(now, &measured::temperature) != 0) out |= alert_temperature;
    if (judge(now, &measured::vibration) != 0) out |= alert_vibration;
    if (judge(now, &measured::current) != 0) out |= alert_current;
    const auto n = seen_.size();
    if (hot && armed_ && n - armed_at_ <= armed_readings) {
      out |= alert_sequence;
      armed_ = false;
    }
    const bool rises =
        now.vibration > 4'000 && !seen_.empty() && now.vibration > seen_.back().vibration;
    rises_ = rises ? rises_ + 1 : 0;
    if (rises_ >= 3) {
      armed_ = true;
      armed_at_ = n;
    }
    seen_.push_back(now);
    return out;
  }

private:
  /// 1 above, -1 below, 0 within three standard deviations of the window.
  int judge(const measured& now, std::int64_t measured::*field) const {
    const auto n = std::min<std::uint64_t>(seen_.size(), window_readings);
    if (n < least_readings) return 0;
    double sum = 0, squares = 0;
    for (auto i = seen_.size() - n; i < seen_.size(); ++i) {
      const auto x = static_cast<double>(seen_[i].*field);
      sum += x;
      squares += x * x;
    }
    const auto count = static_cast<double>(n);
    const double mean = sum / count, variance = squares / count - mean * mean;
    const double off = static_cast<double>(now.*field) - mean;
    if (variance <= 0 || off * off <= 9 * variance) return 0;
    return off > 0 ? 1 : -1;
  }

  std::vector<measured> seen_;
  std::uint64_t rises_ = 0, armed_at_ = 0;
  bool armed_ = false;
};

/// A number below 2^32 that looks random and is the same on every machine.
std::uint64_t noise_of(std::uint64_t device, std::uint64_t reading) {
  std::uint64_t x = device * 0x9e3779b97f4a7c15ULL + reading * 0xbf58476d1ce4e5b9ULL + 1;
  x ^= x >> 29;
  x *= 0x94d049bb133111ebULL;
  return x >> 32;
}

void append_number(std::string& out, std::int64_t n) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, n).ptr);
}

/// Thousandths with three decimals.
void append_thousandths(std::string& out, std::int64_t n) {
  append_number(out, n / 1000);
  const auto rest = static_cast<int>(n % 1000);
  const char text[4] = {'.', static_cast<char>('0' + rest / 100),
                        static_cast<char>('0' + rest / 10 % 10),
                        static_cast<char>('0' + rest % 10)};
  out.append(text, sizeof text);
}

} // namespace

traffic::traffic(std::uint64_t devices, std::uint64_t messages, std::uint32_t batch)
    : devices_(devices), messages_(messages), batch_(batch), fresh_(period * settled),
      steady_(period) {
  for (std::uint64_t phase = 0; phase < period; ++phase) {
    slow_rules rules;
    for (std::uint64_t k = 0; k < settled; ++k)
      fresh_[phase * settled + k] = rules.take(pattern((phase + k) % period));
  }
  slow_rules rules;
  for (std::uint64_t k = 0; k < settled + period; ++k) {
    const auto bits = rules.take(pattern(k % period));
    if (k >= settled) steady_[k % period] = bits;
  }
}

measured traffic::value(std::uint64_t device, std::uint64_t reading) noexcept {
  auto out = pattern((phase_of(device) + reading) % period);
  const auto noise = noise_of(device, reading);
  const auto part = [noise](unsigned shift, std::int64_t width) {
    return static_cast<std::int64_t>(noise >> shift & 0x3ff) * width / 0x400 - width / 2;
  };
  out.temperature += part(0, 200) + static_cast<std::int64_t>(device % 1'000) * 20;
  out.vibration += part(10, 80);
  out.current += part(20, 200);
  return out;
}

std::int64_t traffic::time_ms(std::uint64_t device, std::uint64_t reading) noexcept {
  return first_time_ms + static_cast<std::int64_t>(device * 37 % step_ms) +
         static_cast<std::int64_t>(reading) * step_ms;
}

std::uint64_t traffic::reading_at(std::uint64_t device, std::int64_t time_ms) noexcept {
  return static_cast<std::uint64_t>((time_ms - traffic::time_ms(device, 0)) / step_ms);
}

std::uint8_t traffic::alerts(std::uint64_t device, std::uint64_t reading) const noexcept {
  const auto phase = phase_of(device);
  return reading < settled ? fresh_[phase * settled + reading]
                           : steady_[(phase + reading) % period];
}

void traffic::append_payload(std::string& out, std::uint64_t m) const {
  const auto device = m % devices_, first = m / devices_ * batch_;
  if (batch_ > 1) out += '[';
  for (std::uint64_t k = first; k < first + batch_; ++k) {
    const auto v = value(device, k);
    out += k == first ? "{\"ts\":" : ",{\"ts\":";
    append_number(out, time_ms(device, k));
    out += ",\"temperature\":";
    append_thousandths(out, v.temperature);
    out += ",\"vibration\":";
    append_thousandths(out, v.vibration);
    out += ",\"current\":";
    append_thousandths(out, v.current);
    out += '}';
  }
  if (batch_ > 1) out += ']';
}

void traffic::append_device(std::string& out, std::uint64_t device) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, device).ptr;
  const auto size = static_cast<std::size_t>(end - text);
  out += 'd';
  if (size < 6) out.append(6 - size, '0');
  out.append(text, size);
}

std::vector<std::uint64_t> traffic::expected_alerts() const {
  std::vector<std::uint64_t> out;
  for (std::uint64_t device = 0; device < devices_ && device < messages_; ++device) {
    const auto own = (messages_ - device + devices_ - 1) / devices_ * batch_;
    for (std::uint64_t k = 0; k < own; ++k)
      for (unsigned bits = alerts(device, k); bits != 0; bits &= bits - 1)
        out.push_back(alert_key(device, k, static_cast<std::uint8_t>(bits & (0U - bits))));
  }
  return out;
}

} // namespace pollux::bench
