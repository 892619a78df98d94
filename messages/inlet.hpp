// SPDX-License-Identifier: Apache-2.0
// The inlet: the one way into the journal, for every door (MQTT, HTTP, remoting, timers).
// submit() puts an input into its shard's inbox and gives a ticket; when durable_upto() has
// reached the ticket the input is safe at that class and may be acknowledged.
#pragma once
#include "domain/base/result.hpp"
#include "domain/twin/input.hpp"
#include <compare>
#include <cstdint>
#include <functional>
#include <string_view>

namespace pollux::messages {

/// D0: in the kernel before the acknowledgement (survives kill -9). D1: D0, and fsync at most the
/// sync interval behind. D2: fsync before the acknowledgement.
enum class durability : std::uint8_t { d0 = 0, d1 = 1, d2 = 2 };

/// Runs through all shards; compare only with durable_upto().
struct ticket {
  std::uint64_t value = 0;
  auto operator<=>(const ticket&) const = default;
};

class inlet {
public:
  virtual ~inlet() = default;

  /// Puts one input of twin `id` into its shard's inbox. `create_as` names the model a twin gets
  /// that is seen for the first time; empty = unknown twins are refused. in.id is ignored;
  /// in.ingest_time_ns must be set. Thread-safe, never waits for I/O.
  /// Errors: not_found (unknown twin or model), invalid_argument (bad id), overloaded (credits ran
  /// dry: the source must pause until accepting()), no_space / io / unavailable (the journal
  /// refuses; do not acknowledge).
  virtual result<ticket> submit(std::string_view id, std::string_view create_as,
                                const domain::input& in) = 0;

  /// Writes everything that waits as one batch, and for d2 also syncs it. On success everything
  /// submitted before the call is durable at `upto`; with `mine`, success also says that the input
  /// of that ticket was not in a batch that failed meanwhile. May take milliseconds. Errors as
  /// submit.
  virtual status flush(durability upto, ticket mine = {}) = 0;

  [[nodiscard]] virtual ticket durable_upto(durability at) const = 0;

  /// Tickets up to this one may have been in a batch that could not be written. Asked *after*
  /// durable_upto(): of what it told durable, only tickets above this one may be acknowledged, the
  /// others have to come again.
  [[nodiscard]] virtual ticket failed_upto() const { return {}; }

  /// Calls `told` whenever durable_upto() or failed_upto() may have risen, from the thread that
  /// made it so: it must be quick and must not call submit or flush. `whose` names the listener
  /// for forget_durable(), after which it is not called any more.
  virtual void on_durable(const void* whose, std::function<void()> told) {
    (void)whose;
    (void)told;
  }
  virtual void forget_durable(const void* whose) { (void)whose; }

  /// False when credits ran dry or the journal refuses; true again at half credit.
  [[nodiscard]] virtual bool accepting() const = 0;

  /// True when submit would find a credit now. A source that finds none may wait for one a moment
  /// before it leaves its broker (docs/decisions/0013-wait-before-leaving.md).
  [[nodiscard]] virtual bool has_credit() const { return accepting(); }
};

} // namespace pollux::messages
