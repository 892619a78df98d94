// SPDX-License-Identifier: Apache-2.0
// MQTT 3.1.1 by hand over one socket, for the parts of a measurement that must cost next to
// nothing: the load, and a subscriber that only counts.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bench {

/// One PUBLISH that came in; the views are valid during the call.
struct incoming {
  std::string_view topic, payload;
};

class wire {
public:
  /// Connects to 127.0.0.1 with a clean session, and waits for the answer; afterwards the socket
  /// does not block. Errors: unavailable, refused.
  static result<wire> open(std::uint16_t port, const std::string& client_id);
  /// Whether something listens there.
  [[nodiscard]] static bool reachable(std::uint16_t port);

  wire(wire&& other) noexcept;
  wire& operator=(wire&&) = delete;
  ~wire();

  /// Subscribes and waits for the answer. Errors: unavailable, refused.
  status subscribe(const std::string& filter, unsigned qos);

  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// Bytes appended and not yet sent.
  [[nodiscard]] std::size_t waiting() const noexcept { return out_.size() - sent_; }
  /// Appends a PUBLISH; `id` is not used at QoS 0.
  void publish(std::string_view topic, std::string_view payload, unsigned qos, std::uint16_t id);
  /// Sends what the socket takes now. Errors: unavailable.
  status send_some();

  /// Reads once what is there. Each PUBLISH goes to `on_publish(incoming)`, its acknowledgement is
  /// appended; PUBACKs are counted in acknowledged(). Errors: unavailable.
  template <class F> status receive(F on_publish) {
    if (auto read = read_once(); !read) return read;
    std::string_view body;
    for (unsigned char head = 0; next_packet(head, body);) {
      incoming message;
      if (take(head, body, message)) on_publish(message);
    }
    forget_taken();
    return {};
  }
  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return acknowledged_; }

private:
  explicit wire(int fd) : fd_(fd) {}
  status read_once();
  bool next_packet(unsigned char& head, std::string_view& body);
  bool take(unsigned char head, std::string_view body, incoming& out);
  void forget_taken();
  status wait_for_packet(unsigned char type, std::string& body);

  int fd_ = -1;
  std::string out_;
  std::size_t sent_ = 0;
  std::vector<char> in_;
  std::size_t begin_ = 0, end_ = 0; ///< of in_ what has come and was not taken yet
  std::uint64_t acknowledged_ = 0;
};

} // namespace pollux::bench
