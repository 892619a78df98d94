// SPDX-License-Identifier: Apache-2.0
// The commands one twin remembers: those under way and, for as long as a repeat must be recognised
// (until an hour after their expiry), those that are done. At most 1,024; then the oldest done ones
// are forgotten first, and while none is done new ones are refused.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/base/time.hpp"
#include "domain/twin/effect.hpp"
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain {

inline constexpr std::size_t max_commands_remembered = 1024;
inline constexpr std::int64_t command_memory_ns = 3600 * ns_per_s; ///< after expiry

struct command_record {
  std::string id;
  std::string name;
  input_id requested; ///< its place in the journal: tells which of two was later
  std::int64_t requested_ns = 0;
  std::int64_t expires_ns = 0;
  command_phase phase = command_phase::dispatched;
  std::optional<double> argument; ///< the guarded one
  std::string detail;
};

/// What the interlocks need to know about earlier commands of one name.
struct command_history {
  std::string name;
  std::int64_t last_dispatched_ns = no_time;
  std::optional<double> confirmed;
  input_id confirmed_by; ///< the request whose value that is
};

class command_book {
public:
  [[nodiscard]] command_record* find(std::string_view id) noexcept;
  /// nullptr when the book is full of commands under way.
  command_record* add(command_record record);
  /// Forgets what need not be recognised any more.
  void forget(std::int64_t now_ns);
  [[nodiscard]] const command_history* history(std::string_view name) const noexcept;
  [[nodiscard]] command_history& history_of(const std::string& name);
  /// Call after a phase changed. Cost: O(records).
  void refresh();
  /// The earliest expiry of a command under way; `never` when there is none.
  [[nodiscard]] std::int64_t next_expiry_ns() const noexcept { return next_expiry_ns_; }
  [[nodiscard]] const std::vector<command_record>& all() const noexcept { return records_; }
  [[nodiscard]] std::vector<command_record>& all() noexcept { return records_; }
  [[nodiscard]] bool empty() const noexcept { return records_.empty() && history_.empty(); }
  [[nodiscard]] std::size_t heap_bytes() const noexcept;
  void save(byte_writer& out) const;
  [[nodiscard]] bool load(byte_reader& in);

private:
  std::vector<command_record> records_;  // in order of request
  std::vector<command_history> history_; // in order of first use
  std::int64_t next_expiry_ns_ = never;
};

} // namespace pollux::domain
