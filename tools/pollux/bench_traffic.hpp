// SPDX-License-Identifier: Apache-2.0
// What `pollux bench` sends: job J's readings with its kinds of anomaly, computed instead of kept,
// so that sending costs next to nothing and every alert that must come is known beforehand.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bench {

/// Which rules of the job a reading sets off; bits.
enum alert_bits : std::uint8_t {
  alert_temperature = 1,
  alert_vibration = 2,
  alert_current = 4,
  alert_sequence = 8,
};

/// Three measured values, in thousandths.
struct measured {
  std::int64_t temperature = 0, vibration = 0, current = 0;
};

/// `messages` messages of `batch` readings of one device each, the devices in turn: message m is of
/// device m % devices. Reading k of a device lies step_ms after reading k - 1, so that a window of
/// five minutes holds 30 earlier ones and no reading lies on its edge.
class traffic {
public:
  static constexpr std::int64_t step_ms = 9'800;
  static constexpr std::uint64_t period = 2'800; ///< readings after which a device repeats itself

  /// All counts at least 1. Costs about 30 ms.
  traffic(std::uint64_t devices, std::uint64_t messages, std::uint32_t batch);

  [[nodiscard]] std::uint64_t devices() const noexcept { return devices_; }
  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
  [[nodiscard]] std::uint32_t batch() const noexcept { return batch_; }
  [[nodiscard]] std::uint64_t readings() const noexcept { return messages_ * batch_; }

  [[nodiscard]] static measured value(std::uint64_t device, std::uint64_t reading) noexcept;
  [[nodiscard]] static std::int64_t time_ms(std::uint64_t device, std::uint64_t reading) noexcept;
  /// The reading of that device and time; the times of one device only.
  [[nodiscard]] static std::uint64_t reading_at(std::uint64_t device,
                                                std::int64_t time_ms) noexcept;
  /// The alerts (alert_bits) that reading must raise, exactly these.
  [[nodiscard]] std::uint8_t alerts(std::uint64_t device, std::uint64_t reading) const noexcept;

  /// The payload of message `m`: an object, or an array of `batch` objects.
  void append_payload(std::string& out, std::uint64_t m) const;
  /// "d000042".
  static void append_device(std::string& out, std::uint64_t device);

  /// One number for each alert the whole traffic must raise, ascending: alert_key().
  [[nodiscard]] std::vector<std::uint64_t> expected_alerts() const;
  /// Device, reading (below 2^28) and one bit of alert_bits in one number.
  [[nodiscard]] static std::uint64_t alert_key(std::uint64_t device, std::uint64_t reading,
                                               std::uint8_t bit) noexcept {
    return device << 32 | reading << 4 | bit;
  }

private:
  /// A device's alerts depend on its phase and on the reading's number only: fresh devices differ
  /// for as long as windows fill and sequences last, afterwards all repeats itself.
  static constexpr std::uint64_t settled = 100;

  std::uint64_t devices_, messages_;
  std::uint32_t batch_;
  std::vector<std::uint8_t> fresh_;  ///< [phase * settled + reading]
  std::vector<std::uint8_t> steady_; ///< [(phase + reading) % period]
};

} // namespace pollux::bench
