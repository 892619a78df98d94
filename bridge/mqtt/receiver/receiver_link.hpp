// SPDX-License-Identifier: Apache-2.0
// One connection to the broker: socket and TLS below a session. Lives from the first look at the
// host's name to the end of the connection, on the receiver's one I/O thread; then it is done, and
// the next attempt is another link.
#pragma once
#include "bridge/mqtt/receiver/read_pace.hpp"
#include "bridge/mqtt/receiver/session.hpp"
#include "bridge/mqtt/receiver/tls_engine.hpp"
#include "messages/observability/metrics.hpp"
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

namespace pollux::bridge::mqtt {

struct endpoint {
  std::string host;
  std::string port;
  bool tls = false;
};

/// tcp://host[:1883] or ssl://host[:8883], IPv6 hosts in brackets. Errors: invalid_argument.
[[nodiscard]] result<endpoint> parse_broker_url(const std::string& url);

class receiver_link;

/// What a link tells its owner, on the I/O thread.
class link_events {
public:
  virtual ~link_events() = default;
  virtual void on_established(receiver_link& link) = 0;
  virtual void on_blocked(receiver_link& link, errc why) = 0;
  virtual void on_unblocked(receiver_link& link) = 0;
  virtual void on_ended(receiver_link& link) = 0; ///< once; the link does nothing any more
};

/// What all links of a receiver share. All must outlive them.
struct link_surroundings {
  boost::asio::io_context& io;
  arrival_handler& handler;
  messages::inlet& inlet;
  std::shared_ptr<const tls_context> tls; ///< for ssl://
  std::int64_t patience_ns;               ///< until the connection is established
  std::atomic<bool>& looks_soon;          ///< true while the thread rests and will look by itself
  std::atomic<std::uint64_t>& waiting;    ///< messages taken and not acknowledged, of all links
  messages::counter& acknowledged;
};

class receiver_link : public std::enable_shared_from_this<receiver_link> {
public:
  receiver_link(const link_surroundings& with, endpoint to, const session_options& options,
                session_memory& memory, link_events& owner);

  void start();
  /// The journal's watermark rose: acknowledges what it allows.
  void acknowledge();
  /// Takes no more, waits a moment for what is not yet durable, says good-bye and ends.
  void leave();
  /// Ends now.
  void abandon(std::string why);

  [[nodiscard]] const session& protocol() const noexcept { return session_; }
  /// Why it ended; for people.
  [[nodiscard]] const closure& end() const noexcept { return end_; }
  [[nodiscard]] bool established() const noexcept { return established_; }
  /// Messages it took and did not acknowledge, once it has ended.
  [[nodiscard]] std::uint64_t left_over() const noexcept { return counted_waiting_; }

private:
  using error_code = boost::system::error_code;
  void connect(const boost::asio::ip::tcp::resolver::results_type& addresses);
  void on_connected(const error_code& why);
  void read();
  void on_read(const error_code& why, std::size_t bytes);
  void decrypt(std::size_t bytes);
  void digest();
  void settle();
  void count();
  void rest();
  void wait_for_credit();
  void send();
  void write_on();
  void beat();
  void finish(closure why);
  void finish_after_output();
  void drain();

  link_surroundings with_;
  const endpoint to_;
  link_events& owner_;
  session session_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer beat_, credit_;
  std::unique_ptr<tls_engine> tls_;
  bool tls_ready_ = false, held_back_ = false;
  const std::size_t limit_; ///< of the buffer below
  std::vector<char> buffer_;
  std::size_t filled_ = 0;
  std::vector<char> cipher_;
  std::string sending_, waiting_;
  read_pace pace_;
  std::uint64_t messages_before_ = 0, counted_waiting_ = 0, counted_acknowledged_ = 0;
  std::int64_t started_ns_ = 0, leaving_ns_ = 0;
  bool established_ = false, blocked_ = false, reading_ = false, closing_ = false, ended_ = false;
  closure end_;
};

} // namespace pollux::bridge::mqtt
