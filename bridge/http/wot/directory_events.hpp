// SPDX-License-Identifier: Apache-2.0
// What becomes of the things of the directory: made, changed, ended. It is a live search over all
// twins, read while somebody listens and for a minute after, and a look at the models that rule.
#pragma once
#include "bridge/http/ask.hpp"
#include "bridge/http/stream/hub.hpp"
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge::http {

inline constexpr std::string_view thing_created = "thing_created", thing_updated = "thing_updated",
                                  thing_deleted = "thing_deleted";

class directory_events : public std::enable_shared_from_this<directory_events> {
public:
  /// `readers` are this object's alone; it is told of each event with the twin it is about.
  directory_events(node_link link, std::shared_ptr<hub> readers);

  /// Calls `then` once: from then on nothing that happens is missed. Errors: those of the search.
  /// Thread-safe; call it again after a reader has joined, lest the watch ended in between.
  void when_live(std::function<void(status)> then);
  [[nodiscard]] const std::shared_ptr<hub>& readers() const { return readers_; }

private:
  void open();
  void pull();
  void took(const messages::watch_page& page);
  void look_at_models();
  void tell_twins_of(const std::string& model, const std::string& cursor);
  void again(std::int64_t after_ns);
  void failed(const failure& why);
  /// False when it has failed and nobody listens: then it has stopped.
  [[nodiscard]] bool tell_waiting(const status& outcome);
  [[nodiscard]] bool nobody_is_left();

  node_link link_;
  std::shared_ptr<hub> readers_;
  std::mutex mutex_; ///< of these four; all else is the one chain of questions'
  std::vector<std::function<void(status)>> waiting_;
  bool running_ = false, live_ = false;
  std::int64_t wanted_ns_ = 0; ///< when somebody last wanted it; steady
  std::uint64_t watch_ = 0, acknowledged_ = 0;
  bool drained_ = false; ///< the twins there were at the start have been passed over
  unsigned rounds_ = 0;
  std::map<std::string, std::string> rules_; ///< by model: which versions rule for whom
};

/// Hands a hub's frames on as the directory writes them: of one type, with the thing's URN.
class directory_feed : public outlet {
public:
  /// `named`: frames have the type as their event, as the specification of the directory says;
  /// else they have none, as clients for things read them.
  directory_feed(std::shared_ptr<outlet> to, std::string_view type, bool named);
  bool push(chunk bytes) override;
  [[nodiscard]] std::size_t unsent() const override { return to_->unsent(); }
  void close() override { to_->close(); }

private:
  std::shared_ptr<outlet> to_;
  std::string type_;
  bool named_;
};

} // namespace pollux::bridge::http
