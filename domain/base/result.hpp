// SPDX-License-Identifier: Apache-2.0
// Errors are values: result<T> holds either a T or a failure that says what a caller can do about
// it.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace pollux {

/// What went wrong, as far as a caller can act on it. Numbers travel on the wire: never renumber.
enum class errc : std::uint8_t {
  invalid_argument = 1,  ///< the caller's input is wrong; repeating it will not help
  not_found = 2,         ///< no such twin, alert, model, file
  already_exists = 3,    ///< the id is taken by something else
  conflict = 4,          ///< the state changed meanwhile, or the action does not fit it
  refused = 5,           ///< understood and denied, by an interlock or a permission
  overloaded = 6,        ///< a bound was reached; try again later
  unavailable = 7,       ///< a part is down or stopping; try again later
  timed_out = 8,         ///< no answer in time; the outcome is unknown
  corrupt = 9,           ///< bytes on disk or on a wire are damaged
  version_mismatch = 10, ///< written by a newer release
  locked = 11,           ///< another process holds it
  no_space = 12,         ///< the disk is full, or below the free-space watermark
  io = 13,               ///< the operating system said no
  internal = 14,         ///< a defect of ours
};

[[nodiscard]] const char* to_string(errc code) noexcept;

/// An expected failure: a code to act on and a sentence for people, which names the place.
struct failure {
  errc code = errc::internal;
  std::string what;

  /// The same failure with what the caller was doing put in front.
  [[nodiscard]] failure within(const std::string& context) const {
    return {code, context + ": " + what};
  }
};

/// Either a T or a failure. result<void> is `status`.
template <class T> class [[nodiscard]] result {
public:
  result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  result(pollux::failure error) : content_(std::in_place_index<1>, std::move(error)) {}
  [[nodiscard]] bool ok() const noexcept { return content_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  T& operator*() & { return std::get<0>(content_); }
  const T& operator*() const& { return std::get<0>(content_); }
  T&& operator*() && { return std::get<0>(std::move(content_)); }
  T* operator->() { return &std::get<0>(content_); }
  const T* operator->() const { return &std::get<0>(content_); }
  [[nodiscard]] const pollux::failure& error() const { return std::get<1>(content_); }

private:
  std::variant<T, pollux::failure> content_;
};

template <> class [[nodiscard]] result<void> {
public:
  result() = default;
  result(pollux::failure error) : failed_(true), error_(std::move(error)) {}
  [[nodiscard]] bool ok() const noexcept { return !failed_; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const pollux::failure& error() const { return error_; }

private:
  bool failed_ = false;
  pollux::failure error_;
};

using status = result<void>;

} // namespace pollux
