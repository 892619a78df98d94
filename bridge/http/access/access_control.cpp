// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/access/access_control.hpp"
#include "domain/base/time.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

namespace pollux::bridge::http {

namespace {

std::int64_t steady_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t wall_now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

/// Of "Bearer abc"; nothing without such a header, empty for another scheme.
std::optional<std::string_view> bearer_of(const request& r) {
  auto text = r.header("authorization");
  if (text.empty()) return {};
  static constexpr std::string_view scheme = "bearer ";
  if (text.size() < scheme.size()) return std::string_view();
  const bool same = std::equal(scheme.begin(), scheme.end(), text.begin(), [](char a, char b) {
    return a == (b >= 'A' && b <= 'Z' ? b + 32 : b);
  });
  if (!same) return std::string_view();
  text.remove_prefix(scheme.size());
  while (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

/// A browser opens these two without a header of the page's choice.
bool takes_ticket(const request& r) {
  return r.method == "GET" && (!r.header("upgrade").empty() ||
                               r.header("accept").find("text/event-stream") != std::string::npos);
}

/// What the proxy nearest to us says: of several the last.
std::string last_of(std::string_view forwarded) {
  const auto comma = forwarded.rfind(',');
  auto out = comma == std::string_view::npos ? forwarded : forwarded.substr(comma + 1);
  while (out.starts_with(' ')) out.remove_prefix(1);
  while (out.ends_with(' ')) out.remove_suffix(1);
  return std::string(out.substr(0, 255));
}

bool is_host(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
  });
}

} // namespace

access_control::access_control(access_options options) : options_(std::move(options)) { refresh(); }

/// Reads the tokens when the file has changed. Cost: one stat(2).
void access_control::refresh() {
  struct stat found {};
  if (::stat(tokens_file(options_.data).c_str(), &found) != 0) {
    // a file that is there and cannot be looked at must not open the node
    state_ = errno == ENOENT ? book_state::none : book_state::unusable;
    book_ = {};
    seen_ = {};
    return;
  }
  const stamp now{found.st_dev, found.st_ino, found.st_size,
                  found.st_ctim.tv_sec * ns_per_s + found.st_ctim.tv_nsec};
  if (now == seen_) return;
  seen_ = now;
  auto read = load_tokens(options_.data);
  state_ = read ? book_state::good : book_state::unusable;
  book_ = read ? std::move(*read) : token_book{};
  if (!read)
    messages::log::error("access", "the tokens cannot be used: nobody is let in",
                         {{"why", read.error().what}});
}

bool access_control::open_without_token(const std::string& peer) const {
  if (!options_.loopback || options_.behind_proxy || !is_loopback(peer)) return false;
  return state_ == book_state::none || options_.open_on_loopback;
}

std::optional<response> access_control::wrong(const request& r, const char* detail) {
  attempts_.failed(r.peer, steady_now_ns());
  messages::log::warning("access", "a credential was refused", {{"from", r.peer}, {"why", detail}});
  auto out = problem(401, detail);
  out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"pollux\", error=\"invalid_token\"");
  return out;
}

void access_control::place(request& r) {
  if (options_.behind_proxy) {
    if (auto from = last_of(r.header("x-forwarded-for")); !from.empty()) r.peer = std::move(from);
    r.secure = r.secure || last_of(r.header("x-forwarded-proto")) == "https";
    if (auto host = last_of(r.header("x-forwarded-host")); is_host(host))
      for (auto& [name, value] : r.headers)
        if (name == "host") value = host;
  }
  std::erase_if(r.headers, [](const auto& h) {
    return h.first.starts_with("x-forwarded-") || h.first == "forwarded" || h.first == "x-real-ip";
  });
}

std::optional<response> access_control::admit(request& r) {
  refresh();
  std::string ticket;
  if (takes_ticket(r))
    std::erase_if(r.query, [&](auto& q) {
      if (q.first != "ticket") return false;
      ticket = std::move(q.second);
      return true;
    });
  if (const auto secret = bearer_of(r)) return admit_token(r, *secret);
  if (!ticket.empty()) return admit_ticket(r, ticket);
  if (open_without_token(r.peer)) r.who = identity::loopback();
  return {}; // the route's role says whether nobody may
}

std::optional<response> access_control::admit_token(request& r, std::string_view secret) {
  const auto now = steady_now_ns();
  const auto* found = book_.with_secret(secret);
  const bool good = found != nullptr && !found->expired(wall_now_ns());
  if (const auto wait = attempts_.wait_ns(r.peer, now);
      wait > 0 && !(good && attempts_.is_known(r.peer, found->hash))) {
    auto out = problem(429, "too many wrong tokens from this address");
    out.headers.emplace_back("Retry-After", std::to_string((wait + ns_per_s - 1) / ns_per_s));
    return out;
  }
  if (found == nullptr) return wrong(r, "this token is not known here");
  if (!good) return wrong(r, "this token has expired");
  attempts_.worked(r.peer, found->hash, now);
  r.who = found->as_identity();
  return {};
}

std::optional<response> access_control::admit_ticket(request& r, const std::string& secret) {
  const auto now = steady_now_ns();
  if (attempts_.wait_ns(r.peer, now) > 0) {
    auto out = problem(429, "too many wrong tokens from this address");
    out.headers.emplace_back("Retry-After", "1");
    return out;
  }
  auto who = tickets_.take(secret, now);
  if (!who || !still(*who)) return wrong(r, "this ticket was used, is too old, or was never given");
  r.who = std::move(*who);
  return {};
}

bool access_control::still(const identity& who) {
  refresh();
  if (who.credential.empty())
    return !who.name.empty() && (state_ == book_state::none || options_.open_on_loopback);
  const auto* found = book_.with_hash(who.credential);
  return found != nullptr && !found->expired(wall_now_ns());
}

void access_control::record(const deed& done, unsigned status) {
  if (options_.audit == nullptr) return;
  // these change nothing: a page asks for a ticket with each stream
  const bool asks = done.target == "/api/v1/tickets" || done.target == "/api/v1/models/check";
  if (asks && status < 400) return;
  options_.audit->add(done, audit::ending_of_status(status), wall_now_ns());
}

status access_control::may_listen(bool loopback, bool tls) {
  if (loopback) return {};
  if (!tls && !options_.behind_proxy)
    return failure{
        errc::refused,
        "[http] address is not a loopback address: tokens would cross the network in the "
        "clear; set certificate_file and key_file, or behind_proxy = true"};
  refresh();
  if (book_.all().empty())
    return failure{errc::refused,
                   "[http] address is not a loopback address and there is no token: make one first "
                   "(pollux token create NAME --role admin)"};
  return {};
}

std::string access_control::issue_ticket(const identity& who) {
  return tickets_.issue(who, steady_now_ns());
}

void add_ticket_routes(route_table& to, access_control& control) {
  to.push_back(
      {"POST", "/api/v1/tickets", role::viewer, reach::somewhere,
       [&control](const request& r, const responder& respond) {
         const auto made = control.issue_ticket(r.who);
         if (made.empty()) return respond(problem(503, "no random bytes to be had"));
         response out;
         out.status = 201;
         out.content_type = "application/json";
         out.headers.emplace_back("Cache-Control", "no-store");
         const auto until = wall_now_ns() + tickets::lifetime_ns;
         out.body =
             nlohmann::ordered_json{{"ticket", made}, {"expires_at", format_rfc3339(until)}}.dump();
         respond(std::move(out));
       }});
}

} // namespace pollux::bridge::http
