// SPDX-License-Identifier: Apache-2.0
// Hands the node's events on to any number of readers. An event is written as text once, whoever
// reads it. Readers who want the same share one list, each with a place of their own in it, so a
// reader who falls behind costs no memory; in the list a newer state of a twin replaces the older
// one. What no longer fits among the recent events stays in a list until its readers have it, up to
// a batch; what has to give way then counts as missed for those who had not come to it.
#pragma once
#include "bridge/http/message.hpp"
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace pollux::bridge::http {

struct subscription {
  std::string twins = "*"; ///< a glob
  bool state = true, alert = true, command = true;
  std::vector<std::string> namespaces = {"*"}; ///< globs of what the reader may see
  std::string filter; ///< RQL; not empty: only of twins it holds for (see hub::settle)
};

enum class framing : std::uint8_t { event_stream, web_socket };

struct hub_options {
  std::size_t recent_bytes = 8 << 20;  ///< of events kept for those who come back, as text
  std::size_t recent_events = 65'536;  ///< the same as a count
  std::size_t batch_bytes = 60 << 10;  ///< handed to a reader at once; one larger event is alone
  std::int64_t pause_ns = 100'000'000; ///< between two batches of a reader
  std::int64_t silence_ns = 15'000'000'000; ///< then an event stream gets a comment
};

/// Thread-safe; nothing is called back but outlet::push.
class hub {
public:
  /// `epoch` makes ids of one run unlike those of another.
  hub(hub_options options, std::string epoch);

  /// A reader, from now on, or after the event that `last_id` names ("": none). Gives their number.
  std::uint64_t join(const subscription& wants, std::shared_ptr<outlet> to, framing how,
                     std::string_view last_id, std::int64_t now_ns);
  void leave(std::uint64_t reader);
  /// One event of the node; `kind`: state, alert, command. `document`: JSON. Cost: O(lists whose
  /// readers want it), a lookup for those that name a single twin.
  void publish(std::string_view kind, const std::string& twin, std::string_view document);
  /// Events were lost before they came here, at most so many; no value: nobody knows how many.
  void lost(std::optional<std::uint64_t> events);
  /// Hands on what is due. Cost: O(readers).
  void flush(std::int64_t now_ns);
  [[nodiscard]] std::size_t readers() const;

  // Filters. Which twins a filter holds for is found out by somebody else, who tells it to the list
  // of those who read with it; until then its events wait.
  /// Somebody does that for this subscription already.
  [[nodiscard]] bool is_followed(const subscription& wants) const;
  /// The list of reader `number`, when it has a filter that nobody follows: from now on the caller
  /// does.
  [[nodiscard]] std::optional<std::uint64_t> claim_filter(std::uint64_t number);
  /// The filter holds for these now, and no longer for those. `upto` not 0: that is all there was
  /// before this event. What a twin tells some 0.2 s after it left still goes out, so that the
  /// event with which it left is seen. False: nobody reads the list any more.
  bool settle(std::uint64_t filtered, const std::vector<std::string>& entered,
              const std::vector<std::string>& left, std::uint64_t upto);
  /// The filter cannot be followed: its readers are sent away, to come again.
  void give_up_filter(std::uint64_t filtered);
  [[nodiscard]] std::uint64_t last_number() const;

  /// One pump at a time: true for who may feed the hub now.
  [[nodiscard]] bool claim_pump();
  /// True when nobody has read since `since_ns`: the pump is given up, and recent events forgotten.
  [[nodiscard]] bool give_up_pump(std::int64_t idle_since_ns);

private:
  struct event {
    std::uint64_t number = 0;
    std::string twin;
    std::string kind;
    chunk frame;                    ///< as a server-sent event
    std::size_t skip = 0, size = 0; ///< where in it the JSON is
  };
  using event_pointer = std::shared_ptr<const event>;
  struct reader {
    std::shared_ptr<outlet> to;
    framing how = framing::event_stream;
    std::uint64_t place = 0; ///< number of the last event they have
    std::uint64_t missed = 0;
    bool unknown_loss = false, loss_told = false;
    std::int64_t next_ns = 0, silent_since_ns = 0;
  };
  struct batch {
    std::uint64_t from = 0, to = 0;
    chunk text;
  };
  struct filter_state {
    std::uint64_t number = 0;
    std::uint64_t settled = 0; ///< later events wait
    bool followed = false;
    std::unordered_set<std::string> members;
    std::unordered_set<std::string> leaving, left; ///< since the last settlement; in the last one
  };
  struct list {
    subscription wants;
    std::map<std::uint64_t, event_pointer> events;
    std::map<std::uint64_t, reader> readers;
    std::uint64_t least_place = 0; ///< no reader is before it
    std::size_t overdue_bytes = 0; ///< of events that are no longer among the recent ones
    batch last[2]; ///< of each framing: what the next reader at the same place gets, too
    std::unique_ptr<filter_state> filter; ///< of a subscription with one
  };

  void offer(list& to, const event_pointer& e, std::uint64_t replaced);
  void evict();
  void outlive(list& in, const event& e);
  static void drop_first(list& from);
  void forget_read(list& in) const;
  bool tell_loss(reader& r);
  bool hand_on(list& l, reader& r, std::int64_t now_ns);
  [[nodiscard]] batch batch_after(list& l, std::uint64_t place, framing how) const;
  void resume(reader& r, std::string_view last_id) const;
  [[nodiscard]] std::shared_ptr<list> list_for(const subscription& wants);
  [[nodiscard]] std::shared_ptr<list> filtered_list(std::uint64_t number) const;

  mutable std::mutex mutex_;
  hub_options options_;
  std::string epoch_;
  std::uint64_t last_number_ = 0, last_reader_ = 0, last_filter_ = 0;
  std::uint64_t forgotten_ = 0; ///< number of the newest event that had to give way
  std::size_t recent_bytes_ = 0;
  std::map<std::uint64_t, event_pointer> recent_;
  std::unordered_map<std::string, std::uint64_t> latest_; ///< number of each twin's state
  std::map<std::string, std::shared_ptr<list>> lists_;
  std::unordered_multimap<std::string, list*> exact_; ///< lists that name a single twin
  std::vector<list*> wild_;
  std::unordered_map<std::uint64_t, std::shared_ptr<list>> list_of_;
  bool pumped_ = false;
  std::int64_t last_left_ns_ = 0, now_ns_ = 0;
};

} // namespace pollux::bridge::http
