// SPDX-License-Identifier: Apache-2.0
// Requests and responses as handlers see them: plain values, no HTTP library.
#pragma once
#include "bridge/http/access/identity.hpp"
#include "domain/base/result.hpp"
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pollux::bridge::http {

using pairs = std::vector<std::pair<std::string, std::string>>;

struct request {
  std::string method;     ///< "GET", ...; a HEAD arrives as GET and loses its body on the way out
  std::string path;       ///< as sent, without the query
  pairs query;            ///< decoded, in order
  pairs parameters;       ///< what the pattern's {words} bound, decoded
  pairs headers;          ///< names in lower case
  std::string body;       ///< at most the server's limit
  std::string peer;       ///< the client's address, without the port
  identity who;           ///< nobody, until the server has found out
  bool secure = false;    ///< it came over TLS
  bool head_only = false; ///< a HEAD: only the header of the answer goes out

  /// The first value of that name, or `fallback`.
  [[nodiscard]] std::string_view header(std::string_view name,
                                        std::string_view fallback = {}) const;
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
  [[nodiscard]] bool has_query(std::string_view name) const;
};

/// Bytes that any number of answers share.
using chunk = std::shared_ptr<const std::string>;

/// Where an answer that goes on is pushed to. From any thread; never waits.
class outlet {
public:
  virtual ~outlet() = default;
  /// Queues the bytes (of a WebSocket: one text message). False, and nothing queued, when the
  /// client has gone, or has yet to take so much that these would exceed server_options::
  /// unsent_bytes; a first chunk is taken whatever its size.
  virtual bool push(chunk bytes) = 0;
  /// Bytes pushed that the client's connection has not taken.
  [[nodiscard]] virtual std::size_t unsent() const = 0;
  virtual void close() = 0; ///< at once, without what is unsent
};

/// An answer that goes on until one side closes it. The functions are called on the server's
/// thread, in this order: opened once, received for each message, closed once.
struct stream {
  bool web_socket = false; ///< else the bytes follow the header as they are
  std::function<void(const std::shared_ptr<outlet>&)> opened;
  std::function<void(std::string_view)> received; ///< a text message of a WebSocket
  std::function<void()> closed;
};

struct response {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  pairs headers;
  std::shared_ptr<const stream> goes_on = {}; ///< instead of the body, with status 200
};

/// Gives the answer; callable once, from any thread (later calls are ignored). When the last copy
/// goes without a call, the client gets a 500.
using responder = std::function<void(response)>;
/// Runs on the server's thread and must not block: start the work, answer later.
using handler = std::function<void(const request&, responder)>;

/// problem+json (RFC 9457): type "about:blank", title by status, and the sentence.
[[nodiscard]] response problem(unsigned status, std::string_view detail);
/// The problem that fits a failure: not_found 404, timed_out 504, overloaded 503, ...
[[nodiscard]] response problem(const failure& f);

/// The standard phrase of a status, "Unknown" otherwise.
[[nodiscard]] std::string_view reason(unsigned status);

/// The time now, as "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
[[nodiscard]] std::string http_date();

/// Is this Host header this machine's loopback? A page of some web site must not talk to a server
/// that trusts the machine by giving it a name of its own (DNS rebinding).
[[nodiscard]] bool is_local_host(std::string_view host);

/// Undoes %XX (and '+' as a space when `plus`). Errors: invalid_argument on a broken escape.
[[nodiscard]] result<std::string> percent_decode(std::string_view text, bool plus);

/// Patterns such as "/api/v1/twins/{id}"; a {word} binds one whole segment.
class router {
public:
  void add(std::string method, std::string pattern, handler h);
  /// GET of all paths for which no pattern was added and `covers` holds.
  void add_rest(std::function<bool(std::string_view path)> covers, handler h);

  struct match {
    const handler* found = nullptr;
    std::string allow; ///< path known, method not: the methods it takes, else empty
  };
  /// Fills request.parameters. Errors: invalid_argument (broken escape in a bound segment).
  [[nodiscard]] result<match> find(request& r) const;

private:
  struct route {
    std::string method;
    std::vector<std::string> segments;
    handler run;
  };
  std::vector<route> routes_;
  std::function<bool(std::string_view)> covers_;
  handler rest_;
};

/// Splits a request target into path and query; takes origin and absolute form. Errors:
/// invalid_argument.
[[nodiscard]] status split_target(std::string_view target, request& into);

} // namespace pollux::bridge::http
